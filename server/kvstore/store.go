// Package kvstore keeps the keyed state of a data directory: one ordered map
// from bytes to bytes, in Pebble, without a write-ahead log of its own.
//
// What is committed is visible at once and lost by a crash until a Flush that
// began later has ended; what survives a crash is always a prefix of the
// commits. The caller's log is what makes up for the rest. Keys of different
// owners are kept apart by prefixes that the caller chooses.
package kvstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/errcode"
)

// ErrFailed is returned once the store cannot go on, for instance because its
// manifest could not be written. Opening it again may help.
var ErrFailed = errors.New("the key-value store failed")

// Options configures a Store.
type Options struct {
	// FS holds the files. Required.
	FS vfs.FS
	// Dir is the directory; created when absent. Required.
	Dir string
	// CacheBytes is the block cache, memtables included. Unit bytes, default 64 MiB.
	CacheBytes int64
	// MemTableBytes is the size of a memtable. Unit bytes, default 16 MiB.
	MemTableBytes uint64
	// Logger default discards.
	Logger *slog.Logger
}

// Store is the map. It is safe for concurrent use.
type Store struct {
	db     *pebble.DB
	logger *slog.Logger
	failed chan struct{} // closed when the store cannot go on

	// mu guards the rest.
	mu     sync.Mutex
	cause  error // set before failed is closed
	closed bool
	// background is the last error of a flush or compaction since the last Flush.
	background error
	wake       chan struct{} // closed and replaced when background is set
	// damaged is the file in which damage was last found.
	damaged string
}

// filterBits is the size of the filters that tell which files have a key, per key:
// one in a hundred look-ups reads a file in vain.
const filterBits = 10

// Open opens the store, creating it when absent.
func Open(o Options) (*Store, error) {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.FS.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the key-value store's directory: %w", err)
	}
	s := &Store{logger: o.Logger, failed: make(chan struct{}), wake: make(chan struct{})}
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	opening := &opening{store: s, done: make(chan error, 1)}
	go opening.run(o, cache)
	select {
	case err := <-opening.done:
		if err != nil {
			return nil, fmt.Errorf("open the key-value store: %w", err)
		}
		return s, nil
	case <-s.failed:
		return nil, s.err()
	}
}

// indexBlockBytes is the size past which the index of a file has an index of its
// own, which doubles what every read takes: few files come to that.
const indexBlockBytes = 256 << 10

// opening runs pebble.Open in a goroutine of its own: Pebble expects Fatalf not
// to return, so that the goroutine which calls it is given up.
type opening struct {
	store *Store
	done  chan error
}

func (p *opening) run(o Options, cache *pebble.Cache) {
	defer func() {
		if v := recover(); v != nil { // a directory that cannot be synced, for one
			p.done <- fmt.Errorf("pebble: %v", v)
		}
	}()
	options := &pebble.Options{
		FS:                          orderedFS{o.FS},
		Cache:                       cache,
		DisableWAL:                  true,
		FormatMajorVersion:          pebble.FormatVirtualSSTables,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: 4,
		// Four tables deep, and a first level of 256 MiB: upserts of new keys cost the server 8 % less than
		// with 2 and 64 MiB, look-ups the same.
		L0CompactionThreshold: 4,
		LBaseMaxBytes:         256 << 20,
		MaxOpenFiles:          1000,
		Logger:                logger{p.store},
		EventListener: &pebble.EventListener{
			BackgroundError: p.store.setBackground,
			DataCorruption:  p.store.noteDamage, // by default Pebble ends the process
		},
	}
	for i := range options.Levels {
		// Rows are small and hot: what compression saves on disk it costs on every read and compaction.
		options.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
		options.Levels[i].IndexBlockSize = indexBlockBytes
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits) // most keys that are looked for are on the lowest level, or new
	}
	db, err := pebble.Open(o.Dir, options)
	p.store.db = db
	p.done <- err
}

func (s *Store) setBackground(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.background = err
	close(s.wake)
	s.wake = make(chan struct{})
}

// noteDamage is told of a damaged file before the read that met it fails.
func (s *Store) noteDamage(info pebble.DataCorruptionInfo) {
	s.logger.Error("a file of the key-value store is damaged", "segment", info.Path, "error", info.Details)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = info.Path
}

// readError returns the error of a read: Corrupt(segment) when it met damage.
func (s *Store) readError(doing string, err error) error {
	if !pebble.IsCorruptionError(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	what, _, _ := strings.Cut(err.Error(), "\n") // Pebble adds lines of details
	s.mu.Lock()
	defer s.mu.Unlock()
	return errcode.New(errcode.Corrupt, err, "the key-value store is damaged in %s: %s", s.damaged, what).With("segment", s.damaged)
}

func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		s.cause = err
		close(s.failed)
	}
}

