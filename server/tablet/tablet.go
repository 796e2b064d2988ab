package tablet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.etcd.io/raft/v3"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/tablet/wal"
)

// State says what a tablet's replica can do.
type State string

// The states.
const (
	// StateStarting: entries of the log are applied again; nothing is taken yet.
	StateStarting State = "starting"
	// StateLeading: everything works.
	StateLeading State = "leading"
	// StateDiskFull: logs can be read; the tablet takes commands again, by
	// itself, when the disk has room.
	StateDiskFull State = "disk-full"
	// StateFailed: the replica broke and is fenced. Logs can be read as far as
	// they are sound.
	StateFailed State = "failed"
	// StateClosed: the tablet was closed.
	StateClosed State = "closed"
)

// Append is one batch for one bucket.
type Append struct {
	Bucket ids.Bucket
	// Batch is a validated, complete batch with schema id, writer id and sequence
	// set in its header. It is copied before Append returns.
	Batch []byte
}

// AppendResult is the answer to an Append. The rows have the offsets [Base, End).
type AppendResult struct {
	Base, End ids.Offset
	// Err is an *errcode.Error when nothing was written, unless its code is
	// OUTCOME_UNKNOWN; else nil.
	Err error
}

// Status is what operators want to know about a tablet.
type Status struct {
	ID    ids.TabletID
	State State
	// Cause is why the state is StateDiskFull or StateFailed, else "".
	Cause string
	// Term and AppliedIndex are Raft's.
	Term, AppliedIndex uint64
	Tables, Buckets    int
	// QueuedBytes wait for the driver; UnreleasedBytes are write-ahead log that a
	// restart would apply again.
	QueuedBytes, UnreleasedBytes int64
}

// Tablet is a replica of one tablet. It is safe for concurrent use.
type Tablet struct {
	id     ids.TabletID
	host   *Host
	logger *slog.Logger
	queue  *queue
	stop   chan struct{} // closed by close
	ready  chan struct{} // closed when the driver first leads, waits or gave up
	done   chan struct{} // closed when the driver has ended
	// written counts bytes of entries saved, released those that a checkpoint covers.
	written, released atomic.Int64
	// rowsHeld is the memory of rows that no checkpoint covers.
	rowsHeld atomic.Int64
	fenced   atomic.Bool

	// The driver's.
	wal      *wal.WAL
	storage  storage
	node     *raft.RawNode
	inflight *proposal
	results  []result
	readied  bool

	// apply guards the machine against captures. broken says that an apply
	// did not end.
	apply   sync.Mutex
	machine *machine
	broken  bool

	// mu guards the rest.
	mu     sync.Mutex
	state  State
	cause  error
	closed bool
	// recovered says that everything in the write-ahead log was applied.
	recovered bool
	// interrupted is why another goroutine wants the replica fenced.
	interrupted error
	// doomed are the logs of dropped buckets whose files wait for the next checkpoint.
	doomed map[ids.Bucket]*logstore.Log
	// at is the applied position, for Status.
	at position
}

// ID is the tablet's id.
func (t *Tablet) ID() ids.TabletID { return t.id }

// Append queues a batch and returns; done is called once with the answer, from
// the tablet's driver, and must not block. Batches for one bucket are applied
// in the order of the calls.
//
// It waits for room in the host's budget until ctx ends, and for a bounded time:
// then it fails with STORAGE_PRESSURE(retry_after_ms). It fails with
// UNKNOWN_BUCKET, INVALID_BATCH, RECORD_TOO_LARGE, DISK_FULL, NO_LEADER or
// SHUTTING_DOWN; done is not called when it fails. The answer may be any of
// OUT_OF_ORDER_SEQUENCE(expected), UNKNOWN_WRITER, UNKNOWN_BUCKET, DISK_FULL,
// NO_LEADER, SHUTTING_DOWN, STORAGE_PRESSURE and OUTCOME_UNKNOWN. A batch that its
// writer repeats is answered with its first offsets.
func (t *Tablet) Append(ctx context.Context, a Append, done func(AppendResult)) error {
	if len(a.Batch) > MaxBatchBytes {
		return batchTooLarge(len(a.Batch))
	}
	h, err := batch.ParseHeader(a.Batch)
	if err == nil {
		err = checkBatch(&h, len(a.Batch))
	}
	if err != nil {
		return err
	}
	return t.enqueue(ctx, command{kind: kindAppend, bucket: a.Bucket, payload: a.Batch}, done)
}

