package iceberg

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// fromJSON returns rows of the table's columns and the system's.
func fromJSON(t testing.TB, def Definition, text string) arrow.RecordBatch {
	t.Helper()
	fields := append(slices.Clone(def.Schema.Columns), SystemFields()...)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.ArrowFields(fields), strings.NewReader(text))
	require.NoError(t, err)
	return rec
}

// roundTrip writes rows, reads them back, and compares.
func roundTrip(t testing.TB, def Definition, rec arrow.RecordBatch) {
	t.Helper()
	lake, _, _ := world(t, &objstore.Memory{})
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	tbl = commit(t, tbl, Change{Head: head("a", 1), Added: write(t, tbl, rec)})
	got := read(t, tbl, append(slices.Clone(def.Schema.Columns), SystemFields()...))
	require.Len(t, got, 1)
	require.Equal(t, rec.NumRows(), got[0].NumRows())
	for i := range int(rec.NumCols()) {
		if rec.Column(i).String() == "[NaN]" && got[0].Column(i).String() == "[NaN]" {
			continue // it is equal to nothing
		}
		require.Truef(t, array.Equal(rec.Column(i), got[0].Column(i)), "%s:\n%v\n%v", rec.ColumnName(i), rec.Column(i), got[0].Column(i))
	}
}

func TestValuesAtTheEdges(t *testing.T) {
	def := definition(t, "id BIGINT NOT NULL, d9 DECIMAL(9, 2), d18 DECIMAL(18, 0), d38 DECIMAL(38, 0), s38 DECIMAL(38, 38), "+
		"t0 TIMESTAMP(0), t3 TIMESTAMP(3), t6 TIMESTAMP(6), l0 TIMESTAMP_LTZ(0), l6 TIMESTAMP_LTZ(6), d DATE, c TIME(3), y TINYINT, s SMALLINT, "+
		"f FLOAT, g DOUBLE, bi BINARY(2), by BYTES, st STRING", "id")
	fields := append(slices.Clone(def.Schema.Columns), SystemFields()...)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	defer b.Release()
	most, ok := new(big.Int).SetString(strings.Repeat("9", 38), 10)
	require.True(t, ok)
	for i, sign := range []int64{-1, 1} {
		nines := decimal128.FromBigInt(new(big.Int).Mul(most, big.NewInt(sign)))
		b.Field(0).(*array.Int64Builder).Append(sign * math.MaxInt64)
		b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(sign * 999_999_999))
		b.Field(2).(*array.Decimal128Builder).Append(decimal128.FromI64(sign * 999_999_999_999_999_999))
		b.Field(3).(*array.Decimal128Builder).Append(nines)
		b.Field(4).(*array.Decimal128Builder).Append(nines)
		for c, v := range []int64{62_135_596_800, 62_135_596_800_000, 62_135_596_800_000_001, 1, 1} { // the year 1, and just before 1970
			b.Field(5 + c).(*array.TimestampBuilder).Append(arrow.Timestamp(sign * v))
		}
		b.Field(10).(*array.Date32Builder).Append(arrow.Date32(sign * 719162))
		b.Field(11).(*array.Time32Builder).Append(arrow.Time32([]int32{0, 86_399_999}[i]))
		b.Field(12).(*array.Int8Builder).Append([]int8{math.MinInt8, math.MaxInt8}[i])
		b.Field(13).(*array.Int16Builder).Append([]int16{math.MinInt16, math.MaxInt16}[i])
		b.Field(14).(*array.Float32Builder).Append(float32(math.Inf(int(sign))))
		b.Field(15).(*array.Float64Builder).Append([]float64{math.Copysign(0, -1), math.NaN()}[i])
		b.Field(16).(*array.FixedSizeBinaryBuilder).Append([]byte{0xff, 0})
		b.Field(17).(*array.BinaryBuilder).Append([]byte{})
		b.Field(18).(*array.StringBuilder).Append([]string{"", "\x00ü\U0010FFFF"}[i])
		b.Field(19).(*array.Int32Builder).Append(int32(sign & 1))
		b.Field(20).(*array.Int64Builder).Append(math.MaxInt64 * int64(i))
		b.Field(21).(*array.TimestampBuilder).Append(arrow.Timestamp(sign))
	}
	rec := b.NewRecordBatch()
	for i := range rec.NumRows() { // they differ in bucket, so that each is a file
		roundTrip(t, def, rec.NewSlice(i, i+1))
	}
}

