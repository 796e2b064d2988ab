package sdk

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// Key is the values of a key in its order: that of the PRIMARY KEY clause, of
// which a look-up by prefix takes the first. It stands for a struct or map with
// the key's columns wherever a key is wanted.
type Key []any

// MergeMode says whether the table's merge engine takes part in a write.
type MergeMode uint8

const (
	// MergeDefault leaves to the merge engine what a row becomes.
	MergeDefault MergeMode = iota
	// MergeOverwrite makes rows, or their target columns, what is written, and
	// deletes them, whatever the merge engine and table.delete.behavior. It is for
	// undoing writes.
	MergeOverwrite
)

// Upserter writes rows of a primary-key table: the row under a key is made, or
// merged with the one that is there, or deleted. Upserts and deletes of one key
// keep the order in which a goroutine makes them. For when rows are sent, and how
// often they are written, see Appender: upserters of one client, table and
// options share batches.
type Upserter struct{ writer }

// Upserter opens an upserter to a primary-key table. It fails with UNKNOWN_TABLE,
// NOT_PRIMARY_KEY_TABLE, and INVALID_ARGUMENT, UNKNOWN_COLUMN and INVALID_BATCH
// when the table does not take such target columns.
func (c *Client) Upserter(ctx context.Context, path string, opts ...UpserterOption) (*Upserter, error) {
	w, o, err := c.keyedWriter(ctx, path, flussv1.WriteKind_WRITE_KIND_UPSERT, opts)
	if err != nil {
		return nil, err
	}
	return &Upserter{writer{w: w, onAck: o.onAck}}, nil
}

func (c *Client) keyedWriter(ctx context.Context, path string, kind flussv1.WriteKind, opts []UpserterOption) (*tableWriter, *writerOptions, error) {
	o := defaultWriterOptions(kind)
	for _, opt := range opts {
		opt.upserter(&o)
	}
	w, err := c.tableWriter(ctx, path, &o)
	return w, &o, err
}

// Upsert writes one row: a struct or pointer to one with `fluss:"column"` tags, or
// a map[string]any. Columns that the row does not have become null; of columns
// that are not among the target columns no value is looked at. An auto-increment
// column is the server's: a map must not have it. The row may be changed once
// Upsert has returned. It blocks while the client's buffer memory is full. It
// fails at once, writing nothing, with INVALID_BATCH (a value does not fit its
// column, a null in a NOT NULL column), UNKNOWN_COLUMN, INVALID_ARGUMENT (no row
// type), UNKNOWN_PARTITION, and CANCELED.
func (u *Upserter) Upsert(ctx context.Context, row any) (Future, error) {
	if err := u.usable(ctx); err != nil {
		return Future{}, err
	}
	return u.w.addRow(ctx, &u.writer, row, false)
}

// Delete deletes the row under a key, if there is one: a struct or map with the
// key's columns, of which others are not looked at, or a Key. With target columns
// these become null instead, and the row goes when nothing but its key is left.
// What becomes of deletes is up to the table's merge engine and
// table.delete.behavior; where they are forbidden the ack is DELETION_DISABLED.
// It fails at once as Upsert does.
func (u *Upserter) Delete(ctx context.Context, key any) (Future, error) {
	if err := u.usable(ctx); err != nil {
		return Future{}, err
	}
	return u.w.addRow(ctx, &u.writer, key, true)
}

// UpsertBatch writes the rows of an Arrow batch, which stays the caller's, in
// order. Columns are matched by name in any order and cast as AppendBatch does;
// missing ones become null. It fails at once, writing nothing, as Upsert does;
// errors name the column.
func (u *Upserter) UpsertBatch(ctx context.Context, rec arrow.RecordBatch) (Future, error) {
	if err := u.usable(ctx); err != nil {
		return Future{}, err
	}
	return u.w.addRecord(ctx, &u.writer, rec, false)
}

// DeleteBatch deletes the rows under the keys of an Arrow batch, which stays the
// caller's. Only the key's columns are looked at.
func (u *Upserter) DeleteBatch(ctx context.Context, rec arrow.RecordBatch) (Future, error) {
	if err := u.usable(ctx); err != nil {
		return Future{}, err
	}
	return u.w.addRecord(ctx, &u.writer, rec, true)
}

// Deleter deletes rows of a primary-key table by key. It sends keys only, which is
// less than an Upserter sends; it shares no batches with upserters, so that
// between the two there is no order.
type Deleter struct{ writer }

// Deleter opens a deleter of a primary-key table. With WithTargetColumns it makes
// these columns null instead of removing rows. It fails as Client.Upserter does.
func (c *Client) Deleter(ctx context.Context, path string, opts ...UpserterOption) (*Deleter, error) {
	w, o, err := c.keyedWriter(ctx, path, flussv1.WriteKind_WRITE_KIND_DELETE, opts)
	if err != nil {
		return nil, err
	}
	return &Deleter{writer{w: w, onAck: o.onAck}}, nil
}

// Delete deletes the row under a key, as Upserter.Delete does.
func (d *Deleter) Delete(ctx context.Context, key any) (Future, error) {
	if err := d.usable(ctx); err != nil {
		return Future{}, err
	}
	return d.w.addRow(ctx, &d.writer, key, true)
}

// DeleteBatch deletes the rows under the keys of an Arrow batch, as
// Upserter.DeleteBatch does.
func (d *Deleter) DeleteBatch(ctx context.Context, rec arrow.RecordBatch) (Future, error) {
	if err := d.usable(ctx); err != nil {
		return Future{}, err
	}
	return d.w.addRecord(ctx, &d.writer, rec, true)
}
