package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// Options say what engines are told.
type Options struct {
	// Databases returns the namespaces that there are.
	Databases func() []string
	// Storage is how engines reach the files: s3.endpoint, s3.access-key-id and so on.
	// Who may ask the catalog may read it.
	Storage map[string]string
	Logger  *slog.Logger
}

// The types of errors that engines know.
const (
	typeNoNamespace = "NoSuchNamespaceException"
	typeNoTable     = "NoSuchTableException"
	typeForbidden   = "ForbiddenException"
	typeInvalid     = "BadRequestException"
	typeUnavailable = "ServiceUnavailableException"
)

// pageLimit bounds the answer to a list whose caller names no page size.
const pageLimit = 1000

// handler answers engines.
type handler struct {
	catalog *Catalog
	opts    Options
}

// endpoints are what engines may call, as the REST specification writes it. Those that
// change something are there for the sentence that refuses it: clients would say only
// that the catalog does not know them.
var endpoints = []string{
	"GET /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}", "HEAD /v1/{prefix}/namespaces/{namespace}",
	"GET /v1/{prefix}/namespaces/{namespace}/tables", "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
	"HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}", "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
	"POST /v1/{prefix}/namespaces/{namespace}/tables", "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
	"DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
}

// NewHandler answers by Iceberg's REST protocol, below the root, with any prefix or
// none. Engines read; what they want to change is refused.
func NewHandler(c *Catalog, o Options) http.Handler {
	h := &handler{c, o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/config", h.config)
	mux.HandleFunc("GET /v1/namespaces", h.namespaces)
	mux.HandleFunc("GET /v1/namespaces/{ns}", h.namespace)
	mux.HandleFunc("GET /v1/namespaces/{ns}/tables", h.tables)
	mux.HandleFunc("GET /v1/namespaces/{ns}/tables/{table}", h.table)
	mux.HandleFunc("POST /v1/namespaces/{ns}/tables/{table}/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/", h.refuse)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		u.Path, u.RawPath = withoutPrefix(u.Path), withoutPrefix(u.RawPath)
		bare := *r
		bare.URL = &u
		mux.ServeHTTP(w, &bare)
	})
}

// withoutPrefix cuts what a path may have between the version and what is asked for.
func withoutPrefix(path string) string {
	const version, rest = "/v1", "/namespaces"
	if i := strings.Index(path, rest); i > len(version) && strings.HasPrefix(path, version+"/") {
		return version + path[i:]
	}
	return path
}

// failure is an error as the REST specification writes it.
type failure struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    int    `json:"code"`
}

func fail(w http.ResponseWriter, status int, kind, message string) {
	answer(w, status, map[string]failure{"error": {message, kind, status}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone when this fails, and nobody else wants to know.
	_ = json.NewEncoder(w).Encode(body)
}

// broken answers what is not the caller's mistake.
func (h *handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		h.opts.Logger.Warn("the catalog could not answer", "path", r.URL.Path, "error", err)
	}
	fail(w, http.StatusServiceUnavailable, typeUnavailable, "the catalog or its object store does not work now: try again; the server's log says why")
}

// refuse answers what is not served: changes above all.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		fail(w, http.StatusNotFound, "NotFoundException", "there is nothing at "+r.URL.Path+": the catalog's addresses begin with /v1/config")
		return
	}
	fail(w, http.StatusForbidden, typeForbidden,
		"the tables of this catalog are copies that Fluss keeps, and engines only read them: write to the table in Fluss, and its copy follows")
}

func (h *handler) config(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"defaults": map[string]string{}, "overrides": map[string]string{}, "endpoints": endpoints})
}

// levels returns the levels of a namespace in a path.
func levels(text string) []string { return strings.Split(text, "\x1f") }

