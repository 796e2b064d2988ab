package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// ErrConflict tells that a key has another version than was expected.
var ErrConflict = errors.New("another process changed the document")

// maxOps bounds the keys that one commit changes: etcd takes no more than 128.
const maxOps = 120

// KV keeps small documents by key. It is safe for concurrent use, also of several processes.
type KV interface {
	// Get returns the document of a key and its version, which is higher after each
	// change; version 0 and no error when there is none.
	Get(ctx context.Context, key string) (value []byte, version int64, err error)
	// Commit does all of ops, or none. It fails with ErrConflict, having done nothing,
	// when one of the keys has another version than its Op says. After another error it
	// may have been done. The keys differ, and there are at most 120.
	Commit(ctx context.Context, ops []Op) error
	// List returns the documents whose keys start with prefix, ordered by key.
	List(ctx context.Context, prefix string) ([]Entry, error)
}

// Op is one change of a Commit.
type Op struct {
	Key string
	// Version is the one that the key must have; 0 when it must not be there.
	Version int64
	// Value is the key's next document; nil removes it.
	Value []byte
}

// Entry is a document that was listed.
type Entry struct {
	Key     string
	Value   []byte
	Version int64
}

// MemKV is a KV in memory, for tests. The zero value is empty.
type MemKV struct {
	mu      sync.Mutex // guards all below
	docs    map[string]Entry
	version int64
}

var _ KV = (*MemKV)(nil)

// Get implements KV.
func (m *MemKV) Get(ctx context.Context, key string) (value []byte, version int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.docs[key]
	return e.Value, e.Version, ctx.Err()
}

// Commit implements KV.
func (m *MemKV) Commit(ctx context.Context, ops []Op) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(ops) > maxOps {
		return errors.New("too many changes in one commit")
	}
	for _, op := range ops {
		if m.docs[op.Key].Version != op.Version {
			return ErrConflict
		}
	}
	if m.docs == nil {
		m.docs = map[string]Entry{}
	}
	m.version++
	for _, op := range ops {
		if op.Value == nil {
			delete(m.docs, op.Key)
			continue
		}
		m.docs[op.Key] = Entry{op.Key, slices.Clone(op.Value), m.version}
	}
	return nil
}

// List implements KV.
func (m *MemKV) List(ctx context.Context, prefix string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Entry
	for key, e := range m.docs {
		if strings.HasPrefix(key, prefix) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return out, ctx.Err()
}
