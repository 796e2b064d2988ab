package iceberg

import (
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/iceberg-go"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// Files keep the columns that they were written with; tables read them as they are now.
func TestColumnsChange(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, a INT, b FLOAT, c STRING, r ROW<x TINYINT, y STRING>", "id")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	rec := rowsOf(t, rng, def, 0, 0, sequence(0, 50))
	commit(t, tbl, Change{Head: head("a", 1, 50), Added: write(t, tbl, rec)})

	next := *def.Schema
	next.Columns = slices.Clone(next.Columns)
	next.Columns[1].Type.Kind = schema.BigInt // widened
	next.Columns[2].Type.Kind = schema.Double
	next.Columns[3].Name = "renamed"
	next.Columns = append(next.Columns[:4:4], schema.Field{ID: next.HighestFieldID + 1, Name: "c", Type: next.Columns[3].Type})
	next.HighestFieldID++
	def.Schema = &next
	tbl, err = lake.Open(t.Context(), def)
	require.NoError(t, err)
	more := rowsOf(t, rng, def, 0, 50, sequence(50, 60))
	tbl = commit(t, tbl, Change{Head: head("b", 1, 60), Added: write(t, tbl, more)})
	rows := 0
	for _, r := range read(t, tbl, next.Columns) {
		rows += int(r.NumRows())
		require.Equal(t, arrow.INT64, r.Column(1).DataType().ID())
		if r.NumRows() == 50 {
			require.Equal(t, 50, r.Column(4).NullN(), "a new column of an old name")
			require.True(t, array.Equal(rec.Column(3), r.Column(3)))
			for i := range 50 {
				require.Equal(t, rec.Column(1).IsNull(i), r.Column(1).IsNull(i))
				if r.Column(1).IsValid(i) {
					require.EqualValues(t, rec.Column(1).(*array.Int32).Value(i), r.Column(1).(*array.Int64).Value(i))
				}
			}
		}
	}
	require.Equal(t, 60, rows)
}

// apply returns the next version of a table's schema.
func apply(t testing.TB, s *schema.Schema, change *flussv1.TableChange) *schema.Schema {
	t.Helper()
	next, err := s.Apply([]*flussv1.TableChange{change})
	require.NoError(t, err)
	return next
}

func addColumn(t testing.TB, s *schema.Schema, column string) *schema.Schema {
	t.Helper()
	fields, err := schema.ParseColumns(column)
	require.NoError(t, err)
	return apply(t, s, &flussv1.TableChange{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{Column: fields[0].Proto()}}})
}

func dropColumn(t testing.TB, s *schema.Schema, name string) *schema.Schema {
	t.Helper()
	return apply(t, s, &flussv1.TableChange{Change: &flussv1.TableChange_DropColumn{DropColumn: &flussv1.DropColumn{Name: name}}})
}

func renameColumn(t testing.TB, s *schema.Schema, name, to string) *schema.Schema {
	t.Helper()
	return apply(t, s, &flussv1.TableChange{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: name, NewName: to}}})
}

