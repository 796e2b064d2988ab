package iceberg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	flusstable "github.com/fluss-go/fluss/proto/table"
)

// memCatalog is a catalog as the REST specification wants it, in memory.
type memCatalog struct {
	mu     sync.Mutex // guards tables
	tables map[string]table.Metadata
	// after, when not nil, may make a commit fail that was done.
	after func() error
}

func (c *memCatalog) LoadTable(_ context.Context, ident table.Identifier) (*table.Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	meta, ok := c.tables[strings.Join(ident, ".")]
	if !ok {
		return nil, catalog.ErrNoSuchTable
	}
	return table.New(ident, meta, "mem", func(context.Context) (iceio.IO, error) { return nil, errors.New("not this one") }, nil), nil
}

func (c *memCatalog) CommitTable(_ context.Context, ident table.Identifier, reqs []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := strings.Join(ident, ".")
	base := c.tables[name]
	for _, r := range reqs {
		if err := r.Validate(base); err != nil {
			return nil, "", fmt.Errorf("%w: %w", table.ErrCommitFailed, err)
		}
	}
	var b *table.MetadataBuilder
	var err error
	if base != nil {
		b, err = table.MetadataBuilderFromBase(base, "mem")
	} else {
		b, err = table.NewMetadataBuilder(2)
	}
	if err != nil {
		return nil, "", err
	}
	for _, u := range updates {
		if err := u.Apply(b); err != nil {
			return nil, "", err
		}
	}
	meta, err := b.Build()
	if err != nil {
		return nil, "", err
	}
	c.tables[name] = meta
	if c.after != nil {
		if err := c.after(); err != nil {
			return nil, "", err
		}
	}
	return meta, "mem", nil
}

const everyType = "id BIGINT NOT NULL, b BOOLEAN, t TINYINT, s SMALLINT, i INT, f FLOAT, d DOUBLE, c CHAR(3), str STRING, " +
	"de DECIMAL(10, 2), dl DECIMAL(38, 10), da DATE, t0 TIME(0), t3 TIME(3), t6 TIME(6), ts0 TIMESTAMP(0), ts3 TIMESTAMP(3), " +
	"ts6 TIMESTAMP(6), ts9 TIMESTAMP(9), l3 TIMESTAMP_LTZ(3), l6 TIMESTAMP_LTZ(6), bi BINARY(4), by BYTES, " +
	"a ARRAY<INT>, m MAP<STRING, SMALLINT>, r ROW<x TINYINT, y ARRAY<ROW<z STRING, w TIMESTAMP(3)>>>"

// definition is that of a table with columns as in CREATE TABLE.
func definition(t testing.TB, columns string, key ...string) Definition {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	s, err := schema.New(fields, key)
	require.NoError(t, err)
	return Definition{Path: flusstable.Path{Database: "db", Table: "t"}, ID: 7, Schema: s, FormatVersion: DeletionVectors}
}

// fill appends a random value, or null.
func fill(t testing.TB, rng *rand.Rand, b array.Builder, nullable bool) {
	t.Helper()
	if nullable && rng.IntN(5) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(rng.IntN(2) == 0)
	case *array.Int8Builder:
		b.Append(int8(rng.Int()))
	case *array.Int16Builder:
		b.Append(int16(rng.Int()))
	case *array.Int32Builder:
		b.Append(int32(rng.Int()))
	case *array.Int64Builder:
		b.Append(rng.Int64() - rng.Int64())
	case *array.Float32Builder:
		b.Append(rng.Float32())
	case *array.Float64Builder:
		b.Append(rng.NormFloat64())
	case *array.StringBuilder:
		b.Append(strings.Repeat("ü%/x", rng.IntN(4)))
	case *array.Decimal128Builder:
		require.NoError(t, b.AppendValueFromString(fmt.Sprintf("%d.%d", rng.IntN(1000)-500, rng.IntN(90)+10)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(rng.IntN(60000) - 30000))
	case *array.Time32Builder:
		b.Append(arrow.Time32(rng.IntN(86400)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(rng.IntN(86400) * 1000))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp((rng.Int64N(4e9) - 2e9) * 1000))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte{byte(rng.Int()), 0, 0xff, 3})
	case *array.BinaryBuilder:
		b.Append([]byte(strings.Repeat("\x00\xff", rng.IntN(3))))
	case *array.ListBuilder:
		b.Append(true)
		for range rng.IntN(4) {
			fill(t, rng, b.ValueBuilder(), true)
		}
	case *array.MapBuilder:
		b.Append(true)
		for i := range rng.IntN(3) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("k", i))
			fill(t, rng, b.ItemBuilder(), true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			fill(t, rng, b.FieldBuilder(i), true)
		}
	default:
		t.Fatalf("no values for %T", b)
	}
}

