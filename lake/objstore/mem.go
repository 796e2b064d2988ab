package objstore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a Store in memory, for tests and trials. The zero value is empty.
type Memory struct {
	mu      sync.RWMutex // guards objects
	objects map[string]memObject
}

// memObject's data is never changed once it is there.
type memObject struct {
	data     []byte
	modified time.Time
}

var _ Store = (*Memory)(nil)

// Put implements Store.
func (m *Memory) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return m.put(ctx, key, body, size, true)
}

// PutIfAbsent implements Store.
func (m *Memory) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return m.put(ctx, key, body, size, false)
}

func (m *Memory) put(ctx context.Context, key string, body io.Reader, size int64, replace bool) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := io.ReadAll(&exact{key: key, body: body, size: size})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; ok && !replace {
		return fmt.Errorf("%s: %w", key, ErrExists)
	}
	if m.objects == nil {
		m.objects = map[string]memObject{}
	}
	m.objects[key] = memObject{data, time.Now()}
	return nil
}

func (m *Memory) get(ctx context.Context, key string) (memObject, error) {
	if err := checkKey(key); err != nil {
		return memObject{}, err
	}
	if err := ctx.Err(); err != nil {
		return memObject{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, ok := m.objects[key]
	if !ok {
		return memObject{}, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	return o, nil
}

// Get implements Store.
func (m *Memory) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	if err := checkRange(key, off); err != nil {
		return nil, err
	}
	o, err := m.get(ctx, key)
	if err != nil {
		return nil, err
	}
	data := o.data[min(off, int64(len(o.data))):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Stat implements Store.
func (m *Memory) Stat(ctx context.Context, key string) (Object, error) {
	o, err := m.get(ctx, key)
	return Object{Key: key, Size: int64(len(o.data)), Modified: o.modified}, err
}

// List implements Store.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		m.mu.RLock()
		var found []Object
		for key, o := range m.objects {
			if strings.HasPrefix(key, prefix) {
				found = append(found, Object{key, int64(len(o.data)), o.modified})
			}
		}
		m.mu.RUnlock()
		yieldSorted(ctx, found, yield)
	}
}

// yieldSorted yields objects by key until ctx ends.
func yieldSorted(ctx context.Context, found []Object, yield func(Object, error) bool) {
	slices.SortFunc(found, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	for _, o := range found {
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
			return
		}
		if !yield(o, nil) {
			return
		}
	}
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, keys ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		delete(m.objects, key)
	}
	return nil
}

// URL implements Store.
func (m *Memory) URL() string { return "mem://store" }

// Close implements Store.
func (m *Memory) Close() error { return nil }
