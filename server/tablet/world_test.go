package tablet

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/logstore"
)

// world makes random commands, one at a time, and is the model of what they do:
// what a bucket has is told by what was sent, and promised is what was answered.
type world struct {
	rng   *rand.Rand
	clock *manualClock

	mu      sync.Mutex // guards what follows against a crash in the middle
	buckets map[ids.Bucket]*modelBucket
	order   []ids.Bucket // those that were opened, in order, also when dropped
	table   ids.TableID
	// stopped is set by an error of the tablet: what was sent last may be there or not.
	stopped bool
}

type modelBucket struct {
	sent []logRow // in order; the last may not have been answered
	// acked is how many of sent were answered, trimmed the answered start,
	// trimming the one asked for.
	acked             int
	trimmed, trimming ids.Offset
	opened, dropping  bool
	next              map[ids.WriterID]ids.Sequence
}

func newWorld(seed, stream uint64, clock *manualClock) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, stream)), clock: clock, buckets: map[ids.Bucket]*modelBucket{}}
}

// promise is what must be there after a crash at this moment.
func (w *world) promise() map[ids.Bucket]modelBucket {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[ids.Bucket]modelBucket{}
	for id, b := range w.buckets {
		c := *b
		c.sent = append([]logRow(nil), b.sent...)
		out[id] = c
	}
	return out
}

func (w *world) pick() (ids.Bucket, *modelBucket) {
	if len(w.order) == 0 {
		return ids.Bucket{}, nil
	}
	id := w.order[w.rng.IntN(len(w.order))]
	return id, w.buckets[id]
}

// step does one thing. A failure of the tablet, not of the model, is noted.
func (w *world) step(t *testing.T, h *Host) {
	tab := tabletOf(t, h, 1)
	w.clock.advance(time.Duration(w.rng.IntN(20)) * time.Millisecond)
	switch n := w.rng.IntN(40); {
	case n == 0 || len(w.order) == 0:
		w.open(t, tab)
	case n == 1:
		w.drop(t, tab)
	case n < 4:
		w.trim(t, tab)
	case n < 8:
		if err := h.Checkpoint(context.Background()); err != nil {
			w.stop()
		}
	default:
		w.append(t, tab)
	}
}

// stop notes an error that the disk may be the reason of.
func (w *world) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

