package row

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// scalars has a column of each kind that holds no others, everyType also those.
const (
	scalars = `b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT NOT NULL, i64 BIGINT, f FLOAT, d DOUBLE, c CHAR(4), s STRING,
	dec DECIMAL(30, 4), day DATE, t0 TIME(0), t9 TIME(9), ts3 TIMESTAMP(3), ltz TIMESTAMP_LTZ(6), bin BINARY(5), bytes BYTES NOT NULL`
	everyType = scalars + `, a ARRAY<INT>, an ARRAY<STRING NOT NULL> NOT NULL, m MAP<STRING, BIGINT>,
	r ROW<x INT NOT NULL, y ARRAY<ROW<z STRING>>, w BOOLEAN>, ab ARRAY<BOOLEAN>, ad ARRAY<BINARY(3)>,
	deep MAP<INT, ROW<l ARRAY<ARRAY<BOOLEAN>>, m MAP<STRING, BINARY(3)>, u DECIMAL(9, 2)>>`
)

func schemaOf(t testing.TB, id ids.SchemaID, columns string) *schema.Schema {
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	s.ID = id
	return s
}

// maker makes random record batches.
type maker struct {
	*rand.Rand
	// nulls is the share of nulls.
	nulls float64
}

func newMaker(t testing.TB) *maker {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return seeded(seed)
}

func seeded(seed uint64) *maker {
	return &maker{Rand: rand.New(rand.NewPCG(seed, 7)), nulls: 0.2}
}

func (s *maker) record(fields []schema.Field, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	for i := range fields {
		for range rows {
			s.append(b.Field(i), fields[i].Type)
		}
	}
	return b.NewRecordBatch()
}

// sliced returns rows of a longer record batch, so that arrays have offsets.
func (s *maker) sliced(fields []schema.Field, rows int) arrow.RecordBatch {
	before := s.IntN(70)
	rec := s.record(fields, before+rows+s.IntN(70))
	return rec.NewSlice(int64(before), int64(before+rows))
}

func (s *maker) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = 'a' + byte(s.Uint32()%26)
	}
	return out
}

func (s *maker) float() float64 {
	switch s.IntN(12) {
	case 0:
		return math.NaN()
	case 1:
		return math.Copysign(0, -1)
	default:
		return s.NormFloat64() * 1000
	}
}

func (s *maker) append(b array.Builder, t schema.Type) {
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
		b.Append(string(s.bytes(s.IntN(30))))
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
		for range s.IntN(12) {
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

func requireSame(t testing.TB, want, got arrow.RecordBatch) {
	t.Helper()
	require.Equal(t, want.NumRows(), got.NumRows())
	require.Equal(t, want.NumCols(), got.NumCols())
	for i := range int(want.NumCols()) {
		require.True(t, array.ApproxEqual(want.Column(i), got.Column(i), array.WithNaNsEqual(true), array.WithAbsTolerance(0)),
			"column %s:\n%s\n%s", want.ColumnName(i), want.Column(i), got.Column(i))
	}
}

// encodeAll returns the rows of rec.
func encodeAll(t testing.TB, f *Format, fields []schema.Field, rec arrow.RecordBatch) [][]byte {
	e, err := f.NewEncoder(fields)
	require.NoError(t, err)
	require.NoError(t, e.Bind(rec))
	out := make([][]byte, rec.NumRows())
	for i := range out {
		out[i] = e.Append(nil, i)
	}
	return out
}
