package rowcodec_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

func columns(t testing.TB, text string) []schema.Field {
	t.Helper()
	f, err := schema.ParseColumns(text)
	require.NoError(t, err)
	return f
}

const everyType = "a BOOLEAN NOT NULL, b TINYINT, c SMALLINT, d INT NOT NULL, e BIGINT, f FLOAT, g DOUBLE, h CHAR(3), i STRING, " +
	"j DECIMAL(10, 2), k DATE, l TIME(3), l9 TIME(9), m TIMESTAMP(6), n TIMESTAMP_LTZ(3), o BINARY(3), p BYTES, " +
	"q ARRAY<INT>, r MAP<STRING, BIGINT>, s ROW<x INT, y ARRAY<STRING>>"

type point struct {
	X *int32   `fluss:"x"`
	Y []string `fluss:"y"`
}

type embedded struct {
	A bool `fluss:"a"`
	B int8 `fluss:"b"`
}

type every struct {
	embedded
	C       sql.Null[int16]  `fluss:"c"`
	D       int              `fluss:"d"`
	E       *int64           `fluss:"e"`
	F       float32          `fluss:"f"`
	G       float64          `fluss:"g"`
	H       string           `fluss:"h"`
	I       sql.NullString   `fluss:"i"`
	J       decimal128.Num   `fluss:"j"`
	K       time.Time        `fluss:"k"`
	L       time.Duration    `fluss:"l"`
	L9      time.Duration    `fluss:"l9"`
	M       time.Time        `fluss:"m"`
	N       *time.Time       `fluss:"n"`
	O       [3]byte          `fluss:"o"`
	P       []byte           `fluss:"p"`
	Q       []int32          `fluss:"q"`
	R       map[string]int64 `fluss:"r"`
	S       *point           `fluss:"s"`
	Ignored string
}

func sample(r *rand.Rand) every {
	e := r.Int64()
	x := r.Int32()
	v := every{
		embedded: embedded{A: r.IntN(2) == 0, B: int8(r.Int())},
		D:        int(r.Int32()), F: r.Float32(), G: r.NormFloat64(), H: "äöü"[:2*r.IntN(4)],
		J: decimal128.FromI64(r.Int64N(1e9) - 5e8), K: time.Unix(86400*(r.Int64N(40000)-20000), 0).UTC(),
		L:  time.Duration(r.Int64N(86400000)) * time.Millisecond,
		L9: time.Duration(r.Int64N(86400e9)), M: time.UnixMicro(r.Int64N(4e15) - 2e15).UTC(), O: [3]byte{1, 2, byte(r.Int())},
		Q: []int32{}, R: map[string]int64{}, P: []byte{},
	}
	for range r.IntN(4) {
		v.Q = append(v.Q, r.Int32())
		v.R[fmt.Sprint(r.Int())] = r.Int64()
		v.P = append(v.P, byte(r.Int()))
	}
	if r.IntN(2) == 0 {
		v.E = &e
		v.C = sql.Null[int16]{V: int16(r.Int()), Valid: true}
		v.I = sql.NullString{String: strings.Repeat("s", r.IntN(20)), Valid: true}
		at := time.UnixMilli(r.Int64N(4e12) - 2e12).UTC()
		v.N = &at
		v.S = &point{X: &x, Y: []string{"p", "q"}[:r.IntN(3)]}
	} else if r.IntN(3) == 0 {
		v.Q, v.R, v.P = nil, nil, nil
	}
	return v
}

func TestRowsComeBackAsTheyWent(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	shape := rowcodec.NewShape(columns(t, everyType))
	b := rowcodec.NewBuilder(shape)
	copied := rowcodec.NewBuilder(shape)
	var want []every
	for i := range 300 {
		v := sample(r)
		want = append(want, v)
		if i%2 == 0 {
			require.NoError(t, b.Append(&v))
		} else {
			require.NoError(t, b.Append(v))
		}
		if r.IntN(10) == 0 {
			require.Error(t, b.Append(map[string]any{"a": true, "d": 1, "q": []any{1, "x"}})) // must leave no trace
		}
		copied.AppendRow(b, i)
	}
	require.Equal(t, 300, b.Rows())
	conformed := rowcodec.NewBuilder(shape)
	rec := b.Record()
	one, err := shape.Conform(rec)
	require.NoError(t, err)
	require.NoError(t, conformed.AppendRecord(one.NewSlice(0, 150)))
	require.NoError(t, conformed.AppendRecord(one.NewSlice(150, 300)))
	// Through maps of Go values, and back.
	maps := rowcodec.NewBuilder(shape)
	m, err := rowcodec.NewReader(rec.Schema(), reflect.TypeFor[map[string]any]())
	require.NoError(t, err)
	for i := range 300 {
		var row map[string]any
		require.NoError(t, m.Read(rec, i, unsafe.Pointer(&row)))
		require.NoError(t, maps.Append(row))
	}
	for name, built := range map[string]*rowcodec.Builder{"built": b, "copied": copied, "conformed": conformed, "maps": maps} {
		rec := built.Record()
		reader, err := rowcodec.NewReader(rec.Schema(), reflect.TypeFor[every]())
		require.NoError(t, err)
		for i := range want {
			var got every
			require.NoError(t, reader.Read(rec, i, unsafe.Pointer(&got)))
			require.Equal(t, want[i], got, "%s row %d", name, i)
		}
		require.InDelta(t, rowcodec.Size(rec), built.Bytes(), float64(built.Rows()*8))
	}
	b.Truncate(7)
	require.EqualValues(t, 7, b.Record().NumRows())
	require.NoError(t, b.Append(&want[9]))
	b.Reset()
	require.Zero(t, b.Rows())
}