func TestNestedNulls(t *testing.T) {
	def := definition(t, "id BIGINT NOT NULL, a ARRAY<ARRAY<INT>>, m MAP<STRING, ROW<x SMALLINT, y ARRAY<STRING>>>, r ROW<p ROW<q TIMESTAMP(3)>, n MAP<INT, TIME(0)>>", "id")
	rec := fromJSON(t, def, `[
		{"id": 0, "__bucket": 0, "__offset": 0},
		{"id": 1, "a": [], "m": [], "r": {"p": null, "n": null}, "__bucket": 0, "__offset": 1},
		{"id": 2, "a": [null, [], [null, 7]], "m": [{"key": "", "value": null}, {"key": "k", "value": {"x": null, "y": [null]}}], "r": {"p": {"q": null}, "n": []}, "__bucket": 0, "__offset": 2},
		{"id": 3, "a": [[-1]], "m": [{"key": "ü", "value": {"x": -5, "y": null}}], "r": {"p": {"q": "1969-12-31 23:59:59.999"}, "n": [{"key": 3, "value": "23:59:59"}]}, "__bucket": 0, "__offset": 3}]`)
	roundTrip(t, def, rec)
	for from := range rec.NumRows() { // records that begin amidst their buffers
		roundTrip(t, def, rec.NewSlice(from, rec.NumRows()))
	}
}

func TestExactTypes(t *testing.T) {
	def := definition(t, "id BIGINT NOT NULL, c TIME(9), t TIMESTAMP(9), l TIMESTAMP_LTZ(7), s TIME(0)", "id")
	text := `[{"id": 1, "c": "10:00:00.123456789", "t": "1969-12-31 23:59:59.999999999", "l": "2026-11-23 10:00:00.123456700Z", "s": "10:00:00", "__bucket": 0, "__offset": 0}]`
	rec := fromJSON(t, def, text)
	def.ExactTypes = true
	lake, _, _ := world(t, &objstore.Memory{})
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	require.Equal(t, []string{"long", "time", "timestamp_ns", "timestamptz_ns", "time"}, typeNames(tbl))
	tbl = commit(t, tbl, Change{Head: head("a", 1), Added: write(t, tbl, rec)})
	got := read(t, tbl, def.Schema.Columns)
	require.Len(t, got, 1)
	require.True(t, array.Equal(rec.Column(2), got[0].Column(2)), got[0])
	require.True(t, array.Equal(rec.Column(3), got[0].Column(3)), got[0])
	require.True(t, array.Equal(rec.Column(4), got[0].Column(4)), got[0])
	require.EqualValues(t, 36000123456000, got[0].Column(1).(*array.Time64).Value(0), "Iceberg's time has microseconds")

	def.ExactTypes = false
	def.Path.Table = "plain"
	tbl, err = lake.Open(t.Context(), def)
	require.NoError(t, err)
	require.Equal(t, []string{"long", "long", "timestamp", "timestamptz", "long"}, typeNames(tbl))
	tbl = commit(t, tbl, Change{Head: head("a", 1), Added: write(t, tbl, rec)})
	got = read(t, tbl, def.Schema.Columns)
	require.EqualValues(t, -1000, got[0].Column(2).(*array.Timestamp).Value(0), "cut towards the past")
}

func typeNames(tbl *Table) (out []string) {
	for _, f := range tbl.table.Schema().Fields()[:len(tbl.def.Schema.Columns)] {
		out = append(out, f.Type.String())
	}
	return out
}

// Reading a range gives the rows of the range, whatever is read of the files.
func TestRangesOfOffsets(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	const perFile = 2*rowGroupRows + 100
	var files []DataFile
	for i := range int64(2) {
		files = append(files, write(t, tbl, rowsOf(t, rng, def, 0, i*perFile, sequence(i*perFile, (i+1)*perFile)))...)
	}
	at := files[0].Location()
	tbl = commit(t, tbl, Change{Head: head("0", 1), Added: files})
	tbl = commit(t, tbl, Change{Head: head("a", 1), Deleted: map[string][]int64{at: {0, 5, rowGroupRows, perFile - 1}}})
	live, err := tbl.LiveFiles(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 2)
	require.Equal(t, Range{0, perFile}, live[0].Offsets)
	require.Equal(t, Range{perFile, 2 * perFile}, live[1].Offsets)
	for _, r := range []Range{
		{0, 0}, {0, 1}, {4, 7}, {rowGroupRows - 1, rowGroupRows + 2}, {perFile - 2, perFile + 2}, {2*perFile - 1, 2 * perFile},
		{2 * perFile, 3 * perFile}, {0, 2 * perFile}, {ids.Offset(rng.IntN(perFile)), perFile + ids.Offset(rng.IntN(perFile))},
	} {
		var got []int64
		for _, f := range live {
			for rows, err := range tbl.ReadRange(t.Context(), f, def.Schema.Columns, r) {
				require.NoError(t, err)
				require.EqualValues(t, 1, rows.Record.NumCols())
				values := rows.Record.Column(0).(*array.Int64).Int64Values()
				require.Equal(t, int64(f.Offsets.From)+rows.Position, values[0], "id, offset and position go together")
				got = append(got, values...)
			}
		}
		want := slices.DeleteFunc(sequence(int64(r.From), min(int64(r.To), 2*perFile)), func(id int64) bool {
			return slices.Contains([]int64{0, 5, rowGroupRows, perFile - 1}, id)
		})
		require.True(t, slices.Equal(want, got), "%v", r)
	}
	for rows := range tbl.ReadRange(t.Context(), live[0], nil, Range{1, 4}) { // no columns: rows are counted
		require.EqualValues(t, 3, rows.Record.NumRows())
	}
	for range tbl.Read(t.Context(), live[1], def.Schema.Columns) {
		break
	}
}

