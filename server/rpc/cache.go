package rpc

import "sync"

// cache keeps what is compiled for requests of one shape. Keys name versions that
// never change, so that no entry is ever stale. It is safe for concurrent use.
type cache[K comparable, V any] struct {
	// limit bounds the columns of the entries; past it the cache starts over.
	limit int

	mu      sync.RWMutex
	by      map[K]V // guarded by mu
	columns int     // guarded by mu
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, by: map[K]V{}}
}

func (c *cache[K, V]) find(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.by[key]
	return v, ok
}

// add keeps v, which has so many columns, unless another one came first, and
// returns the one that is kept.
func (c *cache[K, V]) add(key K, v V, columns int) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, ok := c.by[key]; ok {
		return kept
	}
	weight := columns + 1
	if c.columns+weight > c.limit {
		clear(c.by)
		c.columns = 0
	}
	c.by[key] = v
	c.columns += weight
	return v
}
