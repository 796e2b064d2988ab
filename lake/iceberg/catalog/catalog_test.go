package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog/rest"
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
	c := New(&Memory{}, store)
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
}

// Of commits at once each is there, or says that it is not.
func TestCommitsCompareAndSwap(t *testing.T) {
	c := New(&Memory{}, &objstore.Memory{})
	create(t, c, "t")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; i < 10; {
				_, _, err := c.CommitTable(t.Context(), table.Identifier{"db", "t"}, nil,
					[]table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{fmt.Sprint(w, "-", i): "x"})})
				if err == nil {
					i++
				} else if !strings.Contains(err.Error(), "changed meanwhile") {
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

func serve(t testing.TB, c *Catalog) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(NewHandler(c, Options{
		Databases: func() []string { return []string{"fluss", "db"} }, Logger: slog.New(slog.DiscardHandler),
		Storage: map[string]string{"s3.endpoint": "http://here"},
	}))
	t.Cleanup(s.Close)
	return s
}

func call(t testing.TB, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer None") // as PyIceberg does without a token
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(text)
}

func TestEnginesRead(t *testing.T) {
	c := New(&Memory{}, &objstore.Memory{})
	create(t, c, "a b")
	create(t, c, "namespaces")
	create(t, c, "z")
	s := serve(t, c)
	for _, tc := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/config", 200, `"endpoints"`},
		{"GET", "/v1/config?warehouse=any", 200, `"endpoints"`},
		{"GET", "/v1/namespaces", 200, `[["db"],["fluss"]]`},
		{"GET", "/v1/some/prefix/namespaces", 200, `[["db"],["fluss"]]`},
		{"GET", "/v1/namespaces?pageToken=", 200, `[["db"],["fluss"]]`},
		{"GET", "/v1/namespaces?pageSize=1", 200, `"next-page-token":"db"`},
		{"GET", "/v1/namespaces?pageSize=1&pageToken=db", 200, `{"namespaces":[["fluss"]]}`},
		{"GET", "/v1/namespaces?pageSize=x", 400, "BadRequestException"},
		{"GET", "/v1/namespaces?parent=db", 200, `{"namespaces":[]}`},
		{"GET", "/v1/namespaces?parent=q", 404, "NoSuchNamespaceException"},
		{"GET", "/v1/namespaces/db", 200, `"properties":{}`},
		{"HEAD", "/v1/namespaces/db", 200, ""},
		{"HEAD", "/v1/namespaces/nope", 404, ""},
		{"GET", "/v1/namespaces/db%1Fz", 404, "NoSuchNamespaceException"},
		{"GET", "/v1/namespaces/db/tables?pageToken=", 200, `"name":"a b"`},
		{"GET", "/v1/namespaces/db/tables?pageToken=namespaces", 200, `{"identifiers":[{"name":"z","namespace":["db"]}]}`},
		{"GET", "/v1/namespaces/fluss/tables", 200, `{"identifiers":[]}`},
		{"GET", "/v1/namespaces/db/tables/a%20b?snapshots=all", 200, `"s3.endpoint":"http://here"`},
		{"GET", "/v1/namespaces/db/tables/namespaces", 200, `"metadata-location"`},
		{"HEAD", "/v1/namespaces/db/tables/z", 200, ""},
		{"GET", "/v1/namespaces/db/tables/q", 404, "NoSuchTableException"},
		{"GET", "/v1/namespaces/db%1Fz/tables/snapshots", 404, "NoSuchTableException"},
		{"POST", "/v1/namespaces/db/tables/z/metrics", 204, ""},
		{"POST", "/v1/namespaces/db/tables/z", 403, "engines only read them"},
		{"POST", "/v1/namespaces/db/tables", 403, "ForbiddenException"},
		{"DELETE", "/v1/namespaces/db/tables/z?purgeRequested=true", 403, "ForbiddenException"},
		{"POST", "/v1/tables/rename", 403, "ForbiddenException"},
		{"POST", "/v1/transactions/commit", 403, "ForbiddenException"},
		{"GET", "/v1/views", 404, "NotFoundException"},
	} {
		status, body := call(t, tc.method, s.URL+tc.path, "{}")
		require.Equal(t, tc.status, status, "%s %s: %s", tc.method, tc.path, body)
		require.Contains(t, body, tc.want, "%s %s", tc.method, tc.path)
	}
	_, body := call(t, "GET", s.URL+"/v1/namespaces/db/tables/z", "")
	var loaded struct{ Metadata json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(body), &loaded))
	meta, err := table.ParseMetadataBytes(loaded.Metadata)
	require.NoError(t, err)
	require.Equal(t, 3, meta.Version())
}

// iceberg-go's own client reads the catalog.
func TestAClientReads(t *testing.T) {
	c := New(&Memory{}, &objstore.Memory{})
	create(t, c, "z")
	s := serve(t, c)
	client, err := rest.NewCatalog(t.Context(), "fluss", s.URL)
	require.NoError(t, err)
	ns, err := client.ListNamespaces(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []table.Identifier{{"db"}, {"fluss"}}, ns)
	loaded, err := client.LoadTable(t.Context(), table.Identifier{"db", "z"})
	require.NoError(t, err)
	require.Equal(t, "id", loaded.Schema().Field(0).Name)
	_, _, err = client.CommitTable(t.Context(), table.Identifier{"db", "z"}, nil, []table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{"a": "b"})})
	require.ErrorContains(t, err, "engines only read them")
}

// A store that does not work is told as such, and as nothing else.
func TestAStoreThatFails(t *testing.T) {
	store := objstore.NewFaulty(&objstore.Memory{}, 1, objstore.Faults{})
	c := New(&Memory{}, store)
	create(t, c, "z")
	s := serve(t, c)
	store.Set(objstore.Faults{Before: 1})
	status, body := call(t, "GET", s.URL+"/v1/namespaces/db/tables/z", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "try again")
	require.NotContains(t, body, "injected")
}