func TestSnapshots(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL", "id")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	_, ok := tbl.SnapshotID()
	require.False(t, ok)
	none, err := tbl.Snapshots()
	require.NoError(t, err)
	require.Empty(t, none)
	files := write(t, tbl, rowsOf(t, rng, def, 0, 0, sequence(0, 10)))
	tbl = commit(t, tbl, Change{Head: head("a", 1, 10), Added: files})
	tbl = commit(t, tbl, Change{Head: head("b", 1, 11), Deleted: map[string][]int64{files[0].Location(): {3}}})
	tbl = commit(t, tbl, Change{Head: head("c", 2, 12)})
	all, err := tbl.Snapshots()
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, []Head{head("c", 2, 12), head("b", 1, 11), head("a", 1, 10)}, []Head{all[0].Head, all[1].Head, all[2].Head})
	require.EqualValues(t, []int64{1, 10, 1}, []int64{all[0].Files, all[0].Rows, all[0].Deleted})
	require.False(t, all[0].Time.Before(all[2].Time))
	first, err := tbl.At(all[2].ID)
	require.NoError(t, err)
	require.Len(t, idsIn(t, first), 10)
	h, err := first.Head()
	require.NoError(t, err)
	require.Equal(t, head("a", 1, 10), h)
	require.Len(t, idsIn(t, tbl), 9)
	_, err = tbl.At(5)
	require.ErrorIs(t, err, ErrNoSnapshot)
	_, err = first.Commit(t.Context(), h, Change{Head: head("d", 3)})
	require.Error(t, err, "an old snapshot is for reading")
}

func TestRowsThatTheLakeCannotTake(t *testing.T) {
	lake, _, _ := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, a ARRAY<ROW<t TIMESTAMP(0)>>")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	fields := append(slices.Clone(def.Schema.Columns), SystemFields()...)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	defer b.Release()
	lists := b.Field(1).(*array.ListBuilder)
	rows := lists.ValueBuilder().(*array.StructBuilder)
	for i, values := range [][]int64{{1, 2}, {}, {3, 1 << 60}, {4}} {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		lists.Append(true)
		for _, v := range values {
			rows.Append(true)
			rows.FieldBuilder(0).(*array.TimestampBuilder).Append(arrow.Timestamp(v))
		}
		b.Field(2).(*array.Int32Builder).Append(0)
		b.Field(3).(*array.Int64Builder).Append(int64(i))
		b.Field(4).AppendNull()
	}
	rec := b.NewRecordBatch()
	w, err := tbl.NewWriter(t.TempDir())
	require.NoError(t, err)
	err = w.Write(t.Context(), rec)
	bad, ok := errors.AsType[*RowError](err)
	require.True(t, ok, "%v", err)
	require.EqualValues(t, 2, bad.Row)
	require.Equal(t, "a", bad.Column)
	require.NoError(t, w.Write(t.Context(), rec.NewSlice(0, 2)), "the others may be written")
	require.NoError(t, w.Write(t.Context(), rec.NewSlice(3, 4)))
	files, err := w.Close(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, files[0].Rows())
}

// What is below a null is no value, and no error.
func TestValuesBelowNulls(t *testing.T) {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Second})
	b.AppendValues([]arrow.Timestamp{1, 1 << 60, 3}, nil)
	values := b.NewArray()
	field := arrow.Field{Name: "t", Type: values.DataType(), Nullable: true, Metadata: arrow.NewMetadata([]string{schema.FieldIDKey}, []string{"2"})}
	null := memory.NewBufferBytes([]byte{0b101})
	rows := array.NewStructData(array.NewData(arrow.StructOf(field), 3, []*memory.Buffer{null}, []arrow.ArrayData{values.Data()}, 1, 0))
	field.Type = &arrow.TimestampType{Unit: arrow.Microsecond}
	got, err := convert(rows, arrow.StructOf(field))
	require.NoError(t, err)
	require.EqualValues(t, 3_000_000, got.(*array.Struct).Field(0).(*array.Timestamp).Value(2))

	list := array.NewListData(array.NewData(arrow.ListOf(values.DataType()), 2, []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 1, 1}))},
		[]arrow.ArrayData{values.Data()}, 0, 0))
	_, err = convert(list, arrow.ListOf(&arrow.TimestampType{Unit: arrow.Microsecond}))
	require.NoError(t, err, "values behind the last list")
}
