package tablet

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// bomb makes n updates of the keys [0, keys), none of which has the text.
func (w *rowsWorld) bomb(n int, keys int32) *op {
	o := &op{schema: w.schema(), seq: w.seq, upsert: Upsert{Bucket: bucket1, Targets: []ids.FieldID{fieldID, fieldName, fieldCount}}}
	for i := range n {
		o.changes = append(o.changes, change{row: values{fieldID: int32(i) % keys, fieldName: "a", fieldCount: int64(i)}})
	}
	w.encode(o)
	return o
}

// A small batch that changes large rows takes no more memory than the bound, is
// refused whole, is refused again by a restart, and leaves nothing behind.
func TestMergeIsBounded(t *testing.T) {
	const text = 1 << 20
	for _, tc := range []struct {
		name string
		keys int32
	}{{"one key", 1}, {"many keys", 12}} {
		t.Run(tc.name, func(t *testing.T) {
			w := newRowsWorld(t, 1, 0) // last row
			w.wal = false
			mem := vfs.NewCrashableMem()
			open := func() *Host {
				o := w.options(mem)
				o.RowsBytes = MaxRowsBytes // held back, the manual clock would stand still
				return openHost(t, o)
			}
			h := open()
			require.NoError(t, tabletOf(t, h, 1).OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0}))
			o := &op{schema: w.schema(), seq: w.seq, upsert: Upsert{Bucket: bucket1}}
			for id := range tc.keys {
				o.changes = append(o.changes, change{row: values{fieldID: id, fieldName: "a", fieldText: strings.Repeat("x", text)}})
			}
			w.encode(o)
			w.pending = o
			w.send(h)
			w.pending = nil

			tab := tabletOf(t, h, 1)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := upsertNow(tab, w.bomb(1000, tc.keys).upsert)
			runtime.ReadMemStats(&after)
			require.Equal(t, errcode.RecordTooLarge, errcode.Of(r.Err), "%v", r.Err)
			require.ErrorContains(t, r.Err, "send fewer rows")
			taken, err := strconv.ParseInt(errcode.From(r.Err).Facts["bytes"], 10, 64)
			require.NoError(t, err)
			require.Greater(t, taken, int64(maxMergeBytes))
			require.Less(t, taken, int64(maxMergeBytes+4*text))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3*maxMergeBytes), "what was allocated is what was counted, about")
			w.tidy(tab)

			w.pending = w.bomb(24, tc.keys) // fewer rows go; the sequence is the refused one's
			w.send(h)
			w.tidy(tab)
			w.check(h)

			mem = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: w.rng}) // the refused entry is applied again
			require.NoError(t, h.Close())
			h = open()
			w.check(h)
			require.NoError(t, h.Close())
		})
	}
}

// tidy checks that the merger keeps no memory of a large batch.
func (w *rowsWorld) tidy(tab *Tablet) {
	tab.apply.Lock()
	defer tab.apply.Unlock()
	g := &tab.machine.merger
	size := 0
	for _, b := range g.arena.blocks {
		size += cap(b)
	}
	require.LessOrEqual(w.t, size, keepArena)
	require.LessOrEqual(w.t, cap(g.row), arenaBlock)
	require.Empty(w.t, g.out.changes)
	for _, s := range g.slots[:cap(g.slots)] {
		require.Nil(w.t, s.row)
	}
}

// A batch of one row is merged, whatever that takes.
func TestOneRowIsNeverTooMuch(t *testing.T) {
	w := newRowsWorld(t, 1, 0)
	w.wal = false
	o := w.options(vfs.NewMem())
	o.RowsBytes = MaxRowsBytes
	h := openHost(t, o)
	require.NoError(t, tabletOf(t, h, 1).OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0}))
	for i := range 3 {
		o := &op{schema: w.schema(), seq: w.seq, upsert: Upsert{Bucket: bucket1}}
		o.changes = []change{{row: values{fieldID: int32(1), fieldName: "a", fieldText: strings.Repeat(string(rune('a'+i)), maxRowBytes-1024)}}}
		w.encode(o)
		w.pending = o
		w.send(h)
	}
	require.NoError(t, h.Close())
}

// Who waits to merge is let in at the next pause of a merge that goes on.
func TestMergesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane, heavy := make(chan struct{}, 1), make(chan struct{}, 1)
		long, short := &machine{lane: lane, heavy: heavy}, &machine{lane: lane, heavy: heavy}
		long.enter()
		long.merger.taken = lightMerge + 1
		long.weigh()
		in := false
		go func() {
			short.enter()
			in = true
			short.leave()
		}()
		synctest.Wait()
		require.False(t, in)
		long.pause()
		require.True(t, in)

		go func() { // another large one waits, and not in the lane
			short.enter()
			short.merger.taken = lightMerge + 1
			short.weigh()
			short.leave()
		}()
		synctest.Wait()
		long.pause()
		require.False(t, short.merger.heavy)
		long.leave()
		synctest.Wait()
		require.Empty(t, lane)
		require.Empty(t, heavy)
	})
}

// Rows that pass the limit ask for a checkpoint themselves, so that the next write
// need not wait until one is due.
func TestRowsAskForACheckpoint(t *testing.T) {
	w := newRowsWorld(t, 1, 0)
	w.wal = false
	o := w.options(vfs.NewMem())
	o.RowsBytes, o.CheckpointEvery, o.InflightWait = 32<<10, 24*time.Hour, time.Hour
	h := openHost(t, o)
	require.NoError(t, tabletOf(t, h, 1).OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0}))
	done := make(chan struct{})
	defer close(done)
	go func() { // time goes on for those who wait
		for {
			select {
			case <-done:
				return
			default:
				runtime.Gosched()
				w.clock.advance(2 * time.Millisecond)
			}
		}
	}()
	for i := range 4 {
		o := &op{schema: w.schema(), seq: w.seq, upsert: Upsert{Bucket: bucket1}}
		o.changes = []change{{row: values{fieldID: int32(i), fieldName: "a", fieldText: strings.Repeat("x", 256<<10)}}}
		w.encode(o)
		w.pending = o
		w.send(h)
	}
	w.check(h)
	require.NoError(t, h.Close())
}
