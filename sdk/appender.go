package sdk

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
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
type Appender struct{ writer }

// Appender opens an appender to a log table. It fails with UNKNOWN_TABLE,
// NOT_LOG_TABLE and INVALID_ARGUMENT.
func (c *Client) Appender(ctx context.Context, path string, opts ...AppenderOption) (*Appender, error) {
	o := defaultWriterOptions(flussv1.WriteKind_WRITE_KIND_APPEND)
	for _, opt := range opts {
		opt.appender(&o)
	}
	w, err := c.tableWriter(ctx, path, &o)
	if err != nil {
		return nil, err
	}
	return &Appender{writer{w: w, onAck: o.onAck}}, nil
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
	return a.w.addRow(ctx, &a.writer, row, false)
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
	return a.w.addRecord(ctx, &a.writer, rec, false)
}