// enqueue gives a command that brings rows to the driver, within the budget.
func (t *Tablet) enqueue(ctx context.Context, c command, done func(AppendResult)) error {
	if _, ok := t.machine.bucketOf(c.bucket); !ok {
		return t.unknown(c.bucket)
	}
	if t.host.diskFull.Load() {
		return diskGuardError(t.host.opt.WriteLimitRatio)
	}
	n := int64(commandHeaderSize + c.size())
	if err := t.host.acquire(ctx, n); err != nil {
		return err
	}
	err := t.queue.push(c, waiter{done, n})
	if err != nil {
		t.host.budget.Release(n)
	}
	return err
}

func batchTooLarge(n int) *errcode.Error {
	return errcode.New(errcode.RecordTooLarge, nil, "the batch has %d bytes, the limit is %d; send smaller ones", n, MaxBatchBytes).
		With("bytes", n).With("limit", MaxBatchBytes)
}

// unknown says that b is not here, or that nothing is.
func (t *Tablet) unknown(b ids.Bucket) error {
	t.mu.Lock()
	state, cause := t.state, t.cause
	t.mu.Unlock()
	if state == StateFailed {
		return failedError(t.id, cause)
	}
	return unknownBucket(b)
}

// control proposes one command and waits until it is applied.
func (t *Tablet) control(ctx context.Context, c command) (AppendResult, error) {
	answer := make(chan AppendResult, 1)
	if err := t.queue.push(c, waiter{done: func(r AppendResult) { answer <- r }}); err != nil {
		return AppendResult{}, err
	}
	select {
	case r := <-answer:
		return r, r.Err
	case <-ctx.Done():
		return AppendResult{}, errcode.From(ctx.Err())
	}
}

// OpenBuckets makes the tablet host buckets of a table, or of a partition of
// it, and returns when that is applied. Buckets that exist stay as they are; info
// replaces a descriptor with a lower version.
func (t *Tablet) OpenBuckets(ctx context.Context, info *flussv1.TableInfo, partition ids.PartitionID, buckets []ids.BucketID) error {
	if _, err := newTableState(info); err != nil {
		return err
	}
	payload, err := encodeOpen(info, buckets)
	if err != nil {
		return errcode.New(errcode.InvalidArgument, err, "the descriptor cannot be encoded")
	}
	b := ids.Bucket{Table: ids.TableID(info.GetTableId()), Partition: partition}
	_, err = t.control(ctx, command{kind: kindOpenBuckets, bucket: b, payload: payload})
	return err
}

// UpdateTable replaces the descriptor of a table that has buckets here, unless
// info has a lower version. It fails with UNKNOWN_TABLE when there are none.
func (t *Tablet) UpdateTable(ctx context.Context, info *flussv1.TableInfo) error {
	if _, err := newTableState(info); err != nil {
		return err
	}
	payload, err := encodeTable(info)
	if err != nil {
		return errcode.New(errcode.InvalidArgument, err, "the descriptor cannot be encoded")
	}
	b := ids.Bucket{Table: ids.TableID(info.GetTableId())}
	_, err = t.control(ctx, command{kind: kindUpdateTable, bucket: b, payload: payload})
	return err
}

// DropBuckets drops the buckets of a partition, or all of the table when
// partition is 0. Buckets that are not here are no error. Files go later.
func (t *Tablet) DropBuckets(ctx context.Context, table ids.TableID, partition ids.PartitionID) error {
	_, err := t.control(ctx, command{kind: kindDropBuckets, bucket: ids.Bucket{Table: table, Partition: partition}})
	return err
}