func (w *world) open(t *testing.T, tab *Tablet) {
	w.mu.Lock()
	w.table++
	table := w.table
	for i := range ids.BucketID(3) {
		id := ids.Bucket{Table: table, Bucket: i}
		w.buckets[id] = &modelBucket{next: map[ids.WriterID]ids.Sequence{}}
		w.order = append(w.order, id)
	}
	w.mu.Unlock()
	info := testTable(table, 1, map[string]string{"table.log.segment-size": "64kb"})
	err := tab.OpenBuckets(context.Background(), info, 0, []ids.BucketID{0, 1, 2})
	if err != nil {
		w.stop()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range ids.BucketID(3) {
		w.buckets[ids.Bucket{Table: table, Bucket: i}].opened = true
	}
}

func (w *world) drop(t *testing.T, tab *Tablet) {
	id, b := w.pick()
	if b.dropping || w.rng.IntN(2) == 0 {
		return
	}
	w.mu.Lock()
	for i := range ids.BucketID(3) {
		w.buckets[ids.Bucket{Table: id.Table, Bucket: i}].dropping = true
	}
	w.mu.Unlock()
	if err := tab.DropBuckets(context.Background(), id.Table, 0); err != nil {
		w.stop()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range ids.BucketID(3) {
		w.buckets[ids.Bucket{Table: id.Table, Bucket: i}].opened = false
	}
}

func (w *world) trim(t *testing.T, tab *Tablet) {
	id, b := w.pick()
	if !b.opened || b.acked == 0 {
		return
	}
	at := b.sent[w.rng.IntN(b.acked)].End
	w.mu.Lock()
	b.trimming = max(b.trimming, at)
	w.mu.Unlock()
	start, err := tab.TrimLog(context.Background(), id, at)
	if err != nil {
		w.stop()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b.trimmed = max(b.trimmed, start)
}

func (w *world) append(t *testing.T, tab *Tablet) {
	id, b := w.pick()
	writer := ids.WriterID(w.rng.IntN(4)) // 0 is not idempotent
	seq := b.next[writer]
	rows, size := 1+w.rng.IntN(9), 64*w.rng.IntN(40)
	if w.rng.IntN(8) == 0 {
		size = 64 * w.rng.IntN(800)
	}
	if writer != 0 && seq > 0 && w.rng.IntN(4) == 0 {
		w.repeat(t, tab, id, b, writer, seq-1)
		return
	}
	if b.dropping {
		r := appendNow(tab, id, makeBatch(writer, seq, rows, size))
		if r.Err != nil && errcode.Of(r.Err) != errcode.UnknownBucket {
			w.stop()
		}
		return
	}
	var base ids.Offset
	w.mu.Lock()
	if n := len(b.sent); n > 0 {
		base = b.sent[n-1].End
	}
	b.sent = append(b.sent, logRow{writer, seq, base, base + ids.Offset(rows)})
	if writer != 0 {
		b.next[writer]++
	}
	w.mu.Unlock()
	r := appendNow(tab, id, makeBatch(writer, seq, rows, size))
	if r.Err != nil {
		w.stop()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Equal(t, AppendResult{Base: base, End: base + ids.Offset(rows)}, r)
	b.acked = len(b.sent)
}

// repeat sends the writer's last batch again.
func (w *world) repeat(t *testing.T, tab *Tablet, id ids.Bucket, b *modelBucket, writer ids.WriterID, seq ids.Sequence) {
	if b.dropping {
		return
	}
	for i := len(b.sent) - 1; i >= 0; i-- {
		s := b.sent[i]
		if s.Writer != writer || s.Sequence != seq {
			continue
		}
		r := appendNow(tab, id, makeBatch(writer, seq, int(s.End-s.Base), 64))
		if r.Err != nil {
			w.stop()
			return
		}
		require.Equal(t, AppendResult{Base: s.Base, End: s.End}, r)
		return
	}
}

// verify compares what a host has with what was promised, and makes the model
// what the host has.
func (w *world) verify(t *testing.T, h *Host, promised map[ids.Bucket]modelBucket) {
	tab := tabletOf(t, h, 1)
	type content struct {
		l   *logstore.Log
		err error
		got []logRow
	}
	contents := map[ids.Bucket]content{}
	for id := range w.buckets { // not under mu: a crash point may hold what reading waits for
		var c content
		if c.l, c.err = tab.Log(id); c.err == nil {
			c.got = readLog(t, c.l)
		}
		contents[id] = c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = false
	for id, b := range w.buckets {
		c := contents[id]
		if c.err != nil {
			require.Equal(t, errcode.UnknownBucket, errcode.Of(c.err))
			was := promised[id]
			require.True(t, !was.opened || b.dropping, "%s is lost", id)
			b.opened, b.dropping = false, true
			continue
		}
		b.verify(t, id, promised[id], c.l, c.got)
	}
}

// verify compares the log of a bucket that is there with what was promised.
func (b *modelBucket) verify(t *testing.T, id ids.Bucket, was modelBucket, l *logstore.Log, got []logRow) {
	require.True(t, was.opened || !was.dropping || b.dropping, "%s came back", id)
	b.opened, b.dropping = true, false
	end := ids.Offset(0)
	if was.acked > 0 {
		end = was.sent[was.acked-1].End
	}
	require.GreaterOrEqual(t, l.HighWatermark(), end, "acknowledged rows of %s are lost", id)
	require.GreaterOrEqual(t, l.Start(), was.trimmed)
	require.LessOrEqual(t, l.Start(), b.trimming)
	keep := 0
	for keep < len(b.sent) && b.sent[keep].End <= l.HighWatermark() {
		keep++
	}
	require.LessOrEqual(t, len(got), keep)
	require.Equal(t, append([]logRow{}, b.sent[keep-len(got):keep]...), append([]logRow{}, got...), "%s", id)
	b.sent, b.acked = b.sent[:keep], keep
	b.trimmed, b.trimming = l.Start(), l.Start()
	b.next = map[ids.WriterID]ids.Sequence{}
	for _, s := range b.sent {
		if s.Writer != 0 {
			b.next[s.Writer] = s.Sequence + 1
		}
	}
}
