package catalog

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// Options say what engines are told, and what they may do.
type Options struct {
	// Databases returns the namespaces that Fluss keeps: its databases. Engines read them.
	Databases func() []string
	// Storage is how engines reach the files: s3.endpoint, s3.access-key-id, s3.secret-access-key,
	// s3.path-style-access, s3.region and client.region. They are told when the lake is on S3.
	// Who may ask the catalog may read it.
	Storage map[string]string
	// CommitterToken is what our own committer sends in CommitterHeader to change what Fluss
	// keeps. Nobody may when it is empty, the default, but by calling the Catalog.
	CommitterToken string
	// Unmanaged lets engines keep tables of their own, in other namespaces. Off by default.
	Unmanaged bool
	Logger    *slog.Logger
}

// CommitterHeader is the HTTP header that has Options.CommitterToken.
const CommitterHeader = "X-Fluss-Committer"

// Bounds of requests and answers.
const (
	// maxBodyBytes bounds the body of a request.
	maxBodyBytes = 16 << 20
	// pageLimit bounds the answer to a list whose caller names no page size.
	pageLimit = 1000
)

// handler answers engines.
type handler struct {
	catalog *Catalog
	opts    Options
}

// action answers a request, or fails with what fail knows to tell.
type action func(w http.ResponseWriter, r *http.Request) error

// NewHandler answers by Iceberg's REST protocol, below the root, with any prefix or
// none. Engines read; what they may change Options say.
func NewHandler(c *Catalog, o Options) http.Handler {
	h := &handler{c, o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/config", h.config)
	for _, e := range h.endpoints() {
		method, path, _ := strings.Cut(e.pattern, " ")
		mux.HandleFunc(method+" /v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			if err := e.do(w, r); err != nil {
				h.fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", h.unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		u.RawPath = withoutPrefix(u.EscapedPath())
		var err error
		if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
			u.Path, u.RawPath = r.URL.Path, r.URL.RawPath
		}
		bare := *r
		bare.URL = &u
		mux.ServeHTTP(w, &bare)
	})
}

// endpoint is one kind of request: its method, and its path after the version and the prefix.
type endpoint struct {
	pattern string
	do      action
}

// endpoints are what engines may call. Those that change something are there for the
// sentence that refuses it, too: clients would say only that the catalog does not know them.
func (h *handler) endpoints() []endpoint {
	return []endpoint{
		{"GET namespaces", h.listNamespaces},
		{"POST namespaces", h.createNamespace},
		{"GET namespaces/{namespace}", h.loadNamespace},
		{"HEAD namespaces/{namespace}", h.namespaceExists},
		{"DELETE namespaces/{namespace}", h.dropNamespace},
		{"POST namespaces/{namespace}/properties", h.changeProperties},
		{"GET namespaces/{namespace}/tables", h.listTables},
		{"POST namespaces/{namespace}/tables", h.createTable},
		{"POST namespaces/{namespace}/register", h.registerTable},
		{"GET namespaces/{namespace}/tables/{table}", h.loadTable},
		{"HEAD namespaces/{namespace}/tables/{table}", h.tableExists},
		{"POST namespaces/{namespace}/tables/{table}", h.commitTable},
		{"DELETE namespaces/{namespace}/tables/{table}", h.dropTable},
		{"POST namespaces/{namespace}/tables/{table}/metrics", h.metrics},
		{"POST tables/rename", h.renameTable},
		{"POST transactions/commit", h.commitTransaction},
	}
}

// withoutPrefix cuts what an escaped path may have between the version and what is asked for.
func withoutPrefix(path string) string {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return path
	}
	parts := strings.Split(rest, "/")
	if i := slices.Index(parts, "namespaces"); i >= 0 {
		return "/v1/" + strings.Join(parts[i:], "/")
	}
	for _, end := range []string{"tables/rename", "transactions/commit"} {
		if strings.HasSuffix(path, "/"+end) {
			return "/v1/" + end
		}
	}
	return path
}

// caller tells who sent a request. Authorization is the server's matter, before this.
func (h *handler) caller(r *http.Request) caller {
	token := h.opts.CommitterToken
	given := r.Header.Get(CommitterHeader)
	return caller{
		committer: token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(given)) == 1,
		unmanaged: h.opts.Unmanaged,
		databases: h.databases(),
	}
}

