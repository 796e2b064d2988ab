package tablet

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/clock"
)

// Durability says when an append is answered.
type Durability string

// The durabilities.
const (
	// DurabilityFsync answers when the entry is synced to disk: it survives power loss.
	DurabilityFsync Durability = "fsync"
	// DurabilityMemory answers when the entry is written to the operating system:
	// it survives the end of the process, and power loss only from the next
	// checkpoint on.
	DurabilityMemory Durability = "memory"
)

// HostOptions configures a Host. EnsureDefaults fills the zero ones.
type HostOptions struct {
	// FS holds the files. Required.
	FS vfs.FS
	// Dir is the data directory; created when absent. Required.
	Dir string
	// Tablets are the tablets to host; new ones are made empty. Required, without repeats.
	Tablets []ids.TabletID
	// Durability default DurabilityFsync.
	Durability Durability

	// InflightBytes bounds the appends that wait or are being replicated, over
	// all tablets. Too small and many writers wait on one another. Unit bytes,
	// default 128 MiB, at least twice MaxBatchBytes.
	InflightBytes int64
	// InflightWait is how long an append waits for room before it is refused
	// with STORAGE_PRESSURE. Default 5 s.
	InflightWait time.Duration
	// EntryBytes is the size up to which waiting appends are packed into one
	// entry; a larger one is an entry of its own. Unit bytes, default 4 MiB,
	// range [64 KiB, 16 MiB].
	EntryBytes int
	// TailBytes is the memory that keeps the ends of logs readable without I/O.
	// Unit bytes, default 256 MiB.
	TailBytes int64
	// PendingBytes bounds what is applied and not yet written to segments: past
	// it appends are held back. Unit bytes, default 256 MiB.
	PendingBytes int64
	// RowsBytes is how much memory rows of primary-key tables may take that changed
	// since the last checkpoint, before one is made: more writes rows that change
	// often less often, and makes restarts slower. Upserts are held back at four
	// times as much. Unit bytes, default 32 MiB, at most 512 MiB: a checkpoint is one
	// Pebble batch a tablet, which cannot have 4 GiB.
	RowsBytes int64
	// CacheBytes is what is cached of the key-value store: half of it blocks, half
	// rows. Unit bytes, default 64 MiB.
	CacheBytes int64
	// MaxOpenFiles bounds the segments kept open. Default 512.
	MaxOpenFiles int

	// CheckpointBytes is how much write-ahead log may be needed after a crash
	// before a checkpoint is made: more makes restarts slower and costs disk.
	// Appends are held back at four times as much. Unit bytes, default 256 MiB.
	CheckpointBytes int64
	// CheckpointEvery is how long changes wait for a checkpoint. Default 60 s.
	CheckpointEvery time.Duration
	// WALFileBytes is the size of a file of a tablet's write-ahead log. Files are
	// used again after a checkpoint, which makes syncs much cheaper than new
	// ones; a tablet keeps a few. Unit bytes, default the tablet's share of
	// CheckpointBytes, between 8 and 64 MiB.
	WALFileBytes int64

	// RetentionEvery is how often logs are trimmed to their table's retention. Default 60 s.
	RetentionEvery time.Duration
	// WriterExpiry is how long a writer that sends nothing is remembered. Default 7 d.
	WriterExpiry time.Duration

	// DiskUsage returns the used part of the disk, in [0, 1]. Nil turns the guard off.
	DiskUsage func() float64
	// WriteLimitRatio is the DiskUsage above which appends get DISK_FULL, until it
	// is below WriteResumeRatio. Defaults 0.85 and 0.80.
	WriteLimitRatio, WriteResumeRatio float64
	// DiskCheckEvery is how often DiskUsage is asked, and how often a tablet
	// whose disk was full tries again. Default 1 s.
	DiskCheckEvery time.Duration

	// Clock default clock.System.
	Clock clock.Clock
	// Logger default discards.
	Logger *slog.Logger
	// Metrics gets the tablets' metrics; nil for none.
	Metrics prometheus.Registerer
}

// MaxBatchBytes is the largest batch that Append takes.
const MaxBatchBytes = 16 << 20

// MaxRowsBytes is the largest HostOptions.RowsBytes.
const MaxRowsBytes = 512 << 20

// EnsureDefaults sets what is zero to its default.
func (o *HostOptions) EnsureDefaults() {
	setDefault(&o.Durability, DurabilityFsync)
	setDefault(&o.InflightBytes, 128<<20)
	setDefault(&o.InflightWait, 5*time.Second)
	setDefault(&o.EntryBytes, 4<<20)
	setDefault(&o.TailBytes, 256<<20)
	setDefault(&o.PendingBytes, 256<<20)
	setDefault(&o.RowsBytes, 32<<20)
	setDefault(&o.CacheBytes, 64<<20)
	setDefault(&o.MaxOpenFiles, 512)
	setDefault(&o.CheckpointBytes, 256<<20)
	setDefault(&o.CheckpointEvery, 60*time.Second)
	setDefault(&o.WALFileBytes, min(max(o.CheckpointBytes/int64(max(len(o.Tablets), 1)), 8<<20), 64<<20))
	setDefault(&o.RetentionEvery, 60*time.Second)
	setDefault(&o.WriterExpiry, 7*24*time.Hour)
	setDefault(&o.WriteLimitRatio, 0.85)
	setDefault(&o.WriteResumeRatio, 0.80)
	setDefault(&o.DiskCheckEvery, time.Second)
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Validate reports every fault of the options at once.
func (o *HostOptions) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(o.FS != nil, "a file system is required")
	check(o.Dir != "", "a data directory is required")
	check(len(o.Tablets) > 0, "at least one tablet is required")
	seen := map[ids.TabletID]bool{}
	for _, t := range o.Tablets {
		check(t > 0 && !seen[t], "tablet %d is not positive, or twice", t)
		seen[t] = true
	}
	check(o.Durability == DurabilityFsync || o.Durability == DurabilityMemory, "durability %q, want %q or %q", o.Durability, DurabilityFsync, DurabilityMemory)
	check(o.InflightBytes >= 2*MaxBatchBytes, "%d bytes in flight, want at least %d", o.InflightBytes, 2*MaxBatchBytes)
	check(o.EntryBytes >= 64<<10 && o.EntryBytes <= 16<<20, "entries of %d bytes, want 64 KiB to 16 MiB", o.EntryBytes)
	check(o.RowsBytes <= MaxRowsBytes, "%d bytes of changed rows, want at most %d", o.RowsBytes, MaxRowsBytes)
	check(o.WriteResumeRatio <= o.WriteLimitRatio, "appends resume at %v, above the limit of %v", o.WriteResumeRatio, o.WriteLimitRatio)
	for name, v := range map[string]int64{
		"pending bytes": o.PendingBytes, "bytes of changed rows": o.RowsBytes, "checkpoint bytes": o.CheckpointBytes, "write-ahead log file bytes": o.WALFileBytes,
		"checkpoint interval": int64(o.CheckpointEvery), "retention interval": int64(o.RetentionEvery),
		"writer expiry": int64(o.WriterExpiry), "disk check interval": int64(o.DiskCheckEvery), "wait for room": int64(o.InflightWait),
	} {
		check(v > 0, "%s of %d, want more than 0", name, v)
	}
	return errors.Join(faults...)
}
