package iceberg

import (
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/proto/errcode"
)

// idsIn returns the ids of the rows that a table has, and their offsets.
func idsIn(t testing.TB, tbl *Table) map[int64]int64 {
	t.Helper()
	out := map[int64]int64{}
	for _, r := range read(t, tbl, append(tbl.columns()[:1:1], SystemFields()[1])) {
		for i := range int(r.NumRows()) {
			id := r.Column(0).(*array.Int64).Value(i)
			require.NotContains(t, out, id)
			out[id] = r.Column(1).(*array.Int64).Value(i)
		}
	}
	return out
}

// A committer that did not learn the outcome of its commit comes back after another has
// committed on top, with a newer epoch even: its change is there.
func TestCommitIsFoundBelowAnother(t *testing.T) {
	lake, cat, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL", "id")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	c := Change{Head: head("a", 1, 5), Added: write(t, tbl, rowsOf(t, rng, def, 0, 0, sequence(0, 5)))}
	commit(t, tbl, c)
	other, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	commit(t, other, Change{Head: head("b", 2, 7), Added: write(t, other, rowsOf(t, rng, def, 0, 5, sequence(5, 7)))})
	next, err := tbl.Commit(t.Context(), Head{}, c)
	require.NoError(t, err)
	require.Len(t, idsIn(t, next), 7)
	require.Len(t, cat.tables["db.t"].Snapshots(), 2)
}

func TestChangesThatAreNone(t *testing.T) {
	for _, version := range []int{PositionDeletes, DeletionVectors} {
		lake, _, rng := world(t, &objstore.Memory{})
		def := definition(t, "id BIGINT NOT NULL", "id")
		def.FormatVersion = version
		tbl, err := lake.Open(t.Context(), def)
		require.NoError(t, err)
		files := write(t, tbl, rowsOf(t, rng, def, 0, 0, sequence(0, 5)))
		at := files[0].Location()
		more := write(t, tbl, rowsOf(t, rng, def, 0, 5, sequence(5, 9)))
		tbl = commit(t, tbl, Change{Head: head("0", 1, 5), Added: files})
		for _, tc := range []struct {
			name string
			c    Change
			want string
			code errcode.Code
		}{
			{"no id", Change{Head: head("", 1)}, "commit id", errcode.Internal},
			{"negative epoch", Change{Head: head("a", -1)}, "epoch -1", errcode.Internal},
			{"file that is gone", Change{Head: head("a", 1), Deleted: map[string][]int64{"mem://x/y": {0}}}, "no file of table", errcode.Conflict},
			{"row behind the end", Change{Head: head("a", 1), Deleted: map[string][]int64{at: {5}}}, "row 5 of the 5", errcode.Internal},
			{"negative row", Change{Head: head("a", 1), Deleted: map[string][]int64{at: {-1}}}, "row -1", errcode.Internal},
			{"row that is added", Change{Head: head("a", 1), Added: more, Deleted: map[string][]int64{more[0].Location(): {0}}}, "which it adds", errcode.Internal},
		} {
			_, err := tbl.Commit(t.Context(), head("0", 1, 5), tc.c)
			require.ErrorContains(t, err, tc.want, tc.name)
			require.Equal(t, tc.code == errcode.Conflict, errcode.Of(err) == errcode.Conflict, tc.name)
		}
		require.Len(t, idsIn(t, tbl), 5)
		tbl = commit(t, tbl, Change{Head: head("a", 1, 9), Added: more, Deleted: map[string][]int64{at: {3, 1, 3}}})
		require.Len(t, idsIn(t, tbl), 7)
	}
}

// A table that gets deletion vectors keeps what files of positions have deleted.
func TestVectorsTakeInPositions(t *testing.T) {
	lake, _, rng := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL, v STRING", "id")
	def.FormatVersion = PositionDeletes
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	a := write(t, tbl, rowsOf(t, rng, def, 0, 0, sequence(0, 10)))
	b := write(t, tbl, rowsOf(t, rng, def, 1, 0, sequence(10, 20)))
	tbl = commit(t, tbl, Change{Head: head("a", 1, 10, 10), Added: append(a, b...)})
	tbl = commit(t, tbl, Change{Head: head("b", 1, 10, 10), Deleted: map[string][]int64{a[0].Location(): {0, 1}, b[0].Location(): {9}}})
	tbl = commit(t, tbl, Change{Head: head("c", 1, 10, 10), Deleted: map[string][]int64{a[0].Location(): {2}}})
	require.Len(t, idsIn(t, tbl), 16)

	def.FormatVersion = DeletionVectors
	tbl, err = lake.Open(t.Context(), def)
	require.NoError(t, err)
	require.Equal(t, DeletionVectors, tbl.table.Metadata().Version())
	require.Len(t, idsIn(t, tbl), 16)
	for i, id := range []string{"d", "e"} {
		tbl = commit(t, tbl, Change{Head: head(id, 1, 10, 10), Deleted: map[string][]int64{a[0].Location(): {int64(3 + i)}}})
		require.Len(t, idsIn(t, tbl), 15-i)
	}
	got := idsIn(t, tbl)
	for _, id := range []int64{0, 1, 2, 3, 4, 19} {
		require.NotContains(t, got, id)
	}
	def.FormatVersion = PositionDeletes
	tbl, err = lake.Open(t.Context(), def)
	require.NoError(t, err, "a table never goes back")
	require.Equal(t, DeletionVectors, tbl.table.Metadata().Version())
}

func TestCommitGivesUpOnItsMistakes(t *testing.T) {
	lake, cat, _ := world(t, &objstore.Memory{})
	def := definition(t, "id BIGINT NOT NULL", "id")
	tbl, err := lake.Open(t.Context(), def)
	require.NoError(t, err)
	calls := 0
	cat.after = func() error { calls++; return errors.New("the answer got lost") }
	next, err := tbl.Commit(t.Context(), Head{}, Change{Head: head("a", 1, 3)})
	require.NoError(t, err, "the second attempt finds what the first one did")
	require.Equal(t, 1, calls)
	h, err := next.Head()
	require.NoError(t, err)
	require.Equal(t, head("a", 1, 3), h)
}
