package tablet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/clock"
	"github.com/fluss-go/fluss/server/kvstore"
	"github.com/fluss-go/fluss/server/logstore"
)

func TestAnswers(t *testing.T) {
	h := openHost(t, testOptions(vfs.NewMem()))
	defer func() { require.NoError(t, h.Close()) }()
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 1)
	for seq := range ids.Sequence(12) {
		require.NoError(t, appendNow(tab, bucket1, makeBatch(5, seq, 10, 64)).Err)
	}
	torn := makeBatch(5, 12, 1, 64)
	for _, tc := range []struct {
		name   string
		bucket ids.Bucket
		batch  []byte
		want   AppendResult
		code   errcode.Code
		fact   string
	}{
		{name: "the last batch again", bucket: bucket1, batch: makeBatch(5, 11, 10, 64), want: AppendResult{Base: 110, End: 120}},
		{name: "the oldest that is remembered", bucket: bucket1, batch: makeBatch(5, 4, 10, 64), want: AppendResult{Base: 40, End: 50}},
		{name: "one that is forgotten", bucket: bucket1, batch: makeBatch(5, 3, 10, 64), code: errcode.OutOfOrderSequence, fact: "12"},
		{name: "a gap", bucket: bucket1, batch: makeBatch(5, 13, 10, 64), code: errcode.OutOfOrderSequence, fact: "12"},
		{name: "a writer nobody knows", bucket: bucket1, batch: makeBatch(6, 1, 10, 64), code: errcode.UnknownWriter},
		{name: "a writer that begins", bucket: bucket1, batch: makeBatch(6, 0, 1, 64), want: AppendResult{Base: 120, End: 121}},
		{name: "a writer without id", bucket: bucket1, batch: makeBatch(0, 77, 1, 64), want: AppendResult{Base: 121, End: 122}},
		{name: "another bucket", bucket: ids.Bucket{Table: 1, Bucket: 9}, batch: makeBatch(5, 12, 1, 64), code: errcode.UnknownBucket},
		{name: "no rows", bucket: bucket1, batch: makeBatch(5, 12, 0, 64), code: errcode.InvalidBatch},
		{name: "bytes missing", bucket: bucket1, batch: torn[:len(torn)-64], code: errcode.InvalidBatch},
		{name: "not a batch", bucket: bucket1, batch: []byte("hello"), code: errcode.InvalidBatch},
		{name: "a negative sequence", bucket: bucket1, batch: makeBatch(5, -1, 1, 64), code: errcode.InvalidBatch},
		{name: "too large", bucket: bucket1, batch: make([]byte, MaxBatchBytes+1), code: errcode.RecordTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := appendNow(tab, tc.bucket, tc.batch)
			require.Equal(t, tc.code, errcode.Of(r.Err))
			if tc.fact != "" {
				require.Equal(t, tc.fact, errcode.From(r.Err).Facts["expected"])
			}
			if tc.code == "" {
				require.Equal(t, tc.want, r)
			}
		})
	}
}

func TestSequencesBeginAgain(t *testing.T) {
	w := &writer{id: 1, last: math.MaxInt32 - 1}
	for i := range ids.Sequence(4) {
		seq := (math.MaxInt32 + i) & math.MaxInt32
		_, repeated, err := w.check(bucket1, seq)
		require.NoError(t, err)
		require.False(t, repeated)
		w.note(seq, span{ids.Offset(i), ids.Offset(i + 1)}, 9)
	}
	again, err := decodeWriter(1, w.encode(nil))
	require.NoError(t, err)
	require.Equal(t, w, again)
	s, repeated, err := again.check(bucket1, math.MaxInt32)
	require.NoError(t, err)
	require.True(t, repeated)
	require.Equal(t, span{0, 1}, s)
}

