package catalog

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/catalog/rest"
	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

// lab is a catalog in a directory that engines may use as theirs, and a client of it.
type lab struct {
	*rest.Catalog
	catalog *Catalog
	server  *httptest.Server
	dir     string
}

func newLab(t testing.TB, o Options) *lab {
	t.Helper()
	l := &lab{dir: t.TempDir()}
	store, err := objstore.OpenDir(l.dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	l.catalog = New(&MemKV{}, store)
	l.server = serve(t, l.catalog, o)
	l.Catalog = l.client(t)
	require.NoError(t, l.CreateNamespace(t.Context(), table.Identifier{"own"}, iceberg.Properties{"owner": "me"}))
	return l
}

func (l *lab) client(t testing.TB, o ...rest.Option) *rest.Catalog {
	t.Helper()
	client, err := rest.NewCatalog(t.Context(), "fluss", l.server.URL, o...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// open are options of a server where engines have tables of their own.
func open() Options {
	o := options()
	o.Unmanaged = true
	return o
}

func idSchema() *iceberg.Schema {
	return iceberg.NewSchema(0, iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64})
}

func rows(t testing.TB, values ...int64) array.RecordReader {
	t.Helper()
	sc := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(values, nil)
	reader, err := array.NewRecordReader(sc, []arrow.RecordBatch{b.NewRecordBatch()})
	require.NoError(t, err)
	return reader
}

// ids reads a table, in order.
func ids(t testing.TB, tbl *table.Table) []int64 {
	t.Helper()
	got, err := tbl.Scan().ToArrowTable(t.Context())
	require.NoError(t, err)
	defer got.Release()
	var out []int64
	for _, chunk := range got.Column(0).Data().Chunks() {
		out = append(out, chunk.(*array.Int64).Int64Values()...)
	}
	slices.Sort(out)
	return out
}

func (l *lab) files(t testing.TB) (out []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(l.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, l.dir))
		}
		return err
	}))
	return out
}

func TestAClientKeepsTables(t *testing.T) {
	l := newLab(t, open())
	ctx := t.Context()
	ident := table.Identifier{"own", "a b"}
	tbl, err := l.CreateTable(ctx, ident, idSchema(), catalog.WithProperties(iceberg.Properties{"format-version": "3", "k": "v"}))
	require.NoError(t, err)
	require.Equal(t, 3, tbl.Metadata().Version())
	require.Equal(t, "v", tbl.Properties()["k"])
	require.True(t, strings.HasPrefix(tbl.Location(), l.catalog.store.URL()+"/own/a_b~-"), tbl.Location())
	require.Regexp(t, `/metadata/00000-[-0-9a-f]{36}\.metadata\.json$`, tbl.MetadataLocation())
	_, err = l.CreateTable(ctx, ident, idSchema())
	require.ErrorIs(t, err, catalog.ErrTableAlreadyExists)
	_, err = l.CreateTable(ctx, table.Identifier{"nowhere", "t"}, idSchema())
	require.ErrorIs(t, err, catalog.ErrNoSuchNamespace)

	tbl, err = tbl.Append(ctx, rows(t, 1, 2), nil)
	require.NoError(t, err)
	_, err = tbl.Append(ctx, rows(t, 3), nil)
	require.NoError(t, err)
	loaded, err := l.LoadTable(ctx, ident)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, ids(t, loaded))
	require.Regexp(t, `/metadata/00002-`, loaded.MetadataLocation())

	exists, err := l.CheckTableExists(ctx, ident)
	require.NoError(t, err)
	require.True(t, exists)
	renamed, err := l.RenameTable(ctx, ident, table.Identifier{"own", "b"})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, ids(t, renamed))
	exists, err = l.CheckTableExists(ctx, ident)
	require.NoError(t, err)
	require.False(t, exists)
	_, err = l.RenameTable(ctx, ident, table.Identifier{"own", "c"})
	require.ErrorIs(t, err, catalog.ErrNoSuchTable)

	location := renamed.MetadataLocation()
	require.NoError(t, l.DropTable(ctx, table.Identifier{"own", "b"}))
	require.NotEmpty(t, l.files(t), "they stay unless they are to go")
	back, err := l.RegisterTable(ctx, table.Identifier{"own", "again"}, location)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, ids(t, back))
	_, err = l.RegisterTable(ctx, table.Identifier{"own", "again"}, location)
	require.ErrorIs(t, err, catalog.ErrTableAlreadyExists)
	_, err = l.RegisterTable(ctx, table.Identifier{"own", "none"}, location+"x")
	require.ErrorIs(t, err, rest.ErrBadRequest)
	require.NoError(t, l.PurgeTable(ctx, table.Identifier{"own", "again"}))
	require.Empty(t, l.files(t))
	require.ErrorIs(t, l.DropTable(ctx, table.Identifier{"own", "again"}), catalog.ErrNoSuchTable)
}

