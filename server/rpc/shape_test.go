package rpc

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// testInfo is a table with columns as SQL text.
func testInfo(t testing.TB, columns string, d table.Descriptor, primaryKey ...string) *table.Info {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	d.Schema, err = schema.New(fields, primaryKey)
	require.NoError(t, err)
	full, err := d.Normalize(1, table.Limits{})
	require.NoError(t, err)
	info, err := table.NewInfo(&flussv1.TableInfo{
		Path: table.Path{Database: "fluss", Table: "t"}.Proto(), TableId: 7, Descriptor_: full.Proto(), Version: 1,
	})
	require.NoError(t, err)
	return info
}

// testRecord makes rows of JSON of the columns fields.
func testRecord(t testing.TB, fields []schema.Field, rows string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.ArrowFields(nullable(fields)), strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

// testBatch encodes rows, as a client does that checks nothing.
func testBatch(t testing.TB, rec arrow.RecordBatch, fields []schema.Field, changes bool, codec batch.Codec) []byte {
	t.Helper()
	l := batch.NewLayout(nullable(fields))
	if changes {
		l = batch.NewLayout(nullable(fields)).WithChangeTypes()
	}
	b, err := batch.NewEncoder(l, batch.EncoderOptions{Codec: codec}).Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
	require.NoError(t, err)
	return b
}

func withChanges(fields []schema.Field) []schema.Field {
	return append(slices.Clone(fields), schema.Field{Name: schema.ColumnChangeType, Type: schema.Of(schema.TinyInt)})
}

// bucketOf is the bucket of the only key in rec.
func bucketOf(t testing.TB, info *table.Info, rec arrow.RecordBatch) ids.Bucket {
	t.Helper()
	h, err := keys.NewHasher(info.Schema(), info.Descriptor.BucketKeys)
	require.NoError(t, err)
	found, err := h.Buckets(rec, info.Descriptor.BucketCount, nil)
	require.NoError(t, err)
	return ids.Bucket{Table: info.ID, Bucket: ids.BucketID(found[0])}
}

func TestUpsertsAreCheckedRowByRow(t *testing.T) {
	info := testInfo(t, "id BIGINT NOT NULL, name STRING NOT NULL, note STRING", table.Descriptor{BucketCount: 4}, "id")
	all := info.Schema().Columns
	good := testRecord(t, all, `[{"id": 1, "name": "a"}]`)
	home := bucketOf(t, info, good)
	for _, tc := range []struct {
		name    string
		kind    flussv1.WriteKind
		changes bool
		rows    string
		bucket  ids.BucketID
		want    string // of the error; empty when the batch is good
		deletes int64
	}{
		{name: "good", rows: `[{"id": 1, "name": "a"}, {"id": 1, "name": "b", "note": "c"}]`},
		{name: "null in a NOT NULL column", rows: `[{"id": 1, "name": "a"}, {"id": 1}]`, want: `row 1: column "name" is NOT NULL and null`},
		{name: "null key", rows: `[{"id": 1, "name": "a"}, {"name": "b"}]`, want: `row 1: column "id" of the primary key is null`},
		{name: "another bucket", rows: `[{"id": 1, "name": "a"}]`, bucket: 1, want: "row 0: it belongs into bucket"},
		{name: "deletes need keys only", changes: true, rows: `[{"id": 1, "__change_type": 4}, {"id": 1, "name": "a", "__change_type": 1}]`, deletes: 1},
		{name: "null in an upsert among deletes", changes: true, rows: `[{"id": 1, "__change_type": 4}, {"id": 1, "__change_type": 3}]`, want: `row 1: column "name" is NOT NULL`},
		{name: "null key of a delete", changes: true, rows: `[{"__change_type": 4}]`, want: `row 0: column "id" of the primary key`},
		{name: "-U", changes: true, rows: `[{"id": 1, "name": "a", "__change_type": 2}]`, want: "row 0: the change type is 2 (-U), only +I, +U and -D"},
		{name: "+A", changes: true, rows: `[{"id": 1, "name": "a", "__change_type": 0}]`, want: "row 0: the change type is 0 (+A)"},
		{name: "no change type there is", changes: true, rows: `[{"id": 1, "name": "a", "__change_type": -7}]`, want: "row 0: the change type is -7"},
		{name: "keys to delete", kind: flussv1.WriteKind_WRITE_KIND_DELETE, rows: `[{"id": 1}]`},
		{name: "null key to delete", kind: flussv1.WriteKind_WRITE_KIND_DELETE, rows: `[{"id": 1}, {}]`, want: `row 1: column "id"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fields, kind := all, flussv1.WriteKind_WRITE_KIND_UPSERT
			if tc.kind != 0 {
				kind, fields = tc.kind, info.KeyFields(info.Schema())
			}
			given := fields
			if tc.changes {
				given = withChanges(fields)
			}
			for _, codec := range []batch.Codec{batch.None, batch.Zstd} {
				b := testBatch(t, testRecord(t, given, tc.rows), fields, tc.changes, codec)
				h, err := batch.ParseHeader(b)
				require.NoError(t, err)
				s, err := newShapes().ofKeyed(info, &h, kind, nil)
				require.NoError(t, err)
				var m batch.Meta
				_, rec, err := readRows(s.layout, b, batch.Limits{}, &m)
				require.NoError(t, err)
				at := home
				if tc.bucket != 0 {
					at.Bucket = (home.Bucket + tc.bucket) % 4
				}
				deletes, err := s.check(rec, at, "")
				rec.Release()
				if tc.want == "" {
					require.NoError(t, err)
					require.Equal(t, tc.deletes, deletes)
					continue
				}
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
				require.NotEmpty(t, errcode.From(err).Facts["column"])
				require.NotEmpty(t, errcode.From(err).Facts["row"])
			}
		})
	}
}

func TestRowsOfOtherPartitionsAreRefused(t *testing.T) {
	info := testInfo(t, "day STRING NOT NULL, id BIGINT NOT NULL", table.Descriptor{BucketCount: 1, PartitionKeys: []string{"day"}}, "day", "id")
	s, err := newShapes().ofKeyed(info, &batch.Header{SchemaID: 1}, flussv1.WriteKind_WRITE_KIND_UPSERT, nil)
	require.NoError(t, err)
	rec := testRecord(t, info.Schema().Columns, `[{"day": "mon", "id": 1}, {"day": "tue", "id": 2}]`)
	_, err = s.check(rec, ids.Bucket{Table: 7, Partition: 1}, "mon")
	require.ErrorContains(t, err, `row 1: it belongs into partition "tue" and was sent to partition "mon"`)
	_, err = s.check(rec.NewSlice(0, 1), ids.Bucket{Table: 7, Partition: 1}, "mon")
	require.NoError(t, err)
}

// A shape is made once for each set of columns, and by the names that a version
// of the schema has.
func TestShapesAreKept(t *testing.T) {
	info := testInfo(t, "id BIGINT NOT NULL, a STRING, b STRING", table.Descriptor{BucketCount: 2}, "id")
	c := newShapes()
	h := &batch.Header{SchemaID: 1}
	first, err := c.ofKeyed(info, h, flussv1.WriteKind_WRITE_KIND_UPSERT, []int32{1, 3})
	require.NoError(t, err)
	again, err := c.ofKeyed(info, h, flussv1.WriteKind_WRITE_KIND_UPSERT, []int32{1, 3})
	require.NoError(t, err)
	require.Same(t, first, again)
	require.Equal(t, []ids.FieldID{1, 3}, first.targets)
	require.Len(t, first.fields, 2)
	changes, err := c.ofKeyed(info, &batch.Header{SchemaID: 1, Flags: batch.FlagChangeTypes}, flussv1.WriteKind_WRITE_KIND_UPSERT, []int32{1, 3})
	require.NoError(t, err)
	require.Equal(t, 3, changes.layout.Columns())

	_, err = c.ofKeyed(info, &batch.Header{SchemaID: 9}, flussv1.WriteKind_WRITE_KIND_UPSERT, nil)
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.UnknownSchema})
	_, err = c.ofKeyed(info, &batch.Header{SchemaID: 1, Flags: batch.FlagChangeTypes}, flussv1.WriteKind_WRITE_KIND_DELETE, nil)
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.InvalidBatch})
}

// FuzzUpsert checks that hostile batches are refused or looked at, and never panic.
func FuzzUpsert(f *testing.F) {
	info := testInfo(f, "id BIGINT NOT NULL, name STRING NOT NULL, day STRING NOT NULL", table.Descriptor{BucketCount: 1, PartitionKeys: []string{"day"}}, "id", "day")
	all := info.Schema().Columns
	for _, codec := range []batch.Codec{batch.None, batch.LZ4Frame, batch.Zstd} {
		f.Add(testBatch(f, testRecord(f, all, `[{"id": 1, "name": "a", "day": "mon"}, {"id": 2, "name": "", "day": "mon"}]`), all, false, codec))
		f.Add(testBatch(f, testRecord(f, withChanges(all), `[{"id": 1, "day": "mon", "__change_type": 4}]`), all, true, codec))
	}
	shapes := newShapes()
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := batch.ParseHeader(b)
		if err != nil {
			return
		}
		h.SchemaID = 1
		s, err := shapes.ofKeyed(info, &h, flussv1.WriteKind_WRITE_KIND_UPSERT, nil)
		require.NoError(t, err)
		_, want := batch.Validate(s.layout, b, batch.Limits{CheckCompressed: true, CheckUTF8: true})
		var m batch.Meta
		_, rec, err := readRows(s.layout, b, batch.Limits{CheckUTF8: true}, &m)
		require.Equal(t, want == nil, err == nil, "validated: %v, read: %v", want, err)
		if err != nil {
			return
		}
		_, _ = s.check(rec, ids.Bucket{Table: 7, Partition: 1}, "mon")
		rec.Release()
	})
}
