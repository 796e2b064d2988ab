package row

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/server/invariants"
)

// Arrow to rows and back, with every type, nulls, slices, and several records of one collector.
func TestRoundTrip(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	c := NewCollector(fields)
	encoder := batch.NewEncoder(batch.NewLayout(fields), batch.EncoderOptions{})
	for round := range 30 {
		s.nulls = []float64{0, 0.2, 0.9}[round%3]
		rec := s.sliced(fields, s.IntN(300))
		for _, r := range encodeAll(t, f, fields, rec) {
			require.NoError(t, f.Check(r))
			id, err := SchemaID(r)
			require.NoError(t, err)
			require.EqualValues(t, 3, id)
			require.NoError(t, c.Add(f, r))
		}
		require.EqualValues(t, rec.NumRows(), c.Rows())
		got := c.Record()
		requireSame(t, rec, got)
		_, err := encoder.Encode(nil, got, batch.EncodeInfo{SchemaID: 3})
		require.NoError(t, err)
		got.Release()
		require.Zero(t, c.Rows())
	}
}

// What a builder makes of a row's values is the row.
func TestBuilder(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	b := f.NewBuilder()
	for _, r := range encodeAll(t, f, f.Schema().Columns, s.record(f.Schema().Columns, 100)) {
		b.Reset()
		for c := range f.Columns() {
			if f.Null(r, c) {
				require.Nil(t, f.Value(r, c))
				continue
			}
			require.NotNil(t, f.Value(r, c))
			b.Set(c, f.Value(r, c))
		}
		require.Equal(t, r, b.Append(nil))
		for c := range f.Columns() {
			b.SetNull(c)
			b.Copy(r, c)
		}
		require.Equal(t, r, b.Append([]byte("x"))[1:])
	}
}

// Columns by id: some of a row's, in another order, others null; none at all.
func TestProjection(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	rec := s.record(fields, 200)
	rows := encodeAll(t, f, fields, rec)

	want := []schema.Field{fields[20], fields[8], {ID: 999, Name: "new", Type: schema.Of(schema.String)}, fields[0]}
	c, none := NewCollector(want), NewCollector(nil)
	for _, r := range rows {
		require.NoError(t, c.Add(f, r))
		require.NoError(t, none.Add(f, r))
	}
	got := c.Record()
	for i, from := range []int{20, 8, -1, 0} {
		if from >= 0 {
			require.True(t, array.Equal(rec.Column(from), got.Column(i)), want[i].Name)
		}
	}
	require.Equal(t, 200, got.Column(2).NullN())
	empty := none.Record()
	require.EqualValues(t, 200, empty.NumRows())
	require.Zero(t, empty.NumCols())

	// A schema reduced to some columns has the id of the whole one, and rows of its own.
	part := NewFormat(&schema.Schema{ID: 3, Columns: []schema.Field{fields[8], fields[20]}, HighestFieldID: f.Schema().HighestFieldID})
	c = NewCollector(want)
	for i, r := range rows {
		short, err := part.Upgrade(nil, f, r)
		require.NoError(t, err)
		require.NoError(t, part.Check(short))
		require.NoError(t, c.Add(part, short))
		require.NoError(t, c.Add(f, rows[i]))
	}
	both := c.Record()
	require.True(t, array.SliceEqual(rec.Column(8), 7, 8, both.Column(1), 14, 15))
	require.True(t, both.Column(3).IsNull(14))
}

// Batches of keys, and of some columns: the others are null, whatever they are declared as.
func TestPartialBatches(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	some := []schema.Field{fields[8], {ID: 999, Name: "other", Type: schema.Of(schema.Int)}, fields[3]}
	for i := range some {
		some[i].Type.Nullable = true
	}
	rec := s.record(some, 50)
	b := f.NewBuilder()
	for i, r := range encodeAll(t, f, some, rec) {
		require.NoError(t, f.Check(r))
		for c := range f.Columns() {
			require.True(t, f.Null(r, c) || c == 8 || c == 3)
		}
		require.Equal(t, rec.Column(0).IsNull(i), f.Null(r, 8))
		b.Reset()
		b.Copy(r, 3)
		b.Copy(r, 8)
		require.Equal(t, r, b.Append(nil))
	}
}

func TestBuilderOverwrites(t *testing.T) {
	f := NewFormat(schemaOf(t, 1, `a INT, s STRING, t STRING`))
	b := f.NewBuilder()
	empty := b.Append(nil)
	b.Set(0, []byte{1, 2, 3, 4})
	b.Set(1, []byte("first"))
	b.Set(1, []byte("second"))
	b.Set(2, nil)
	r := b.Append(nil)
	require.NoError(t, f.Check(r))
	require.Equal(t, "second", string(f.Value(r, 1)))
	require.NotNil(t, f.Value(r, 2))
	require.Empty(t, f.Value(r, 2))
	for c := range 3 {
		b.SetNull(c)
	}
	require.Equal(t, empty, b.Append(nil))
}

