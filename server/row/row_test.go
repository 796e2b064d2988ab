package row

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
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
			b.Set(c, f.Value(r, c))
			b.Copy(r, c)
		}
		require.Equal(t, r, b.Append([]byte("x"))[1:])
	}
}
