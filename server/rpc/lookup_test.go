package rpc

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
)

func TestKeyColumnsOfALookup(t *testing.T) {
	const columns = "day STRING NOT NULL, a STRING NOT NULL, b BIGINT NOT NULL, c BIGINT NOT NULL, v STRING"
	info := testInfo(t, columns, table.Descriptor{BucketCount: 1, PartitionKeys: []string{"day"}, BucketKeys: []string{"a", "b"}}, "day", "a", "b", "c")
	other := testInfo(t, columns, table.Descriptor{BucketCount: 1, BucketKeys: []string{"b"}}, "a", "b")
	for _, tc := range []struct {
		name    string
		info    *table.Info
		prefix  bool
		schema  ids.SchemaID
		columns []ids.FieldID
		code    errcode.Code
	}{
		{"whole key", info, false, 0, []ids.FieldID{1, 2, 3, 4}, ""},
		{"any order", info, false, 1, []ids.FieldID{4, 1, 3, 2}, ""},
		{"bucket key", info, true, 0, []ids.FieldID{2, 3}, ""},
		{"no columns", info, false, 0, nil, errcode.InvalidArgument},
		{"without the partition column", info, false, 0, []ids.FieldID{2, 3, 4}, errcode.InvalidArgument},
		{"twice", info, false, 0, []ids.FieldID{1, 2, 3, 3}, errcode.InvalidArgument},
		{"one too many", info, false, 0, []ids.FieldID{1, 2, 3, 4, 5}, errcode.InvalidArgument},
		{"no such column", info, false, 0, []ids.FieldID{1, 2, 3, 99}, errcode.UnknownColumn},
		{"prefix too short", info, true, 0, []ids.FieldID{2}, errcode.InvalidArgument},
		{"prefix with the partition column", info, true, 0, []ids.FieldID{1, 2, 3}, errcode.InvalidArgument},
		{"no such schema", info, false, 3, []ids.FieldID{1, 2, 3, 4}, errcode.UnknownSchema},
		{"the bucket key is no beginning", other, true, 0, []ids.FieldID{3}, errcode.InvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newKeyShape(tc.info, keyShapeKey{schema: tc.schema, prefix: tc.prefix}, tc.columns)
			if tc.code == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, &errcode.Error{Code: tc.code})
		})
	}
}

func TestKeysAreInTheOrderOfTheKey(t *testing.T) {
	info := testInfo(t, "a STRING NOT NULL, b BIGINT NOT NULL", table.Descriptor{BucketCount: 1}, "b", "a")
	var got [2]keyScratch
	for i, order := range [][]int{{0, 1}, {1, 0}} {
		var fields []schema.Field
		var columns []ids.FieldID
		for _, c := range order {
			fields = append(fields, info.Schema().Columns[c])
			columns = append(columns, info.Schema().Columns[c].ID)
		}
		k, err := newKeyShape(info, keyShapeKey{}, columns)
		require.NoError(t, err)
		b := testBatch(t, testRecord(t, fields, `[{"a": "x", "b": 2}, {"a": "y", "b": 1}]`), fields, false, batch.None)
		rec, err := k.read(&got[i], b, batch.Limits{}, ids.Bucket{}, "")
		require.NoError(t, err)
		rec.Release()
	}
	require.Equal(t, got[0].list, got[1].list)
	require.Greater(t, string(got[0].list[0]), string(got[0].list[1]), "b comes first")
}

// FuzzKeys checks that hostile keys are refused or read, and never panic.
func FuzzKeys(f *testing.F) {
	info := testInfo(f, "a STRING NOT NULL, b BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 1}, "b", "a")
	k, err := newKeyShape(info, keyShapeKey{}, []ids.FieldID{1, 2})
	require.NoError(f, err)
	fields := info.Schema().Columns[:2]
	for _, codec := range []batch.Codec{batch.None, batch.LZ4Frame, batch.Zstd} {
		f.Add(testBatch(f, testRecord(f, fields, `[{"a": "x", "b": 2}, {"a": "", "b": 1}]`), fields, false, codec))
	}
	f.Add([]byte("FLB1"))
	limits := batch.Limits{MaxRows: maxLookupKeys, CheckCompressed: true, CheckUTF8: true}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s keyScratch
		rec, err := k.read(&s, b, limits, ids.Bucket{}, "")
		if err != nil {
			return
		}
		require.Len(t, s.list, int(rec.NumRows()))
		rec.Release()
	})
}

// BenchmarkLookup measures what a look-up does besides finding rows: keys in, rows out.
func BenchmarkLookup(b *testing.B) {
	info := testInfo(b, "id BIGINT NOT NULL, a BIGINT, b DOUBLE, c STRING, d STRING, e INT", table.Descriptor{BucketCount: 1}, "id")
	fields := info.Schema().Columns
	format := row.NewFormat(info.Schema())
	encoder, err := format.NewEncoder(fields)
	require.NoError(b, err)
	rec := testRecord(b, fields, `[{"id": 1, "a": 2, "b": 1.5, "c": "a text of some thirty bytes or so", "d": "another text of thirty bytes", "e": 5}]`)
	require.NoError(b, encoder.Bind(rec))
	encoded := encoder.Append(nil, 0)
	k, err := newKeyShape(info, keyShapeKey{}, []ids.FieldID{1})
	require.NoError(b, err)
	f := newFormats(nil)
	f.add(formatKey{info.ID, 1}, format, 1)
	s := &Lookups{answers: newCache[rowShapeKey, *rowShape](100)}
	limits := batch.Limits{MaxRows: maxLookupKeys, CheckCompressed: true, CheckUTF8: true}
	for _, n := range []int{1, 16, 64} {
		rows := "["
		for i := range n {
			rows += fmt.Sprintf(`{"id": %d},`, i)
		}
		given := testBatch(b, testRecord(b, fields[:1], rows[:len(rows)-1]+"]"), fields[:1], false, batch.None)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var scratch keyScratch
			for b.Loop() {
				rec, err := k.read(&scratch, given, limits, ids.Bucket{}, "")
				require.NoError(b, err)
				rec.Release()
				shape, err := s.rowShape(info, 0, nil)
				require.NoError(b, err)
				a := shape.take(f)
				for range n {
					if err := a.add(encoded); err != nil {
						b.Fatal(err)
					}
				}
				_, err = a.encode()
				require.NoError(b, err)
				a.free()
			}
		})
	}
}