func TestControl(t *testing.T) {
	ctx := context.Background()
	fs := vfs.NewMem()
	o := testOptions(fs)
	o.Tablets = []ids.TabletID{1, 2}
	h := openHost(t, o)
	tab := tabletOf(t, h, 1)
	require.Equal(t, errcode.UnknownTable, errcode.Of(tab.UpdateTable(ctx, testTable(1, 1, nil))))
	openBuckets(t, tab, 1, 2)
	openBuckets(t, tab, 1, 4)
	require.NoError(t, tab.OpenBuckets(ctx, testTable(2, 1, nil), 7, []ids.BucketID{0}))
	require.NoError(t, tab.OpenBuckets(ctx, testTable(2, 1, nil), 8, []ids.BucketID{0}))
	require.NoError(t, tab.UpdateTable(ctx, testTable(2, 2, nil)))
	require.Error(t, tab.UpdateTable(ctx, testTable(2, 3, map[string]string{"table.nonsense": "1"})))
	require.Equal(t, []ids.TableID{1, 2}, tab.Tables())
	require.Len(t, tab.Buckets(), 6)
	p8 := ids.Bucket{Table: 2, Partition: 8}
	for _, b := range []ids.Bucket{bucket1, {Table: 2, Partition: 7}, p8} {
		require.NoError(t, appendNow(tab, b, makeBatch(1, 0, 5, 64)).Err)
		require.NoError(t, appendNow(tab, b, makeBatch(1, 1, 5, 64)).Err)
	}
	at, ok := h.Locate(p8)
	require.True(t, ok)
	require.Equal(t, ids.TabletID(1), at.ID())
	_, err := h.Log(ids.Bucket{Table: 99})
	require.Equal(t, errcode.UnknownBucket, errcode.Of(err))

	start, err := tab.TrimLog(ctx, p8, 5)
	require.NoError(t, err)
	require.Equal(t, ids.Offset(5), start)
	_, err = tab.TrimLog(ctx, p8, 11)
	require.Equal(t, errcode.OffsetOutOfRange, errcode.Of(err))

	require.NoError(t, tab.ExpireWriters(ctx, o.Clock.Now().UnixMilli()+1))
	require.Equal(t, errcode.UnknownWriter, errcode.Of(appendNow(tab, p8, makeBatch(1, 2, 5, 64)).Err))

	require.NoError(t, h.Checkpoint(ctx))
	names, err := fs.List("data/tablet/1/log/2")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"p7", "p8"}, names)
	require.NoError(t, tab.DropBuckets(ctx, 2, 7))
	require.NoError(t, tab.DropBuckets(ctx, 1, 0))
	require.NoError(t, tab.DropBuckets(ctx, 55, 0))
	require.Equal(t, []ids.TableID{2}, tab.Tables())
	require.Equal(t, errcode.UnknownBucket, errcode.Of(appendNow(tab, bucket1, makeBatch(1, 2, 5, 64)).Err))
	openBuckets(t, tab, 1, 1) // the same name again, before the files went
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 0, 3, 64)).Err)
	require.NoError(t, h.Close())
	_, err = fs.List("data/tablet/1/log/2/p7/0")
	require.Error(t, err)

	h = openHost(t, o)
	tab = tabletOf(t, h, 1)
	require.Equal(t, []ids.Bucket{bucket1, p8}, tab.Buckets())
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	require.Equal(t, []logRow{{1, 0, 0, 3}}, readLog(t, l))
	l, err = h.Log(p8)
	require.NoError(t, err)
	require.Equal(t, ids.Offset(5), l.Start())
	require.NoError(t, h.Close())
	require.Equal(t, errcode.ShuttingDown, errcode.Of(appendNow(tab, p8, makeBatch(2, 0, 5, 64)).Err))
	require.Equal(t, StateClosed, tab.Status().State)
}

// TestDiskFullAndBack: writes are refused and reads go on while the disk is
// full; when it is not, writes work again without a restart, and nothing that
// was refused is there.
func TestDiskFullAndBack(t *testing.T) {
	mem := vfs.NewMem()
	var full atomic.Bool
	clk := newManualClock()
	o := testOptions(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind { //nolint:exhaustive // what needs room
		case errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpCreate:
			if full.Load() {
				return syscall.ENOSPC
			}
		}
		return nil
	})))
	o.Clock = clk
	h := openHost(t, o)
	h.checkpointing.Lock() // the one that the host begins with comes when the disk is full
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 1)
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 0, 5, 64)).Err)
	full.Store(true)
	require.Equal(t, errcode.DiskFull, errcode.Of(appendNow(tab, bucket1, makeBatch(0, 0, 5, 64)).Err))
	require.Equal(t, errcode.DiskFull, errcode.Of(appendNow(tab, bucket1, makeBatch(1, 1, 5, 64)).Err))
	require.Eventually(t, func() bool { return tab.Status().State == StateDiskFull }, 10*time.Second, time.Millisecond)
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	require.Len(t, readLog(t, l), 1)
	h.checkpointing.Unlock()
	require.Error(t, h.Checkpoint(context.Background()))
	full.Store(false)
	require.Eventually(t, func() bool {
		clk.advance(time.Second)
		return tab.Status().State == StateLeading
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, AppendResult{Base: 5, End: 10}, appendNow(tab, bucket1, makeBatch(1, 1, 5, 64)))
	require.NoError(t, h.Checkpoint(context.Background()))
	require.NoError(t, h.Close())
	o.FS = mem
	h = openHost(t, o)
	l, err = tabletOf(t, h, 1).Log(bucket1)
	require.NoError(t, err)
	require.Len(t, readLog(t, l), 2)
	require.NoError(t, h.Close())
}

