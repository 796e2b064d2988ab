// Package keys decides where a row belongs: its bucket, by Iceberg's bucket
// transform of the bucket key, its partition, by the text of the partition
// columns, and its place among the rows of a bucket, by an ordered key; and it
// splits record batches accordingly.
//
// # Bucket of a row
//
// The hash of a value is that of the Iceberg specification, appendix B: murmur3
// x86 32-bit with seed 0 of
//
//   - integers, dates (days) and booleans (0, 1): the value as 8 bytes;
//   - TIME, TIMESTAMP and TIMESTAMP_LTZ of any precision: microseconds of the day
//     or since 1970 as 8 bytes, nanoseconds rounded down;
//   - FLOAT and DOUBLE: the bits of the double as 8 bytes, -0 as 0 and any NaN as
//     0x7ff8000000000000;
//   - DECIMAL: the unscaled value in two's complement, big-endian, in as few bytes
//     as hold it;
//   - CHAR and STRING: the UTF-8 bytes; BINARY and BYTES: the bytes;
//
// 8 bytes always being little-endian. The hash of a null is 0. The hash of a key
// of one column is that of its value, so that the bucket is what Iceberg's
// bucket(N, column) gives; of several columns, it is murmur3 of the hashes of
// their values in the order of the key, 4 bytes each, little-endian. The bucket
// is (hash & 0x7fffffff) mod N.
//
// # Ordered keys
//
// FORMAT.md says how KeyEncoder and EncodeValue write the key of a row of a
// primary-key table.
//
// Vectors are in testdata; clients in other languages read them too.
package keys

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// The constants of murmur3 x86 32-bit.
const (
	murmurC1  = 0xcc9e2d51
	murmurC2  = 0x1b873593
	murmurAdd = 0xe6546b64
	mixC1     = 0x85ebca6b
	mixC2     = 0xc2b2ae35
)

func murmurBlock(h, k uint32) uint32 {
	k *= murmurC1
	k = bits.RotateLeft32(k, 15)
	h ^= k * murmurC2
	return bits.RotateLeft32(h, 13)*5 + murmurAdd
}

func murmurEnd(h, n uint32) uint32 {
	h ^= n
	h ^= h >> 16
	h *= mixC1
	h ^= h >> 13
	h *= mixC2
	return h ^ h>>16
}

// hashLong is the hash of the 8 bytes of v.
func hashLong(v int64) uint32 {
	return murmurEnd(murmurBlock(murmurBlock(0, uint32(v)), uint32(v>>32)), 8)
}

// hashBytes is the hash of b.
func hashBytes(b []byte) uint32 {
	var h uint32
	n := uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = murmurBlock(h, binary.LittleEndian.Uint32(b))
	}
	var k uint32
	for i, x := range b {
		k |= uint32(x) << (8 * i)
	}
	if len(b) > 0 {
		h ^= bits.RotateLeft32(k*murmurC1, 15) * murmurC2
	}
	return murmurEnd(h, n)
}

func hashDouble(v float64) uint32 {
	switch {
	case v == 0:
		return hashLong(0)
	case v != v: //nolint:gocritic // NaN
		return hashLong(0x7ff8000000000000)
	default:
		return hashLong(int64(math.Float64bits(v)))
	}
}

func hashDecimal(v decimal128.Num) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(v.HighBits()))
	binary.BigEndian.PutUint64(b[8:], v.LowBits())
	i := 0
	for i < len(b)-1 && (b[i] == 0 && b[i+1] < 0x80 || b[i] == 0xff && b[i+1] >= 0x80) {
		i++
	}
	return hashBytes(b[i:])
}

// Hasher finds the buckets of rows. It is immutable and safe for concurrent use.
type Hasher struct {
	columns []hashColumn
}

type hashColumn struct {
	index int
	field schema.Field
}

// NewHasher returns the hasher for a bucket key, the names of at least one column
// in the order of the key. It fails with UNKNOWN_COLUMN, and with INVALID_SCHEMA
// for an ARRAY, MAP or ROW column.
func NewHasher(s *schema.Schema, bucketKeys []string) (*Hasher, error) {
	if len(bucketKeys) == 0 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "a bucket key needs at least one column")
	}
	h := &Hasher{}
	for _, name := range bucketKeys {
		f, err := s.Column(name)
		if err != nil {
			return nil, err
		}
		if f.Type.Kind.Nested() {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is %s and cannot be in the bucket key", name, f.Type)
		}
		i, _ := s.Index(name)
		h.columns = append(h.columns, hashColumn{i, f})
	}
	return h, nil
}

