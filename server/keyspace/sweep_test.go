package keyspace_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/kvstore"
)

// BenchmarkGet reads rows of 40 B, half of the keys have one, from a store of a
// million: by a Reader, and by sweeps of batches of several sizes.
func BenchmarkGet(b *testing.B) {
	const rows = 1_000_000
	kv, err := kvstore.Open(kvstore.Options{FS: vfs.Default, Dir: b.TempDir(), MemTableBytes: 16 << 20, CacheBytes: 128 << 20})
	require.NoError(b, err)
	defer kv.Close()
	cache := keyspace.NewCache(1 << 20)
	defer cache.Close()
	space := keyspace.New(kv, cache, []byte("rows"))
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) } //nolint:gosec // small
	for i := 0; i < 2*rows; i += 2 {
		space.Lock()
		space.Set(key(i*7919%(2*rows)), make([]byte, 40))
		space.Unlock()
		if i%(rows/4) == 0 {
			f := space.Freeze()
			w := kv.NewBatch()
			require.NoError(b, f.Write(w))
			require.NoError(b, w.Commit())
			f.Thaw()
		}
	}
	b.Run("reader", func(b *testing.B) {
		r := space.Reader()
		for b.Loop() {
			_, err := r.Get(key(rand.IntN(2 * rows))) //nolint:gosec // not secret
			require.NoError(b, err)
		}
	})
	for _, n := range []int{100, 1_000, 10_000, 60_000} {
		b.Run(fmt.Sprintf("sweep=%d", n), func(b *testing.B) {
			order := make([]int, n)
			for done := 0; done < b.N; done += n {
				for i := range order {
					order[i] = rand.IntN(2 * rows) //nolint:gosec // not secret
				}
				slices.Sort(order)
				w := space.Sweep(n, rows)
				for _, i := range order {
					_, err := w.Get(key(i))
					require.NoError(b, err)
				}
				w.Close()
			}
		})
	}
}
