package keys

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// The bytes that texts and bytes of an ordered key need: FORMAT.md says why.
const (
	escape     = 0x00 // before terminator and escapedNil; stands for nothing by itself
	escapedNil = 0xff // behind escape: a byte 0 of the value
	terminator = 0x01 // behind escape: the value ends

	// endBytes is the length of the end of a text: escape and terminator.
	endBytes = 2
)

// KeyEncoder makes the ordered keys of rows, whose bytes compare as the values of
// the key do, column by column: FORMAT.md has the layout. No key is a prefix of
// another, and the key of the first columns alone is a prefix of the keys of all
// rows that have these values, so that an encoder of these columns makes the
// prefixes to look for.
//
// It is immutable and safe for concurrent use.
type KeyEncoder struct {
	columns []keyColumn
	// fixed is the width of the columns of fixed width together, in bytes.
	fixed int
	// texts: there are columns of variable width.
	texts bool
}

type keyColumn struct {
	index int
	field schema.Field
	arrow arrow.DataType
	// width in bytes, 0 when it varies.
	width int
}

// NewKeyEncoder returns the encoder for records with the columns fields, in this
// order; further columns of a record are not looked at. columns names those of the
// key, at least one, in the order of the key.
//
// It fails with INVALID_ARGUMENT when columns is empty, with UNKNOWN_COLUMN, and
// with INVALID_SCHEMA for an ARRAY, MAP or ROW column.
func NewKeyEncoder(fields []schema.Field, columns []string) (*KeyEncoder, error) {
	if len(columns) == 0 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "a key needs at least one column")
	}
	e := &KeyEncoder{}
	for _, name := range columns {
		i := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == name })
		if i < 0 {
			_, err := (&schema.Schema{Columns: fields}).Column(name)
			return nil, err
		}
		f := fields[i]
		if f.Type.Kind.Nested() {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is %s and cannot be in a key", name, f.Type)
		}
		c := keyColumn{index: i, field: f, arrow: f.Type.Arrow(), width: keyWidth(f.Type)}
		e.columns = append(e.columns, c)
		e.fixed += c.width
		e.texts = e.texts || c.width == 0
	}
	return e, nil
}

// keyWidth is the width of a type's values in a key, 0 when it varies.
func keyWidth(t schema.Type) int {
	const decimalBytes = 16
	switch t.Kind {
	case schema.Boolean, schema.TinyInt:
		return 1
	case schema.SmallInt:
		return 2
	case schema.Int, schema.Float, schema.Date:
		return 4
	case schema.BigInt, schema.Double, schema.Timestamp, schema.TimestampLTZ:
		return 8
	case schema.Time:
		if t.Arrow().ID() == arrow.TIME32 {
			return 4
		}
		return 8
	case schema.Decimal:
		return decimalBytes
	case schema.Char, schema.String, schema.Binary, schema.Bytes, schema.Array, schema.Map, schema.Row:
	}
	return 0
}

// keepKeys is the memory, in bytes, up to which Keys keep it for the next rows.
const keepKeys = 4 << 20

// Keys are keys that Encode made, one after the other. The zero value has none. It
// is not safe for concurrent use.
type Keys struct {
	bytes []byte
	// ends are where keys end in bytes.
	ends []int
	// at is where the next column of each row being encoded goes.
	at []int
}

// Reset drops the keys and keeps their memory, unless it is large.
func (k *Keys) Reset() {
	if cap(k.bytes) > keepKeys {
		k.bytes = nil
	}
	const wordBytes = 8
	if cap(k.ends) > keepKeys/wordBytes {
		k.ends, k.at = nil, nil
	}
	k.bytes, k.ends = k.bytes[:0], k.ends[:0]
}

// Len returns the number of keys.
func (k *Keys) Len() int { return len(k.ends) }

// At returns key i. It aliases the memory of k: it is good until Reset or the next
// Encode.
func (k *Keys) At(i int) []byte {
	start := 0
	if i > 0 {
		start = k.ends[i-1]
	}
	return k.bytes[start:k.ends[i]:k.ends[i]]
}

// Encode appends the key of each row of rec to dst, all or none.
//
// It fails with INVALID_BATCH, the column in the fact `column`: for a null, whose
// row is in the fact `row`, from 0, and for a column that is missing or of another
// Arrow type than that of its field.
func (e *KeyEncoder) Encode(rec arrow.RecordBatch, dst *Keys) error {
	if err := e.check(rec); err != nil {
		return err
	}
	rows := int(rec.NumRows())
	before := len(dst.ends)
	dst.ends = slices.Grow(dst.ends, rows)[:before+rows]
	dst.at = slices.Grow(dst.at[:0], rows)[:rows]
	ends := dst.ends[before:]
	for i := range ends {
		ends[i] = e.fixed
	}
	if e.texts {
		for i := range e.columns {
			e.columns[i].measure(rec, ends)
		}
	}
	end := len(dst.bytes)
	for i, n := range ends {
		dst.at[i] = end
		end += n
		ends[i] = end
	}
	dst.bytes = slices.Grow(dst.bytes, end-len(dst.bytes))[:end]
	for i := range e.columns {
		e.columns[i].encode(rec, dst.bytes, dst.at)
	}
	return nil
}