func TestAClientKeepsNamespaces(t *testing.T) {
	l := newLab(t, open())
	ctx := t.Context()
	require.ErrorIs(t, l.CreateNamespace(ctx, table.Identifier{"own"}, nil), catalog.ErrNamespaceAlreadyExists)
	require.ErrorIs(t, l.CreateNamespace(ctx, table.Identifier{"db"}, nil), catalog.ErrNamespaceAlreadyExists)
	require.ErrorIs(t, l.CreateNamespace(ctx, table.Identifier{"db", "x"}, nil), rest.ErrForbidden)
	require.NoError(t, l.CreateNamespace(ctx, table.Identifier{"own", "inner ü"}, nil))
	require.ErrorIs(t, l.CreateNamespace(ctx, table.Identifier{"no", "inner"}, nil), catalog.ErrNoSuchNamespace)
	list, err := l.ListNamespaces(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, []table.Identifier{{"db"}, {"fluss"}, {"own"}}, list)
	list, err = l.ListNamespaces(ctx, table.Identifier{"own"})
	require.NoError(t, err)
	require.Equal(t, []table.Identifier{{"own", "inner ü"}}, list)

	inner := table.Identifier{"own", "inner ü", "t"}
	_, err = l.CreateTable(ctx, inner, idSchema())
	require.NoError(t, err)
	_, err = l.LoadTable(ctx, inner)
	require.NoError(t, err)
	var tables []table.Identifier
	for ident, err := range l.ListTables(ctx, table.Identifier{"own", "inner ü"}) {
		require.NoError(t, err)
		tables = append(tables, ident)
	}
	require.Equal(t, []table.Identifier{inner}, tables)
	require.Error(t, l.DropNamespace(ctx, table.Identifier{"own"}), "it has a namespace")
	require.Error(t, l.DropNamespace(ctx, table.Identifier{"own", "inner ü"}), "it has a table")
	require.NoError(t, l.PurgeTable(ctx, inner))
	require.NoError(t, l.DropNamespace(ctx, table.Identifier{"own", "inner ü"}))

	done, err := l.UpdateNamespaceProperties(ctx, table.Identifier{"own"}, []string{"owner", "none"}, iceberg.Properties{"a": "b"})
	require.NoError(t, err)
	require.Equal(t, catalog.PropertiesUpdateSummary{Removed: []string{"owner"}, Missing: []string{"none"}, Updated: []string{"a"}}, done)
	props, err := l.LoadNamespaceProperties(ctx, table.Identifier{"own"})
	require.NoError(t, err)
	require.Equal(t, iceberg.Properties{"a": "b"}, props)
	require.NoError(t, l.DropNamespace(ctx, table.Identifier{"own"}))
	require.ErrorIs(t, l.DropNamespace(ctx, table.Identifier{"own"}), catalog.ErrNoSuchNamespace)
	require.ErrorIs(t, l.DropNamespace(ctx, table.Identifier{"db"}), rest.ErrForbidden)
}

func TestLongListsHavePages(t *testing.T) {
	l := newLab(t, open())
	var want []table.Identifier
	for i := range 25 {
		want = append(want, table.Identifier{"own", fmt.Sprintf("t%02d", i)})
		_, err := l.CreateTable(t.Context(), want[i], idSchema())
		require.NoError(t, err)
	}
	var got []table.Identifier
	for ident, err := range l.ListTables(l.SetPageSize(t.Context(), 7), table.Identifier{"own"}) {
		require.NoError(t, err)
		got = append(got, ident)
	}
	require.Equal(t, want, got)
}

