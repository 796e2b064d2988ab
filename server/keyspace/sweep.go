package keyspace

import (
	"bytes"
	"slices"

	"github.com/tidwall/btree"

	"github.com/fluss-go/fluss/server/kvstore"
)

// Sweep gets rows of a space as it was at one moment, by keys that ascend. It takes
// far less than a Reader, and caches nothing: it is for rows that are about to
// change. No row may be set while it is in use; layers may come and go. It is for
// one goroutine.
type Sweep struct {
	s       *Space
	layers  []swept // newest first
	dense   bool
	it      *kvstore.Iterator // of a dense sweep, once it needs the store
	scratch []byte
}

// swept is a layer, with where the last key was.
type swept struct {
	*layer
	hint btree.PathHint
}

// denseGap is how many rows may lie between two keys for the store to be walked,
// rather than asked for each key, which its filters often answer without a read.
const denseGap = 100

// Sweep begins one for so many keys, in a space of about so many rows. The caller
// closes it.
func (s *Space) Sweep(keys int, rows int64) *Sweep {
	s.mu.RLock()
	defer s.mu.RUnlock()
	w := &Sweep{s: s, dense: int64(keys)*denseGap >= rows, scratch: slices.Clone(s.prefix)}
	if s.active.Len() > 0 {
		w.layers = append(w.layers, swept{layer: s.active})
	}
	for _, l := range slices.Backward(s.frozen) {
		w.layers = append(w.layers, swept{layer: l})
	}
	return w
}

// Get returns the row of key, nil when it has none. The row is valid until the
// next call and must not be changed. It fails with CORRUPT(segment).
func (w *Sweep) Get(key []byte) ([]byte, error) {
	probe := newEntry(key, nil)
	for i := range w.layers {
		l := &w.layers[i]
		if e, ok := l.GetHint(probe, &l.hint); ok {
			return e.row, nil
		}
	}
	w.scratch = append(w.scratch[:len(w.s.prefix)], key...)
	if w.dense {
		return w.seek(w.scratch)
	}
	at := len(w.scratch)
	out, ok := w.s.cache.appendTo(w.scratch, w.scratch)
	if !ok {
		var err error
		if out, ok, err = w.s.kv.AppendTo(w.scratch, w.scratch); err != nil || !ok {
			return nil, err
		}
	}
	w.scratch = out
	return out[at:], nil
}

// seek finds a key of the store.
func (w *Sweep) seek(key []byte) ([]byte, error) {
	if w.it == nil {
		var err error
		if w.it, err = w.s.kv.Iterate(key, kvstore.After(w.s.prefix)); err != nil {
			return nil, err
		}
	}
	if w.it.Seek(key) && bytes.Equal(w.it.Key(), key) {
		return w.it.Value(), nil
	}
	return nil, w.it.Err()
}

// Close ends the sweep.
func (w *Sweep) Close() {
	if w.it != nil {
		w.it.Close()
	}
}
