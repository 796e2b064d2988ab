package logstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Store is what the logs of one data directory share: the file system, the
// budget of the tail cache, buffers, open files and the writers.
type Store struct {
	opt   Options
	pool  bufferPool
	files fileCache
	dirs  dirSyncer
	count counters
	wg    sync.WaitGroup

	pending atomic.Int64 // bytes appended and not written
	writing atomic.Int64 // files open for writing

	mu     sync.Mutex // guards what follows; taken inside a log's mutex, never around one
	closed bool
	// urgent logs have a piece to write, a segment to seal or files to drop;
	// dirty ones have anything to write, and are taken when much is pending.
	urgent, dirty fifo[*Log]
	workers       int
	// cached lists the batches of all logs in the order of their appends;
	// tail is the sum of their sizes.
	cached fifo[cachedBatch]
	tail   int64
}

type cachedBatch struct {
	log  *Log
	size int64
}

type counters struct {
	written, writes, syncs, diskBytes, diskReads, memoryBytes, corruptions atomic.Int64
}

// Stats are a Store's counters since it was made, and its levels.
type Stats struct {
	// PendingBytes wait to be written; TailBytes are readable in memory.
	PendingBytes, TailBytes int64
	// OpenFiles are open for reading.
	OpenFiles int
	// WrittenBytes went to files in Writes pieces; Syncs made files durable.
	WrittenBytes, Writes, Syncs int64
	// DiskBytes were read from files in DiskReads calls; MemoryBytes were served from the tail.
	DiskBytes, DiskReads, MemoryBytes int64
	// Corruptions is how often damage was found, also the same one again.
	Corruptions int64
}

// NewStore returns a Store. It panics if the options are not valid, see
// Options.Validate; zero options get their defaults. It does no I/O and starts
// nothing until the first Append.
func NewStore(opt Options) *Store {
	opt.EnsureDefaults()
	if err := opt.Validate(); err != nil {
		panic("logstore: " + err.Error())
	}
	s := &Store{opt: opt}
	s.files = fileCache{fs: opt.FS, limit: opt.MaxOpenFiles, files: map[fileKey]*file{}}
	s.dirs = dirSyncer{fs: opt.FS, root: opt.Root, durable: map[string]bool{}, waiting: map[string]*dirSync{}, running: map[string]*dirSync{}}
	s.files.recent.Init()
	return s
}

// Pending is how many bytes were appended to logs and wait to be written: the
// tablet holds proposals back when it grows past its budget. Safe to call often.
func (s *Store) Pending() int64 { return s.pending.Load() }

// Stats returns the counters and levels.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	tail := s.tail
	s.mu.Unlock()
	c := &s.count
	return Stats{
		PendingBytes: s.pending.Load(), TailBytes: tail, OpenFiles: s.files.open(),
		WrittenBytes: c.written.Load(), Writes: c.writes.Load(), Syncs: c.syncs.Load(),
		DiskBytes: c.diskBytes.Load(), DiskReads: c.diskReads.Load(), MemoryBytes: c.memoryBytes.Load(),
		Corruptions: c.corruptions.Load(),
	}
}

// SyncAll makes everything that was appended to the logs before the call
// durable, many files at once. It tries every log and returns the errors of
// those that failed, joined; see Log.Sync.
func (s *Store) SyncAll(ctx context.Context, logs []*Log) error {
	var group errgroup.Group
	group.SetLimit(s.opt.Syncs)
	var mu sync.Mutex
	var failed []error
	for _, l := range logs {
		if l.clean() {
			continue
		}
		group.Go(func() error {
			if err := l.Sync(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return nil
	return errors.Join(failed...)
}

// Close stops the writers and waits for them. It writes nothing: Sync the logs
// before. It may be called twice.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.urgent, s.dirty = fifo[*Log]{}, fifo[*Log]{}
	s.mu.Unlock()
	s.wg.Wait()
	s.files.dropAll()
}

// appended accounts for a batch of l that has bytes to write and takes size in
// memory, sees that it is written when enough waits, and lets the oldest
// batches go that the tail has no room for.
func (s *Store) appended(l *Log, size, bytes int64, urgent bool) {
	var gone []*Log
	s.mu.Lock()
	s.pending.Add(bytes)
	s.tail += size
	s.cached.push(cachedBatch{l, size})
	for s.tail > s.opt.TailBytes && s.cached.len() > 0 {
		old := s.cached.pop()
		s.tail -= old.size
		gone = append(gone, old.log)
	}
	s.enqueueLocked(l, urgent)
	s.mu.Unlock()
	for _, old := range gone {
		old.condemn()
	}
}

// written accounts for n bytes that reached a file.
func (s *Store) written(n int64) { s.pending.Add(-n) }

// enqueue lists l for the writers.
func (s *Store) enqueue(l *Log, urgent bool) {
	s.mu.Lock()
	s.enqueueLocked(l, urgent)
	s.mu.Unlock()
}

func (s *Store) enqueueLocked(l *Log, urgent bool) {
	switch {
	case s.closed:
		return
	case urgent && !l.inUrgent:
		l.inUrgent = true
		s.urgent.push(l)
	case !urgent && !l.inDirty:
		l.inDirty = true
		s.dirty.push(l)
	}
	for s.workers < s.opt.Writers && s.workers < s.readyLocked() {
		s.workers++
		s.wg.Go(s.work)
	}
}

// readyLocked is how many logs the writers may take now.
func (s *Store) readyLocked() int {
	n := s.urgent.len()
	if s.pending.Load() > s.opt.PendingBytes/2 {
		n += s.dirty.len()
	}
	return n
}

// work writes logs until none is ready.
func (s *Store) work() {
	for {
		l := s.take()
		if l == nil {
			return
		}
		l.background()
	}
}

func (s *Store) take() *Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.readyLocked() == 0:
		s.workers--
		return nil
	case s.urgent.len() > 0:
		l := s.urgent.pop()
		l.inUrgent = false
		return l
	default:
		l := s.dirty.pop()
		l.inDirty = false
		return l
	}
}

// fifo is a queue that keeps its memory in proportion to its length.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(v T) { q.items = append(q.items, v) }

func (q *fifo[T]) at(i int) *T { return &q.items[q.head+i] }

// pop takes the oldest out; there must be one.
func (q *fifo[T]) pop() T {
	v := q.items[q.head]
	var zero T
	q.items[q.head] = zero
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = reuse(q.items), 0
	case q.head >= 32 && q.head > len(q.items)/2:
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return v
}

// reuse empties s, and lets its memory go if there is much of it.
func reuse[T any](s []T) []T {
	if cap(s) > 64 {
		return nil
	}
	return s[:0]
}
