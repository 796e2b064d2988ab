package tablet

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/kvstore"
	"github.com/fluss-go/fluss/server/logstore"
)

// Host is the tablets of one data directory with what they share: the
// key-value store, the log store, budgets, checkpoints and upkeep.
type Host struct {
	opt     HostOptions
	kv      *kvstore.Store
	rows    *keyspace.Cache
	logs    *logstore.Store
	budget  *semaphore.Weighted
	metrics *metrics
	tablets []*Tablet // in the order of the options; not changed once open
	byID    map[ids.TabletID]*Tablet

	// lane bounds the tablets that merge rows at the same time: one a processor. Reads
	// run in the pauses that merges make, and would get fewer turns of more.
	lane chan struct{}
	// heavy is held by the tablet whose merge takes much memory.
	heavy chan struct{}

	diskFull atomic.Bool
	kick     chan struct{} // asks for a checkpoint
	stop     chan struct{}
	loops    sync.WaitGroup

	// checkpointing is held by the one checkpoint that runs.
	checkpointing sync.Mutex

	closeOnce sync.Once
	closeErr  error
}

// OpenHost opens the data directory and returns when every tablet has applied
// what its log has and leads, or was fenced: a damaged tablet does not keep the
// others from working. It fails with errcode.InvalidOption, and when the
// directory cannot be used at all.
func OpenHost(ctx context.Context, o HostOptions) (*Host, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, errcode.New(errcode.InvalidOption, err, "the tablet host cannot be opened: %v", err)
	}
	m, err := newMetrics(o.Metrics, o.Clock)
	if err != nil {
		return nil, err
	}
	kv, err := kvstore.Open(kvstore.Options{
		FS: o.FS, Dir: o.FS.PathJoin(o.Dir, "kv"), CacheBytes: o.CacheBytes / 2, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	if err := makeParents(o); err != nil {
		return nil, errors.Join(err, kv.Close())
	}
	h := &Host{
		opt: o, kv: kv, rows: keyspace.NewCache(o.CacheBytes / 2), metrics: m,
		logs: logstore.NewStore(logstore.Options{
			FS: o.FS, Root: o.Dir, TailBytes: o.TailBytes, PendingBytes: o.PendingBytes,
			MaxOpenFiles: o.MaxOpenFiles, Logger: o.Logger,
		}),
		budget: semaphore.NewWeighted(o.InflightBytes),
		byID:   map[ids.TabletID]*Tablet{},
		kick:   make(chan struct{}, 1),
		stop:   make(chan struct{}),
		lane:   make(chan struct{}, runtime.GOMAXPROCS(0)),
		heavy:  make(chan struct{}, 1),
	}
	for _, id := range o.Tablets {
		t := h.newTablet(id)
		h.tablets = append(h.tablets, t)
		h.byID[id] = t
	}
	for _, t := range h.tablets {
		go t.start()
	}
	for _, t := range h.tablets {
		select {
		case <-t.ready:
		case <-ctx.Done():
			return nil, errors.Join(errcode.From(ctx.Err()), h.Close())
		}
	}
	h.checkDisk()
	h.loops.Go(h.checkpointLoop)
	h.loops.Go(h.retentionLoop)
	h.loops.Go(h.diskLoop)
	return h, nil
}

// makeParents makes the directories of the tablets and their names durable.
func makeParents(o HostOptions) error {
	parents := []string{o.FS.PathDir(o.Dir), o.Dir, o.FS.PathJoin(o.Dir, "tablet")}
	for _, id := range o.Tablets {
		if err := o.FS.MkdirAll(o.FS.PathJoin(o.Dir, "tablet", fmt.Sprint(id)), 0o755); err != nil {
			return fmt.Errorf("create the data directory: %w", err)
		}
	}
	for _, dir := range parents {
		d, err := o.FS.OpenDir(dir)
		if err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
		if err != nil {
			return fmt.Errorf("sync the data directory: %w", err)
		}
	}
	return nil
}

// Tablet returns a tablet by its id; false when it is not hosted here.
func (h *Host) Tablet(id ids.TabletID) (*Tablet, bool) {
	t, ok := h.byID[id]
	return t, ok
}

// Tablets returns every tablet, in the order of the options.
func (h *Host) Tablets() []*Tablet { return append([]*Tablet(nil), h.tablets...) }

// Locate returns the tablet that hosts a bucket; false when none does.
func (h *Host) Locate(b ids.Bucket) (*Tablet, bool) {
	for _, t := range h.tablets {
		if _, ok := t.machine.bucketOf(b); ok {
			return t, true
		}
	}
	return nil, false
}

// Log returns the log of a bucket on whichever tablet hosts it. It fails with
// UNKNOWN_BUCKET, or NO_LEADER when a tablet that may host it has failed.
func (h *Host) Log(b ids.Bucket) (*logstore.Log, error) {
	t, ok := h.Locate(b)
	if ok {
		return t.Log(b)
	}
	for _, t := range h.tablets {
		if err := t.unknown(b); errcode.Of(err) == errcode.NoLeader {
			return nil, err
		}
	}
	return nil, unknownBucket(b)
}

// LogStats returns the counters and levels of the log store.
func (h *Host) LogStats() logstore.Stats { return h.logs.Stats() }

// acquire takes n bytes of the budget.
func (h *Host) acquire(ctx context.Context, n int64) error {
	if h.budget.TryAcquire(n) {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, h.opt.InflightWait)
	defer cancel()
	if err := h.budget.Acquire(wait, n); err != nil {
		if ctx.Err() != nil {
			return errcode.From(ctx.Err())
		}
		return pressure(h.opt.InflightWait.Milliseconds(), "%d bytes are in flight", h.opt.InflightBytes)
	}
	return nil
}

// Reserve takes n bytes of the budget of writes for what is made of a batch before
// it is proposed, or all of the budget when n is more, and returns what gives them
// back, which may be called twice. It fails as Tablet.Append does when there is no
// room. Who has a reservation must not propose.
func (h *Host) Reserve(ctx context.Context, n int64) (free func(), err error) {
	n = min(n, h.opt.InflightBytes)
	if err := h.acquire(ctx, n); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { h.budget.Release(n) }), nil
}

