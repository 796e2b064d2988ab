package logstore

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Log is the log of one bucket. Store.Open makes it. An idle one costs a few
// hundred bytes: no goroutine and no open file.
type Log struct {
	store  *Store
	dir    string
	bucket ids.Bucket
	high   atomic.Int64 // the high watermark; never moves back

	inUrgent, inDirty bool // in the store's queues; guarded by Store.mu

	mu       sync.Mutex // guards what follows; never held over I/O
	opt      LogOptions
	state    State
	closed   *errcode.Error // set by Close and Remove
	failed   *errcode.Error // set for good by an I/O error that may have cost bytes
	stalled  *errcode.Error // set while the disk is full or files cannot be opened
	watchers []*watcher     // copied when changed
	tail     tail
	synced   uint64 // batches below this number are durable
	loaded   bool
	drop     bool // files below state.Start may be there
	// sealed are the segments with a footer, once loaded; floor is the offset
	// below which files were dropped, known once loaded.
	sealed []sealedSegment
	floor  ids.Offset
	// open are the segments without: the active one last. Empty until the log is used.
	open []*segment
	// turn holds a token while somebody does the log's file operations, which
	// then owns disk. Made when first needed.
	turn chan struct{}
	disk disk
}

// sealedSegment is a segment with a footer. What is 0 is not known yet.
type sealedSegment struct {
	base      ids.Offset
	fileBytes int64
	lastTime  int64 // ms
	timed     bool  // lastTime is known
}

type watcher struct{ f func() }

// Open returns the log of a bucket in the directory dir, as st describes it. It
// does no I/O: files are looked at when the log is first written or read from
// disk, and what they have beyond st is then discarded. There must be one Log at a
// time for a directory. The State of a new log is the zero one.
//
// If st contradicts itself the log is a failed one: every use returns
// errcode.Corrupt.
func (s *Store) Open(dir string, bucket ids.Bucket, st State, opt LogOptions) *Log {
	l := &Log{store: s, dir: dir, bucket: bucket, state: st, opt: opt.withDefaults()}
	if !st.valid() {
		l.failed = errcode.New(errcode.Corrupt, nil, "the recorded state of the log of %s contradicts itself: %+v", bucket, st)
	}
	l.high.Store(int64(st.End))
	return l
}

// Append adds a batch: complete, final, with base offset equal to the high
// watermark and all checksums set. The log keeps b, which must not be changed
// any more. Readers see it at once. It does no I/O and must not be called
// concurrently with itself, Trim or SetOptions.
//
// It returns the new state. It fails with errcode.InvalidBatch when b is not such
// a batch, and with the reason when the log is closed or failed; nothing is
// changed then. A full disk does not fail it.
func (l *Log) Append(b []byte) (State, error) {
	h, err := batch.ParseHeader(b)
	if err == nil {
		err = h.VerifyCRC(b)
	}
	if err != nil {
		return State{}, err
	}
	l.mu.Lock()
	if err := l.appendableLocked(&h, len(b)); err != nil {
		l.mu.Unlock()
		return State{}, err
	}
	seg, rolled := l.activeLocked(), false
	if l.fullLocked(seg, &h) {
		seg, rolled = l.rollLocked(), true
	}
	l.addLocked(seg, &h, b)
	pieces := l.tail.pendingBytes / l.store.opt.WriteBytes
	urgent := rolled || pieces > (l.tail.pendingBytes-int64(len(b)))/l.store.opt.WriteBytes
	watchers, st := l.watchers, l.state
	l.mu.Unlock()
	l.store.appended(l, cost(b), int64(len(b)), urgent)
	for _, w := range watchers {
		w.f()
	}
	return st, nil
}

func (l *Log) appendableLocked(h *batch.Header, n int) error {
	switch {
	case l.closed != nil:
		return l.closed
	case l.failed != nil:
		return l.failed
	case int(h.TotalBytes) != n:
		return errcode.New(errcode.InvalidBatch, nil, "the batch has %d bytes, its header says %d", n, h.TotalBytes)
	case h.BaseOffset != l.state.End:
		return errcode.New(errcode.InvalidBatch, nil, "the batch begins at offset %d, the log of %s ends at %d", h.BaseOffset, l.bucket, l.state.End)
	case h.RowCount == 0:
		return errcode.New(errcode.InvalidBatch, nil, "the batch has no rows")
	}
	return nil
}