func TestValuesThatDoNotFit(t *testing.T) {
	shape := rowcodec.NewShape(columns(t, everyType+", u DECIMAL(38, 10)"))
	ok := func(name string, v any) map[string]any { return map[string]any{"a": true, "d": 1, name: v} }
	for _, tc := range []struct {
		name string
		row  any
		code errcode.Code
		want string
	}{
		{"range", ok("b", 128), errcode.InvalidBatch, "column b TINYINT: 128 is out of range"},
		{"uint", ok("e", uint64(1)<<63), errcode.InvalidBatch, "column e"},
		{"not null", map[string]any{"a": true}, errcode.InvalidBatch, "column d is NOT NULL"},
		{"unknown", ok("zz", 1), errcode.UnknownColumn, `no column "zz"`},
		{"type", ok("e", "x"), errcode.InvalidBatch, "column e BIGINT: cannot hold a Go string"},
		{"char", ok("h", "abcd"), errcode.InvalidBatch, "longer than 3"},
		{"utf8", ok("i", "\xff"), errcode.InvalidBatch, "not valid UTF-8"},
		{"scale", ok("j", "1.234"), errcode.InvalidBatch, "more than 2 digits"},
		{"precision", ok("j", "123456789.00"), errcode.InvalidBatch, "does not fit"},
		{"decimal", ok("j", "1.2.3"), errcode.InvalidBatch, "no decimal"},
		{"width", ok("o", []byte{1}), errcode.InvalidBatch, "1 bytes, want 3"},
		{"clock", ok("l", 25*time.Hour), errcode.InvalidBatch, "no time of a day"},
		{"element", ok("q", []string{"x"}), errcode.InvalidArgument, "column q.element INT"},
		{"no row", 7, errcode.InvalidArgument, "not int"},
		{"no pointer to one", (*every)(nil), errcode.InvalidArgument, "a row must be"},
		{"no tags", struct{ A int }{}, errcode.InvalidArgument, "no field with a tag"},
		{"field type", struct {
			A string `fluss:"a"`
		}{}, errcode.InvalidArgument, "column a BOOLEAN NOT NULL cannot hold a Go string"},
		{"field name", struct {
			A string `fluss:"aa"`
		}{}, errcode.UnknownColumn, `no column "aa"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := rowcodec.NewBuilder(shape)
			err := b.Append(tc.row)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.code, errcode.Of(err))
			require.Zero(t, b.Rows())
			require.NoError(t, b.Append(ok("u", "12345678901234567890.5")), "after a failure")
			require.EqualValues(t, 1, b.Record().NumRows())
		})
	}
}

func TestConformCasts(t *testing.T) {
	mem := memory.DefaultAllocator
	ints := func(dt arrow.DataType, v ...int64) arrow.Array {
		b := array.NewBuilder(mem, dt)
		for _, x := range v {
			require.NoError(t, b.AppendValueFromString(fmt.Sprint(x)))
		}
		return b.NewArray()
	}
	texts := func(dt arrow.DataType, v ...string) arrow.Array {
		b := array.NewBuilder(mem, dt)
		for _, x := range v {
			require.NoError(t, b.AppendValueFromString(x))
		}
		return b.NewArray()
	}
	stamps := func(u arrow.TimeUnit, zone string, v int64) arrow.Array {
		b := array.NewTimestampBuilder(mem, &arrow.TimestampType{Unit: u, TimeZone: zone})
		b.Append(arrow.Timestamp(v))
		return b.NewArray()
	}
	for _, tc := range []struct {
		name, column string
		in           arrow.Array
		want         string // as text, or part of the error
	}{
		{"int32 into BIGINT", "c BIGINT", ints(arrow.PrimitiveTypes.Int32, 7, -7), `["7" "-7"]`},
		{"int64 into INT", "c INT", ints(arrow.PrimitiveTypes.Int64, 7), `["7"]`},
		{"too large for INT", "c INT", ints(arrow.PrimitiveTypes.Int64, 1, 1<<40), "row 1: column c INT: 1099511627776 is out of range"},
		{"uint into DECIMAL", "c DECIMAL(20, 2)", ints(arrow.PrimitiveTypes.Uint64, 7), `["7"]`},
		{"float into DOUBLE", "c DOUBLE", texts(arrow.PrimitiveTypes.Float32, "1.5"), `["1.5"]`},
		{"double that is no float", "c FLOAT", texts(arrow.PrimitiveTypes.Float64, "1.1"), "would lose digits"},
		{"large string", "c STRING", texts(arrow.BinaryTypes.LargeString, "x"), `["x"]`},
		{"view", "c STRING", texts(arrow.BinaryTypes.StringView, "x"), `["x"]`},
		{"dictionary", "c STRING", texts(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, "x", "y", "x"), `["x" "y" "x"]`},
		{"long for CHAR", "c CHAR(2)", texts(arrow.BinaryTypes.String, "xyz"), "longer than 2"},
		{"string into BIGINT", "c BIGINT", texts(arrow.BinaryTypes.String, "1"), "column c BIGINT cannot take an Arrow utf8"},
		{"ns into TIMESTAMP(3)", "c TIMESTAMP(3)", stamps(arrow.Nanosecond, "", 1234567890), `["1970-01-01T00:00:01.234"]`},
		{"s into TIMESTAMP(6)", "c TIMESTAMP(6)", stamps(arrow.Second, "", -1), `["1969-12-31T23:59:59"]`},
		{"zone into LTZ", "c TIMESTAMP_LTZ(3)", stamps(arrow.Microsecond, "Europe/Berlin", 1500), `["1970-01-01T00:00:00.001Z"]`},
		{"zone into TIMESTAMP", "c TIMESTAMP(3)", stamps(arrow.Microsecond, "UTC", 1500), "cannot take an Arrow timestamp"},
		{"decimal scale", "c DECIMAL(10, 3)", texts(&arrow.Decimal128Type{Precision: 5, Scale: 1}, "1.5"), `["1.5"]`},
		{"date64", "c DATE", texts(arrow.FixedWidthTypes.Date64, "2026-11-22"), `["2026-11-22"]`},
		{"nulls", "c STRING", array.NewNull(2), `["(null)" "(null)"]`},
		{"null for NOT NULL", "c STRING NOT NULL", array.NewNull(2), "column c is NOT NULL and row 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			shape := rowcodec.NewShape(columns(t, "a INT, "+tc.column))
			in := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "c", Type: tc.in.DataType(), Nullable: true}}, nil), []arrow.Array{tc.in}, -1)
			out, err := shape.Conform(in)
			if err != nil {
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, "c", errcode.From(err).Facts["column"])
				return
			}
			require.True(t, arrow.TypeEqual(shape.Arrow().Field(1).Type, out.Column(1).DataType()))
			var got []string
			for i := range out.Column(1).Len() {
				got = append(got, out.Column(1).ValueStr(i))
			}
			require.Equal(t, tc.want, fmt.Sprintf("%q", got))
			require.Equal(t, out.Column(0).Len(), out.Column(0).NullN())
		})
	}
	shape := rowcodec.NewShape(columns(t, "a INT"))
	x := ints(arrow.PrimitiveTypes.Int32, 1)
	_, err := shape.Conform(array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "z", Type: x.DataType()}}, nil), []arrow.Array{x}, 1))
	require.ErrorContains(t, err, `no column "z"; it has a`)
}

func TestAdaptMatchesByID(t *testing.T) {
	old := columns(t, "a INT, b STRING, c DOUBLE")
	old[0].ID, old[1].ID, old[2].ID = 1, 2, 3
	next := columns(t, "bb STRING, d INT, a BIGINT")
	next[0].ID, next[1].ID, next[2].ID = 2, 4, 1
	b := rowcodec.NewBuilder(rowcodec.NewShape(old))
	require.NoError(t, b.Append(map[string]any{"a": 7, "b": "x", "c": 1.5}))
	out, err := rowcodec.Adapt(b.Record(), old, rowcodec.NewShape(next))
	require.NoError(t, err)
	require.Equal(t, `["x"]`, out.Column(0).String())
	require.True(t, out.Column(1).IsNull(0))
	require.Equal(t, `[7]`, out.Column(2).String())
}

type wide struct {
	I0 int32   `fluss:"i0"`
	I1 int32   `fluss:"i1"`
	I2 int32   `fluss:"i2"`
	I3 int32   `fluss:"i3"`
	L0 int64   `fluss:"l0"`
	L1 int64   `fluss:"l1"`
	L2 int64   `fluss:"l2"`
	L3 int64   `fluss:"l3"`
	D0 float64 `fluss:"d0"`
	D1 float64 `fluss:"d1"`
	D2 float64 `fluss:"d2"`
	D3 float64 `fluss:"d3"`
	S0 string  `fluss:"s0"`
	S1 string  `fluss:"s1"`
	S2 string  `fluss:"s2"`
	S3 string  `fluss:"s3"`
	S4 string  `fluss:"s4"`
	S5 string  `fluss:"s5"`
	S6 string  `fluss:"s6"`
	S7 string  `fluss:"s7"`
}

const wideColumns = "i0 INT, i1 INT, i2 INT, i3 INT, l0 BIGINT, l1 BIGINT, l2 BIGINT, l3 BIGINT, d0 DOUBLE, d1 DOUBLE, d2 DOUBLE, d3 DOUBLE, " +
	"s0 STRING, s1 STRING, s2 STRING, s3 STRING, s4 STRING, s5 STRING, s6 STRING, s7 STRING"

func wideRows(n int) []wide {
	words := strings.Repeat("lorem ipsum dolor sit amet consetetur ", 12)
	rows := make([]wide, n)
	for i := range rows {
		s := words[i%100 : i%100+240]
		rows[i] = wide{1, 2, 3, int32(i), 4, 5, 6, int64(i), 1, 2, 3, 4, s, s, s, s, s, s, s, s}
	}
	return rows
}

// The bytes counted are those of the rows, so that MB/s compares with a copy.
func BenchmarkAppendStruct(b *testing.B) {
	builder := rowcodec.NewBuilder(rowcodec.NewShape(columns(b, wideColumns)))
	rows := wideRows(512)
	for i := range rows {
		require.NoError(b, builder.Append(&rows[i]))
	}
	b.SetBytes(int64(builder.Bytes()))
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset()
		for i := range rows {
			_ = builder.Append(&rows[i])
		}
	}
}

func BenchmarkCopyRow(b *testing.B) {
	shape := rowcodec.NewShape(columns(b, wideColumns))
	builder, scratch := rowcodec.NewBuilder(shape), rowcodec.NewBuilder(shape)
	rows := wideRows(512)
	b.ReportAllocs()
	b.SetBytes(512 * 2000)
	for b.Loop() {
		builder.Reset()
		for i := range rows {
			scratch.Reset()
			_ = scratch.Append(&rows[i])
			builder.AppendRow(scratch, 0)
		}
	}
}

// TestFirstShowsTheRowThatIsThere reuses a builder: First shows each row's values,
// through a record of its own only where it must.
func TestFirstShowsTheRowThatIsThere(t *testing.T) {
	fields, err := schema.ParseColumns("a BIGINT, b STRING, c DECIMAL(10, 2)")
	require.NoError(t, err)
	s := rowcodec.NewShape(fields)
	b := rowcodec.NewBuilder(s)
	r := rand.New(rand.NewPCG(1, 2))
	records := map[arrow.RecordBatch]bool{}
	for i := range 200 {
		b.Reset()
		row := map[string]any{"a": i, "b": fmt.Sprint(i), "c": fmt.Sprint(i, ".5")}
		if r.IntN(5) == 0 {
			row["a"] = nil
		}
		if r.IntN(10) == 0 {
			for range 1000 { // grows as a batch does
				require.NoError(t, b.Append(row))
			}
			b.Reset()
		}
		require.NoError(t, b.Append(row))
		for _, columns := range [][]int{{0, 2}, {0}, {1}, {2, 1}} {
			rec := b.First(s.Project(columns), columns)
			want := b.Select(s.Project(columns), columns)
			require.True(t, array.RecordEqual(want, rec), "%v: %v and %v", columns, want, rec)
			again := b.First(s.Project(columns), columns)
			require.True(t, array.RecordEqual(want, again))
			records[again] = true
			want.Release()
		}
	}
	b.Reset()
	require.NoError(t, b.Append(map[string]any{"a": 1}))
	first := b.First(s.Project([]int{0}), []int{0})
	b.Reset()
	require.NoError(t, b.Append(map[string]any{"a": 2}))
	require.Same(t, first, b.First(s.Project([]int{0}), []int{0}))
}
