package keyspace_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/kvstore"
)

func open(t *testing.T, fs vfs.FS) *kvstore.Store {
	t.Helper()
	kv, err := kvstore.Open(kvstore.Options{FS: fs, Dir: "kv", MemTableBytes: 64 << 10})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kv.Close()) })
	return kv
}

// world is a space beside a map that must be the same.
type world struct {
	t      *testing.T
	kv     *kvstore.Store
	space  *keyspace.Space
	rows   map[string]string
	frozen []*keyspace.Frozen
	random *rand.Rand
}

func (w *world) key() string { return fmt.Sprintf("%03d", w.random.IntN(300)) }

func (w *world) set() {
	w.space.Lock()
	defer w.space.Unlock()
	for range w.random.IntN(20) {
		k, v := w.key(), fmt.Sprint(w.random.Uint32())
		if w.random.IntN(4) == 0 {
			w.space.Set([]byte(k), nil)
			delete(w.rows, k)
			continue
		}
		w.space.Set([]byte(k), []byte(v))
		w.rows[k] = v
	}
}

// checkpoint does a step of a checkpoint: begin one, or end it well or not.
func (w *world) checkpoint() {
	if len(w.frozen) == 0 || w.random.IntN(4) == 0 {
		if f := w.space.Freeze(); f != nil {
			w.frozen = append(w.frozen, f)
		}
		return
	}
	f := w.frozen[0]
	if w.random.IntN(3) == 0 { // the newest first: what is taken back is older than what is active
		f = w.frozen[len(w.frozen)-1]
		w.frozen = w.frozen[:len(w.frozen)-1]
		f.Restore()
		return
	}
	w.frozen = w.frozen[1:]
	batch := w.kv.NewBatch()
	require.NoError(w.t, f.Write(batch))
	require.NoError(w.t, batch.Commit())
	if w.random.IntN(2) == 0 {
		require.NoError(w.t, w.kv.Flush(context.Background()))
	}
	f.Thaw()
}

func (w *world) get() {
	r := w.space.Reader()
	for range 20 {
		k := w.key()
		row, err := r.Get([]byte(k))
		require.NoError(w.t, err)
		want, ok := w.rows[k]
		require.Equal(w.t, ok, row != nil, k)
		require.Equal(w.t, want, string(row))
	}
}

// sweep looks at rows in key order, while checkpoints go on.
func (w *world) sweep() {
	sweep := w.space.Sweep(w.random.IntN(10), int64(w.random.IntN(1000))) // dense or not
	defer sweep.Close()
	for i := w.random.IntN(20); i < 300; i += 1 + w.random.IntN(40) {
		if w.random.IntN(5) == 0 {
			w.checkpoint()
		}
		k := fmt.Sprintf("%03d", i)
		row, err := sweep.Get([]byte(k))
		require.NoError(w.t, err)
		want, ok := w.rows[k]
		require.Equal(w.t, ok, row != nil, k)
		require.Equal(w.t, want, string(row))
	}
}

// view is a snapshot with what it must show.
type view struct {
	snapshot *keyspace.Snapshot
	rows     map[string]string
}

func (w *world) look() view {
	var v view
	var err error
	v.snapshot, err = w.space.Snapshot(func() { v.rows = maps.Clone(w.rows) })
	require.NoError(w.t, err)
	return v
}

func (v view) check(t *testing.T, random *rand.Rand) {
	t.Helper()
	var from, to []byte
	if random.IntN(2) == 0 {
		from = fmt.Appendf(nil, "%03d", random.IntN(300))
	}
	if random.IntN(2) == 0 {
		to = fmt.Appendf(nil, "%03d", random.IntN(300))
	}
	it, err := v.snapshot.Iterate(from, to)
	require.NoError(t, err)
	defer it.Close()
	var want []string
	for _, k := range slices.Sorted(maps.Keys(v.rows)) {
		if (from == nil || k >= string(from)) && (to == nil || k < string(to)) {
			want = append(want, k+"="+v.rows[k])
		}
	}
	var got []string
	for it.Next() {
		got = append(got, string(it.Key())+"="+string(it.Row()))
	}
	require.NoError(t, it.Err())
	require.Equal(t, want, got, "from %s to %s", from, to)
}

