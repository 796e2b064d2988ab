package rpc

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// placer tells whether rows of a primary-key table are in the bucket and the
// partition that their keys say. A client that hashes in another way would write
// rows that nobody finds, and find none. It is immutable and safe for concurrent use.
type placer struct {
	// columns are those of the records; partitionKeys are among them, and empty
	// when the table is not partitioned or records lack them.
	columns       *schema.Schema
	partitionKeys []string
	bucketKeys    []string
	hasher        *keys.Hasher
	buckets       int
}

// newPlacer returns the placer of records with the columns fields, which are of
// the schema version s.
func newPlacer(info *table.Info, s *schema.Schema, fields []schema.Field, partitions bool) (*placer, error) {
	p := &placer{columns: &schema.Schema{ID: s.ID, Columns: fields}, buckets: info.Descriptor.BucketCount}
	var err error
	if p.bucketKeys, err = namesIn(p.columns, info, info.Descriptor.BucketKeys); err != nil {
		return nil, err
	}
	if partitions {
		if p.partitionKeys, err = namesIn(p.columns, info, info.Descriptor.PartitionKeys); err != nil {
			return nil, err
		}
	}
	p.hasher, err = keys.NewHasher(p.columns, p.bucketKeys)
	return p, err
}

// namesIn returns what columns of the table's newest schema are called in s. It
// fails with INVALID_ARGUMENT when s lacks one.
func namesIn(s *schema.Schema, info *table.Info, names []string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		f, err := info.Schema().Column(name)
		if err != nil {
			return nil, err
		}
		at, ok := s.IndexByID(f.ID)
		if !ok {
			return nil, errcode.New(errcode.InvalidArgument, nil, "column %q of the key of table %s is missing", name, info.Path).With("column", name)
		}
		out[i] = s.Columns[at].Name
	}
	return out, nil
}

// check reports the first row that does not belong into the bucket, or the
// partition of that name: INVALID_BATCH(column, row). It returns scratch, grown.
func (p *placer) check(rec arrow.RecordBatch, bucket ids.Bucket, partition string, scratch []int32) ([]int32, error) {
	found, err := p.hasher.Buckets(rec, p.buckets, scratch)
	if err != nil {
		return scratch, err
	}
	for row, b := range found {
		if b != int32(bucket.Bucket) {
			return found, rowError(row, p.bucketKeys[0], "it belongs into bucket %d and was sent to bucket %d: hash the bucket key (%s) as the server does",
				b, bucket.Bucket, strings.Join(p.bucketKeys, ", "))
		}
	}
	if len(p.partitionKeys) == 0 {
		return found, nil
	}
	names, err := keys.PartitionNames(p.columns, p.partitionKeys, rec)
	if err != nil {
		return found, err
	}
	for row, name := range names {
		if name != partition {
			return found, rowError(row, p.partitionKeys[0], "it belongs into partition %q and was sent to partition %q", name, partition)
		}
	}
	return found, nil
}

// rowError says what is wrong with a row of a batch.
func rowError(row int, column, format string, args ...any) *errcode.Error {
	return errcode.New(errcode.InvalidBatch, nil, "row %d: "+format, append([]any{row}, args...)...).With("column", column).With("row", row)
}