// TrimLog makes before the first readable offset of a log unless that is higher
// already, and returns the first one. It fails with UNKNOWN_BUCKET and, when
// before is above the high watermark, OFFSET_OUT_OF_RANGE(start, end).
func (t *Tablet) TrimLog(ctx context.Context, b ids.Bucket, before ids.Offset) (ids.Offset, error) {
	r, err := t.control(ctx, command{kind: kindTrimLog, bucket: b, payload: encodeInt(int64(before))})
	return r.Base, err
}

// ExpireWriters forgets the writers whose last batch has a commit timestamp below
// beforeMs, Unix milliseconds.
func (t *Tablet) ExpireWriters(ctx context.Context, beforeMs int64) error {
	_, err := t.control(ctx, command{kind: kindExpireWriters, payload: encodeInt(beforeMs)})
	return err
}

// Log returns the log of a bucket. It fails with UNKNOWN_BUCKET, and with CORRUPT
// when the tablet broke before it had applied what its write-ahead log has: the
// log then lacks acked rows, and would be taken for whole.
func (t *Tablet) Log(b ids.Bucket) (*logstore.Log, error) {
	if err := t.incomplete(); err != nil {
		return nil, err
	}
	found, ok := t.machine.bucketOf(b)
	if !ok {
		return nil, t.unknown(b)
	}
	return found.log, nil
}

// incomplete says why the logs here may lack rows; nil when they do not.
func (t *Tablet) incomplete() error {
	t.mu.Lock()
	state, cause, recovered := t.state, t.cause, t.recovered
	t.mu.Unlock()
	switch {
	case recovered:
		return nil
	case state != StateFailed || cause == nil:
		return errcode.New(errcode.NoLeader, cause, "tablet %d has not applied its write-ahead log yet (%s): try again", t.id, state).With("tablet", t.id)
	}
	broken := errcode.From(cause)
	e := errcode.New(errcode.Corrupt, cause,
		"tablet %d could not be recovered when the server started, so its rows are not served: %s", t.id, broken.Message).With("tablet", t.id)
	for name, fact := range broken.Facts {
		e = e.With(name, fact)
	}
	return e
}

// Tables returns the tables that have buckets here, ascending.
func (t *Tablet) Tables() []ids.TableID { return t.machine.tableIDs() }

// Buckets returns the buckets hosted, in order.
func (t *Tablet) Buckets() []ids.Bucket { return t.machine.bucketIDs() }

// Status returns what the tablet is and does.
func (t *Tablet) Status() Status {
	s := Status{
		ID: t.id, QueuedBytes: t.queue.waiting(),
		UnreleasedBytes: t.written.Load() - t.released.Load(),
	}
	t.machine.mu.RLock()
	s.Tables, s.Buckets = len(t.machine.tables), len(t.machine.buckets)
	t.machine.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	s.State, s.Term, s.AppliedIndex = t.state, t.at.term, t.at.index
	if t.cause != nil {
		s.Cause = t.cause.Error()
	}
	return s
}

func (t *Tablet) setState(s State, cause error) {
	t.mu.Lock()
	t.state, t.cause = s, cause
	t.recovered = t.recovered || s == StateLeading
	t.mu.Unlock()
	if !t.readied && s != StateStarting {
		t.readied = true
		close(t.ready)
	}
}

func failedError(id ids.TabletID, cause error) *errcode.Error {
	detail := "it is being repaired"
	var e *errcode.Error
	if errors.As(cause, &e) {
		detail = e.Message
	} else if cause != nil {
		detail = cause.Error()
	}
	return errcode.New(errcode.NoLeader, cause, "tablet %d has failed on this server and takes no writes: %s", id, detail).
		With("tablet", id)
}

func diskGuardError(limit float64) *errcode.Error {
	return errcode.New(errcode.DiskFull, nil,
		"the server's disk is more than %.0f %% full and takes no writes; free space or lower retention", 100*limit)
}

func pressure(after int64, format string, args ...any) *errcode.Error {
	return errcode.New(errcode.StoragePressure, nil, "the server is writing as fast as it can (%s); try again later",
		fmt.Sprintf(format, args...)).With("retry_after_ms", after)
}