func (l *Log) addLocked(seg *segment, h *batch.Header, b []byte) {
	seg.add(h, seg.bytes)
	l.tail.push(tailEntry{bytes: b, base: h.BaseOffset, pos: seg.bytes, time: h.CommitTimestamp, seg: seg})
	if seg.bytes == 0 {
		seg.firstTime = h.CommitTimestamp
	}
	seg.bytes += int64(len(b))
	seg.lastTime = max(seg.lastTime, h.CommitTimestamp)
	seg.lastIndex = h.Index
	l.state.End += ids.Offset(h.RowCount)
	seg.end = l.state.End
	l.state.SegmentBytes = seg.bytes
	l.state.SegmentFirstTimestamp = seg.firstTime
	l.state.LastTimestamp = max(l.state.LastTimestamp, h.CommitTimestamp)
	l.state.LastIndex = h.Index
	l.high.Store(int64(l.state.End))
}

// activeLocked returns the active segment.
func (l *Log) activeLocked() *segment {
	if len(l.open) == 0 {
		st := l.state
		l.open = append(l.open, &segment{
			base: st.SegmentBase, end: st.End, bytes: st.SegmentBytes, written: st.SegmentBytes,
			firstTime: st.SegmentFirstTimestamp, lastTime: st.LastTimestamp, lastIndex: st.LastIndex,
			known: st.SegmentBytes, knownBase: st.End,
		})
	}
	return l.open[len(l.open)-1]
}

// fullLocked reports whether the batch goes to a new segment.
func (l *Log) fullLocked(seg *segment, h *batch.Header) bool {
	if seg.bytes == 0 {
		return false
	}
	aged := l.opt.SegmentAge > 0 && h.CommitTimestamp-seg.firstTime >= l.opt.SegmentAge.Milliseconds()
	return aged || seg.bytes+int64(h.TotalBytes) > l.opt.SegmentBytes
}

// rollLocked ends the active segment, which has data, and begins the next.
func (l *Log) rollLocked() *segment {
	l.activeLocked().rolled = true
	l.state.SegmentBase, l.state.SegmentBytes, l.state.SegmentFirstTimestamp = l.state.End, 0, 0
	seg := &segment{base: l.state.End, end: l.state.End, knownBase: l.state.End}
	l.open = append(l.open, seg)
	return seg
}

// State returns what the tablet persists.
func (l *Log) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Bucket returns the bucket whose log this is.
func (l *Log) Bucket() ids.Bucket { return l.bucket }

// Start returns the first readable offset.
func (l *Log) Start() ids.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.state.Start, min(l.floor, l.state.End))
}

// HighWatermark returns the first offset that is not readable yet. It never moves back.
func (l *Log) HighWatermark() ids.Offset { return ids.Offset(l.high.Load()) }

// Watch calls f after each rise of the high watermark, and when the log is
// closed, until cancel is called; one call may still come after that. f must not block.
func (l *Log) Watch(f func()) (cancel func()) {
	w := &watcher{f}
	l.mu.Lock()
	l.watchers = append(slices.Clip(l.watchers), w)
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.Index(l.watchers, w); i >= 0 {
			l.watchers = append(slices.Clone(l.watchers[:i]), l.watchers[i+1:]...)
		}
		if len(l.watchers) == 0 {
			l.watchers = nil
		}
	}
}

// SetOptions changes the options from the next Append on.
func (l *Log) SetOptions(opt LogOptions) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opt = opt.withDefaults()
}

// Trim makes before the first readable offset, or the nearest one in
// [Start, high watermark], and drops the segments that lie wholly below it, in
// the background. At the high watermark everything goes, the active segment too.
// Readers below get errcode.OffsetOutOfRange. It does no I/O, and is part of
// the log's history: every replica trims at the same place.
func (l *Log) Trim(before ids.Offset) (State, error) {
	l.mu.Lock()
	if err := l.deadLocked(); err != nil {
		l.mu.Unlock()
		return State{}, err
	}
	before = min(before, l.state.End)
	if before <= l.state.Start {
		st := l.state
		l.mu.Unlock()
		return st, nil
	}
	l.state.Start = before
	if before == l.state.End && l.state.SegmentBytes > 0 {
		l.rollLocked()
	}
	l.drop = true
	st := l.state
	l.mu.Unlock()
	l.store.enqueue(l, true)
	return st, nil
}

// deadLocked returns why the log takes no more changes, or nil.
func (l *Log) deadLocked() error {
	switch {
	case l.closed != nil:
		return l.closed
	case l.failed != nil:
		return l.failed
	}
	return nil
}

// condemn lets the oldest batch in memory go.
func (l *Log) condemn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.tail.condemn()
	}
}
