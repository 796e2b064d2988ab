package metastore

import (
	"hash/maphash"
	"iter"
	"maps"
)

// cowShards bounds what a change copies: one pointer per shard and the entries
// of the shards it touches.
const cowShards = 256

// cowSeed is one for the process, so that copies of a map agree on the shards.
var cowSeed = maphash.MakeSeed()

// cowMap is a map that is cheap to read and cheap to copy with a few changes.
// It is not changed once built; the zero value is empty.
type cowMap[K comparable, V any] struct {
	shards [cowShards]map[K]V
	n      int
}

func (m *cowMap[K, V]) get(k K) (V, bool) {
	v, ok := m.shards[maphash.Comparable(cowSeed, k)%cowShards][k]
	return v, ok
}

func (m *cowMap[K, V]) len() int { return m.n }

// all yields the entries in no order.
func (m *cowMap[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, shard := range m.shards {
			for k, v := range shard {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// cowEdit changes a copy of a cowMap; each shard is copied once at most.
type cowEdit[K comparable, V any] struct {
	m     *cowMap[K, V]
	owned [cowShards]bool
}

// edit returns an edit of a copy of m, which itself stays as it is.
func (m *cowMap[K, V]) edit() *cowEdit[K, V] {
	copied := *m
	return &cowEdit[K, V]{m: &copied}
}

func (e *cowEdit[K, V]) shard(k K) map[K]V {
	i := maphash.Comparable(cowSeed, k) % cowShards
	if !e.owned[i] {
		e.owned[i] = true
		if e.m.shards[i] = maps.Clone(e.m.shards[i]); e.m.shards[i] == nil {
			e.m.shards[i] = map[K]V{}
		}
	}
	return e.m.shards[i]
}

func (e *cowEdit[K, V]) set(k K, v V) {
	shard := e.shard(k)
	before := len(shard)
	shard[k] = v
	e.m.n += len(shard) - before
}

func (e *cowEdit[K, V]) remove(k K) {
	if _, ok := e.m.get(k); !ok {
		return
	}
	delete(e.shard(k), k)
	e.m.n--
}

// done returns the changed copy; the edit must not be used any more.
func (e *cowEdit[K, V]) done() *cowMap[K, V] { return e.m }
