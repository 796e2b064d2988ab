// Package ids gives every identity in the system a type of its own, so that a
// swap of two of them does not compile.
package ids

import (
	"cmp"
	"fmt"
	"math"
)

// TableID names a table for ever: a table dropped and created again under the
// same name gets another one. Valid ids start at 1.
type TableID int64

// PartitionID names a partition of a table. Valid ids start at 1; 0 stands for
// «the table is not partitioned».
type PartitionID int64

// BucketID is the number of a bucket within its table or partition, from 0.
type BucketID int32

// TabletID names a tablet (a Raft group) of the cluster, from 1.
type TabletID int32

// ServerID names a server of the cluster, from 1.
type ServerID int32

// SchemaID is the version of a table's schema, from 1 and counting up.
type SchemaID int32

// FieldID names a column, or a field nested in one, for ever within its table:
// it survives renames and is never reused. Valid ids start at 1.
type FieldID int32

// WriterID names one incarnation of one writer; the server hands it out.
// Valid ids start at 1; 0 stands for «not idempotent».
type WriterID int64

// Sequence counts a writer's batches per bucket, from 0; after the greatest it
// begins again at 0. It is never negative.
type Sequence int32

// Next returns the sequence after s.
func (s Sequence) Next() Sequence { return (s + 1) & math.MaxInt32 }

// Since returns how many times Next leads from earlier to s.
func (s Sequence) Since(earlier Sequence) int { return int((s - earlier) & math.MaxInt32) }

// Offset is a row's place in its bucket: dense, from 0, given out when the row
// is appended. Ranges are half-open: [from, end).
type Offset int64

// Bucket names one bucket of one table: the unit of order.
type Bucket struct {
	Table     TableID
	Partition PartitionID
	Bucket    BucketID
}

// String returns "table 7 bucket 3" or "table 7 partition 2 bucket 3".
func (b Bucket) String() string {
	if b.Partition == 0 {
		return fmt.Sprintf("table %d bucket %d", b.Table, b.Bucket)
	}
	return fmt.Sprintf("table %d partition %d bucket %d", b.Table, b.Partition, b.Bucket)
}

// Compare orders buckets by table, partition and bucket number: negative when b
// comes before o, positive when after, else 0.
func (b Bucket) Compare(o Bucket) int {
	return cmp.Or(
		cmp.Compare(b.Table, o.Table),
		cmp.Compare(b.Partition, o.Partition),
		cmp.Compare(b.Bucket, o.Bucket),
	)
}