// Every kind of change, one after the other, as ALTER TABLE makes them: the lake's columns are those
// of the table under the same ids, and all files stay readable.
func TestEveryChangeOfColumns(t *testing.T) {
	for _, version := range []int{PositionDeletes, DeletionVectors} {
		lake, cat, rng := world(t, &objstore.Memory{})
		def := definition(t, "id BIGINT NOT NULL, a TINYINT, b BINARY(4), c CHAR(3), d DECIMAL(5, 2), r ROW<x INT, y ARRAY<ROW<z INT>>>")
		def.FormatVersion = version
		tbl, err := lake.Open(t.Context(), def)
		require.NoError(t, err)
		s := def.Schema
		widen := func(name, to string) func() {
			return func() {
				next := *s
				next.ID++
				next.Columns = slices.Clone(s.Columns)
				i, ok := s.Index(name)
				require.True(t, ok)
				wide, err := schema.ParseType(to)
				require.NoError(t, err)
				require.True(t, schema.CanWiden(next.Columns[i].Type, wide), to)
				next.Columns[i].Type = wide
				s = &next
			}
		}
		rows := int64(0)
		for i, step := range []func(){
			func() {},
			func() { s = addColumn(t, s, "n ARRAY<MAP<STRING, ROW<p INT>>>") },
			func() { s = renameColumn(t, s, "a", "was_a") },
			func() { s = addColumn(t, s, "a STRING COMMENT 'another one'") },
			func() { s = renameColumn(t, s, "was_a", "b2") },
			func() { s = dropColumn(t, s, "r") },
			func() { s = addColumn(t, s, "r ROW<x STRING>") },
			func() { s = renameColumn(t, s, "b2", "was_a") }, // a schema that was there before, but for r
			widen("was_a", "SMALLINT"), widen("was_a", "BIGINT"), widen("b", "BYTES"), widen("c", "CHAR(9)"), widen("c", "STRING"), widen("d", "DECIMAL(38, 2)"),
			func() { // reordered, with a comment
				next := *s
				next.ID++
				next.Columns = slices.Clone(s.Columns)
				slices.Reverse(next.Columns[1:])
				next.Columns[1].Comment = "now first"
				s = &next
			},
			func() { s = dropColumn(t, s, "c") },
		} {
			step()
			tbl, err = tbl.Evolve(t.Context(), s)
			require.NoError(t, err, "step %d", i)
			def.Schema = s
			tbl = commit(t, tbl, Change{Head: head(string(rune('a'+i)), 1), Added: write(t, tbl, rowsOf(t, rng, def, 0, rows, sequence(rows, rows+3)))})
			if i%5 == 0 {
				tbl = commit(t, tbl, Change{Head: head(string(rune('A'+i)), 1)}) // sets a mapping of names
			}
			rows += 3
			require.Len(t, idsIn(t, tbl), int(rows))
			got := read(t, tbl, s.Columns)
			require.Len(t, got, i+1)
			for c, f := range s.Columns {
				is := cat.tables["db.t"].CurrentSchema().Field(c)
				require.Equal(t, int(f.ID), is.ID)
				require.Equal(t, f.Name, is.Name)
				require.Equal(t, f.Comment, is.Doc)
			}
		}
	}
}

// One who knows an older schema does not take columns away, and writes what it knows.
func TestColumnsNeverGoBack(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	old := definition(t, "id BIGINT NOT NULL, a INT, b STRING")
	stale, err := lake.Open(t.Context(), old)
	require.NoError(t, err)
	def := old
	def.Schema = addColumn(t, dropColumn(t, old.Schema, "b"), "c INT")
	_, err = lake.Open(t.Context(), def)
	require.NoError(t, err)
	stale, err = stale.lake.Open(t.Context(), old)
	require.NoError(t, err)
	fresh := commit(t, stale, Change{Head: head("a", 1), Added: write(t, stale, rowsOf(t, rng, old, 0, 0, sequence(0, 3)))})
	fresh, err = fresh.Evolve(t.Context(), def.Schema)
	require.NoError(t, err)
	got := read(t, fresh, def.Schema.Columns)
	require.Len(t, got, 1)
	require.Equal(t, 3, got[0].Column(2).NullN())
	_, has := fresh.table.Schema().FindFieldByName("b")
	require.False(t, has)
}

