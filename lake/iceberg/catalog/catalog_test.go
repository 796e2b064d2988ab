package catalog

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

func create(t testing.TB, c *Catalog, name string) {
	t.Helper()
	order := table.UnsortedSortOrder
	sc := iceberg.NewSchema(0, iceberg.NestedField{ID: 7, Name: "id", Type: iceberg.PrimitiveTypes.Int64})
	_, _, err := c.CommitTable(t.Context(), table.Identifier{"db", name}, []table.Requirement{table.AssertCreate()}, []table.Update{
		table.NewAssignUUIDUpdate(uuid.New()), table.NewUpgradeFormatVersionUpdate(3), table.NewAddSchemaUpdate(sc), table.NewSetCurrentSchemaUpdate(-1),
		table.NewAddPartitionSpecUpdate(iceberg.UnpartitionedSpec, true), table.NewSetDefaultSpecUpdate(-1),
		table.NewAddSortOrderUpdate(&order), table.NewSetDefaultSortOrderUpdate(-1), table.NewSetLocationUpdate(c.store.URL() + "/db/" + name),
	})
	require.NoError(t, err)
}

func count(t testing.TB, s objstore.Store) (n int) {
	t.Helper()
	for _, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	return n
}

func TestTablesAreMadeChangedAndDropped(t *testing.T) {
	store := &objstore.Memory{}
	c := New(&MemKV{}, store)
	create(t, c, "a/ü")
	create(t, c, "b")
	loaded, err := c.LoadTable(t.Context(), table.Identifier{"db", "a/ü"})
	require.NoError(t, err)
	require.Equal(t, 7, loaded.Schema().Field(0).ID, "field ids stay")
	_, _, err = c.CommitTable(t.Context(), table.Identifier{"db", "b"}, []table.Requirement{table.AssertCreate()}, nil)
	require.ErrorIs(t, err, table.ErrCommitFailed)
	_, _, err = c.CommitTable(t.Context(), table.Identifier{"db", "b"}, nil, []table.Update{table.NewSetCurrentSchemaUpdate(99)})
	require.ErrorIs(t, err, errInvalid)
	_, _, err = c.CommitTable(t.Context(), table.Identifier{"db", "c"}, []table.Requirement{table.AssertCreate()},
		[]table.Update{table.NewSetLocationUpdate("mem://elsewhere/x")})
	require.ErrorIs(t, err, errInvalid)
	idents, err := c.Tables(t.Context(), "db")
	require.NoError(t, err)
	require.Equal(t, []table.Identifier{{"db", "a/ü"}, {"db", "b"}}, idents)
	require.NoError(t, c.Drop(t.Context(), table.Identifier{"db", "b"}))
	require.NoError(t, c.Drop(t.Context(), table.Identifier{"db", "b"}))
	require.Equal(t, 1, count(t, store))
	idents, err = c.Tables(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, []table.Identifier{{"db", "a/ü"}}, idents)
}

// Of commits at once each is there, or says that it is not.
func TestCommitsCompareAndSwap(t *testing.T) {
	c := New(&MemKV{}, &objstore.Memory{})
	create(t, c, "t")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; i < 10; {
				_, _, err := c.CommitTable(t.Context(), table.Identifier{"db", "t"}, nil,
					[]table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{fmt.Sprint(w, "-", i): "x"})})
				if err == nil {
					i++
				} else if !errors.Is(err, table.ErrCommitFailed) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	loaded, err := c.LoadTable(t.Context(), table.Identifier{"db", "t"})
	require.NoError(t, err)
	require.Len(t, loaded.Properties(), 40)
}
