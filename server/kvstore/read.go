package kvstore

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// AppendTo appends the value of key to dst, which key may alias, and returns the
// longer dst; false when there is none. It fails as Get does.
func (s *Store) AppendTo(dst, key []byte) ([]byte, bool, error) {
	if err := s.err(); err != nil {
		return dst, false, err
	}
	v, c, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, s.readError("get", err)
	}
	dst = append(dst, v...)
	return dst, true, c.Close()
}

// Snapshot is the store at one moment. It keeps what it shows on disk: close it.
type Snapshot struct {
	s    *Store
	snap *pebble.Snapshot
}

// Snapshot returns the store as it is now.
func (s *Store) Snapshot() (*Snapshot, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return &Snapshot{s: s, snap: s.db.NewSnapshot()}, nil
}

// Close gives the snapshot back. It is called once, after its iterators are closed.
func (p *Snapshot) Close() {
	if p.s.err() == nil {
		_ = p.snap.Close() // cannot fail
	}
}

// Iterator goes through keys in order. It is for one goroutine.
type Iterator struct {
	s       *Store
	it      *pebble.Iterator
	started bool
	value   []byte
	err     error
	close   sync.Once
}

// Iterate returns the keys in [lower, upper), before the first one.
func (p *Snapshot) Iterate(lower, upper []byte) (*Iterator, error) {
	return p.s.iterate(p.snap, lower, upper)
}

// Iterate returns the keys in [lower, upper) as they are now, before the first one.
func (s *Store) Iterate(lower, upper []byte) (*Iterator, error) { return s.iterate(s.db, lower, upper) }

func (s *Store) iterate(r pebble.Reader, lower, upper []byte) (*Iterator, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("iterate: %w", err)
	}
	return &Iterator{s: s, it: it}, nil
}

// Next moves to the next key, the first one at first, and reports whether there is one.
func (i *Iterator) Next() bool {
	if i.err != nil {
		return false
	}
	if i.started {
		return i.at(i.it.Next())
	}
	i.started = true
	return i.at(i.it.First())
}

// Seek moves to the first key that is key or behind it, and reports whether there
// is one. It takes least when the key is a little behind the one before.
func (i *Iterator) Seek(key []byte) bool {
	if i.err != nil {
		return false
	}
	i.started = true
	return i.at(i.it.SeekGE(key))
}

// at takes in where the iterator went.
func (i *Iterator) at(ok bool) bool {
	if ok {
		i.value, i.err = i.it.ValueAndErr()
	} else {
		i.err = i.it.Error()
	}
	if i.err != nil {
		i.err = i.s.readError("iterate", i.err)
	}
	return ok && i.err == nil
}

// Key is the key, valid until the next call of Next or Seek.
func (i *Iterator) Key() []byte { return i.it.Key() }

// Value is the value, valid until the next call of Next or Seek.
func (i *Iterator) Value() []byte { return i.value }

// Err is what ended the iteration early. It fails as Get does.
func (i *Iterator) Err() error { return i.err }

// Close ends the iteration. It may be called twice.
func (i *Iterator) Close() { i.close.Do(func() { _ = i.it.Close() }) }