// Whatever is written, frozen, written to the store and taken back: reads and
// snapshots, old ones too, show what a map shows.
func TestSpaceIsAMap(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kv := open(t, vfs.NewMem())
	cache := keyspace.NewCache(64 << 20)
	defer cache.Close()
	w := &world{t: t, kv: kv, space: keyspace.New(kv, cache, []byte("p1")), rows: map[string]string{}, random: random}
	other := keyspace.New(kv, cache, []byte("p2"))
	other.Lock()
	other.Set([]byte("100"), []byte("not ours"))
	other.Unlock()
	b := kv.NewBatch()
	require.NoError(t, other.Freeze().Write(b))
	require.NoError(t, b.Commit())
	var views []view
	for range 2000 {
		switch random.IntN(6) {
		case 0, 1:
			w.set()
		case 2:
			w.checkpoint()
		case 3:
			w.get()
		case 4:
			w.sweep()
		default:
			views = append(views, w.look())
		}
		if len(views) > 5 {
			i := random.IntN(len(views))
			views[i].check(t, random)
			views[i].snapshot.Close()
			views = slices.Delete(views, i, i+1)
		}
	}
	for _, v := range views {
		v.check(t, random)
		v.snapshot.Close()
		v.snapshot.Close()
	}
}

// A bucket keeps no row in memory that the store has, however long nothing is
// written to it.
func TestThawLetsRowsGo(t *testing.T) {
	kv := open(t, vfs.NewMem())
	cache := keyspace.NewCache(0)
	defer cache.Close()
	space := keyspace.New(kv, cache, []byte("p"))
	gone := make(chan struct{})
	row := make([]byte, 1<<20)
	runtime.AddCleanup(&row[0], func(struct{}) { close(gone) }, struct{}{})
	space.Lock()
	space.Set([]byte("k"), row)
	space.Unlock()
	row = nil
	f := space.Freeze()
	b := kv.NewBatch()
	require.NoError(t, f.Write(b))
	require.NoError(t, b.Commit())
	f.Thaw()
	f = nil
	for range 10 {
		runtime.GC()
		select {
		case <-gone:
			r := space.Reader()
			got, err := r.Get([]byte("k"))
			require.NoError(t, err)
			require.Len(t, got, 1<<20)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("the row is still in memory")
}

// Readers that run beside writes and checkpoints never see a row that is older than
// what was there when they began, be it in a layer, the cache or the store.
func TestReadsAreNeverStale(t *testing.T) {
	kv := open(t, vfs.NewMem())
	cache := keyspace.NewCache(64 << 20)
	defer cache.Close()
	space := keyspace.New(kv, cache, []byte("p"))
	const keys = 50
	var written [keys]atomic.Int64
	var done atomic.Bool
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			r := space.Reader()
			for n := i; !done.Load(); n++ {
				at := written[n%keys].Load()
				row, err := r.Get(fmt.Appendf(nil, "%02d", n%keys))
				if !assert.NoError(t, err) {
					return
				}
				var got int64
				if row != nil {
					_, err = fmt.Sscan(string(row), &got)
				}
				if !assert.NoError(t, err) || !assert.GreaterOrEqual(t, got, at) {
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(1, 1))
	for round := int64(1); round < 3000; round++ {
		for range random.IntN(3) {
			k := random.IntN(keys)
			space.Lock()
			space.Set(fmt.Appendf(nil, "%02d", k), fmt.Appendf(nil, "%d", round))
			space.Unlock()
			written[k].Store(round)
		}
		if f := space.Freeze(); f != nil {
			b := kv.NewBatch()
			require.NoError(t, f.Write(b))
			require.NoError(t, b.Commit())
			f.Thaw()
		}
	}
	done.Store(true)
	readers.Wait()
}
