package catalog

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// levels returns the levels of a namespace in a path or a parameter.
func levels(text string) []string { return strings.Split(text, levelSeparator) }

// known tells that a namespace is there, with its properties. It fails with
// catalog.ErrNoSuchNamespace.
func (h *handler) known(ctx context.Context, ns []string) (map[string]string, error) {
	if len(ns) == 1 && slices.Contains(h.databases(), ns[0]) {
		return map[string]string{}, nil
	}
	doc, _, err := h.catalog.storedNamespace(ctx, ns)
	if doc.Properties == nil {
		doc.Properties = map[string]string{}
	}
	return doc.Properties, err
}

func (h *handler) listNamespaces(w http.ResponseWriter, r *http.Request) error {
	var parent []string
	names := map[string]bool{}
	if text := r.URL.Query().Get("parent"); text != "" {
		parent = levels(text)
		if _, err := h.known(r.Context(), parent); err != nil {
			return err
		}
	} else {
		for _, db := range h.databases() {
			names[db] = true
		}
	}
	stored, err := h.catalog.namespaces(r.Context(), parent)
	if err != nil {
		return err
	}
	for _, ns := range stored {
		names[ns[len(ns)-1]] = true
	}
	page, token, err := paged(r, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return err
	}
	list := make([][]string, len(page))
	for i, name := range page {
		list[i] = append(slices.Clone(parent), name)
	}
	return answer(w, http.StatusOK, withToken(map[string]any{"namespaces": list}, token))
}

func (h *handler) createNamespace(w http.ResponseWriter, r *http.Request) error {
	by := h.caller(r)
	if err := by.mayChangeAny(); err != nil {
		return err
	}
	var request struct {
		Namespace  []string          `json:"namespace"`
		Properties map[string]string `json:"properties"`
	}
	if err := decode(w, r, &request); err != nil {
		return err
	}
	ns := request.Namespace
	if err := validNamespace(ns); err != nil {
		return err
	}
	if len(ns) == 1 && by.managed(ns) {
		return say(catalog.ErrNamespaceAlreadyExists, "there is a namespace %s: it is a database of Fluss", nameOf(ns))
	}
	if err := by.mayChangeNamespace(ns); err != nil {
		return err
	}
	if err := h.catalog.createNamespace(r.Context(), ns, request.Properties); err != nil {
		return err
	}
	if request.Properties == nil {
		request.Properties = map[string]string{}
	}
	return answer(w, http.StatusOK, map[string]any{"namespace": ns, "properties": request.Properties})
}

func (h *handler) loadNamespace(w http.ResponseWriter, r *http.Request) error {
	ns := levels(r.PathValue("namespace"))
	properties, err := h.known(r.Context(), ns)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"namespace": ns, "properties": properties})
}

func (h *handler) namespaceExists(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.known(r.Context(), levels(r.PathValue("namespace"))); err != nil {
		return err
	}
	return noContent(w)
}

func (h *handler) dropNamespace(w http.ResponseWriter, r *http.Request) error {
	ns := levels(r.PathValue("namespace"))
	if err := h.caller(r).mayChangeNamespace(ns); err != nil {
		return err
	}
	if err := h.catalog.dropNamespace(r.Context(), ns); err != nil {
		return err
	}
	return noContent(w)
}

func (h *handler) changeProperties(w http.ResponseWriter, r *http.Request) error {
	ns := levels(r.PathValue("namespace"))
	if err := h.caller(r).mayChangeNamespace(ns); err != nil {
		return err
	}
	var request struct {
		Removals []string          `json:"removals"`
		Updates  map[string]string `json:"updates"`
	}
	if err := decode(w, r, &request); err != nil {
		return err
	}
	for _, key := range request.Removals {
		if _, ok := request.Updates[key]; ok {
			return say(errUnprocessable, "property %q is to be set and to be removed", key)
		}
	}
	done, err := h.catalog.changeProperties(r.Context(), ns, request.Removals, request.Updates)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, done)
}

func (h *handler) listTables(w http.ResponseWriter, r *http.Request) error {
	ns := levels(r.PathValue("namespace"))
	if _, err := h.known(r.Context(), ns); err != nil {
		return err
	}
	idents, err := h.catalog.tables(r.Context(), ns)
	if err != nil {
		return err
	}
	names := make([]string, len(idents))
	for i, ident := range idents {
		names[i] = ident[len(ident)-1]
	}
	page, token, err := paged(r, names)
	if err != nil {
		return err
	}
	list := make([]identifier, len(page))
	for i, name := range page {
		list[i] = identifier{ns, name}
	}
	return answer(w, http.StatusOK, withToken(map[string]any{"identifiers": list}, token))
}

// identifier is a table's name as the REST specification writes it.
type identifier struct {
	Namespace []string `json:"namespace"`
	Name      string   `json:"name"`
}

// ident fails with errInvalid.
func (i identifier) ident() (table.Identifier, error) {
	ident := append(slices.Clone(i.Namespace), i.Name)
	_, err := keyOf(ident)
	return ident, err
}
