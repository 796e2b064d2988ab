package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Memory is Documents in memory, for tests. The zero value is empty.
type Memory struct {
	mu      sync.Mutex // guards all below
	docs    map[string]Entry
	version int64
}

var _ Documents = (*Memory)(nil)

// Get implements Documents.
func (m *Memory) Get(_ context.Context, key string) (Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key], nil
}

// List implements Documents.
func (m *Memory) List(_ context.Context, prefix string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Entry
	for key, e := range m.docs {
		if strings.HasPrefix(key, prefix) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// Put implements Documents.
func (m *Memory) Put(_ context.Context, e Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[e.Key].Version != e.Version {
		return ErrConflict
	}
	if e.Value == nil {
		delete(m.docs, e.Key)
		return nil
	}
	if m.docs == nil {
		m.docs = map[string]Entry{}
	}
	m.version++
	e.Version = m.version
	m.docs[e.Key] = e
	return nil
}
