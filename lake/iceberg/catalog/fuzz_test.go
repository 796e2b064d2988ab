package catalog

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

// What a caller sends is its own mistake, if it is one: it is never told that the server
// failed, and the table can be read after it.
func FuzzCommit(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"updates":null}`, `{"updates":[null]}`, `{"requirements":[{}]}`,
		`{"requirements":[{"type":"assert-create"}],"updates":[]}`,
		`{"requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}],"updates":[{"action":"set-properties","updates":{"write.metadata.previous-versions-max":"-1"}}]}`,
		`{"updates":[{"action":"add-schema","schema":{"type":"struct","schema-id":1,"fields":[{"id":1,"name":"a","type":"string","required":true}]}},{"action":"set-current-schema","schema-id":-1}]}`,
		`{"updates":[{"action":"add-spec","spec":{"spec-id":1,"fields":[{"source-id":7,"field-id":1000,"name":"p","transform":"bucket[0]"}]}},{"action":"set-default-spec","spec-id":-1}]}`,
		`{"updates":[{"action":"add-sort-order","sort-order":{"order-id":1,"fields":[{"source-id":7,"transform":"identity","direction":"asc","null-order":"nulls-first"}]}}]}`,
		`{"updates":[{"action":"add-snapshot","snapshot":{"snapshot-id":1,"sequence-number":1,"timestamp-ms":1,"manifest-list":"x","summary":{"operation":"append"},"schema-id":0,"first-row-id":0,"added-rows":1}},{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":1}]}`,
		`{"updates":[{"action":"remove-snapshots","snapshot-ids":[1]},{"action":"remove-snapshot-ref","ref-name":"main"}]}`,
		`{"updates":[{"action":"set-location","location":"mem://store"}]}`, `{"updates":[{"action":"upgrade-format-version","format-version":9}]}`,
		`{"updates":[{"action":"assign-uuid","uuid":"00000000-0000-0000-0000-000000000000"}]}`,
		`{"updates":[{"action":"remove-schemas","schema-ids":[0]},{"action":"remove-partition-specs","spec-ids":[0]}]}`,
		`{"updates":[{"action":"set-statistics","statistics":{"snapshot-id":1}},{"action":"add-encryption-key","encryption-key":{}}]}`,
		`{"table-changes":[{"identifier":{"namespace":["db"],"name":"t"},"requirements":[],"updates":[]}]}`,
		`{"name":"u","schema":{"type":"struct","fields":[{"id":1,"name":"a","type":{"type":"list","element-id":1,"element":"int","element-required":true},"required":false}]}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		store := &objstore.Memory{}
		c := New(&MemKV{}, store)
		create(t, c, "t")
		h := NewHandler(c, options())
		for _, path := range []string{"/v1/namespaces/db/tables/t", "/v1/namespaces/db/tables/new", "/v1/transactions/commit", "/v1/namespaces/db/tables"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewBufferString(body))
			r.Header.Set(CommitterHeader, token)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Less(t, w.Code, 500, "%s: %s", path, w.Body)
		}
		idents, err := c.Tables(t.Context(), "")
		require.NoError(t, err)
		require.Contains(t, idents, table.Identifier{"db", "t"})
		for _, ident := range idents {
			_, err := c.LoadTable(t.Context(), ident)
			require.NoError(t, err, "%v after %q", ident, body)
		}
	})
}

// Paths and parameters are the callers' as well.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"/v1/namespaces/%1F/tables/%1F", "/v1/namespaces/%00", "/v1/namespaces/../tables/x", "/v1/a/b/namespaces/db/tables/%2F", "/v1/namespaces/db%1F/tables/t?snapshots=refs",
		"/v1/namespaces?parent=%1Fdb&pageSize=3&pageToken=%ff", "/v1/namespaces/%ff", "/v1//namespaces", "/v1/tables/rename", "/v1/namespaces/db/tables/t?purgeRequested=maybe",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			f.Add(method, seed)
		}
	}
	c := New(&MemKV{}, &objstore.Memory{})
	o := options()
	o.Unmanaged = true
	h := NewHandler(c, o)
	f.Fuzz(func(t *testing.T, method, address string) {
		if !strings.HasPrefix(address, "/") {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://catalog"+address, strings.NewReader("{}"))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Less(t, w.Code, 500, "%s", w.Body)
	})
}