// unreleased is the write-ahead log that the next checkpoint lets go: not that of
// fenced tablets, which would hold the others back for ever. Unit bytes.
func (h *Host) unreleased() int64 {
	var n int64
	for _, t := range h.tablets {
		if !t.fenced.Load() {
			n += t.written.Load() - t.released.Load()
		}
	}
	return n
}

// rowsHeld is the memory of rows that the next checkpoint writes. Unit bytes.
func (h *Host) rowsHeld() int64 {
	var n int64
	for _, t := range h.tablets {
		if !t.fenced.Load() {
			n += t.rowsHeld.Load()
		}
	}
	return n
}

// wrote asks for a checkpoint when it is time.
func (h *Host) wrote() {
	if h.unreleased() >= h.opt.CheckpointBytes || h.rowsHeld() >= h.opt.RowsBytes {
		select {
		case h.kick <- struct{}{}:
		default:
		}
	}
}

// behind reports whether appends must wait for segments or a checkpoint.
func (h *Host) behind() bool {
	return h.logs.Pending() > h.opt.PendingBytes || h.unreleased() > 4*h.opt.CheckpointBytes || h.rowsHeld() > 4*h.opt.RowsBytes
}

// closeCheckpoint bounds the last checkpoint of Close.
const closeCheckpoint = 60 * time.Second

// Close lets entries in flight end, refuses the others with SHUTTING_DOWN, makes
// a last checkpoint and closes everything. It may be called twice. An error
// means that the next start has more to apply again, not that anything is lost.
func (h *Host) Close() error {
	h.closeOnce.Do(func() {
		close(h.stop)
		for _, t := range h.tablets {
			t.close()
		}
		h.loops.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), closeCheckpoint)
		defer cancel()
		errs := []error{h.Checkpoint(ctx)}
		for _, t := range h.tablets {
			if t.wal != nil {
				errs = append(errs, t.wal.Close())
			}
		}
		for _, t := range h.tablets {
			t.closeLogs()
		}
		h.logs.Close()
		errs = append(errs, h.kv.Close())
		h.rows.Close()
		h.metrics.close()
		h.closeErr = errors.Join(errs...)
	})
	return h.closeErr
}
