package batch

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/schema"
)

// everyType has a column of each kind, nested ones too.
const everyType = `b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT NOT NULL, i64 BIGINT, f FLOAT, d DOUBLE, c CHAR(4), s STRING,
	dec DECIMAL(30, 4), day DATE, t0 TIME(0), t9 TIME(9), ts3 TIMESTAMP(3), ltz TIMESTAMP_LTZ(6), bin BINARY(5), bytes BYTES NOT NULL,
	a ARRAY<INT>, an ARRAY<STRING NOT NULL> NOT NULL, m MAP<STRING, BIGINT>, r ROW<x INT NOT NULL, y ARRAY<ROW<z STRING>>, w BOOLEAN>,
	deep MAP<INT, ROW<l ARRAY<ARRAY<BOOLEAN>>, m MAP<STRING, BINARY(3)>>>`

func fieldsOf(t testing.TB, columns string) []schema.Field {
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	return fields
}

// source makes random record batches.
type source struct {
	*rand.Rand
	// nulls is the share of nulls, plain that of texts in ASCII.
	nulls, plain float64
	// finite leaves out NaN and infinities.
	finite bool
}

func newSource(t testing.TB) *source {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return seeded(seed)
}

func seeded(seed uint64) *source {
	return &source{Rand: rand.New(rand.NewPCG(seed, 7)), nulls: 0.2, plain: 0.8}
}

func (s *source) record(fields []schema.Field, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	for i := range fields {
		for range rows {
			s.append(b.Field(i), fields[i].Type)
		}
	}
	return b.NewRecordBatch()
}

// sliced returns rows of a longer record batch, so that arrays have offsets.
func (s *source) sliced(fields []schema.Field, rows int) arrow.RecordBatch {
	before := s.IntN(70)
	rec := s.record(fields, before+rows+s.IntN(70))
	return rec.NewSlice(int64(before), int64(before+rows))
}

func (s *source) text() string {
	alphabet := []rune("abcdefghij")
	if s.Float64() > s.plain {
		alphabet = []rune("aé漢😀\u00a0")
	}
	n := s.IntN(12)
	if s.IntN(20) == 0 {
		n = s.IntN(60)
	}
	out := make([]rune, n)
	for i := range out {
		out[i] = alphabet[s.IntN(len(alphabet))]
	}
	return string(out)
}

func (s *source) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(s.Uint32())
	}
	return out
}

func (s *source) float() float64 {
	if s.finite {
		return s.NormFloat64() * 1000
	}
	switch s.IntN(12) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*s.IntN(2))
	case 2:
		return math.Copysign(0, -1)
	default:
		return s.NormFloat64() * 1000
	}
}

func (s *source) append(b array.Builder, t schema.Type) {
	if t.Nullable && s.Float64() < s.nulls {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(s.IntN(2) == 0)
	case *array.Int8Builder:
		b.Append(int8(s.Uint32()))
	case *array.Int16Builder:
		b.Append(int16(s.Uint32()))
	case *array.Int32Builder:
		b.Append(int32(s.Uint32()))
	case *array.Int64Builder:
		b.Append(int64(s.Uint64()) >> s.IntN(60))
	case *array.Float32Builder:
		b.Append(float32(s.float()))
	case *array.Float64Builder:
		b.Append(s.float())
	case *array.StringBuilder:
		b.Append(s.text())
	case *array.BinaryBuilder:
		b.Append(s.bytes(s.IntN(40)))
	case *array.FixedSizeBinaryBuilder:
		b.Append(s.bytes(t.Length))
	case *array.Decimal128Builder:
		b.Append(decimal128.New(int64(s.Uint64())>>40, s.Uint64()))
	case *array.Date32Builder:
		b.Append(arrow.Date32(s.IntN(40000) - 10000))
	case *array.Time32Builder:
		b.Append(arrow.Time32(s.IntN(86400)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(s.Int64N(86400e9)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(s.Int64()))
	case *array.ListBuilder:
		b.Append(true)
		for range s.IntN(4) {
			s.append(b.ValueBuilder(), t.Fields[0].Type)
		}
	case *array.MapBuilder:
		b.Append(true)
		for range s.IntN(4) {
			s.append(b.KeyBuilder(), t.Fields[0].Type)
			s.append(b.ItemBuilder(), t.Fields[1].Type)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range t.Fields {
			s.append(b.FieldBuilder(i), t.Fields[i].Type)
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}

var allCodecs = []Codec{None, LZ4Frame, Zstd}

func encode(t testing.TB, l *Layout, codec Codec, rec arrow.RecordBatch) []byte {
	b, err := NewEncoder(l, EncoderOptions{Codec: codec}).Encode(nil, rec, EncodeInfo{SchemaID: 3, WriterID: 5, Sequence: 6})
	require.NoError(t, err)
	return b
}

// decodeBatch decodes a whole batch with all checks.
func decodeBatch(t testing.TB, l *Layout, b []byte) arrow.RecordBatch {
	rec, err := tryDecode(l, b)
	require.NoError(t, err)
	return rec
}

func tryDecode(l *Layout, b []byte) (arrow.RecordBatch, error) {
	v, err := ParseView(b, l)
	if err != nil {
		return nil, err
	}
	var m Meta
	v.Meta(&m)
	h := v.Header()
	return Decode(l, &m, b[h.HeadBytes():], DecodeOptions{Validate: true})
}

func requireSame(t testing.TB, want, got arrow.RecordBatch) {
	t.Helper()
	require.Equal(t, want.NumRows(), got.NumRows())
	for i := range int(want.NumCols()) {
		require.True(t, array.ApproxEqual(want.Column(i), got.Column(i), array.WithNaNsEqual(true), array.WithAbsTolerance(0)),
			"column %s:\n%s\n%s", want.ColumnName(i), want.Column(i), got.Column(i))
	}
}

// reseal recomputes all checksums of a batch, as far as it has the form of one.
func reseal(l *Layout, b []byte) {
	if v, err := ParseView(b, l); err == nil {
		body := b[v.header.HeadBytes():]
		for i := range l.columns {
			if off, n := v.ColumnRange(i); n >= 0 && off+n <= int64(len(body)) {
				binary.LittleEndian.PutUint32(v.table[columnEntry*i:], CRC(body[off:off+n]))
			}
		}
	}
	resealHead(b)
}

func resealHead(b []byte) {
	h, err := ParseHeader(b)
	if err == nil && h.HeadBytes() <= len(b) {
		binary.LittleEndian.PutUint32(b[atHeadCRC:], CRC(b[HeaderSize:h.HeadBytes()]))
	}
	if len(b) >= HeaderSize {
		binary.LittleEndian.PutUint32(b[atHeaderCRC:], CRC(b[atHeadCRC:HeaderSize]))
	}
}

var checkAll = Limits{CheckUTF8: true, CheckCompressed: true}

// alignedCopy returns b at an address that is a multiple of Align.
func alignedCopy(b []byte) []byte {
	out := make([]byte, len(b)+Align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(out))) & (Align - 1))
	out = out[skip : skip+len(b)]
	copy(out, b)
	return out
}
