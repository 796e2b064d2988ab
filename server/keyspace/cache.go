package keyspace

import "github.com/VictoriaMetrics/fastcache"

// Cache keeps rows that were read from the key-value store, of any number of
// spaces, outside of Go's heap: finding a row in the store takes some ten times as
// long, be its blocks in memory or not. It is safe for concurrent use.
//
// What it has of a key is what the store has, or older while a layer of the space
// has the key, since layers are looked into first. That is why a layer is written
// to it before it is dropped, and why a row read from the store is not taken when a
// layer was about to be dropped meanwhile.
type Cache struct{ c *fastcache.Cache }

// minCache is the smallest cache that the library makes.
const minCache = 32 << 20

// maxCached is the size of a key and its row from which on they are not kept.
const maxCached = 60 << 10

// NewCache returns a cache of so many bytes; one too small to be of use keeps nothing.
func NewCache(bytes int64) *Cache {
	if bytes < minCache {
		return &Cache{}
	}
	return &Cache{fastcache.New(int(bytes))}
}

// appendTo appends the row under key to dst; false when it is not there.
func (c *Cache) appendTo(dst, key []byte) ([]byte, bool) {
	if c.c == nil {
		return dst, false
	}
	return c.c.HasGet(dst, key)
}

// put takes a row, unless it is too large; nil forgets the key.
func (c *Cache) put(key, row []byte) {
	switch {
	case c.c == nil:
	case row == nil || len(key)+len(row) >= maxCached: // which the library would skip, and keep what it had
		c.c.Del(key)
	default:
		c.c.Set(key, row)
	}
}

// Close gives the memory back. Nothing must use the cache any more.
func (c *Cache) Close() {
	if c.c != nil {
		c.c.Reset()
	}
}