// Buckets returns the bucket in [0, n) of each row of rec, in dst's memory if it
// is large enough. rec has the Arrow schema of the hasher's schema.
//
// It fails with INVALID_BATCH (column) if a column has another type.
func (h *Hasher) Buckets(rec arrow.RecordBatch, n int, dst []int32) ([]int32, error) {
	if n < 1 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "rows cannot be spread over %d buckets", n)
	}
	rows := int(rec.NumRows())
	if cap(dst) < rows {
		dst = make([]int32, rows)
	}
	dst = dst[:rows]
	if err := h.columns[0].hash(rec, dst); err != nil {
		return nil, err
	}
	if len(h.columns) > 1 {
		if err := h.combine(rec, dst); err != nil {
			return nil, err
		}
	}
	if n&(n-1) == 0 {
		for i, v := range dst {
			dst[i] = v & int32(n-1)
		}
		return dst, nil
	}
	for i, v := range dst {
		dst[i] = int32(uint32(v&math.MaxInt32) % uint32(n))
	}
	return dst, nil
}

// combine turns the hashes of the first column in dst into those of the key.
func (h *Hasher) combine(rec arrow.RecordBatch, dst []int32) error {
	for i, v := range dst {
		dst[i] = int32(murmurBlock(0, uint32(v)))
	}
	next := make([]int32, len(dst))
	for _, c := range h.columns[1:] {
		if err := c.hash(rec, next); err != nil {
			return err
		}
		for i, v := range next {
			dst[i] = int32(murmurBlock(uint32(dst[i]), uint32(v)))
		}
	}
	bytes := uint32(4 * len(h.columns))
	for i, v := range dst {
		dst[i] = int32(murmurEnd(uint32(v), bytes))
	}
	return nil
}

// hash puts the hash of the column's value of each row into dst.
func (c *hashColumn) hash(rec arrow.RecordBatch, dst []int32) error {
	if c.index >= int(rec.NumCols()) {
		return errcode.New(errcode.InvalidBatch, nil, "the record batch has %d columns, too few for the bucket key", rec.NumCols())
	}
	arr := rec.Column(c.index)
	if !hashArray(arr, dst) {
		return errcode.New(errcode.InvalidBatch, nil, "column %q is of the Arrow type %s and the table wants %s",
			c.field.Name, arr.DataType(), c.field.Type).With("column", c.field.Name)
	}
	if arr.NullN() > 0 {
		for i := range dst {
			if arr.IsNull(i) {
				dst[i] = 0
			}
		}
	}
	return nil
}

// hashArray hashes values, nulls as whatever lies there; false for a type that
// no bucket key has.
func hashArray(arr arrow.Array, dst []int32) bool {
	switch a := arr.(type) {
	case *array.Int8:
		hashInts(a.Int8Values(), dst)
	case *array.Int16:
		hashInts(a.Int16Values(), dst)
	case *array.Int32:
		hashInts(a.Int32Values(), dst)
	case *array.Int64:
		hashInts(a.Int64Values(), dst)
	case *array.Date32:
		hashInts(a.Date32Values(), dst)
	case *array.Time32:
		hashTimes(a.Time32Values(), a.DataType().(*arrow.Time32Type).Unit, dst)
	case *array.Time64:
		hashTimes(a.Time64Values(), a.DataType().(*arrow.Time64Type).Unit, dst)
	case *array.Timestamp:
		hashTimes(a.TimestampValues(), a.DataType().(*arrow.TimestampType).Unit, dst)
	case *array.String:
		for i := range dst {
			dst[i] = int32(hashString(a.Value(i)))
		}
	default:
		return hashRare(arr, dst)
	}
	return true
}

func hashRare(arr arrow.Array, dst []int32) bool {
	switch a := arr.(type) {
	case *array.Boolean:
		for i := range dst {
			v := int64(0)
			if a.Value(i) {
				v = 1
			}
			dst[i] = int32(hashLong(v))
		}
	case *array.Float32:
		for i, v := range a.Float32Values() {
			dst[i] = int32(hashDouble(float64(v)))
		}
	case *array.Float64:
		for i, v := range a.Float64Values() {
			dst[i] = int32(hashDouble(v))
		}
	case *array.Decimal128:
		for i, v := range a.Values() {
			dst[i] = int32(hashDecimal(v))
		}
	case *array.Binary:
		for i := range dst {
			dst[i] = int32(hashBytes(a.Value(i)))
		}
	case *array.FixedSizeBinary:
		for i := range dst {
			dst[i] = int32(hashBytes(a.Value(i)))
		}
	default:
		return false
	}
	return true
}

func hashString(s string) uint32 { return hashBytes([]byte(s)) } // the compiler does not copy

func hashInts[T ~int8 | ~int16 | ~int32 | ~int64](values []T, dst []int32) {
	for i, v := range values {
		dst[i] = int32(hashLong(int64(v)))
	}
}

func hashTimes[T ~int32 | ~int64](values []T, unit arrow.TimeUnit, dst []int32) {
	for i, v := range values {
		dst[i] = int32(hashLong(micros(int64(v), unit)))
	}
}

// micros returns a time of the unit in microseconds, rounded down; values too
// large for that wrap around, as in Java.
func micros(v int64, unit arrow.TimeUnit) int64 {
	switch unit {
	case arrow.Second:
		return v * 1e6
	case arrow.Millisecond:
		return v * 1e3
	case arrow.Microsecond:
		return v
	default:
		q := v / 1e3
		if v%1e3 < 0 {
			q--
		}
		return q
	}
}
