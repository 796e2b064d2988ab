package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

// Each refusal is in the form of the specification, and says what is wrong.
func TestRefusals(t *testing.T) {
	c := New(&MemKV{}, &objstore.Memory{})
	create(t, c, "kept")
	o := options()
	o.Unmanaged = true
	s := serve(t, c, o)
	long := strings.Repeat("x", 300)
	var changes []string
	for i := range maxChanges + 1 {
		changes = append(changes, fmt.Sprintf(`{"identifier":{"namespace":["own"],"name":"t%d"},"requirements":[],"updates":[]}`, i))
	}
	status, _ := call(t, "POST", s.URL+"/v1/namespaces", `{"namespace":["own"]}`)
	require.Equal(t, 200, status)
	status, _ = call(t, "POST", s.URL+"/v1/namespaces/own/tables", `{"name":"t","schema":{"type":"struct","fields":[{"id":1,"name":"a","type":"int","required":false}]}}`)
	require.Equal(t, 200, status)
	for _, tc := range []struct {
		method, path, body string
		status             int
		kind, want         string
	}{
		{"POST", "/v1/namespaces", "{", 400, "BadRequestException", "cannot be understood"},
		{"POST", "/v1/namespaces", `{"namespace":[]}`, 400, "BadRequestException", "levels"},
		{"POST", "/v1/namespaces", `{"namespace":["` + long + `"]}`, 400, "BadRequestException", "255"},
		{"POST", "/v1/namespaces", `{"namespace":["a\u001fb"]}`, 400, "BadRequestException", "control"},
		{"POST", "/v1/namespaces", `{"namespace":["own"]}`, 409, "AlreadyExistsException", "own"},
		{"POST", "/v1/namespaces", `{"namespace":["b"],"properties":{"a":"` + strings.Repeat("x", maxPropertiesSize) + `"}}`, 400, "BadRequestException", "bytes"},
		{"POST", "/v1/namespaces", `"` + strings.Repeat("x", maxBodyBytes) + `"`, 413, "BadRequestException", "body"},
		{"POST", "/v1/namespaces/own/properties", `{"removals":["a"],"updates":{"a":"b"}}`, 422, "UnprocessableEntityException", `"a"`},
		{"POST", "/v1/namespaces/none/properties", `{}`, 404, "NoSuchNamespaceException", "none"},
		{"DELETE", "/v1/namespaces/own", "", 409, "NamespaceNotEmptyException", "1 tables"},
		{"DELETE", "/v1/namespaces/none", "", 404, "NoSuchNamespaceException", "none"},
		{"POST", "/v1/namespaces/own/tables", `{}`, 400, "BadRequestException", "name"},
		{"POST", "/v1/namespaces/own/tables", `{"name":"x"}`, 400, "BadRequestException", "schema"},
		{"POST", "/v1/namespaces/own/tables", `{"name":"x","schema":{"type":"struct","fields":[]},"properties":{"format-version":"77"}}`, 400, "BadRequestException", "version"},
		{"POST", "/v1/namespaces/own/tables/t", `{"requirements":[{"type":"assert-current-schema-id","current-schema-id":5}],"updates":[]}`, 409, "CommitFailedException", "own.t"},
		{"POST", "/v1/namespaces/own/tables/t", `{"requirements":[{"type":"assert-magic"}],"updates":[]}`, 400, "BadRequestException", "assert-magic"},
		{"POST", "/v1/namespaces/own/tables/t", `{"requirements":[],"updates":[{"action":"set-current-schema","schema-id":9}]}`, 400, "BadRequestException", "set-current-schema"},
		{"POST", "/v1/namespaces/own/tables/none", `{"requirements":[],"updates":[]}`, 404, "NoSuchTableException", "own.none"},
		{"POST", "/v1/namespaces/none/tables/t", `{"requirements":[{"type":"assert-create"}],"updates":[]}`, 400, "BadRequestException", ""},
		{"POST", "/v1/namespaces/db/tables/kept", `garbage`, 403, "ForbiddenException", "engines only read them"},
		{"POST", "/v1/transactions/commit", `{}`, 400, "BadRequestException", "1 to"},
		{"POST", "/v1/transactions/commit", `{"table-changes":[{}]}`, 400, "BadRequestException", "identifier"},
		{"POST", "/v1/transactions/commit", `{"table-changes":[` + strings.Join(changes, ",") + `]}`, 400, "BadRequestException", "1 to"},
		{"POST", "/v1/tables/rename", `{"source":{"namespace":["own"],"name":"t"}}`, 400, "BadRequestException", "namespace"},
		{"POST", "/v1/tables/rename", `{"source":{"namespace":["own"],"name":"t"},"destination":{"namespace":["none"],"name":"t"}}`, 404, "NoSuchNamespaceException", "none"},
		{"POST", "/v1/tables/rename", `{"source":{"namespace":["own"],"name":"t"},"destination":{"namespace":["own"],"name":"t"}}`, 409, "AlreadyExistsException", "own.t"},
		{"DELETE", "/v1/namespaces/own/tables/t?purgeRequested=perhaps", "", 400, "BadRequestException", "purgeRequested"},
		{"DELETE", "/v1/namespaces/own/tables/none", "", 404, "NoSuchTableException", "own.none"},
	} {
		status, body := call(t, tc.method, s.URL+tc.path, tc.body)
		what := fmt.Sprintf("%s %s %.80s: %s", tc.method, tc.path, tc.body, body)
		require.Equal(t, tc.status, status, what)
		var got struct{ Error failure }
		require.NoError(t, json.Unmarshal([]byte(body), &got), what)
		require.Equal(t, failure{got.Error.Message, tc.kind, tc.status}, got.Error, what)
		require.Contains(t, got.Error.Message, tc.want, what)
	}
}

