// Package keys says which bucket a row belongs to, and splits batches of rows by
// it, so that every client in every language sends a row to the same bucket.
//
// The hash of one value is that of Iceberg's bucket transform (Iceberg table
// specification, appendix B): murmur3 x86 32-bit, seed 0, of
//
//	BOOLEAN                            1 or 0 as an 8-byte little-endian integer
//	TINYINT, SMALLINT, INT, BIGINT     the value as an 8-byte little-endian integer
//	DATE                               days since 1970, likewise
//	TIME, TIMESTAMP, TIMESTAMP_LTZ     microseconds since midnight or 1970, rounded down, likewise
//	FLOAT, DOUBLE                      the bits of the value as a DOUBLE, likewise; -0 counts as 0 and all NaNs as one
//	DECIMAL                            the unscaled value, two's complement, big-endian, in as few bytes as it takes
//	CHAR, STRING                       the UTF-8 bytes
//	BINARY, BYTES                      the bytes
//	null                               nothing: its hash is 0
//
// A bucket key of one column has that hash, one of several columns the murmur3 of
// their hashes, each as 4 little-endian bytes, in the order of the key. The
// bucket is (hash & 0x7fffffff) % buckets: for one column what Iceberg's
// bucket(N, column) gives. Vectors for every type are in testdata/buckets.json.
package keys

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/twmb/murmur3"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Hasher tells the buckets of rows by a bucket key. It is safe for concurrent use.
type Hasher struct {
	columns []int // of the key, in its order
}

// NewHasher returns a hasher for rows of s by the columns called bucketKeys, in
// that order. It fails with UNKNOWN_COLUMN, and INVALID_SCHEMA for a nested column
// or no column at all.
func NewHasher(s *schema.Schema, bucketKeys []string) (*Hasher, error) {
	if len(bucketKeys) == 0 {
		return nil, errcode.New(errcode.InvalidSchema, nil, "a bucket key has at least one column")
	}
	h := &Hasher{}
	for _, name := range bucketKeys {
		i, ok := s.Index(name)
		if !ok {
			return nil, errcode.New(errcode.UnknownColumn, nil, "bucket key column %q is not in the schema", name).With("column", name)
		}
		if s.Columns[i].Type.Kind.Nested() {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is of type %s: rows cannot be bucketed by it",
				name, s.Columns[i].Type.Kind).With("column", name)
		}
		h.columns = append(h.columns, i)
	}
	return h, nil
}

// Buckets appends the bucket of each row of rec to dst, in [0, n), and returns
// it. rec has the columns of the schema, in order. It fails with INVALID_BATCH
// when a key column has another type.
func (h *Hasher) Buckets(rec arrow.RecordBatch, n int, dst []int32) ([]int32, error) {
	rows := int(rec.NumRows())
	hashes := make([]uint32, rows*len(h.columns))
	for k, c := range h.columns {
		if c >= int(rec.NumCols()) || !hashColumn(rec.Column(c), hashes[k*rows:(k+1)*rows]) {
			return nil, errcode.New(errcode.InvalidBatch, nil, "bucket key column %d is missing or has a type that has no hash", c).With("column", c)
		}
	}
	joined := make([]byte, 4*len(h.columns))
	for r := range rows {
		hash := hashes[r]
		if len(h.columns) > 1 {
			for k := range h.columns {
				binary.LittleEndian.PutUint32(joined[4*k:], hashes[k*rows+r])
			}
			hash = murmur3.Sum32(joined)
		}
		dst = append(dst, int32(hash&math.MaxInt32)%int32(n))
	}
	return dst, nil
}

// hashColumn puts the hash of each value into out; false when the type has none.
func hashColumn(a arrow.Array, out []uint32) bool {
	one := hashOf(a)
	if one == nil {
		return false
	}
	for i := range out {
		if a.IsValid(i) {
			out[i] = one(i)
		}
	}
	return true
}

// hashOf returns the hash of a's value i, which is not null; nil when its type has none.
func hashOf(a arrow.Array) func(i int) uint32 {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) uint32 {
			if a.Value(i) {
				return hashLong(1)
			}
			return hashLong(0)
		}
	case *array.Int8:
		return func(i int) uint32 { return hashLong(int64(a.Value(i))) }
	case *array.Int16:
		return func(i int) uint32 { return hashLong(int64(a.Value(i))) }
	case *array.Int32:
		return func(i int) uint32 { return hashLong(int64(a.Value(i))) }
	case *array.Int64:
		return func(i int) uint32 { return hashLong(a.Value(i)) }
	case *array.Date32:
		return func(i int) uint32 { return hashLong(int64(a.Value(i))) }
	case *array.Float32:
		return func(i int) uint32 { return hashDouble(float64(a.Value(i))) }
	case *array.Float64:
		return func(i int) uint32 { return hashDouble(a.Value(i)) }
	case *array.Decimal128:
		return func(i int) uint32 { return hashDecimal(a.Value(i)) }
	case *array.String:
		return func(i int) uint32 { return murmur3.StringSum32(a.Value(i)) }
	case *array.Binary:
		return func(i int) uint32 { return murmur3.Sum32(a.Value(i)) }
	case *array.FixedSizeBinary:
		return func(i int) uint32 { return murmur3.Sum32(a.Value(i)) }
	default:
		return hashOfTime(a)
	}
}

func hashOfTime(a arrow.Array) func(i int) uint32 {
	switch a := a.(type) {
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return func(i int) uint32 { return hashLong(micros(int64(a.Value(i)), unit)) }
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return func(i int) uint32 { return hashLong(micros(int64(a.Value(i)), unit)) }
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return func(i int) uint32 { return hashLong(micros(int64(a.Value(i)), unit)) }
	default:
		return nil
	}
}

// micros converts a time to microseconds, rounding down. Values that do not fit
// wrap around, everywhere in the same way.
func micros(v int64, unit arrow.TimeUnit) int64 {
	const thousand, million = 1000, 1_000_000
	switch unit {
	case arrow.Second:
		return v * million
	case arrow.Millisecond:
		return v * thousand
	case arrow.Nanosecond:
		q := v / thousand
		if v%thousand < 0 {
			q--
		}
		return q
	default:
		return v
	}
}

func hashLong(v int64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	return murmur3.Sum32(b[:])
}

func hashDouble(v float64) uint32 {
	const canonicalNaN = 0x7ff8000000000000 // as Java's doubleToLongBits
	switch {
	case v == 0:
		return hashLong(0)
	case math.IsNaN(v):
		return hashLong(canonicalNaN)
	default:
		return hashLong(int64(math.Float64bits(v)))
	}
}

func hashDecimal(v decimal128.Num) uint32 { return murmur3.Sum32(twosComplement(v.BigInt())) }

// twosComplement returns v as Java's BigInteger.toByteArray does: big-endian, in
// as few bytes as hold it and its sign.
func twosComplement(v *big.Int) []byte {
	if v.Sign() >= 0 {
		b := v.Bytes()
		if len(b) == 0 || b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	n := len(new(big.Int).Not(v).Bytes())
	if n == 0 || new(big.Int).Not(v).Bytes()[0]&0x80 != 0 {
		n++
	}
	b := new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n))).Bytes()
	return b
}
