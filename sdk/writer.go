package sdk

import (
	"context"
	"sync"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// writer is what appenders, upserters and deleters have in common.
type writer struct {
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
	// The rows appended have the offsets [Base, End). Of upserts and deletes it is
	// the offsets of the changes that they and those which travelled with them
	// made, which may be none.
	Base, End ids.Offset

	rows int
}

// Rows is the number of rows that were written.
func (a Ack) Rows() int { return a.rows }

// Future is the coming ack of rows that were written. It may be dropped: Flush
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
	return f.batch.ack(f.first, f.rows), nil
}

// WaitAll is Wait for all parts of a batch: one ack for each run of rows that
// went to one bucket, in the order of the buckets. On failure it returns the acks
// that came, with the first error.
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
// cheap way to wait in a select. It is nil for no rows, and of a batch that went
// to several places use WaitAll.
func (f Future) Done() <-chan struct{} {
	if f.batch == nil {
		return nil
	}
	return f.batch.done
}

// and joins the futures of two parts of one batch.
func (f Future) and(g Future) Future {
	if f.batch == nil {
		return g
	}
	if g.batch != nil {
		more := g.more
		g.more = nil
		f.more = append(append(f.more, g), more...)
	}
	return f
}

func (a *writer) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errcode.From(err)
	}
	a.mu.Lock()
	closed := a.closed
	a.mu.Unlock()
	if closed {
		return errcode.New(errcode.Canceled, nil, "the %ser is closed", a.noun())
	}
	return a.w.c.budget.room(ctx, a.w.c.life)
}

// noun names the writer when "er" is added.
func (a *writer) noun() string {
	if name := a.w.opts.writes.String(); name != "delete" {
		return name
	}
	return "delet"
}

// Flush sends what is buffered and waits until the outcome of every row written
// before it is known. It returns the first failure of a row of this writer since
// the last Flush, or CANCELED and DEADLINE_EXCEEDED when ctx ends first.
func (a *writer) Flush(ctx context.Context) error {
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

// Close flushes and closes the writer. Closing again does nothing.
func (a *writer) Close(ctx context.Context) error {
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

// Table describes the table as the writer knows it.
func (a *writer) Table() *table.Info { return a.w.version.Load().info }

// Schema is the version of the columns that rows are written with.
func (a *writer) Schema() *schema.Schema { return a.w.version.Load().schema }

// Refresh asks the server for the table's newest schema, which later rows are
// written with. A writer does so by itself only when the server refuses the old one.
func (a *writer) Refresh(ctx context.Context) error { return a.w.refresh(ctx) }

// settled is told the outcome of a run of the writer's rows.
func (a *writer) settled(ack Ack, failure *errcode.Error) {
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
