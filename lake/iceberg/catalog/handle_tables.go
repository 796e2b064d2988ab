package catalog

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"
)

func identIn(r *http.Request) table.Identifier {
	return append(levels(r.PathValue("namespace")), r.PathValue("table"))
}

// absent makes a name that cannot be one that is not there: engines ask for what may
// be a table or may not.
func absent(ident table.Identifier, err error) error {
	if errors.Is(err, errInvalid) {
		return say(catalog.ErrNoSuchTable, "there is no table %s in the lake", nameOf(ident))
	}
	return err
}

func (h *handler) loadTable(w http.ResponseWriter, r *http.Request) error {
	ident := identIn(r)
	if _, err := keyOf(ident); err != nil {
		return absent(ident, err)
	}
	s, err := h.catalog.current(r.Context(), ident)
	if errors.Is(err, catalog.ErrNoSuchTable) && h.caller(r).managed(ident[:len(ident)-1]) {
		return say(catalog.ErrNoSuchTable, "there is no table %s in the lake: tables are there once rows of them have been tiered", nameOf(ident))
	}
	if err != nil {
		return err
	}
	metadata := json.RawMessage(s.raw)
	switch mode := r.URL.Query().Get("snapshots"); mode {
	case "", "all":
	case "refs":
		if metadata, err = referenced(s); err != nil {
			return err
		}
	default:
		return say(errInvalid, "snapshots is all or refs, and not %q", mode)
	}
	return answer(w, http.StatusOK, h.loaded(s, metadata))
}

// loaded is the answer that has a table.
func (h *handler) loaded(s state, metadata json.RawMessage) map[string]any {
	config := map[string]string{}
	if h.opts.Storage != nil && strings.HasPrefix(h.catalog.store.URL(), "s3://") {
		config = h.opts.Storage
	}
	body := map[string]any{"metadata": metadata, "config": config}
	if s.Metadata != "" { // a staged table is in no file
		body["metadata-location"] = s.Metadata
	}
	return body
}

// referenced is the metadata of a table with those snapshots only that branches and tags name.
func referenced(s state) (json.RawMessage, error) {
	keep := map[int64]bool{}
	if now := s.meta.CurrentSnapshot(); now != nil {
		keep[now.SnapshotID] = true
	}
	for _, ref := range s.meta.Refs() {
		keep[ref.SnapshotID] = true
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(s.raw, &all); err != nil {
		return nil, err
	}
	if all["snapshots"] == nil {
		return s.raw, nil
	}
	var snapshots []json.RawMessage
	if err := json.Unmarshal(all["snapshots"], &snapshots); err != nil {
		return nil, err
	}
	kept := []json.RawMessage{}
	for _, raw := range snapshots {
		var snapshot struct {
			ID int64 `json:"snapshot-id"`
		}
		if err := json.Unmarshal(raw, &snapshot); err != nil {
			return nil, err
		}
		if keep[snapshot.ID] {
			kept = append(kept, raw)
		}
	}
	var err error
	if all["snapshots"], err = json.Marshal(kept); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

func (h *handler) tableExists(w http.ResponseWriter, r *http.Request) error {
	ident := identIn(r)
	if _, err := h.catalog.find(r.Context(), ident); err != nil {
		return absent(ident, err)
	}
	return noContent(w)
}

// createRequest asks for a table.
type createRequest struct {
	Name     string                 `json:"name"`
	Location string                 `json:"location"`
	Schema   *iceberg.Schema        `json:"schema"`
	Spec     *iceberg.PartitionSpec `json:"partition-spec"`
	Order    *table.SortOrder       `json:"write-order"`
	Stage    bool                   `json:"stage-create"`
	Props    iceberg.Properties     `json:"properties"`
}

// metadata makes the first metadata of the table. It fails with errInvalid.
func (q *createRequest) metadata(root string, ident table.Identifier) (meta table.Metadata, err error) {
	if q.Schema == nil {
		return nil, say(errInvalid, "a table has a schema")
	}
	id := uuid.New()
	if q.Location == "" {
		q.Location = newLocation(root, ident, id.String())
	}
	order := table.UnsortedSortOrder
	if q.Order != nil {
		order = *q.Order
	}
	if q.Spec == nil {
		q.Spec = iceberg.UnpartitionedSpec
	}
	err = guarded(func() (err error) {
		meta, err = table.NewMetadataWithUUID(q.Schema, q.Spec, order, strings.TrimRight(q.Location, "/"), q.Props, id)
		return err
	})
	if err != nil {
		return nil, say(errInvalid, "the table cannot be made: %v", err)
	}
	return meta, nil
}

func (h *handler) createTable(w http.ResponseWriter, r *http.Request) error {
	by, ns := h.caller(r), levels(r.PathValue("namespace"))
	if err := by.mayChangeNamespace(ns); err != nil {
		return err
	}
	var request createRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	if _, err := h.known(r.Context(), ns); err != nil {
		return err
	}
	ident, err := identifier{ns, request.Name}.ident()
	if err != nil {
		return err
	}
	root := h.catalog.store.URL()
	meta, err := request.metadata(root, ident)
	if err != nil {
		return err
	}
	if err := by.mayPlace(root, meta.Location()); err != nil {
		return err
	}
	if !request.Stage {
		s, err := h.catalog.create(r.Context(), by, ident, meta)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, h.loaded(s, s.raw))
	}
	// The commit that follows makes the table.
	switch now, err := h.catalog.look(r.Context(), ident); {
	case err != nil:
		return err
	case now.version != 0:
		return say(catalog.ErrTableAlreadyExists, "there is a table %s", nameOf(ident))
	}
	raw, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, h.loaded(state{meta: meta}, raw))
}