// rowsOf returns rows of the table's columns, random but for the first, which is an
// id, and the system columns of a bucket.
func rowsOf(t testing.TB, rng *rand.Rand, def Definition, bucket int32, from int64, idsOf []int64) arrow.RecordBatch {
	t.Helper()
	fields := append(slices.Clone(def.Schema.Columns), SystemFields()...)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	defer b.Release()
	for i, id := range idsOf {
		n := len(def.Schema.Columns)
		b.Field(0).(*array.Int64Builder).Append(id)
		for c := 1; c < n; c++ {
			fill(t, rng, b.Field(c), def.Schema.Columns[c].Type.Nullable)
		}
		b.Field(n).(*array.Int32Builder).Append(bucket)
		b.Field(n + 1).(*array.Int64Builder).Append(from + int64(i))
		b.Field(n + 2).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000 + int64(i)))
	}
	return b.NewRecordBatch()
}

func write(t testing.TB, tbl *Table, records ...arrow.RecordBatch) []DataFile {
	t.Helper()
	w, err := tbl.NewWriter(t.TempDir())
	require.NoError(t, err)
	for _, r := range records {
		require.NoError(t, w.Write(t.Context(), r))
	}
	files, err := w.Close(t.Context())
	require.NoError(t, err)
	return files
}

func commit(t testing.TB, tbl *Table, c Change) *Table {
	t.Helper()
	base, err := tbl.Head()
	require.NoError(t, err)
	next, err := tbl.Commit(t.Context(), base, c)
	require.NoError(t, err)
	return next
}

func read(t testing.TB, tbl *Table, fields []schema.Field) (out []arrow.RecordBatch) {
	t.Helper()
	files, err := tbl.LiveFiles(t.Context())
	require.NoError(t, err)
	for _, f := range files {
		for r, err := range tbl.Read(t.Context(), f, fields) {
			require.NoError(t, err)
			r.Record.Retain()
			out = append(out, r.Record)
		}
	}
	return out
}

func world(t testing.TB, store objstore.Store) (*Lake, *memCatalog, *rand.Rand) {
	t.Helper()
	seed := rand.Uint64()
	t.Log("seed", seed)
	cat := &memCatalog{tables: map[string]table.Metadata{}}
	return New(cat, store), cat, rand.New(rand.NewPCG(seed, 1))
}

func head(commit string, epoch int64, offsets ...ids.Offset) Head {
	h := Head{Commit: commit, Epoch: epoch, Offsets: map[Place]ids.Offset{}}
	for b, o := range offsets {
		h.Offsets[Place{Bucket: ids.BucketID(b)}] = o
	}
	return h
}

func TestEveryTypeComesBack(t *testing.T) {
	for _, version := range []int{PositionDeletes, DeletionVectors} {
		lake, _, rng := world(t, &objstore.Memory{})
		def := definition(t, everyType, "id")
		def.FormatVersion = version
		tbl, err := lake.Open(t.Context(), def)
		require.NoError(t, err)
		for i, c := range def.Schema.Columns {
			require.Equal(t, int(c.ID), tbl.table.Schema().Field(i).ID, "Iceberg knows columns by our ids")
		}
		rec := rowsOf(t, rng, def, 0, 0, sequence(0, 500))
		tbl = commit(t, tbl, Change{Head: head("a", 1, 500), Added: write(t, tbl, rec)})
		got := read(t, tbl, append(slices.Clone(def.Schema.Columns), SystemFields()...))
		require.Len(t, got, 1)
		for i := range int(rec.NumCols()) {
			require.Truef(t, array.Equal(rec.Column(i), got[0].Column(i)), "%s:\n%v\n%v", rec.ColumnName(i), rec.Column(i), got[0].Column(i))
		}
		again, err := lake.Open(t.Context(), def)
		require.NoError(t, err)
		h, err := again.Head()
		require.NoError(t, err)
		require.Equal(t, head("a", 1, 500), h)
	}
}

func sequence(from, to int64) (out []int64) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// Ten rounds of changes: what is read equals a map, and where each row is is known from
// the files alone.
func TestRowsReplacedByPosition(t *testing.T) {
	for _, version := range []int{PositionDeletes, DeletionVectors} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) { replaceRows(t, version) })
	}
}

