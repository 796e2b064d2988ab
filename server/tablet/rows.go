package tablet

import (
	"context"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// Upsert is one batch of changes for one bucket of a primary-key table.
type Upsert struct {
	Bucket ids.Bucket
	// Batch is a validated, complete batch with schema id, writer id and sequence
	// set in its header. Its columns are those of Targets, or those that Kind
	// tells. It is copied before Tablet.Upsert returns.
	Batch []byte
	Kind  WriteKind
	Mode  flussv1.MergeMode
	// Targets are field ids, as WriteRequest.target_columns has them; nil means all.
	Targets []ids.FieldID
}

// WriteKind is what an Upsert does.
type WriteKind uint8

// The kinds of writes.
const (
	// UpsertRows upserts rows, and deletes those of change type -D.
	UpsertRows WriteKind = iota
	// DeleteKeys deletes; the batch has the columns of the primary key in schema order.
	DeleteKeys
	// InsertAbsent makes rows for keys that have none and leaves the others alone;
	// Targets names the batch's columns, all of the primary key.
	InsertAbsent
)

// Upsert queues a batch and returns, as Append does, with the same errors; the
// offsets of the answer are those of the changes, which may be none. The answer
// may also be INVALID_BATCH(column) with the row named, RECORD_TOO_LARGE and
// DELETION_DISABLED; then no row of the batch was applied.
func (t *Tablet) Upsert(ctx context.Context, u Upsert, done func(AppendResult)) error {
	return errcode.New(errcode.Unsupported, nil, "primary-key tables are not served yet")
}

// Lookup calls visit for each of keys, in order, with the encoded row (package
// row) that the key has, nil when it has none. The row is valid during the call.
// It sees every upsert that was acked before. It fails with UNKNOWN_BUCKET,
// NO_LEADER, CORRUPT and with what visit returns.
func (t *Tablet) Lookup(b ids.Bucket, keys [][]byte, visit func(i int, row []byte) error) error {
	return errcode.New(errcode.Unsupported, nil, "primary-key tables are not served yet")
}

// Count is how many rows a bucket of a primary-key table has.
func (t *Tablet) Count(b ids.Bucket) (int64, error) {
	return 0, errcode.New(errcode.Unsupported, nil, "primary-key tables are not served yet")
}

// Rows takes the rows of a bucket as they are now. The caller closes them.
func (t *Tablet) Rows(b ids.Bucket) (*Rows, error) {
	return nil, errcode.New(errcode.Unsupported, nil, "primary-key tables are not served yet")
}

// Rows are the rows of a bucket at one moment. It is safe for concurrent use.
type Rows struct{}

// Offset is the offset of the first change that the rows do not have.
func (r *Rows) Offset() ids.Offset { return 0 }

// Count is the number of rows.
func (r *Rows) Count() int64 { return 0 }

// Iterate returns the rows with keys in [from, to) in key order; nil means no
// bound. Keys are those of keys.KeyEncoder. The caller closes the iterator before r.
func (r *Rows) Iterate(from, to []byte) (*RowIterator, error) { return &RowIterator{}, nil }

// Close gives the rows' resources back. It may be called twice.
func (r *Rows) Close() {}

// RowIterator goes through rows in key order. It is not safe for concurrent use.
type RowIterator struct{}

// Next moves to the next row, the first one at first, and reports whether there is one.
func (it *RowIterator) Next() bool { return false }

// Key is the key of the row, valid until the next call.
func (it *RowIterator) Key() []byte { return nil }

// Row is the encoded row (package row), valid until the next call.
func (it *RowIterator) Row() []byte { return nil }

// Err is what ended the iteration early: CORRUPT(segment).
func (it *RowIterator) Err() error { return nil }

// Close ends the iteration. It may be called twice.
func (it *RowIterator) Close() {}
