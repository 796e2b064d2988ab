package keyspace

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"github.com/fluss-go/fluss/server/kvstore"
)

// entry is a row in a layer; a nil row means that the key has none. Both slices
// are never changed once they are in a layer.
type entry struct {
	// prefix is the key's first 8 bytes, so that most comparisons need no other memory.
	prefix   uint64
	key, row []byte
}

func newEntry(key, row []byte) entry {
	e := entry{key: key, row: row}
	if len(key) >= 8 {
		e.prefix = binary.BigEndian.Uint64(key)
		return e
	}
	var b [8]byte
	copy(b[:], key)
	e.prefix = binary.BigEndian.Uint64(b[:])
	return e
}

func byKey(a, b entry) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return bytes.Compare(a.key, b.key) < 0
}

type layer = btree.BTreeG[entry]

func newLayer() *layer { return btree.NewBTreeGOptions(byKey, btree.Options{NoLocks: true}) }

// Space is the rows of one bucket.
type Space struct {
	kv     *kvstore.Store
	cache  *Cache
	prefix []byte

	// mu guards the rest. A layer that is frozen does not change any more.
	mu     sync.RWMutex
	active *layer
	frozen []*layer       // oldest first
	hint   btree.PathHint // where the last row was set
	// drops counts the layers that are about to go, or gone.
	drops uint64
}

// New returns the space of the rows that the store has under keys with the prefix.
// The prefix must not be changed afterwards.
func New(kv *kvstore.Store, cache *Cache, prefix []byte) *Space {
	return &Space{kv: kv, cache: cache, prefix: prefix, active: newLayer()}
}

// Lock keeps readers out while rows are set and what belongs to them changes.
func (s *Space) Lock() { s.mu.Lock() }

// Unlock ends Lock.
func (s *Space) Unlock() { s.mu.Unlock() }

// RLock keeps rows from being set; readers go on.
func (s *Space) RLock() { s.mu.RLock() }

// RUnlock ends RLock.
func (s *Space) RUnlock() { s.mu.RUnlock() }

// Set gives key a row, or takes it away when row is nil. The space keeps both
// slices. The caller holds Lock. It takes least when keys ascend.
func (s *Space) Set(key, row []byte) { s.active.SetHint(newEntry(key, row), &s.hint) }

// inMemory finds key in the layers; found says that one has it, be it without a
// row. drops is for remember.
func (s *Space) inMemory(key []byte) (row []byte, found bool, drops uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	probe := newEntry(key, nil)
	if e, ok := s.active.Get(probe); ok {
		return e.row, true, 0
	}
	for _, l := range slices.Backward(s.frozen) {
		if e, ok := l.Get(probe); ok {
			return e.row, true, 0
		}
	}
	return nil, false, s.drops
}

// remember puts a row that the store had into the cache, unless a layer was
// dropped since inMemory looked: it may have had a newer one.
func (s *Space) remember(key, row []byte, drops uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.drops == drops {
		s.cache.put(key, row)
	}
}

// Reader gets rows by key. It is for one goroutine.
type Reader struct {
	s       *Space
	scratch []byte
}

// Reader returns a reader.
func (s *Space) Reader() Reader { return Reader{s: s, scratch: slices.Clone(s.prefix)} }

// keepScratch is the size up to which a reader's memory is used for the next row:
// every bucket has readers that live as long as it does.
const keepScratch = 64 << 10

// Get returns the row of key, nil when it has none. The row is valid until the
// next call and must not be changed. It fails with CORRUPT(segment).
func (r *Reader) Get(key []byte) ([]byte, error) {
	row, ok, drops := r.s.inMemory(key)
	if ok {
		return row, nil
	}
	n := len(r.s.prefix)
	r.scratch = append(r.scratch[:n], key...)
	at := len(r.scratch)
	out, ok := r.s.cache.appendTo(r.scratch, r.scratch)
	if !ok {
		var err error
		if out, ok, err = r.s.kv.AppendTo(r.scratch, r.scratch); err != nil || !ok {
			return nil, err
		}
		r.s.remember(out[:at], out[at:], drops)
	}
	if cap(out) <= keepScratch {
		r.scratch = out
	}
	return out[at:], nil
}

// Frozen is a layer on its way to the store.
type Frozen struct {
	s     *Space
	layer *layer
}

// Freeze ends the active layer and returns it; nil when it is empty.
func (s *Space) Freeze() *Frozen {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active.Len() == 0 {
		return nil
	}
	f := &Frozen{s, s.active}
	s.frozen = append(s.frozen, s.active)
	s.active = newLayer()
	return f
}

// breathe is after how many rows a walk lets other goroutines run.
const breathe = 256

// Write puts the rows into w.
func (f *Frozen) Write(w *kvstore.Batch) error {
	key := slices.Clone(f.s.prefix)
	var err error
	n := 0
	f.layer.Scan(func(e entry) bool {
		if n++; n%breathe == 0 {
			runtime.Gosched()
		}
		key = append(key[:len(f.s.prefix)], e.key...)
		if e.row == nil {
			err = w.Delete(key)
		} else {
			err = w.Set(key, e.row)
		}
		return err == nil
	})
	return err
}

// Thaw drops the layer: the store has its rows now. They go to the cache, where
// reads of keys that change often find them. Layers are thawed in the order in which
// they were frozen.
func (f *Frozen) Thaw() {
	f.s.mu.Lock()
	f.s.drops++ // before the rows are cached: whoever looked before the layer had them may have older ones
	f.s.mu.Unlock()
	f.cache()
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.frozen = slices.DeleteFunc(f.s.frozen, func(l *layer) bool { return l == f.layer })
}

// cache writes the layer's rows into the cache.
func (f *Frozen) cache() {
	key := slices.Clone(f.s.prefix)
	n := 0
	f.layer.Scan(func(e entry) bool {
		if n++; n%breathe == 0 {
			runtime.Gosched()
		}
		key = append(key[:len(f.s.prefix)], e.key...)
		f.s.cache.put(key, e.row)
		return true
	})
}

// Restore makes the layer part of the active one again: the store does not have
// its rows for sure.
func (f *Frozen) Restore() {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.frozen = slices.DeleteFunc(f.s.frozen, func(l *layer) bool { return l == f.layer })
	newer := f.s.active
	f.s.active = f.layer.Copy()
	newer.Scan(func(e entry) bool {
		f.s.active.Set(e)
		return true
	})
}