func replaceRows(t *testing.T, version int) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, v STRING", "id")
	def.FormatVersion = version
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	type at struct {
		file string
		pos  int64
	}
	places, model := map[int64]at{}, map[int64]int64{} // by id: where, and the offset of its newest row
	offset := int64(0)
	for round := range 10 {
		var wrote []int64
		deleted := map[string][]int64{}
		for range 1 + rng.IntN(300) {
			id := int64(rng.IntN(400))
			if slices.Contains(wrote, id) {
				continue
			}
			if p, ok := places[id]; ok {
				deleted[p.file] = append(deleted[p.file], p.pos)
				delete(places, id)
				delete(model, id)
			}
			if rng.IntN(4) > 0 {
				wrote = append(wrote, id)
			}
		}
		var added []DataFile
		if len(wrote) > 0 {
			added = write(t, tbl, rowsOf(t, rng, def, 0, offset, wrote))
		}
		for i, id := range wrote {
			places[id], model[id] = at{added[0].Location(), int64(i)}, offset+int64(i)
		}
		offset += int64(len(wrote))
		tbl = commit(t, tbl, Change{Head: head(fmt.Sprint("r", round), 1, ids.Offset(offset)), Added: added, Deleted: deleted})

		got := map[int64]int64{}
		found := map[int64]at{}
		files, err := tbl.LiveFiles(t.Context())
		require.NoError(t, err)
		for _, f := range files {
			for r, err := range tbl.Read(t.Context(), f, []schema.Field{def.Schema.Columns[0], SystemFields()[1]}) {
				require.NoError(t, err)
				for i := range int(r.Record.NumRows()) {
					id := r.Record.Column(0).(*array.Int64).Value(i)
					_, twice := got[id]
					require.False(t, twice, id)
					got[id] = r.Record.Column(1).(*array.Int64).Value(i)
					found[id] = at{f.Location(), r.Position + int64(i)}
				}
			}
		}
		require.Equal(t, model, got, "round %d", round)
		require.Equal(t, places, found)
	}
}

// Commits whose outcome is not known, and a store that fails, in a loop: each change is
// there once.
func TestCommitsAreThereOnce(t *testing.T) {
	faulty := objstore.NewFaulty(&objstore.Memory{}, rand.Uint64(), objstore.Faults{})
	lake, cat, rng := world(t, faulty)
	def := definition(t, "id BIGINT NOT NULL, v STRING", "id")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	unknown := errors.New("the answer got lost")
	cat.after = func() error {
		if rng.IntN(3) == 0 {
			return unknown
		}
		return nil
	}
	total := int64(0)
	for round := range 15 {
		faulty.Set(objstore.Faults{})
		files := write(t, tbl, rowsOf(t, rng, def, 0, total, sequence(total, total+20)))
		faulty.Set(objstore.Faults{Before: 0.02, After: 0.02})
		total += 20
		base, err := tbl.Head()
		require.NoError(t, err)
		c := Change{Head: head(fmt.Sprint("r", round), 1, ids.Offset(total)), Added: files}
		for {
			next, err := tbl.Commit(t.Context(), base, c)
			if err == nil {
				tbl = next
				break
			}
			require.NotErrorIs(t, err, ErrFenced)
			require.NotEqual(t, errcode.Conflict, errcode.Of(err))
		}
	}
	faulty.Set(objstore.Faults{})
	seen := map[int64]bool{}
	for _, r := range read(t, tbl, def.Schema.Columns[:1]) {
		for _, id := range r.Column(0).(*array.Int64).Int64Values() {
			require.False(t, seen[id])
			seen[id] = true
		}
	}
	require.Equal(t, sequence(0, total), slices.Sorted(maps.Keys(seen)))
}

func TestFencedAndOvertaken(t *testing.T) {
	lake, _, _ := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL", "id")
	old, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	young, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	young = commit(t, young, Change{Head: head("a", 2, 5)}) // without rows: a snapshot too
	_, err = old.Commit(t.Context(), Head{}, Change{Head: head("b", 1, 9)})
	require.ErrorIs(t, err, ErrFenced)
	_, err = old.Commit(t.Context(), Head{}, Change{Head: head("c", 2, 9)})
	require.Equal(t, errcode.Conflict, errcode.Of(err), "%v", err)
	h, err := young.Head()
	require.NoError(t, err)
	require.Equal(t, head("a", 2, 5), h)

	def.ID = 8
	_, err = lake.Open(t.Context(), def)
	require.ErrorIs(t, err, ErrOtherTable)
}

func TestTimesAreCutTowardsThePast(t *testing.T) {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Nanosecond})
	b.AppendValues([]arrow.Timestamp{-1, -1000, -1001, 999, 1001}, nil)
	got, err := convert(b.NewArray(), &arrow.TimestampType{Unit: arrow.Microsecond})
	require.NoError(t, err)
	require.Equal(t, []arrow.Timestamp{-1, -1, -2, 0, 1}, got.(*array.Timestamp).TimestampValues())
	s := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Second})
	s.Append(1 << 60)
	_, err = convert(s.NewArray(), &arrow.TimestampType{Unit: arrow.Microsecond})
	require.ErrorContains(t, err, "out of the range")
}

// What a snapshot says comes from the lake, which others can write to.
func FuzzHead(f *testing.F) {
	f.Add("c", "1", `{"0":[5,null,9223372036854775807],"3":[null,0]}`)
	f.Add("", "-1", `{"0":[-5]}`)
	f.Add("", "1", `{"-1":[0]}`)
	f.Add("", "1", "null")
	f.Fuzz(func(t *testing.T, commit, epoch, offsets string) {
		h, err := parseHead(iceberg.Properties{commitProperty: commit, epochProperty: epoch, offsetsProperty: offsets})
		if err != nil {
			return
		}
		p, err := h.properties()
		require.NoError(t, err)
		again, err := parseHead(p)
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}