func TestDiskGuardAndRetention(t *testing.T) {
	clk := newManualClock()
	var used atomic.Int64
	o := testOptions(vfs.NewMem())
	o.Clock, o.DiskUsage = clk, func() float64 { return float64(used.Load()) / 100 }
	h := openHost(t, o)
	defer func() { require.NoError(t, h.Close()) }()
	tab := tabletOf(t, h, 1)
	info := testTable(1, 1, map[string]string{"table.log.ttl": "1h"})
	require.NoError(t, tab.OpenBuckets(context.Background(), info, 0, []ids.BucketID{0}))
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 0, 5, 64)).Err)
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	turn := func(done func() bool) {
		require.Eventually(t, func() bool { clk.advance(time.Minute); return done() }, 10*time.Second, time.Millisecond)
	}
	turn(func() bool { return l.Start() == 5 })
	used.Store(86)
	turn(h.diskFull.Load)
	require.Equal(t, errcode.DiskFull, errcode.Of(appendNow(tab, bucket1, makeBatch(1, 1, 5, 64)).Err))
	used.Store(82)
	clk.advance(time.Minute)
	require.True(t, h.diskFull.Load())
	used.Store(79)
	turn(func() bool { return !h.diskFull.Load() })
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 1, 5, 64)).Err)
	turn(func() bool { // after seven days the writer is gone
		clk.advance(24 * time.Hour)
		return errcode.Of(appendNow(tab, bucket1, makeBatch(1, 9, 5, 64)).Err) == errcode.UnknownWriter
	})
}

func TestBudgetIsBounded(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.InflightBytes, o.InflightWait = 2*MaxBatchBytes, time.Millisecond
	h := openHost(t, o)
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 1)
	require.NoError(t, h.acquire(context.Background(), o.InflightBytes))
	err := tab.Append(context.Background(), Append{bucket1, makeBatch(1, 0, 1, 64)}, nil)
	require.Equal(t, errcode.StoragePressure, errcode.Of(err))
	require.NotEmpty(t, errcode.From(err).Facts["retry_after_ms"])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = tab.Append(ctx, Append{bucket1, makeBatch(1, 0, 1, 64)}, nil)
	require.Equal(t, errcode.Canceled, errcode.Of(err))
	h.budget.Release(o.InflightBytes)
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 0, 1, 64)).Err)
	require.NoError(t, h.Close())
	require.True(t, h.budget.TryAcquire(o.InflightBytes), "everything was given back")
}

// TestBrokenTabletIsFenced: a damaged log takes one tablet out, not the host.
func TestBrokenTabletIsFenced(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.Tablets = []ids.TabletID{1, 2}
	h := openHost(t, o)
	for i, tab := range h.Tablets() {
		openBuckets(t, tab, ids.TableID(i+1), 1)
		require.NoError(t, appendNow(tab, ids.Bucket{Table: ids.TableID(i + 1)}, makeBatch(1, 0, 1, 64)).Err)
	}
	require.NoError(t, h.Close())
	require.NoError(t, mem.RemoveAll("data/tablet/1/wal"))
	h = openHost(t, o)
	defer func() { require.NoError(t, h.Close()) }()
	bad, good := tabletOf(t, h, 1), tabletOf(t, h, 2)
	require.Equal(t, StateFailed, bad.Status().State)
	require.Contains(t, bad.Status().Cause, "write-ahead log")
	require.Equal(t, errcode.NoLeader, errcode.Of(appendNow(bad, bucket1, makeBatch(1, 1, 1, 64)).Err))
	require.NoError(t, appendNow(good, ids.Bucket{Table: 2}, makeBatch(1, 1, 1, 64)).Err)
	require.NoError(t, h.Checkpoint(context.Background()))
}