func (h *handler) databases() []string {
	if h.opts.Databases == nil {
		return nil
	}
	return slices.Sorted(slices.Values(h.opts.Databases()))
}

// problems are the errors that callers are told, as the REST specification names them.
var problems = []struct {
	err    error
	status int
	kind   string
}{
	{errForbidden, http.StatusForbidden, "ForbiddenException"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "BadRequestException"},
	{errUnprocessable, http.StatusUnprocessableEntity, "UnprocessableEntityException"},
	{errUnsupported, http.StatusNotAcceptable, "UnsupportedOperationException"},
	{errNotFound, http.StatusNotFound, "NotFoundException"},
	{catalog.ErrNoSuchNamespace, http.StatusNotFound, "NoSuchNamespaceException"},
	{catalog.ErrNoSuchTable, http.StatusNotFound, "NoSuchTableException"},
	{catalog.ErrNamespaceAlreadyExists, http.StatusConflict, "AlreadyExistsException"},
	{catalog.ErrTableAlreadyExists, http.StatusConflict, "AlreadyExistsException"},
	{catalog.ErrNamespaceNotEmpty, http.StatusConflict, "NamespaceNotEmptyException"},
	{table.ErrCommitFailed, http.StatusConflict, "CommitFailedException"},
	{errInvalid, http.StatusBadRequest, "BadRequestException"},
}

// Errors that only requests have.
var (
	errTooLarge      = errors.New("the request is too large")
	errUnprocessable = errors.New("the request contradicts itself")
	errUnsupported   = errors.New("the operation is not supported")
	errNotFound      = errors.New("there is no such address")
)

// fail tells the caller of an error: of its own mistakes what they are, of others that it
// may try again, or look.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			refuse(w, p.status, p.kind, err.Error())
			return
		}
	}
	if r.Context().Err() == nil && h.opts.Logger != nil {
		h.opts.Logger.Warn("the catalog could not answer", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if errors.Is(err, ErrOutcomeUnknown) {
		// Clients remove the files of a commit that failed; of this status they know better.
		refuse(w, http.StatusInternalServerError, "CommitStateUnknownException", "the change may have been made or not: the catalog's store did not answer")
		return
	}
	refuse(w, http.StatusServiceUnavailable, "ServiceUnavailableException",
		"nothing was changed: the catalog or its object store does not work now: try again; the server's log says why")
}

// failure is an error as the REST specification writes it.
type failure struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    int    `json:"code"`
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	_ = answer(w, status, map[string]failure{"error": {message, kind, status}})
}

// answer writes a body; it does not fail, for the ease of actions.
func answer(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone when this fails, and nobody else wants to know.
	_ = json.NewEncoder(w).Encode(body)
	return nil
}

func noContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// decode reads the JSON of a request. It fails with errInvalid and errTooLarge.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	err := guarded(func() error {
		return json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(into)
	})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return say(errTooLarge, "the body has more than %d bytes", large.Limit)
	case err != nil:
		return say(errInvalid, "the body cannot be understood: %v", err)
	}
	return nil
}

// unknown answers what is not served.
func (h *handler) unknown(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.fail(w, r, say(errNotFound, "there is nothing at %s: the catalog's addresses begin with /v1/config", r.URL.Path))
		return
	}
	h.fail(w, r, say(errUnsupported, "this catalog does not do %s %s", r.Method, r.URL.Path))
}

func (h *handler) config(w http.ResponseWriter, _ *http.Request) {
	var list []string
	for _, e := range h.endpoints() {
		list = append(list, strings.Replace(e.pattern, " ", " /v1/{prefix}/", 1))
	}
	_ = answer(w, http.StatusOK, map[string]any{"defaults": map[string]string{}, "overrides": map[string]string{}, "endpoints": list})
}

// paged cuts a sorted list to the page that a request asks for; the token of the next is
// empty at the end. It fails with errInvalid.
func paged(r *http.Request, all []string) (page []string, token string, err error) {
	q := r.URL.Query()
	size := pageLimit
	if text := q.Get("pageSize"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 {
			return nil, "", say(errInvalid, "pageSize %q is no number above 0", text)
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

// flag returns a parameter of a request that is true or false, and false when it is not there.
func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%w: %s is true or false, and not %q", errInvalid, name, text)
	}
	return value, nil
}
