package catalog

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog/rest"
	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

// onS3 is a store that says it is on S3.
type onS3 struct{ objstore.Store }

func (onS3) URL() string { return "s3://lake/root" }

const token = "the committer's"

// options are those of a server whose databases are fluss and db.
func options() Options {
	return Options{
		Databases: func() []string { return []string{"fluss", "db"} }, Logger: slog.New(slog.DiscardHandler),
		Storage: map[string]string{"s3.endpoint": "http://here"}, CommitterToken: token,
	}
}

func serve(t testing.TB, c *Catalog, o Options) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(NewHandler(c, o))
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
	c := New(&MemKV{}, onS3{&objstore.Memory{}})
	create(t, c, "a b")
	create(t, c, "namespaces")
	create(t, c, "z")
	s := serve(t, c, options())
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
		{"HEAD", "/v1/namespaces/db", 204, ""},
		{"HEAD", "/v1/namespaces/nope", 404, ""},
		{"GET", "/v1/namespaces/db%1Fz", 404, "NoSuchNamespaceException"},
		{"GET", "/v1/namespaces/db/tables?pageToken=", 200, `"name":"a b"`},
		{"GET", "/v1/namespaces/db/tables?pageToken=namespaces", 200, `{"identifiers":[{"namespace":["db"],"name":"z"}]}`},
		{"GET", "/v1/namespaces/fluss/tables", 200, `{"identifiers":[]}`},
		{"GET", "/v1/namespaces/db/tables/a%20b?snapshots=all", 200, `"s3.endpoint":"http://here"`},
		{"GET", "/v1/namespaces/db/tables/namespaces", 200, `"metadata-location"`},
		{"HEAD", "/v1/namespaces/db/tables/z", 204, ""},
		{"GET", "/v1/namespaces/db/tables/q", 404, "NoSuchTableException"},
		{"GET", "/v1/namespaces/db%1Fz/tables/snapshots", 404, "NoSuchTableException"},
		{"POST", "/v1/namespaces/db/tables/z/metrics", 204, ""},
		{"POST", "/v1/namespaces/db/tables/z", 403, "engines only read them"},
		{"POST", "/v1/namespaces/db/tables", 403, "ForbiddenException"},
		{"DELETE", "/v1/namespaces/db/tables/z?purgeRequested=true", 403, "ForbiddenException"},
		{"POST", "/v1/tables/rename", 403, "ForbiddenException"},
		{"POST", "/v1/transactions/commit", 403, "ForbiddenException"},
		{"POST", "/v1/some/prefix/transactions/commit", 403, "iceberg.catalog.unmanaged"},
		{"POST", "/v1/some/prefix/tables/rename", 403, "ForbiddenException"},
		{"POST", "/v1/namespaces", 403, "iceberg.catalog.unmanaged"},
		{"POST", "/v1/namespaces/db/properties", 403, "ForbiddenException"},
		{"POST", "/v1/namespaces/db/register", 403, "ForbiddenException"},
		{"POST", "/v1/namespaces/other/tables", 403, "iceberg.catalog.unmanaged"},
		{"DELETE", "/v1/namespaces/db", 403, "ForbiddenException"},
		{"GET", "/v1/namespaces/db/tables/z?snapshots=some", 400, "BadRequestException"},
		{"GET", "/v1/namespaces/db/tables/z?snapshots=refs", 200, `"metadata-location"`},
		{"GET", "/v1/views", 404, "NotFoundException"},
		{"GET", "/", 404, "NotFoundException"},
		{"PUT", "/v1/namespaces", 406, "UnsupportedOperationException"},
		{"POST", "/v1/namespaces/db/views", 406, "UnsupportedOperationException"},
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
	c := New(&MemKV{}, &objstore.Memory{})
	create(t, c, "z")
	s := serve(t, c, options())
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