// A namespace goes with nothing in it, or not: no table is left without one.
func TestNamespacesGoWhileTablesCome(t *testing.T) {
	l := newLab(t, open())
	for range 20 {
		var made, dropped error
		var wg sync.WaitGroup
		ident := table.Identifier{"own", "t"}
		wg.Go(func() { _, made = l.CreateTable(t.Context(), ident, idSchema()) })
		wg.Go(func() { dropped = l.DropNamespace(t.Context(), table.Identifier{"own"}) })
		wg.Wait()
		if made == nil {
			require.Error(t, dropped)
			require.NoError(t, l.PurgeTable(t.Context(), ident))
			continue
		}
		require.ErrorIs(t, made, catalog.ErrNoSuchNamespace)
		require.NoError(t, dropped)
		require.NoError(t, l.CreateNamespace(t.Context(), table.Identifier{"own"}, nil))
	}
	require.Empty(t, l.files(t), "who fails leaves nothing")
}

// Of many who make one table one does.
func TestOneMakesTheTable(t *testing.T) {
	l := newLab(t, open())
	var mu sync.Mutex
	made := 0
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := l.CreateTable(t.Context(), table.Identifier{"own", "t"}, idSchema(), catalog.WithProperties(iceberg.Properties{"by": fmt.Sprint(i)}))
			if err != nil && !errors.Is(err, catalog.ErrTableAlreadyExists) {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				made++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, made)
	require.Len(t, l.files(t), 1)
}

// What a handler answers in process is what it answers over a network.
func TestTransport(t *testing.T) {
	client := &http.Client{Transport: NewTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.Header().Set("X-Before", r.URL.Path+"?"+r.URL.RawQuery)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(append(body, '!'))
		w.Header().Set("X-After", "late")
		w.WriteHeader(http.StatusTeapot)
	}))}
	for _, tc := range []struct{ method, body, want string }{{"POST", "hello", "hello!"}, {"GET", "", "!"}, {"HEAD", "", ""}} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://any/x?y", strings.NewReader(tc.body))
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		got, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, tc.want, string(got))
		require.Equal(t, "/x?y", resp.Header.Get("X-Before"))
		require.Empty(t, resp.Header.Get("X-After"))
		require.Equal(t, 200, resp.StatusCode)
	}
}
