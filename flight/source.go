package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"google.golang.org/grpc/mem"
)

// Source is what the service reads tables from and writes rows to: the server.
// All methods are safe for concurrent use; their errors are *errcode.Error.
type Source interface {
	// Tables returns all tables, ordered by path.
	Tables(ctx context.Context) ([]*table.Info, error)
	// Table returns a table as it is now. It fails with UnknownTable or UnknownDatabase.
	Table(ctx context.Context, path table.Path) (*Table, error)
	// Log returns the log of a bucket. It fails with UnknownBucket or NotLeader.
	Log(ctx context.Context, bucket ids.Bucket) (Log, error)
	// Endpoints returns the servers, as host:port, that serve the bucket, the
	// best one first. None means «the one you are talking to».
	Endpoints(ctx context.Context, bucket ids.Bucket) ([]string, error)
	// Put starts writing rows to a table. The service closes the Putter.
	Put(ctx context.Context, request PutRequest) (Putter, error)
	// Rows takes the rows of a bucket of a primary-key table as they are now. The
	// service closes them. It fails with UnknownBucket or NotLeader.
	Rows(ctx context.Context, bucket ids.Bucket) (Rows, error)
	// Looker opens look-ups in a primary-key table. The service closes it. It
	// fails with NotPrimaryKeyTable and UnknownColumn, and with InvalidArgument for
	// a prefix when the bucket key is none of the primary key.
	Looker(ctx context.Context, request LookRequest) (Looker, error)
}

// Table is a table and its partitions at one moment.
type Table struct {
	Info *table.Info
	// Partitions are ordered by name; nil when the table is not partitioned.
	Partitions []Partition
}

// Partition is a partition of a table.
type Partition struct {
	ID   ids.PartitionID
	Name string
}

// Log is the log of one bucket. It is safe for concurrent use.
type Log interface {
	// Start is the first offset that is still stored.
	Start() ids.Offset
	// HighWatermark is the offset after the last readable row.
	HighWatermark() ids.Offset
	// OffsetAt returns the offset of the first batch committed at or after ms
	// (Unix milliseconds), or the high watermark when there is none.
	OffsetAt(ctx context.Context, ms int64) (ids.Offset, error)
	// Cursor starts reading at from, which lies in [Start, HighWatermark]. It
	// fails with OffsetOutOfRange.
	Cursor(from ids.Offset) (Cursor, error)
	// Watch has f called after each rise of the high watermark, and when the
	// log is closed or dropped. f does not block. cancel may be called twice.
	Watch(f func()) (cancel func())
}

// Cursor reads the batches of a log in order. It is not safe for concurrent use.
type Cursor interface {
	// Next returns the next batch, whose first rows may lie before the place
	// where the cursor started, or nil at the high watermark; later calls may
	// return more. The batch is the caller's to Release and valid after Close.
	Next() (Batch, error)
	Close()
}

// Batch is one stored batch.
type Batch interface {
	// View is the batch's header and head, valid until Release.
	View() *batch.View
	// ReadColumns returns the bytes of the columns with the indexes cols, in
	// that order; nil is the whole body. Checksums have been verified. The
	// slice is the caller's to Free and is valid after Release.
	ReadColumns(cols []int) (mem.BufferSlice, error)
	Release()
}

// PutRequest says what rows are written to and how.
type PutRequest struct {
	Path table.Path
	// Mode is APPEND to a log table, UPSERT into or DELETE from a primary-key table.
	Mode flussv1.WriteKind
	// Columns are those of a partial update, or those that a partial delete makes
	// null; nil means all. They have been checked against the table.
	Columns []string
}

// Putter writes the rows of one DoPut. Write and Close are called by one goroutine.
type Putter interface {
	// Write takes rows with columns of the table's newest schema: to append all, to
	// upsert those of table.Info.WriteFields for the request's columns, to delete
	// those of KeyFields, each in that order. It returns when they are accepted, which waits while too many are
	// not acked. acked is called once for each bucket batch that they became,
	// from any goroutine; it does not block. rec is the caller's again when
	// Write has returned: the Putter retains what it keeps.
	Write(ctx context.Context, rec arrow.RecordBatch, acked func(Ack)) error
	// Close waits until every row is acked or has failed, and returns the first
	// error. No acked function is called after it has returned.
	Close(ctx context.Context) error
}

// Ack tells where rows of a DoPut went: the offsets [Base, End) of a bucket, or
// why they went nowhere.
type Ack struct {
	Bucket ids.Bucket
	// Partition is the partition's name; empty when the table is not partitioned.
	Partition string
	Base, End ids.Offset
	Rows      int64
	Err       error
}

// Rows are the rows of one bucket of a primary-key table at one moment. It is
// safe for concurrent use.
type Rows interface {
	// Offset is the offset of the first change that is not in the rows.
	Offset() ids.Offset
	// Count is the number of rows.
	Count() int64
	// Scan starts reading rows in key order. The cursor is closed before the rows.
	Scan(s RowScan) (RowCursor, error)
	Close()
}

// RowScan says which rows are read, and what of them. Keys are physical keys as
// keys.KeyEncoder makes them; nil is no bound.
type RowScan struct {
	// Schema has the columns wanted, with the ids that they have in the newest
	// schema, and has its id. It may have no columns.
	Schema *schema.Schema
	// Rows with keys above After and in [From, To) are read, which may be none.
	After, From, To []byte
}

// RowCursor reads the rows of a RowScan in key order. It is not safe for
// concurrent use.
type RowCursor interface {
	// Next returns up to maxRows rows, or about maxBytes bytes of them, as a
	// plain batch with the layout of RowScan.Schema and base offset 0, and the key
	// of its last row, which is valid until the next call. It returns no batch at
	// the end. The batch is the caller's to Release and valid after Close.
	Next(maxRows, maxBytes int) (Batch, []byte, error)
	Close()
}

// LookRequest says how rows are looked up.
type LookRequest struct {
	Path table.Path
	// Columns are those wanted of the rows; nil is all.
	Columns []string
	// Prefix tells that keys are the columns of the bucket key, and that all rows
	// with them are wanted.
	Prefix bool
	// InsertIfAbsent makes a row for a key that has none.
	InsertIfAbsent bool
	// Keys is the schema of the records of keys: the columns of the primary key, or
	// those of the bucket key and the partition, in the order of the table's schema.
	Keys *arrow.Schema
}

// Looker looks rows up. It is used by one goroutine.
type Looker interface {
	// Schema is that of the rows that Look returns; all columns are nullable.
	Schema() *arrow.Schema
	// Look returns the rows of each key, those of a key after each other, and how
	// many each has. rows is the caller's to release.
	Look(ctx context.Context, keys arrow.RecordBatch) (rows arrow.RecordBatch, counts []uint32, err error)
	Close() error
}