// check looks at the types and finds nulls.
func (e *KeyEncoder) check(rec arrow.RecordBatch) error {
	for i := range e.columns {
		c := &e.columns[i]
		name := c.field.Name
		if c.index >= int(rec.NumCols()) {
			return errcode.New(errcode.InvalidBatch, nil, "the record batch has %d columns and lacks column %q of the key", rec.NumCols(), name).
				With("column", name)
		}
		arr := rec.Column(c.index)
		if !arrow.TypeEqual(arr.DataType(), c.arrow) {
			return errcode.New(errcode.InvalidBatch, nil, "column %q is of the Arrow type %s and the table wants %s",
				name, arr.DataType(), c.field.Type).With("column", name)
		}
		if arr.NullN() == 0 {
			continue
		}
		for row := range arr.Len() {
			if arr.IsNull(row) {
				return errcode.New(errcode.InvalidBatch, nil, "row %d: column %q of the primary key is null", row, name).
					With("column", name).With("row", row)
			}
		}
	}
	return nil
}

// measure adds the length of each row's value to n, if it varies.
func (c *keyColumn) measure(rec arrow.RecordBatch, n []int) {
	if c.width > 0 {
		return
	}
	switch a := rec.Column(c.index).(type) {
	case *array.String:
		for i := range n {
			n[i] += textBytes(a.Value(i))
		}
	case *array.Binary:
		for i := range n {
			n[i] += blobBytes(a.Value(i))
		}
	case *array.FixedSizeBinary:
		for i := range n {
			n[i] += blobBytes(a.Value(i))
		}
	}
}

func textBytes(s string) int { return blobBytes([]byte(s)) } // the compiler does not copy

func blobBytes(b []byte) int { return len(b) + bytes.Count(b, []byte{0}) + endBytes }

// encode puts the value of each row at its place in b and moves the place on.
func (c *keyColumn) encode(rec arrow.RecordBatch, b []byte, at []int) {
	switch a := rec.Column(c.index).(type) {
	case *array.Int8:
		for i, v := range a.Int8Values() {
			b[at[i]] = byte(v) ^ 1<<7
			at[i]++
		}
	case *array.Int16:
		for i, v := range a.Int16Values() {
			binary.BigEndian.PutUint16(b[at[i]:], uint16(v)^1<<15)
			at[i] += 2
		}
	case *array.Int32:
		put32(a.Int32Values(), b, at)
	case *array.Int64:
		put64(a.Int64Values(), b, at)
	case *array.Date32:
		put32(a.Date32Values(), b, at)
	case *array.Time32:
		put32(a.Time32Values(), b, at)
	case *array.Time64:
		put64(a.Time64Values(), b, at)
	case *array.Timestamp:
		put64(a.TimestampValues(), b, at)
	case *array.String:
		for i := range at {
			at[i] += len(escapeText(b[at[i]:at[i]], a.Value(i)))
		}
	default:
		encodeRare(a, b, at)
	}
}

func encodeRare(arr arrow.Array, b []byte, at []int) {
	switch a := arr.(type) {
	case *array.Boolean:
		for i := range at {
			b[at[i]] = boolByte(a.Value(i))
			at[i]++
		}
	case *array.Float32:
		for i, v := range a.Float32Values() {
			binary.BigEndian.PutUint32(b[at[i]:], floatBits(v))
			at[i] += 4
		}
	case *array.Float64:
		for i, v := range a.Float64Values() {
			binary.BigEndian.PutUint64(b[at[i]:], doubleBits(v))
			at[i] += 8
		}
	case *array.Decimal128:
		for i, v := range a.Values() {
			at[i] += len(appendDecimal(b[at[i]:at[i]], v))
		}
	case *array.Binary:
		for i := range at {
			at[i] += len(escapeBytes(b[at[i]:at[i]], a.Value(i)))
		}
	case *array.FixedSizeBinary:
		for i := range at {
			at[i] += len(escapeBytes(b[at[i]:at[i]], a.Value(i)))
		}
	}
}

func put32[T ~int32](values []T, b []byte, at []int) {
	for i, v := range values {
		binary.BigEndian.PutUint32(b[at[i]:], uint32(v)^1<<31)
		at[i] += 4
	}
}

func put64[T ~int64](values []T, b []byte, at []int) {
	for i, v := range values {
		binary.BigEndian.PutUint64(b[at[i]:], uint64(v)^1<<63)
		at[i] += 8
	}
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// floatBits returns bits that compare as v does: -0 as 0, NaN above all.
func floatBits(v float32) uint32 {
	switch {
	case v != v: //nolint:gocritic // NaN
		return math.MaxUint32
	case v == 0:
		return 1 << 31
	case v < 0:
		return ^math.Float32bits(v)
	default:
		return math.Float32bits(v) | 1<<31
	}
}

func doubleBits(v float64) uint64 {
	switch {
	case math.IsNaN(v):
		return math.MaxUint64
	case v == 0:
		return 1 << 63
	case v < 0:
		return ^math.Float64bits(v)
	default:
		return math.Float64bits(v) | 1<<63
	}
}

func appendDecimal(dst []byte, v decimal128.Num) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.HighBits())^1<<63)
	return binary.BigEndian.AppendUint64(dst, v.LowBits())
}

func escapeText(dst []byte, s string) []byte { return escapeBytes(dst, []byte(s)) } // the compiler does not copy

// escapeBytes appends b, each byte 0 escaped, and its end.
func escapeBytes(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return append(append(dst, b...), escape, terminator)
		}
		dst = append(append(dst, b[:i]...), escape, escapedNil)
		b = b[i+1:]
	}
}
