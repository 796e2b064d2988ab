package logstore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/ids"
)

// Options are the settings of a Store. EnsureDefaults fills the zero ones.
type Options struct {
	// FS holds the files. Required.
	FS vfs.FS
	// Root is a directory that exists for good, above every log's directory:
	// directories below it are synced into their parents when they are made.
	// Empty stands for the top of the file system.
	Root string
	// TailBytes is how much of the logs' ends is kept in memory after it was
	// written. Unit bytes, default 256 MiB, at least 4 KiB; when small, readers that
	// lag by milliseconds read files.
	TailBytes int64
	// PendingBytes is how much may wait to be written before the writers also
	// take the small leftovers of logs. Unit bytes, default 64 MiB, at least WriteBytes.
	// It is no wall: the tablet holds proposals back by Store.Pending.
	PendingBytes int64
	// WriteBytes is how much of one log has to wait before it is written
	// without anybody asking. Unit bytes, default 1 MiB, at least 4 KiB.
	WriteBytes int64
	// Writers is how many logs are written at once in the background. Default 4.
	Writers int
	// Syncs is how many files SyncAll syncs at once. Default 32: the file system
	// merges concurrent syncs into one journal commit, and serial ones not.
	Syncs int
	// MaxOpenFiles bounds the files kept open for reading, and those kept open
	// because what was written to them is not synced. Default 512. Files in use
	// are open in any case.
	MaxOpenFiles int
	// Logger gets what nobody waits for: failed background writes, removals. Default none.
	Logger *slog.Logger
}

// EnsureDefaults sets what is zero to its default.
func (o *Options) EnsureDefaults() {
	setDefault(&o.TailBytes, 256<<20)
	setDefault(&o.PendingBytes, 64<<20)
	setDefault(&o.WriteBytes, 1<<20)
	setDefault(&o.Writers, 4)
	setDefault(&o.Syncs, 32)
	setDefault(&o.MaxOpenFiles, 512)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T int | int64](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

// Validate reports every fault of the options at once.
func (o *Options) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(o.FS != nil, "a file system is required")
	check(o.TailBytes >= 4<<10, "tail of %d bytes, want at least %d", o.TailBytes, 4<<10)
	check(o.WriteBytes >= 4<<10, "writes of %d bytes, want at least %d", o.WriteBytes, 4<<10)
	check(o.PendingBytes >= o.WriteBytes, "%d pending bytes are fewer than one write of %d", o.PendingBytes, o.WriteBytes)
	check(o.Writers > 0, "%d writers, want at least 1", o.Writers)
	check(o.Syncs > 0, "%d concurrent syncs, want at least 1", o.Syncs)
	check(o.MaxOpenFiles > 0, "%d open files, want at least 1", o.MaxOpenFiles)
	return errors.Join(faults...)
}

// LogOptions are the settings of one log. They decide where batches go, so
// every replica must use the same ones at the same place of the log.
type LogOptions struct {
	// SegmentBytes is the size past which the active segment is rolled: a
	// batch that would make it larger starts the next one. Unit bytes, default
	// 128 MiB, range [4 KiB, 1 GiB].
	SegmentBytes int64
	// SegmentAge rolls the active segment when a batch comes that is this much
	// younger than the segment's first, by commit timestamps. Default 0: never.
	SegmentAge time.Duration
	// Layouts finds the layout of a schema id, for reading heads and columns
	// of batches. It must be safe for concurrent use. Without it batches have
	// no View, are read whole, and their bodies are not verified.
	Layouts func(ids.SchemaID) (*batch.Layout, error)
}

const (
	minSegmentBytes     = 4 << 10
	maxSegmentBytes     = 1 << 30
	defaultSegmentBytes = 128 << 20
)

func (o LogOptions) withDefaults() LogOptions {
	setDefault(&o.SegmentBytes, defaultSegmentBytes)
	o.SegmentBytes = min(max(o.SegmentBytes, minSegmentBytes), maxSegmentBytes)
	return o
}
