package keys

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Part is the rows of a batch that belong to one bucket.
type Part struct {
	Bucket int32
	// Rec is the caller's to release.
	Rec arrow.RecordBatch
}

// SplitByBucket returns the rows of rec by bucket, ascending by bucket number and
// in their order within one; buckets[i] is that of row i and is not negative. Rows
// that all belong to one bucket are not copied. It fails with INVALID_BATCH for a
// column whose rows cannot be picked.
func SplitByBucket(rec arrow.RecordBatch, buckets []int32) ([]Part, error) {
	if len(buckets) == 0 {
		return nil, nil
	}
	most := int32(0)
	for _, b := range buckets {
		most = max(most, b)
	}
	counts := make([]int32, most+1)
	for _, b := range buckets {
		counts[b]++
	}
	if int(counts[buckets[0]]) == len(buckets) {
		rec.Retain()
		return []Part{{buckets[0], rec}}, nil
	}
	starts := make([]int32, most+2)
	for b, n := range counts {
		starts[b+1] = starts[b] + n
	}
	rows := make([]int32, len(buckets))
	next := append([]int32(nil), starts...)
	for i, b := range buckets {
		rows[next[b]] = int32(i)
		next[b]++
	}
	sorted, err := take(rec, rows)
	if err != nil {
		return nil, err
	}
	defer sorted.Release()
	var parts []Part
	for b, n := range counts {
		if n > 0 {
			parts = append(parts, Part{int32(b), sorted.NewSlice(int64(starts[b]), int64(starts[b+1]))})
		}
	}
	return parts, nil
}

// take returns the rows of rec with the given numbers, in that order.
func take(rec arrow.RecordBatch, rows []int32) (arrow.RecordBatch, error) {
	indices := array.NewInt32Data(array.NewData(arrow.PrimitiveTypes.Int32, len(rows),
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(rows))}, nil, 0, 0))
	defer indices.Release()
	columns := make([]arrow.Array, rec.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, c := range rec.Columns() {
		picked, err := compute.TakeArrayOpts(context.Background(), c, indices, compute.TakeOptions{BoundsCheck: false})
		if err != nil {
			return nil, errcode.New(errcode.InvalidBatch, err, "column %q: rows of type %s cannot be split by bucket",
				rec.ColumnName(i), c.DataType()).With("column", rec.ColumnName(i))
		}
		columns[i] = picked
	}
	return array.NewRecordBatch(rec.Schema(), columns, int64(len(rows))), nil
}
