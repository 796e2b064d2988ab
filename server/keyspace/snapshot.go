package keyspace

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"github.com/fluss-go/fluss/server/kvstore"
)

// Snapshot is the rows of a space at one moment. It is safe for concurrent use.
type Snapshot struct {
	s      *Space
	layers []*layer // newest first; nobody changes them
	kv     *kvstore.Snapshot
	once   sync.Once
}

// Snapshot takes the rows as they are; note is called while no row can be
// written. The caller closes the snapshot.
func (s *Space) Snapshot(note func()) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kv, err := s.kv.Snapshot()
	if err != nil {
		return nil, err
	}
	out := &Snapshot{s: s, kv: kv}
	if s.active.Len() > 0 {
		out.layers = append(out.layers, s.active.Copy())
	}
	for _, l := range slices.Backward(s.frozen) {
		out.layers = append(out.layers, l)
	}
	note()
	return out, nil
}

// Close gives the snapshot's resources back; iterators must be closed before. It
// may be called twice.
func (s *Snapshot) Close() { s.once.Do(s.kv.Close) }

// Iterate returns the rows with keys in [from, to) in key order; nil means no
// bound. The caller closes the iterator.
func (s *Snapshot) Iterate(from, to []byte) (*Iterator, error) {
	lower := append(slices.Clone(s.s.prefix), from...)
	upper := kvstore.After(s.s.prefix)
	if to != nil {
		upper = append(slices.Clone(s.s.prefix), to...)
	}
	base, err := s.kv.Iterate(lower, upper)
	if err != nil {
		return nil, err
	}
	it := &Iterator{base: base, skip: len(s.s.prefix), to: slices.Clone(to)}
	it.baseOK = base.Next()
	for _, l := range s.layers {
		c := cursor{it: l.Iter()}
		if from == nil {
			c.ok = c.it.First()
		} else {
			c.ok = c.it.Seek(newEntry(from, nil))
		}
		c.stop(it.to)
		it.layers = append(it.layers, c)
	}
	return it, nil
}

// cursor is a place in a layer.
type cursor struct {
	it btree.IterG[entry]
	ok bool
}

// stop ends the cursor at the bound.
func (c *cursor) stop(to []byte) {
	if c.ok && to != nil && bytes.Compare(c.it.Item().key, to) >= 0 {
		c.ok = false
	}
}

// Iterator goes through the rows of a snapshot in key order. It is for one goroutine.
type Iterator struct {
	base   *kvstore.Iterator
	baseOK bool
	skip   int // the prefix of the base's keys
	layers []cursor
	to     []byte

	key, row []byte
	// fromBase says that row is the base's, which has not moved on yet.
	fromBase bool
}

// Next moves to the next row, the first one at first, and reports whether there is one.
func (it *Iterator) Next() bool {
	for {
		it.advance()
		first, at := it.smallest()
		if at < 0 && !it.baseOK {
			it.key, it.row = nil, nil
			return false
		}
		if at < 0 {
			it.key, it.row, it.fromBase = it.base.Key()[it.skip:], it.base.Value(), true
			return true
		}
		it.key, it.row = first.key, first.row
		if it.row != nil {
			return true
		}
	}
}

// advance moves whatever stands at the current key behind it.
func (it *Iterator) advance() {
	if it.fromBase {
		it.fromBase = false
		it.baseOK = it.base.Next()
		return // no layer has the key
	}
	if it.key == nil {
		return
	}
	for i := range it.layers {
		c := &it.layers[i]
		if c.ok && bytes.Equal(c.it.Item().key, it.key) {
			c.ok = c.it.Next()
			c.stop(it.to)
		}
	}
	if it.baseOK && bytes.Equal(it.base.Key()[it.skip:], it.key) {
		it.baseOK = it.base.Next()
	}
}

// smallest returns the first entry of the layers, of the newest one that has its
// key; -1 when the base is before it, or there is none.
func (it *Iterator) smallest() (entry, int) {
	at := -1
	var first entry
	for i := range it.layers {
		c := &it.layers[i]
		if !c.ok {
			continue
		}
		if e := c.it.Item(); at < 0 || bytes.Compare(e.key, first.key) < 0 {
			first, at = e, i
		}
	}
	if at >= 0 && it.baseOK && bytes.Compare(it.base.Key()[it.skip:], first.key) < 0 {
		return entry{}, -1
	}
	return first, at
}

// Key is the key of the row, valid until the next call of Next.
func (it *Iterator) Key() []byte { return it.key }

// Row is the row, valid until the next call of Next.
func (it *Iterator) Row() []byte { return it.row }

// Err is what ended the iteration early: CORRUPT(segment).
func (it *Iterator) Err() error { return it.base.Err() }

// Close ends the iteration. It may be called twice.
func (it *Iterator) Close() {
	it.base.Close()
	for i := range it.layers {
		it.layers[i].it.Release()
	}
	it.layers = nil
}