// Four clients append five times each at once: nothing is lost.
func TestConcurrentAppends(t *testing.T) {
	l := newLab(t, open())
	ident := table.Identifier{"own", "t"}
	_, err := l.CreateTable(t.Context(), ident, idSchema(), catalog.WithProperties(iceberg.Properties{
		"commit.retry.num-retries": "50", "commit.retry.min-wait-ms": "1", "commit.retry.max-wait-ms": "50",
		"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "3",
	}))
	require.NoError(t, err)
	var want []int64
	var wg sync.WaitGroup
	for w := range 4 {
		for i := range 5 {
			want = append(want, int64(w*10+i))
		}
		wg.Go(func() {
			client, err := rest.NewCatalog(t.Context(), "fluss", l.server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = client.Close() }()
			for i := range 5 {
				tbl, err := client.LoadTable(t.Context(), ident)
				if err == nil {
					_, err = tbl.Append(t.Context(), rows(t, int64(w*10+i)), nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	tbl, err := l.LoadTable(t.Context(), ident)
	require.NoError(t, err)
	require.Equal(t, want, ids(t, tbl))
	require.Len(t, tbl.Metadata().Snapshots(), 20)
	metadata := slices.DeleteFunc(l.files(t), func(f string) bool { return !strings.HasSuffix(f, ".metadata.json") })
	require.Len(t, metadata, 4, "the newest, and three before")

	// Engines that load lazily get those snapshots only that have names.
	status, body := call(t, "GET", l.server.URL+"/v1/namespaces/own/tables/t?snapshots=refs", "")
	require.Equal(t, 200, status)
	require.Equal(t, 1, strings.Count(body, `"manifest-list"`))
	lazy := l.client(t, rest.WithAdditionalProps(iceberg.Properties{"snapshot-loading-mode": "refs"}))
	tbl, err = lazy.LoadTable(t.Context(), ident)
	require.NoError(t, err)
	require.Equal(t, want, ids(t, tbl))
}

func TestStagedCreation(t *testing.T) {
	l := newLab(t, open())
	ident := table.Identifier{"own", "t"}
	tbl, err := l.CreateTable(t.Context(), ident, idSchema(), catalog.WithProperties(iceberg.Properties{"format-version": "1"}),
		catalog.WithStagedUpdates(table.NewSetPropertiesUpdate(iceberg.Properties{"staged": "yes"})))
	require.NoError(t, err)
	require.Equal(t, 1, tbl.Metadata().Version())
	tbl, err = tbl.Append(t.Context(), rows(t, 1), nil)
	require.NoError(t, err)
	require.Equal(t, []int64{1}, ids(t, tbl))
	require.Equal(t, "yes", tbl.Properties()["staged"])

	url := l.server.URL + "/v1/namespaces/own/tables"
	status, body := call(t, "POST", url, `{"name":"s","stage-create":true,"schema":{"type":"struct","fields":[]}}`)
	require.Equal(t, 200, status, body)
	require.NotContains(t, body, "metadata-location")
	status, _ = call(t, "HEAD", url+"/s", "")
	require.Equal(t, 404, status, "it is not there before it is committed")
	status, body = call(t, "POST", url, `{"name":"t","stage-create":true,"schema":{"type":"struct","fields":[]}}`)
	require.Equal(t, 409, status)
	require.Contains(t, body, "AlreadyExistsException")
}

func TestTransactionsAreAtomic(t *testing.T) {
	l := newLab(t, open())
	ctx := t.Context()
	var tables []*table.Table
	for _, name := range []string{"a", "b"} {
		tbl, err := l.CreateTable(ctx, table.Identifier{"own", name}, idSchema())
		require.NoError(t, err)
		tables = append(tables, tbl)
	}
	commits := func() (out []table.TableCommit) {
		for i, tbl := range tables {
			tx := tbl.NewTransaction()
			require.NoError(t, tx.Append(ctx, rows(t, int64(i)), nil))
			commit, err := tx.TableCommit()
			require.NoError(t, err)
			out = append(out, commit)
		}
		return out
	}
	all := commits()
	require.NoError(t, l.CommitTransaction(ctx, all))
	for i, tbl := range tables {
		loaded, err := l.LoadTable(ctx, tbl.Identifier())
		require.NoError(t, err)
		require.Equal(t, []int64{int64(i)}, ids(t, loaded))
		tables[i] = loaded
	}
	before := len(l.files(t))
	require.ErrorIs(t, l.CommitTransaction(ctx, all), table.ErrCommitFailed, "both are other snapshots now")

	// One of two cannot be: neither is.
	all = commits()
	_, err := tables[1].Append(ctx, rows(t, 7), nil)
	require.NoError(t, err)
	require.ErrorIs(t, l.CommitTransaction(ctx, all), table.ErrCommitFailed)
	all[1].Identifier = table.Identifier{"own", "none"}
	require.ErrorIs(t, l.CommitTransaction(ctx, all), catalog.ErrNoSuchTable)
	all[1].Identifier = table.Identifier{"db", "none"}
	require.ErrorIs(t, l.CommitTransaction(ctx, all), rest.ErrForbidden)
	all[1].Identifier = all[0].Identifier
	require.ErrorIs(t, l.CommitTransaction(ctx, all), rest.ErrBadRequest)
	loaded, err := l.LoadTable(ctx, tables[0].Identifier())
	require.NoError(t, err)
	require.Equal(t, []int64{0}, ids(t, loaded))
	require.Greater(t, len(l.files(t)), before)
}

// Without a network, and as our committer: what Fluss keeps.
func TestTheCommitterInProcess(t *testing.T) {
	store := &objstore.Memory{}
	c := New(&MemKV{}, store)
	o := options()
	h := NewHandler(c, o)
	client := func(headers map[string]string) *rest.Catalog {
		client, err := rest.NewCatalog(t.Context(), "fluss", "http://in.process", rest.WithCustomTransport(NewTransport(h)), rest.WithHeaders(headers))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		return client
	}
	ours, theirs := client(map[string]string{CommitterHeader: token}), client(nil)
	ctx := t.Context()
	ident := table.Identifier{"db", "t"}
	_, err := theirs.CreateTable(ctx, ident, idSchema())
	require.ErrorIs(t, err, rest.ErrForbidden)
	tbl, err := ours.CreateTable(ctx, ident, idSchema())
	require.NoError(t, err)
	set := []table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{"a": "b"})}
	meta, _, err := ours.CommitTable(ctx, ident, []table.Requirement{table.AssertTableUUID(tbl.Metadata().TableUUID())}, set)
	require.NoError(t, err)
	require.Equal(t, "b", meta.Properties()["a"])
	_, _, err = ours.CommitTable(ctx, ident, []table.Requirement{table.AssertCreate()}, set)
	require.ErrorIs(t, err, table.ErrCommitFailed)

	_, _, err = theirs.CommitTable(ctx, ident, nil, set)
	require.ErrorContains(t, err, "engines only read them")
	require.ErrorIs(t, theirs.PurgeTable(ctx, ident), rest.ErrForbidden)
	_, err = theirs.RenameTable(ctx, ident, table.Identifier{"db", "u"})
	require.ErrorIs(t, err, rest.ErrForbidden)
	_, err = client(map[string]string{CommitterHeader: "guess"}).RegisterTable(ctx, table.Identifier{"db", "u"}, tbl.MetadataLocation())
	require.ErrorIs(t, err, rest.ErrForbidden)
	loaded, err := theirs.LoadTable(ctx, ident)
	require.NoError(t, err)
	require.Equal(t, "b", loaded.Properties()["a"])
	exists, err := theirs.CheckTableExists(ctx, table.Identifier{"db", "none"})
	require.NoError(t, err)
	require.False(t, exists)
	require.NoError(t, c.Drop(ctx, ident))
	require.Zero(t, count(t, store))
}

// A table of Fluss stays so where engines have tables of their own.
func TestManagedAmongUnmanaged(t *testing.T) {
	l := newLab(t, open())
	ctx := t.Context()
	create(t, l.catalog, "kept")
	kept := table.Identifier{"db", "kept"}
	loaded, err := l.LoadTable(ctx, kept)
	require.NoError(t, err)
	set := []table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{"a": "b"})}
	_, _, err = l.CommitTable(ctx, kept, nil, set)
	require.ErrorContains(t, err, "engines only read them")
	_, err = l.RenameTable(ctx, kept, table.Identifier{"own", "stolen"})
	require.ErrorIs(t, err, rest.ErrForbidden)
	_, err = l.CreateTable(ctx, table.Identifier{"own", "t"}, idSchema())
	require.NoError(t, err)
	_, err = l.RenameTable(ctx, table.Identifier{"own", "t"}, table.Identifier{"db", "t"})
	require.ErrorIs(t, err, rest.ErrForbidden)
	// Whoever drops a table removes what is there, so it may not be where those of Fluss are.
	root := l.catalog.store.URL()
	_, err = l.RegisterTable(ctx, table.Identifier{"own", "alias"}, loaded.MetadataLocation())
	require.ErrorIs(t, err, rest.ErrBadRequest)
	for _, location := range []string{root, root + "/db", root + "/db/kept", root + "/own", root + "/own/../db/kept", "file:///elsewhere/x", root + "x/own/t"} {
		_, err = l.CreateTable(ctx, table.Identifier{"own", "u"}, idSchema(), catalog.WithLocation(location))
		require.ErrorIs(t, err, rest.ErrBadRequest, location)
		_, _, err = l.CommitTable(ctx, table.Identifier{"own", "t"}, nil, []table.Update{table.NewSetLocationUpdate(location)})
		require.ErrorIs(t, err, rest.ErrBadRequest, location)
	}
	_, err = l.CreateTable(ctx, table.Identifier{"own", "u"}, idSchema(), catalog.WithLocation(root+"/own/my-place/"))
	require.NoError(t, err)
}