func (h *handler) registerTable(w http.ResponseWriter, r *http.Request) error {
	by, ns := h.caller(r), levels(r.PathValue("namespace"))
	if err := by.mayChangeNamespace(ns); err != nil {
		return err
	}
	var request struct {
		Name      string `json:"name"`
		Location  string `json:"metadata-location"`
		Overwrite bool   `json:"overwrite"`
	}
	if err := decode(w, r, &request); err != nil {
		return err
	}
	if _, err := h.known(r.Context(), ns); err != nil {
		return err
	}
	ident, err := identifier{ns, request.Name}.ident()
	if err != nil {
		return err
	}
	s, err := h.catalog.register(r.Context(), by, ident, request.Location, request.Overwrite)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, h.loaded(s, s.raw))
}

// commitRequest asks for a change of a table.
type commitRequest struct {
	Identifier   *identifier        `json:"identifier"`
	Requirements table.Requirements `json:"requirements"`
	Updates      table.Updates      `json:"updates"`
}

func (h *handler) commitTable(w http.ResponseWriter, r *http.Request) error {
	by, ident := h.caller(r), identIn(r)
	if err := by.mayChange(ident, false); err != nil {
		return err
	}
	var request commitRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	done, err := h.catalog.commit(r.Context(), by, []table.TableCommit{{Identifier: ident, Requirements: request.Requirements, Updates: request.Updates}})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"metadata-location": done[0].Metadata, "metadata": json.RawMessage(done[0].raw)})
}

func (h *handler) commitTransaction(w http.ResponseWriter, r *http.Request) error {
	by := h.caller(r)
	if err := by.mayChangeAny(); err != nil {
		return err
	}
	var request struct {
		Changes []commitRequest `json:"table-changes"`
	}
	if err := decode(w, r, &request); err != nil {
		return err
	}
	changes := make([]table.TableCommit, len(request.Changes))
	for i, ch := range request.Changes {
		if ch.Identifier == nil {
			return say(errInvalid, "each change of a transaction has an identifier")
		}
		ident, err := ch.Identifier.ident()
		if err != nil {
			return err
		}
		changes[i] = table.TableCommit{Identifier: ident, Requirements: ch.Requirements, Updates: ch.Updates}
	}
	if _, err := h.catalog.commit(r.Context(), by, changes); err != nil {
		return err
	}
	return noContent(w)
}

func (h *handler) dropTable(w http.ResponseWriter, r *http.Request) error {
	by, ident := h.caller(r), identIn(r)
	if err := by.mayChange(ident, false); err != nil {
		return err
	}
	purge, err := flag(r, "purgeRequested")
	if err != nil {
		return err
	}
	if err := h.catalog.drop(r.Context(), by, ident, purge); err != nil {
		return absent(ident, err)
	}
	if purge {
		if err := h.catalog.purgeTable(r.Context(), ident); err != nil && h.opts.Logger != nil {
			h.opts.Logger.Warn("files of a dropped table are still there", "table", nameOf(ident), "error", err)
		}
	}
	return noContent(w)
}

func (h *handler) renameTable(w http.ResponseWriter, r *http.Request) error {
	by := h.caller(r)
	if err := by.mayChangeAny(); err != nil {
		return err
	}
	var request struct {
		Source      identifier `json:"source"`
		Destination identifier `json:"destination"`
	}
	if err := decode(w, r, &request); err != nil {
		return err
	}
	from, errFrom := request.Source.ident()
	to, errTo := request.Destination.ident()
	if err := errors.Join(errFrom, errTo); err != nil {
		return err
	}
	if err := h.catalog.rename(r.Context(), by, from, to); err != nil {
		return err
	}
	return noContent(w)
}

// metrics takes what engines report of their scans, and does nothing with it.
func (h *handler) metrics(w http.ResponseWriter, _ *http.Request) error { return noContent(w) }