// The values of partitions are in the manifests as they are, whatever they are.
func TestPartitions(t *testing.T) {
	long := "x234567890123456789012345678901234567890"
	for _, tc := range []struct {
		columns string
		value   string // JSON
		want    any
		name    string
	}{
		{"p STRING", `"2026-11"`, "2026-11", "2026-11"},
		{"p STRING", `"` + long + `"`, long, long},
		{"p STRING", "null", nil, ""},
		{"p STRING", `""`, "", ""},
		{"p STRING", `"a/b"`, "a/b", ""},
		{"p STRING", `"100%"`, "100%", ""},
		{"p STRING", `"ü"`, "ü", ""},
		{"p CHAR(3)", `"abc"`, "abc", "abc"},
		{"p BOOLEAN", "true", true, "true"},
		{"p TINYINT", "-128", int32(-128), "-128"},
		{"p SMALLINT", "7", int32(7), "7"},
		{"p INT", "2147483647", int32(2147483647), "2147483647"},
		{"p BIGINT", "-9007199254740993", int64(-9007199254740993), "-9007199254740993"},
		{"p FLOAT", "1.5", float32(1.5), "1.5"},
		{"p DOUBLE", "-0.25", -0.25, "-0.25"},
		{"p DATE", `"1969-12-31"`, iceberg.Date(-1), "1969-12-31"},
		{"p TIME(0)", `"10:00:01"`, int64(36001000000), "10:00:01"},
		{"p TIME(3)", `"10:00:01.25"`, int64(36001250000), "10:00:01.250"},
		{"p TIMESTAMP(0)", `"1969-12-31 23:59:59"`, iceberg.Timestamp(-1000000), "1969-12-31T23:59:59"},
		{"p TIMESTAMP(6)", `"2026-11-22 10:00:00.000001"`, iceberg.Timestamp(1795341600000001), "2026-11-22T10:00:00.000001"},
		{"p TIMESTAMP_LTZ(3)", `"2026-11-22 10:00:00.5Z"`, iceberg.Timestamp(1795341600500000), "2026-11-22T10:00:00.500Z"},
		{"p BYTES", `"AP8="`, []byte{0, 0xff}, "00ff"},
		{"p BINARY(2)", `"AP8="`, []byte{0, 0xff}, "00ff"},
	} {
		t.Run(tc.columns+" "+tc.value, func(t *testing.T) {
			for _, version := range []int{PositionDeletes, DeletionVectors} {
				lake, _, _ := world(t, &objstore.Memory{})
				def := definition(t, "id BIGINT NOT NULL, "+tc.columns)
				def.FormatVersion, def.PartitionKeys = version, []string{"p"}
				tbl, err := lake.Open(t.Context(), def)
				require.NoError(t, err)
				rec := fromJSON(t, def, `[{"id": 1, "p": `+tc.value+`, "__bucket": 3, "__offset": 8}, {"id": 2, "p": `+tc.value+`, "__bucket": 3, "__offset": 9}]`)
				files := write(t, tbl, rec)
				tbl = commit(t, tbl, Change{Head: head("0", 1), Added: files})
				tbl = commit(t, tbl, Change{Head: head("a", 1), Deleted: map[string][]int64{files[0].Location(): {0}}})
				live, err := tbl.LiveFiles(t.Context())
				require.NoError(t, err)
				require.Len(t, live, 1)
				require.Equal(t, map[int]any{1000: tc.want, 1001: int32(3)}, live[0].file.Partition())
				require.Equal(t, tc.name, live[0].Partition)
				require.EqualValues(t, 3, live[0].Bucket)
				require.Equal(t, Range{8, 10}, live[0].Offsets)
				require.Equal(t, map[int64]int64{2: 9}, idsIn(t, tbl))
				tbl = commit(t, tbl, Change{Head: head("b", 1), Deleted: map[string][]int64{files[0].Location(): {1}}})
				require.Empty(t, idsIn(t, tbl))
			}
		})
	}
}

func TestFilesHaveOnePartition(t *testing.T) {
	lake, _, _ := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, p STRING, q INT")
	def.PartitionKeys = []string{"p", "q"}
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	row := func(p, q, bucket string) string {
		return `{"id": 1, "p": ` + p + `, "q": ` + q + `, "__bucket": ` + bucket + `}`
	}
	for _, other := range []string{row(`"b"`, "1", "0"), row(`"a"`, "2", "0"), row(`"a"`, "1", "1"), row("null", "1", "0"), row(`"a"`, "null", "0")} {
		w, err := tbl.NewWriter(t.TempDir())
		require.NoError(t, err)
		require.ErrorIs(t, w.Write(t.Context(), fromJSON(t, def, "["+row(`"a"`, "1", "0")+","+other+"]")), errChange)
		require.NoError(t, w.Abort())

		w, err = tbl.NewWriter(t.TempDir())
		require.NoError(t, err)
		require.NoError(t, w.Write(t.Context(), fromJSON(t, def, "["+row(`"a"`, "1", "0")+"]")))
		require.ErrorIs(t, w.Write(t.Context(), fromJSON(t, def, "["+other+"]")), errChange)
		files, err := w.Close(t.Context())
		require.ErrorIs(t, err, errChange)
		require.Empty(t, files)
	}
}

// A file that is full is ended, and the rows go on in the next one.
func TestFilesAreRolled(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, s STRING")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	w, err := tbl.NewWriter(t.TempDir())
	require.NoError(t, err)
	w.target = 1
	for i := range int64(3) {
		require.NoError(t, w.Write(t.Context(), rowsOf(t, rng, def, 0, i*rowGroupRows, sequence(i*rowGroupRows, (i+1)*rowGroupRows))))
	}
	files, err := w.Close(t.Context())
	require.NoError(t, err)
	require.Greater(t, len(files), 1)
	tbl = commit(t, tbl, Change{Head: head("a", 1), Added: files})
	live, err := tbl.LiveFiles(t.Context())
	require.NoError(t, err)
	next, rows := int64(0), int64(0)
	for i, f := range live {
		require.Equal(t, files[i].Location(), f.Location())
		require.EqualValues(t, next, f.Offsets.From)
		next, rows = int64(f.Offsets.To), rows+f.Rows()
	}
	require.EqualValues(t, 3*rowGroupRows, rows)
}