// Failed is closed when the store cannot go on.
func (s *Store) Failed() <-chan struct{} { return s.failed }

func (s *Store) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cause != nil:
		return fmt.Errorf("%w: %w", ErrFailed, s.cause)
	case s.closed:
		return errors.New("the key-value store is closed")
	}
	return nil
}

// Get returns the value of key, or false. The value is the caller's. It fails
// with errcode.Corrupt(segment) when it meets damage; other keys go on.
func (s *Store) Get(key []byte) ([]byte, bool, error) {
	if err := s.err(); err != nil {
		return nil, false, err
	}
	v, c, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.readError("get", err)
	}
	return append([]byte{}, v...), true, c.Close()
}

// Scan calls fn for every key that begins with prefix, ascending. Key and value
// are valid during the call. It fails with errcode.Corrupt(segment) as Get does.
func (s *Store) Scan(prefix []byte, fn func(key, value []byte) error) error {
	if err := s.err(); err != nil {
		return err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: After(prefix)})
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err == nil {
			err = fn(it.Key(), v)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	if err := it.Close(); err != nil { // tells of what ended the iteration, too
		return s.readError("scan", err)
	}
	return nil
}

// After returns the first key above all that begin with prefix, nil when there is none.
func After(prefix []byte) []byte {
	out := append([]byte{}, prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

// Flush makes every commit so far durable. It gives up with the first error of
// a background flush, although the store goes on trying, and when ctx ends.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.background = nil
	s.mu.Unlock()
	rotated := make(chan error, 1)
	var flushed <-chan struct{}
	go func() { // may be given up, see opening
		var err error
		flushed, err = s.db.AsyncFlush()
		rotated <- err
	}()
	select {
	case err := <-rotated:
		if err != nil {
			return fmt.Errorf("flush: %w", err)
		}
	case <-s.failed:
		return s.err()
	}
	for {
		s.mu.Lock()
		background, wake := s.background, s.wake
		s.mu.Unlock()
		if background != nil {
			return fmt.Errorf("flush: %w", background)
		}
		select {
		case <-flushed:
			return nil
		case <-wake:
		case <-s.failed:
			return s.err()
		case <-ctx.Done():
			return fmt.Errorf("flush: %w", context.Cause(ctx))
		}
	}
}

// DiskBytes is how much disk the store uses. Unit bytes.
func (s *Store) DiskBytes() uint64 {
	if s.err() != nil {
		return 0
	}
	return s.db.Metrics().DiskSpaceUsage()
}

// Close closes the store; what was not flushed is lost. It may be called twice.
func (s *Store) Close() error {
	if err := s.err(); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		return nil //nolint:nilerr // a store that failed cannot be closed: its locks are held
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- s.db.Close() }()
	select {
	case err := <-done:
		return err
	case <-s.failed:
		return nil
	case <-time.After(closeWait):
		return errors.New("the key-value store does not close")
	}
}

// closeWait bounds how long Close waits for work in the background.
const closeWait = 30 * time.Second

// Batch is a group of changes that is committed at once. It is for one goroutine.
type Batch struct {
	s *Store
	b *pebble.Batch
}

// NewBatch returns an empty batch. End it with Commit or Discard.
func (s *Store) NewBatch() *Batch { return &Batch{s: s, b: s.db.NewBatch()} }

// Set sets key to value. Both are copied.
func (b *Batch) Set(key, value []byte) error { return b.b.Set(key, value, nil) }

// Delete removes key.
func (b *Batch) Delete(key []byte) error { return b.b.Delete(key, nil) }

// DeleteRange removes the keys in [from, to).
func (b *Batch) DeleteRange(from, to []byte) error { return b.b.DeleteRange(from, to, nil) }

// Len is the size of the batch. Unit bytes.
func (b *Batch) Len() int { return b.b.Len() }

// Commit applies the batch and ends it.
func (b *Batch) Commit() error {
	if err := b.s.err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- b.b.Commit(pebble.NoSync) }() // may be given up, see opening
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return b.b.Close()
	case <-b.s.failed:
		return b.s.err()
	}
}

// Discard ends the batch without applying it.
func (b *Batch) Discard() { _ = b.b.Close() }

// logger passes Pebble's messages on.
type logger struct{ s *Store }

func (l logger) Infof(format string, args ...any) {
	l.s.logger.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	l.s.logger.Error("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf is called by Pebble where it cannot go on, and must not return. The
// store is marked failed and the goroutine waits for the process to end: only
// the store is lost, not the process.
func (l logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.s.logger.Error("pebble cannot go on", "error", err)
	l.s.fail(err)
	select {}
}
