package tablet

import (
	"context"

	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/keyspace"
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
// may also be INVALID_BATCH(column) with the row named, RECORD_TOO_LARGE,
// DELETION_DISABLED, UNKNOWN_SCHEMA and NOT_PRIMARY_KEY_TABLE; then no row of the
// batch was applied.
func (t *Tablet) Upsert(ctx context.Context, u Upsert, done func(AppendResult)) error {
	if len(u.Batch) > MaxBatchBytes {
		return batchTooLarge(len(u.Batch))
	}
	h, err := batch.ParseHeader(u.Batch)
	if err == nil {
		err = checkBatch(&h, len(u.Batch))
	}
	if err != nil {
		return err
	}
	return t.enqueue(ctx, command{kind: kindUpsert, bucket: u.Bucket, payload: u.Batch, trailer: appendTrailer(nil, &u)}, done)
}

// rowsOf finds the rows of a bucket.
func (t *Tablet) rowsOf(b ids.Bucket) (*bucket, error) {
	if err := t.incomplete(); err != nil {
		return nil, err
	}
	found, ok := t.machine.bucketOf(b)
	switch {
	case !ok:
		return nil, t.unknown(b)
	case found.rows == nil:
		return nil, notPrimaryKey(b)
	}
	return found, nil
}

// Lookup calls visit for each of keys, in order, with the encoded row (package
// row) that the key has, nil when it has none. The row is valid during the call.
// It sees every upsert that was acked before. It fails with UNKNOWN_BUCKET,
// NOT_PRIMARY_KEY_TABLE, NO_LEADER, CORRUPT and with what visit returns.
func (t *Tablet) Lookup(b ids.Bucket, keys [][]byte, visit func(i int, row []byte) error) error {
	found, err := t.rowsOf(b)
	if err != nil {
		return err
	}
	r := found.rows.space.Reader()
	for i, key := range keys {
		row, err := r.Get(key)
		if err != nil {
			return err
		}
		if err := visit(i, row); err != nil {
			return err
		}
	}
	return nil
}

// Count is how many rows a bucket of a primary-key table has. It fails as Lookup does.
func (t *Tablet) Count(b ids.Bucket) (int64, error) {
	found, err := t.rowsOf(b)
	if err != nil {
		return 0, err
	}
	found.rows.space.RLock()
	defer found.rows.space.RUnlock()
	return found.rows.count, nil
}

// Rows takes the rows of a bucket as they are now. The caller closes them. It
// fails as Lookup does.
func (t *Tablet) Rows(b ids.Bucket) (*Rows, error) {
	found, err := t.rowsOf(b)
	if err != nil {
		return nil, err
	}
	r := &Rows{}
	r.snapshot, err = found.rows.space.Snapshot(func() {
		r.offset, r.count = found.log.State().End, found.rows.count
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Rows are the rows of a bucket at one moment. It is safe for concurrent use.
type Rows struct {
	snapshot *keyspace.Snapshot
	offset   ids.Offset
	count    int64
}

// Offset is the offset of the first change that the rows do not have.
func (r *Rows) Offset() ids.Offset { return r.offset }

// Count is the number of rows.
func (r *Rows) Count() int64 { return r.count }

// Iterate returns the rows with keys in [from, to) in key order; nil means no
// bound. Keys are those of keys.KeyEncoder. The caller closes the iterator before r.
func (r *Rows) Iterate(from, to []byte) (*RowIterator, error) { return r.snapshot.Iterate(from, to) }

// Close gives the rows' resources back. It may be called twice.
func (r *Rows) Close() { r.snapshot.Close() }

// RowIterator goes through rows in key order; see keyspace.Iterator.
type RowIterator = keyspace.Iterator