func (h *handler) namespaces(w http.ResponseWriter, r *http.Request) {
	if parent := r.URL.Query().Get("parent"); parent != "" {
		if !h.known(w, parent) {
			return
		}
		answer(w, http.StatusOK, map[string]any{"namespaces": [][]string{}})
		return
	}
	names := slices.Sorted(slices.Values(h.opts.Databases()))
	page, token, err := paged(r, names)
	if err != nil {
		fail(w, http.StatusBadRequest, typeInvalid, err.Error())
		return
	}
	list := make([][]string, len(page))
	for i, n := range page {
		list[i] = []string{n}
	}
	answer(w, http.StatusOK, withToken(map[string]any{"namespaces": list}, token))
}

// known reports whether there is the namespace, and answers if not.
func (h *handler) known(w http.ResponseWriter, namespace string) bool {
	if slices.Contains(h.opts.Databases(), namespace) {
		return true
	}
	fail(w, http.StatusNotFound, typeNoNamespace, fmt.Sprintf("there is no namespace %s: namespaces are the databases of Fluss", strings.Join(levels(namespace), ".")))
	return false
}

func (h *handler) namespace(w http.ResponseWriter, r *http.Request) {
	if ns := r.PathValue("ns"); h.known(w, ns) {
		answer(w, http.StatusOK, map[string]any{"namespace": levels(ns), "properties": map[string]string{}})
	}
}

func (h *handler) tables(w http.ResponseWriter, r *http.Request) {
	ns := r.PathValue("ns")
	if !h.known(w, ns) {
		return
	}
	idents, err := h.catalog.Tables(r.Context(), ns)
	if err != nil {
		h.broken(w, r, err)
		return
	}
	names := make([]string, len(idents))
	for i, ident := range idents {
		names[i] = ident[1]
	}
	page, token, err := paged(r, names)
	if err != nil {
		fail(w, http.StatusBadRequest, typeInvalid, err.Error())
		return
	}
	list := make([]map[string]any, len(page))
	for i, n := range page {
		list[i] = map[string]any{"namespace": []string{ns}, "name": n}
	}
	answer(w, http.StatusOK, withToken(map[string]any{"identifiers": list}, token))
}

// paged cuts a sorted list to the page that a request asks for; the token of the next is
// empty at the end.
func paged(r *http.Request, all []string) (page []string, token string, err error) {
	q := r.URL.Query()
	size := pageLimit
	if text := q.Get("pageSize"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 {
			return nil, "", fmt.Errorf("pageSize %q is no number above 0", text)
		}
		size = min(size, pageLimit)
	}
	from := 0
	if after := q.Get("pageToken"); after != "" { // the last name of the page before
		from, _ = slices.BinarySearch(all, after+"\x00")
	}
	page = all[from:]
	if len(page) > size {
		page = page[:size]
		token = page[size-1]
	}
	return page, token, nil
}

func withToken(body map[string]any, token string) map[string]any {
	if token != "" {
		body["next-page-token"] = token
	}
	return body
}

func (h *handler) table(w http.ResponseWriter, r *http.Request) {
	ident := table.Identifier{r.PathValue("ns"), r.PathValue("table")}
	loaded, err := h.load(r.Context(), ident)
	switch {
	case errors.Is(err, catalog.ErrNoSuchTable):
		fail(w, http.StatusNotFound, typeNoTable, fmt.Sprintf("there is no table %s in the lake: tables are there once rows of them have been tiered",
			strings.Join(append(levels(ident[0]), ident[1]), ".")))
		return
	case err != nil:
		h.broken(w, r, err)
		return
	}
	storage := h.opts.Storage
	if storage == nil {
		storage = map[string]string{}
	}
	answer(w, http.StatusOK, map[string]any{"metadata-location": loaded.MetadataLocation(), "metadata": loaded.Metadata(), "config": storage})
}

func (h *handler) load(ctx context.Context, ident table.Identifier) (*table.Table, error) {
	if len(levels(ident[0])) != 1 {
		return nil, catalog.ErrNoSuchTable
	}
	return h.catalog.LoadTable(ctx, ident)
}
