package keys

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Part is the rows of one bucket of a record batch that was split.
type Part struct {
	Bucket int32
	// Rec has the rows in the order of the whole; the caller releases it.
	Rec arrow.RecordBatch
}

// SplitByBucket splits rec into one part per bucket that has rows, in order of
// the buckets' numbers. buckets has the bucket, 0 or more, of each row; they may
// as well be the numbers of anything else. Rows that lie together are not copied.
//
// It fails with INVALID_ARGUMENT, and with UNSUPPORTED for a type that no table has.
func SplitByBucket(rec arrow.RecordBatch, buckets []int32) ([]Part, error) {
	if int64(len(buckets)) != rec.NumRows() {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%d buckets were given for %d rows", len(buckets), rec.NumRows())
	}
	order, counts, err := sortByBucket(buckets)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(counts))
	for _, c := range counts {
		rows := order[:c.rows]
		order = order[c.rows:]
		part, err := take(rec, rows)
		if err != nil {
			for _, p := range parts {
				p.Rec.Release()
			}
			return nil, err
		}
		parts = append(parts, Part{c.bucket, part})
	}
	return parts, nil
}

type bucketCount struct {
	bucket int32
	rows   int
}

// maxBuckets bounds the counters of a split.
const maxBuckets = 1 << 24

// sortByBucket returns the numbers of the rows, those of each bucket together
// and in order, and how many rows each bucket has that has any.
func sortByBucket(buckets []int32) (order []int32, counts []bucketCount, err error) {
	top := int32(-1)
	for _, b := range buckets {
		if b < 0 || b >= maxBuckets {
			return nil, nil, errcode.New(errcode.InvalidArgument, nil, "bucket %d is not in [0, %d)", b, maxBuckets)
		}
		top = max(top, b)
	}
	at := make([]int32, top+1)
	for _, b := range buckets {
		at[b]++
	}
	sum := int32(0)
	for b, n := range at {
		if n > 0 {
			counts = append(counts, bucketCount{int32(b), int(n)})
		}
		at[b] = sum
		sum += n
	}
	order = make([]int32, len(buckets))
	for i, b := range buckets {
		order[at[b]] = int32(i)
		at[b]++
	}
	return order, counts, nil
}

// take returns the rows of rec with the given numbers, which ascend.
func take(rec arrow.RecordBatch, rows []int32) (arrow.RecordBatch, error) {
	if n := len(rows); int(rows[n-1]-rows[0]) == n-1 {
		return rec.NewSlice(int64(rows[0]), int64(rows[0])+int64(n)), nil
	}
	cols := make([]arrow.Array, rec.NumCols())
	for i := range cols {
		d := rec.Column(i).Data()
		data, err := gather(d, d.Offset(), rows)
		if err != nil {
			return nil, err
		}
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	out := array.NewRecordBatch(rec.Schema(), cols, int64(len(rows)))
	for _, c := range cols {
		c.Release()
	}
	return out, nil
}

func bytesOf(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers()[i]; b != nil {
		return b.Bytes()
	}
	return nil
}

// gather copies the values of d at base+rows[0], base+rows[1] and so on.
func gather(d arrow.ArrayData, base int, rows []int32) (arrow.ArrayData, error) {
	valid, nulls := gatherValidity(d, base, rows)
	buffers := []*memory.Buffer{valid}
	var children []arrow.ArrayData
	switch dt := d.DataType().(type) {
	case *arrow.BooleanType:
		buffers = append(buffers, gatherBits(bytesOf(d, 1), base, rows))
	case arrow.FixedWidthDataType:
		buffers = append(buffers, gatherFixed(bytesOf(d, 1), dt.BitWidth()/8, base, rows))
	case *arrow.StringType, *arrow.BinaryType:
		buffers = append(buffers, gatherTexts(bytesOf(d, 1), bytesOf(d, 2), base, rows)...)
	case *arrow.ListType, *arrow.MapType:
		offsets, items := gatherOffsets(bytesOf(d, 1), base, rows)
		child := d.Children()[0]
		out, err := gather(child, child.Offset(), items)
		if err != nil {
			return nil, err
		}
		buffers, children = append(buffers, offsets), []arrow.ArrayData{out}
	case *arrow.StructType:
		for _, child := range d.Children() {
			out, err := gather(child, child.Offset()+base, rows)
			if err != nil {
				return nil, err
			}
			children = append(children, out)
		}
	default:
		return nil, errcode.New(errcode.Unsupported, nil, "a column is of the Arrow type %s, which no table has", dt)
	}
	out := array.NewData(d.DataType(), len(rows), buffers, children, nulls, 0)
	for _, c := range children {
		c.Release()
	}
	return out, nil
}

func gatherValidity(d arrow.ArrayData, base int, rows []int32) (*memory.Buffer, int) {
	if d.NullN() == 0 || d.Buffers()[0] == nil {
		return nil, 0
	}
	out := gatherBits(d.Buffers()[0].Bytes(), base, rows)
	nulls := len(rows) - bitutil.CountSetBits(out.Bytes(), 0, len(rows))
	if nulls == 0 {
		return nil, 0
	}
	return out, nulls
}

func gatherBits(src []byte, base int, rows []int32) *memory.Buffer {
	dst := make([]byte, (len(rows)+7)/8)
	for i, r := range rows {
		at := base + int(r)
		dst[i/8] |= (src[at/8] >> (at % 8) & 1) << (i % 8)
	}
	return memory.NewBufferBytes(dst)
}

func gatherFixed(src []byte, width, base int, rows []int32) *memory.Buffer {
	dst := make([]byte, width*len(rows))
	if len(rows) == 0 {
		return memory.NewBufferBytes(dst)
	}
	src = src[base*width:]
	le := binary.LittleEndian
	switch width {
	case 4:
		for i, r := range rows {
			le.PutUint32(dst[4*i:], le.Uint32(src[4*int(r):]))
		}
	case 8:
		for i, r := range rows {
			le.PutUint64(dst[8*i:], le.Uint64(src[8*int(r):]))
		}
	default:
		for i, r := range rows {
			copy(dst[width*i:width*(i+1)], src[width*int(r):])
		}
	}
	return memory.NewBufferBytes(dst)
}

func offsetAt(offsets []byte, i int) int {
	return int(int32(binary.LittleEndian.Uint32(offsets[4*i:])))
}

func gatherTexts(offsets, data []byte, base int, rows []int32) []*memory.Buffer {
	out := make([]byte, 4*(len(rows)+1))
	size := 0
	for i, r := range rows {
		at := base + int(r)
		size += offsetAt(offsets, at+1) - offsetAt(offsets, at)
		binary.LittleEndian.PutUint32(out[4*(i+1):], uint32(size))
	}
	values := make([]byte, 0, size)
	for _, r := range rows {
		at := base + int(r)
		values = append(values, data[offsetAt(offsets, at):offsetAt(offsets, at+1)]...)
	}
	return []*memory.Buffer{memory.NewBufferBytes(out), memory.NewBufferBytes(values)}
}

// gatherOffsets returns the offsets of the lists at rows and the numbers of their items.
func gatherOffsets(offsets []byte, base int, rows []int32) (*memory.Buffer, []int32) {
	out := make([]byte, 4*(len(rows)+1))
	var items []int32
	for i, r := range rows {
		at := base + int(r)
		for j := offsetAt(offsets, at); j < offsetAt(offsets, at+1); j++ {
			items = append(items, int32(j))
		}
		binary.LittleEndian.PutUint32(out[4*(i+1):], uint32(len(items)))
	}
	return memory.NewBufferBytes(out), items
}