// TestPanicInApply: a broken invariant fences the tablet and nothing else waits for it.
func TestPanicInApply(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.Tablets = []ids.TabletID{1, 2}
	h := openHost(t, o)
	bad, good := tabletOf(t, h, 1), tabletOf(t, h, 2)
	openBuckets(t, bad, 1, 1)
	openBuckets(t, good, 2, 1)
	bad.apply.Lock()
	bad.machine.closeLog = func(*logstore.Log) { panic("an invariant is broken") }
	bad.apply.Unlock()
	require.Equal(t, errcode.OutcomeUnknown, errcode.Of(bad.DropBuckets(context.Background(), 1, 0)))
	require.NoError(t, appendNow(good, ids.Bucket{Table: 2}, makeBatch(1, 0, 1, 64)).Err)
	done := make(chan error, 1)
	go func() { done <- errors.Join(h.Checkpoint(context.Background()), h.Close()) }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the checkpoint or Close hangs")
	}
	require.Equal(t, StateFailed, bad.Status().State)
}

// TestFencedTabletHoldsNobodyBack: what only a fenced tablet's checkpoint could
// let go is not waited for, and no cause for a checkpoint at each entry.
func TestFencedTabletHoldsNobodyBack(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.Tablets, o.CheckpointBytes = []ids.TabletID{1, 2}, 1<<20
	h := openHost(t, o)
	defer func() { require.NoError(t, h.Close()) }()
	bad, good := tabletOf(t, h, 1), tabletOf(t, h, 2)
	openBuckets(t, good, 2, 1)
	bad.written.Add(5 << 20)
	require.True(t, h.behind())
	bad.interrupt(errors.New("broken"))
	<-bad.done
	require.False(t, h.behind())
	require.NoError(t, appendNow(good, ids.Bucket{Table: 2}, makeBatch(1, 0, 1, 64)).Err)
}

// TestReadersOfADroppedBucket: they are woken and told that it is gone, which is
// not what they are told when the server stops.
func TestReadersOfADroppedBucket(t *testing.T) {
	h := openHost(t, testOptions(vfs.NewMem()))
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 1)
	openBuckets(t, tab, 2, 1)
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	c, err := l.Cursor(0)
	require.NoError(t, err)
	other, err := tab.Log(ids.Bucket{Table: 2})
	require.NoError(t, err)
	woken := make(chan struct{}, 1)
	defer l.Watch(func() { woken <- struct{}{} })()
	require.NoError(t, tab.DropBuckets(context.Background(), 1, 0))
	<-woken
	_, err = c.Next()
	require.Equal(t, errcode.UnknownBucket, errcode.Of(err))
	require.NoError(t, h.Close())
	_, err = other.Cursor(0)
	require.Equal(t, errcode.ShuttingDown, errcode.Of(err))
}

// TestConcurrentWriters: many writers at once, restarts between, batches repeated
// after each: every one is there once, in order, at the offsets answered.
func TestConcurrentWriters(t *testing.T) {
	fs := vfs.NewMem()
	const writers, each = 16, 40
	acked := make([][]AppendResult, writers)
	for life := range 3 {
		o := testOptions(fs)
		o.Clock, o.CheckpointBytes = clock.System(), 64<<10
		h := openHost(t, o)
		tab := tabletOf(t, h, 1)
		openBuckets(t, tab, 1, 3)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				b := ids.Bucket{Table: 1, Bucket: ids.BucketID(w % 3)}
				for seq := max(0, life*each-3); seq < (life+1)*each; seq++ {
					r := appendNow(tab, b, makeBatch(ids.WriterID(w+1), ids.Sequence(seq), 1+seq%4, 64*(seq%20)))
					if seq < len(acked[w]) && r != acked[w][seq] || r.Err != nil {
						t.Errorf("writer %d sequence %d: %+v", w, seq, r)
						return
					}
					if seq >= len(acked[w]) {
						acked[w] = append(acked[w], r)
					}
				}
			})
		}
		wg.Wait()
		for i := range 3 {
			l, err := tab.Log(ids.Bucket{Table: 1, Bucket: ids.BucketID(i)})
			require.NoError(t, err)
			next := map[ids.WriterID]ids.Sequence{}
			for _, r := range readLog(t, l) {
				require.Equal(t, next[r.Writer], r.Sequence)
				next[r.Writer]++
				require.Equal(t, AppendResult{Base: r.Base, End: r.End}, acked[r.Writer-1][r.Sequence])
			}
			for w, n := range next {
				require.Len(t, acked[w-1], int(n))
			}
		}
		require.NoError(t, h.Close())
	}
}

