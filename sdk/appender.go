package sdk

import (
	"context"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// Appender appends rows to a log table. Rows collect in memory by bucket; a
// bucket's rows are sent at once when nothing of it is in flight, else together
// when the ack comes, or when they fill a batch. Appenders of one client, table
// and options share batches, so that many goroutines that each append a row and
// wait, through one appender or through many, cost the server few requests.
//
// Unless WithoutIdempotence is given, each row is written once however often its
// batch is retried, and the rows that one goroutine appends to one bucket keep
// their order.
type Appender struct {
	w     *tableWriter
	onAck func(Ack)

	mu     sync.Mutex
	closed bool
	// failed is the first failure since the last Flush.
	failed *errcode.Error
}

// Ack says where rows were written.
type Ack struct {
	Bucket ids.Bucket
	// The rows have the offsets [Base, End).
	Base, End ids.Offset
}

// Rows is the number of rows.
func (a Ack) Rows() int { return int(a.End - a.Base) }

// Future is the coming ack of one Append or AppendBatch. It may be dropped: Flush
// tells about failures too.
type Future struct {
	batch *writeBatch
	// first and rows are the place of the rows in the batch.
	first, rows int
	more        []Future
}

// Wait returns where the row, or the rows of a batch's first part, were written,
// once they are durable. It fails with the error that made them fail, or with
// CANCELED and DEADLINE_EXCEEDED when ctx ends before the outcome is known.
// OUTCOME_UNKNOWN means that they may have been written. Waiting again is fine.
func (f Future) Wait(ctx context.Context) (Ack, error) {
	if f.batch == nil {
		return Ack{}, nil
	}
	select {
	case <-f.batch.done:
	default:
		select {
		case <-f.batch.done:
		case <-ctx.Done():
			return Ack{}, errcode.New(errcode.Of(ctx.Err()), ctx.Err(), "the ack of %s did not come in time; the rows may still be written", f.batch.bucket.id)
		}
	}
	if f.batch.failure != nil {
		return Ack{}, f.batch.failure
	}
	base := f.batch.base + ids.Offset(f.first)
	return Ack{Bucket: f.batch.bucket.id, Base: base, End: base + ids.Offset(f.rows)}, nil
}

// WaitAll is Wait for all parts of an AppendBatch: one ack for each run of rows
// that went to one bucket, in the order of the buckets. On failure it returns
// the acks that came, with the first error.
func (f Future) WaitAll(ctx context.Context) ([]Ack, error) {
	if f.batch == nil {
		return nil, nil
	}
	var acks []Ack
	var failed error
	for i := -1; i < len(f.more); i++ {
		part := f
		if i >= 0 {
			part = f.more[i]
		}
		ack, err := part.Wait(ctx)
		if err == nil {
			acks = append(acks, ack)
		} else if failed == nil {
			failed = err
		}
	}
	return acks, failed
}

// Done is closed when the outcome of all rows is known; for one row it is the
// cheap way to wait in a select. It is nil for an append of no rows, and of a
// batch that went to several places use WaitAll.
func (f Future) Done() <-chan struct{} {
	if f.batch == nil {
		return nil
	}
	return f.batch.done
}

// Appender opens an appender to a log table. It fails with UNKNOWN_TABLE,
// NOT_LOG_TABLE and INVALID_ARGUMENT.
func (c *Client) Appender(ctx context.Context, path string, opts ...AppenderOption) (*Appender, error) {
	var o appenderOptions
	o.ensureDefaults()
	for _, f := range opts {
		f(&o)
	}
	if err := o.validate(&c.opts); err != nil {
		return nil, errcode.New(errcode.InvalidArgument, nil, "bad appender options: %v", err)
	}
	w, err := c.tableWriter(ctx, path, o.sharedOptions)
	if err != nil {
		return nil, err
	}
	return &Appender{w: w, onAck: o.onAck}, nil
}

// Append adds one row: a struct or pointer to one with `fluss:"column"` tags, or
// a map[string]any. Columns that the row does not have become null. The row may
// be changed once Append has returned. It blocks while the client's buffer
// memory is full. It fails at once, adding nothing, with INVALID_BATCH (a value
// does not fit its column, a null in a NOT NULL column), UNKNOWN_COLUMN,
// INVALID_ARGUMENT (no row type), UNKNOWN_PARTITION, and CANCELED.
func (a *Appender) Append(ctx context.Context, row any) (Future, error) {
	if err := a.usable(ctx); err != nil {
		return Future{}, err
	}
	return a.w.appendRow(ctx, a, row)
}

// AppendBatch adds the rows of an Arrow batch, which stays the caller's. Columns
// are matched by name in any order; missing ones become null. Types are cast
// when no value can change its meaning: integers, floats and decimals to wider
// or narrower ones that hold every value, other timestamp units, strings and
// bytes of other layouts, dictionary and run-end encodings. It fails at once,
// adding nothing, as Append does; errors name the column.
func (a *Appender) AppendBatch(ctx context.Context, rec arrow.RecordBatch) (Future, error) {
	if err := a.usable(ctx); err != nil {
		return Future{}, err
	}
	return a.w.appendRecord(ctx, a, rec)
}

func (a *Appender) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errcode.From(err)
	}
	a.mu.Lock()
	closed := a.closed
	a.mu.Unlock()
	if closed {
		return errcode.New(errcode.Canceled, nil, "the appender is closed")
	}
	return a.w.c.budget.room(ctx, a.w.c.life)
}

// Flush sends what is buffered and waits until the outcome of every row appended
// before it is known. It returns the first failure of a row of this appender
// since the last Flush, or CANCELED and DEADLINE_EXCEEDED when ctx ends first.
func (a *Appender) Flush(ctx context.Context) error {
	if err := a.w.flush(ctx, a); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.failed
	a.failed = nil
	if err == nil {
		return nil
	}
	return err
}

// Close flushes and closes the appender. Closing again does nothing.
func (a *Appender) Close(ctx context.Context) error {
	a.mu.Lock()
	closed := a.closed
	a.closed = true
	a.mu.Unlock()
	if closed {
		return nil
	}
	err := a.Flush(ctx)
	a.w.c.releaseWriter(a.w)
	return err
}

// Table describes the table as the appender knows it.
func (a *Appender) Table() *table.Info { return a.w.version.Load().info }

// Schema is the version of the columns that rows are written with.
func (a *Appender) Schema() *schema.Schema { return a.w.version.Load().schema }

// Refresh asks the server for the table's newest schema, which later rows are
// written with. An appender does so by itself only when the server refuses the old one.
func (a *Appender) Refresh(ctx context.Context) error { return a.w.refresh(ctx) }

// settled is told the outcome of a run of the appender's rows.
func (a *Appender) settled(ack Ack, failure *errcode.Error) {
	if failure == nil {
		if a.onAck != nil {
			a.onAck(ack)
		}
		return
	}
	a.mu.Lock()
	if a.failed == nil {
		a.failed = failure
	}
	a.mu.Unlock()
}