func TestChangeTypes(t *testing.T) {
	f := NewFormat(schemaOf(t, 1, `a INT, s STRING`))
	fields := f.Schema().Columns
	c := NewChangeCollector(fields)
	changes := []batch.ChangeType{batch.Insert, batch.UpdateBefore, batch.UpdateAfter, batch.Delete}
	for _, change := range changes {
		require.NoError(t, c.AddChange(f, f.NewBuilder().Append(nil), change))
	}
	require.NoError(t, c.Add(f, f.NewBuilder().Append(nil)))
	rec := c.Record()
	require.Equal(t, []int8{1, 2, 3, 4, 0}, rec.Column(2).(*array.Int8).Int8Values())
	e := batch.NewEncoder(batch.NewLayout(fields).WithChangeTypes(), batch.EncoderOptions{})
	_, err := e.Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
	require.NoError(t, err)

	// Such a record has a column more than the fields that it is bound for.
	for i, r := range encodeAll(t, f, fields, rec) {
		require.NoError(t, f.Check(r), i)
	}
}

// Records stay as they are while others are made and released.
func TestRecordsShareNoMemory(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	c := NewCollector(fields)
	var want, got []arrow.RecordBatch
	for range 40 {
		rec := s.record(fields, s.IntN(150))
		for _, r := range encodeAll(t, f, fields, rec) {
			require.NoError(t, c.Add(f, r))
		}
		out := c.Record()
		if s.IntN(2) == 0 {
			out.Release()
			continue
		}
		want, got = append(want, rec), append(got, out)
	}
	for i := range want {
		requireSame(t, want[i], got[i])
	}
}

func TestRefusedRecords(t *testing.T) {
	f := NewFormat(schemaOf(t, 3, `a INT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(2)`))
	fields := f.Schema().Columns
	e, err := f.NewEncoder(fields)
	require.NoError(t, err)
	for _, tc := range []struct{ name, columns, text string }{
		{"too few", `a INT`, "has 1 columns, it must have 6"},
		{"scalar", `a BIGINT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(2)`, `column "a" is of the Arrow type int64 and the table wants int32; cast it`},
		{"nested unit", `a INT, m MAP<STRING, ROW<x TIMESTAMP(6)>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(2)`, `column "m"`},
		{"nested fields", `a INT, m MAP<STRING, ROW<x TIMESTAMP(3), y INT>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(2)`, `column "m"`},
		{"zone", `a INT, m MAP<STRING, ROW<x TIMESTAMP_LTZ(3)>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(2)`, `column "m"`},
		{"scale", `a INT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 3), t TIME(0), u TIME(9), b BINARY(2)`, `column "d"`},
		{"time32", `a INT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 2), t TIME(3), u TIME(9), b BINARY(2)`, `column "t"`},
		{"time64", `a INT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 2), t TIME(0), u TIME(6), b BINARY(2)`, `column "u"`},
		{"binary", `a INT, m MAP<STRING, ROW<x TIMESTAMP(3)>>, d DECIMAL(9, 2), t TIME(0), u TIME(9), b BINARY(3)`, `column "b"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := seeded(1).record(schemaOf(t, 1, tc.columns).Columns, 3)
			requireError(t, e.Bind(rec), errcode.InvalidBatch, tc.text)
		})
	}
	_, err = f.NewEncoder(append(fields[:6:6], fields[0]))
	requireError(t, err, errcode.InvalidBatch, "have the same field id 1")
	require.NoError(t, e.Bind(nil))
}

func TestRecordOfMoreThanArrowHolds(t *testing.T) {
	f := NewFormat(schemaOf(t, 3, `s STRING`))
	c := NewCollector(f.Schema().Columns)
	r := f.NewBuilder().Append(nil)
	c.variable = 1<<31 - 5
	requireError(t, c.Add(f, r), errcode.RecordTooLarge, "read fewer at a time")
	c.variable = 0
	require.NoError(t, c.Add(f, r))
}

func TestBytes(t *testing.T) {
	s := newMaker(t)
	for _, columns := range []string{scalars, everyType} {
		f := NewFormat(schemaOf(t, 3, columns))
		fields := f.Schema().Columns
		layout := batch.NewLayout(fields)
		c := NewCollector(fields)
		for _, r := range encodeAll(t, f, fields, s.record(fields, 2000)) {
			require.NoError(t, c.Add(f, r))
		}
		said := c.Bytes()
		n, err := batch.NewEncoder(layout, batch.EncoderOptions{}).EstimatedSize(c.Record())
		require.NoError(t, err)
		require.InEpsilon(t, n, said, 0.05)
	}
}

func TestNoAllocationsPerRow(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks allocate")
	}
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	rec := seeded(3).record(fields, 1)
	e, err := f.NewEncoder(fields)
	require.NoError(t, err)
	require.NoError(t, e.Bind(rec))
	dst := e.Append(nil, 0)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst = e.Append(dst[:0], 0) }))
	b := f.NewBuilder()
	var out []byte
	fill := func() {
		b.Reset()
		for c := range fields {
			b.Copy(dst, c)
		}
		if out, err = f.Upgrade(b.Append(out[:0]), f, dst); err != nil {
			panic(err)
		}
	}
	fill()
	require.Zero(t, testing.AllocsPerRun(100, fill))
	c := NewCollector(fields)
	for range 1030 { // just behind a step of its growth
		require.NoError(t, c.Add(f, dst))
	}
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := c.Add(f, dst); err != nil {
			panic(err)
		}
	}))
}