// TestApplyIsDeterministic: the same entries give the same answers, state and
// batches, however often and wherever they are applied.
func TestApplyIsDeterministic(t *testing.T) {
	seed := seedOf(t)
	w := newWorld(seed, 3, newManualClock())
	open, err := encodeOpen(testTable(1, 1, nil), []ids.BucketID{0, 1, 2})
	require.NoError(t, err)
	var entries [][]byte
	for i := range 200 {
		e := beginEntry(nil)
		n := w.rng.IntN(6)
		for range n {
			c := command{kind: kindAppend, bucket: ids.Bucket{Table: 1, Bucket: ids.BucketID(w.rng.IntN(4))}}
			c.payload = makeBatch(ids.WriterID(w.rng.IntN(5)), ids.Sequence(w.rng.IntN(1+i/8)), 1+w.rng.IntN(5), 64*w.rng.IntN(9))
			switch w.rng.IntN(20) {
			case 0:
				c.kind, c.payload = kindTrimLog, encodeInt(int64(w.rng.IntN(40)))
			case 1:
				c.kind, c.payload = kindExpireWriters, encodeInt(int64(w.rng.IntN(2000)))
			case 2:
				c = command{kind: kindDropBuckets, bucket: ids.Bucket{Table: 1}}
			case 3, 4:
				c.kind, c.payload = kindOpenBuckets, open
			}
			e = appendCommand(e, c)
		}
		sealEntry(e, int64(10*i), n)
		entries = append(entries, e)
	}
	run := func(captureEvery int) string {
		fs := vfs.NewMem()
		logs := logstore.NewStore(logstore.Options{FS: fs})
		defer logs.Close()
		kv, err := kvstore.Open(kvstore.Options{FS: fs, Dir: "kv"})
		require.NoError(t, err)
		defer func() { require.NoError(t, kv.Close()) }()
		var out bytes.Buffer
		m := newMachine(1, kv, nil, func(b ids.Bucket, ts *tableState, st logstore.State) *logstore.Log {
			return logs.Open(fmt.Sprintf("log/%d/%d", b.Bucket, logDirs.Add(1)), b, st, ts.logOptions())
		}, (*logstore.Log).Close)
		for i, e := range entries {
			results, err := m.apply(position{uint64(i + 1), 1}, bytes.Clone(e), nil)
			require.NoError(t, err)
			for _, r := range results {
				fmt.Fprintln(&out, i, r.base, r.end, r.err)
			}
			if (i+1)%captureEvery == 0 {
				b := kv.NewBatch()
				_, err := m.capture(b)
				require.NoError(t, err)
				require.NoError(t, b.Commit())
			}
		}
		require.NoError(t, kv.Scan(nil, func(k, v []byte) error {
			fmt.Fprintf(&out, "%x %x\n", k, v)
			return nil
		}))
		for _, id := range m.bucketIDs() {
			fmt.Fprintln(&out, id, readLog(t, m.buckets[id].log))
		}
		return out.String()
	}
	first := run(1)
	require.True(t, first == run(200))
	require.True(t, first == run(40))
}

var logDirs atomic.Int64

func FuzzEntry(f *testing.F) {
	open, err := encodeOpen(testTable(1, 1, nil), []ids.BucketID{0})
	require.NoError(f, err)
	e := appendCommand(beginEntry(nil), command{kind: kindOpenBuckets, bucket: ids.Bucket{Table: 1}, payload: open})
	sealEntry(e, 5, 1)
	f.Add(e)
	e = appendCommand(beginEntry(nil), command{kind: kindAppend, bucket: bucket1, payload: makeBatch(1, 0, 1, 64)})
	sealEntry(e, 5, 1)
	f.Add(e)
	logs := logstore.NewStore(logstore.Options{FS: vfs.NewMem()})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := readEntry(b); err == nil {
			again, n := beginEntry(nil), 0
			var c command
			ok, err := r.next(&c)
			for ; ok; ok, err = r.next(&c) {
				again = appendCommand(again, c)
				n++
			}
			if err == nil {
				sealEntry(again, r.timestampMs, n)
				require.Len(t, again, len(b))
			}
		}
		m := newMachine(1, nil, nil, func(b ids.Bucket, ts *tableState, st logstore.State) *logstore.Log {
			return logs.Open("x", b, st, ts.logOptions())
		}, (*logstore.Log).Close)
		_, _ = m.apply(position{1, 1}, b, nil)
	})
}

func TestStateCannotBeRead(t *testing.T) {
	for name, err := range map[string]error{
		"writer":  func() error { _, err := decodeWriter(1, []byte{1, 9, 0}); return err }(),
		"applied": func() error { _, err := decodeApplied([]byte{2}); return err }(),
		"bucket":  func() error { _, err := parseBucketKey([]byte{2}); return err }(),
		"key":     func() error { _, _, err := parseWriterKey([]byte{2}); return err }(),
	} {
		require.Equal(t, errcode.Corrupt, errcode.Of(err), name)
	}
}
