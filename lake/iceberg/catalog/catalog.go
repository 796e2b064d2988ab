// Package catalog is the catalog of the lake's tables: which there are, and where the newest
// metadata of each is. Engines read it by Iceberg's REST protocol, our own committer by
// calling it.
//
// A table is one document in a store of documents that compares and swaps, and its metadata
// a file in the object store, which is never changed: a commit writes the next file and
// swaps the document.
package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/apache/iceberg-go/catalog"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/lake/objstore"
)

// ErrConflict tells that a document has another version than was expected.
var ErrConflict = errors.New("another process changed the document")

// Entry is a document of Documents.
type Entry struct {
	Key   string
	Value []byte
	// Version is higher after each change, and 0 where there is no document.
	Version int64
}

// Documents keeps small values by key. It is safe for concurrent use, also of several processes.
type Documents interface {
	// Get returns the document of a key; one with version 0 when there is none.
	Get(ctx context.Context, key string) (Entry, error)
	// List returns the documents whose keys start with prefix, ordered by key.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Put writes the document, if its version is still e.Version, and removes it when
	// the value is nil. It fails with ErrConflict.
	Put(ctx context.Context, e Entry) error
}

// maxMetadataBytes bounds the metadata of one table.
const maxMetadataBytes = 256 << 20

// Catalog is the catalog. Safe for concurrent use.
type Catalog struct {
	docs  Documents
	store objstore.Store
}

// New returns the catalog that docs has, of tables in store; both stay the caller's.
func New(docs Documents, store objstore.Store) *Catalog { return &Catalog{docs, store} }

var _ table.CatalogIO = (*Catalog)(nil)

// pointer is the value of a table's document.
type pointer struct {
	// Metadata is the location of the newest metadata.
	Metadata string `json:"metadata-location"`
}

// tablesPrefix starts the keys of the tables' documents: table/<namespace>/<name>, both escaped.
const tablesPrefix = "table/"

func keyOf(ident table.Identifier) (string, error) {
	if len(ident) != 2 {
		return "", fmt.Errorf("%w: %s: namespaces have one level", catalog.ErrNoSuchTable, strings.Join(ident, "."))
	}
	return tablesPrefix + url.PathEscape(ident[0]) + "/" + url.PathEscape(ident[1]), nil
}

// current returns the document of a table and its newest metadata. It fails with
// catalog.ErrNoSuchTable.
func (c *Catalog) current(ctx context.Context, ident table.Identifier) (Entry, pointer, table.Metadata, error) {
	key, err := keyOf(ident)
	if err != nil {
		return Entry{}, pointer{}, nil, err
	}
	doc, err := c.docs.Get(ctx, key)
	if err != nil {
		return Entry{}, pointer{}, nil, err
	}
	doc.Key = key
	if doc.Version == 0 {
		return doc, pointer{}, nil, fmt.Errorf("%w: %s", catalog.ErrNoSuchTable, strings.Join(ident, "."))
	}
	var p pointer
	if err := json.Unmarshal(doc.Value, &p); err != nil {
		return doc, p, nil, fmt.Errorf("the catalog's document of %s cannot be read: %w", strings.Join(ident, "."), err)
	}
	meta, err := c.metadata(ctx, p.Metadata)
	return doc, p, meta, err
}

func (c *Catalog) metadata(ctx context.Context, location string) (table.Metadata, error) {
	key, ok := strings.CutPrefix(location, c.store.URL()+"/")
	if !ok {
		return nil, fmt.Errorf("metadata at %s is not in the lake at %s", location, c.store.URL())
	}
	body, err := c.store.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(body, maxMetadataBytes))
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	meta, err := table.ParseMetadataBytes(data)
	if err != nil {
		return nil, fmt.Errorf("metadata at %s cannot be read: %w", location, err)
	}
	return meta, nil
}

// LoadTable implements table.CatalogIO. Whoever reads the table's files binds it to
// a file system first.
func (c *Catalog) LoadTable(ctx context.Context, ident table.Identifier) (*table.Table, error) {
	_, p, meta, err := c.current(ctx, ident)
	if err != nil {
		return nil, err
	}
	return table.New(ident, meta, p.Metadata, unbound, c), nil
}

func unbound(context.Context) (iceio.IO, error) {
	return nil, errors.New("the catalog reads no files of tables")
}

// CommitTable implements table.CatalogIO: it makes the table when the requirements say that
// there is none. It fails with table.ErrCommitFailed when a requirement does not hold,
// or does not any more; after another error it may have been done.
func (c *Catalog) CommitTable(ctx context.Context, ident table.Identifier, requirements []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	doc, p, base, err := c.current(ctx, ident)
	creates := slices.ContainsFunc(requirements, func(r table.Requirement) bool { return r.GetType() == table.AssertCreate().GetType() })
	if errors.Is(err, catalog.ErrNoSuchTable) && creates && len(ident) == 2 {
		base, err = nil, nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, r := range requirements {
		if err := r.Validate(base); err != nil {
			return nil, "", fmt.Errorf("%w: %w", table.ErrCommitFailed, err)
		}
	}
	next, err := apply(base, p.Metadata, updates)
	if err != nil {
		return nil, "", err
	}
	location, err := c.write(ctx, next, p.Metadata)
	if err != nil {
		return nil, "", err
	}
	if doc.Value, err = json.Marshal(pointer{location}); err != nil {
		return nil, "", err
	}
	if err := c.docs.Put(ctx, doc); err != nil {
		if errors.Is(err, ErrConflict) {
			return nil, "", fmt.Errorf("%w: table %s was changed meanwhile", table.ErrCommitFailed, strings.Join(ident, "."))
		}
		return nil, "", err
	}
	return next, location, nil
}

// errInvalid tells that updates make no table.
var errInvalid = errors.New("the change of the table is not valid")

func apply(base table.Metadata, location string, updates []table.Update) (meta table.Metadata, err error) {
	var b *table.MetadataBuilder
	if base != nil {
		b, err = table.MetadataBuilderFromBase(base, location)
	} else {
		b, err = table.NewMetadataBuilder(table.DefaultFormatVersion)
	}
	if err != nil {
		return nil, err
	}
	for _, u := range updates {
		if err := u.Apply(b); err != nil {
			return nil, fmt.Errorf("%w: %w", errInvalid, err)
		}
	}
	if meta, err = b.Build(); err != nil {
		return nil, fmt.Errorf("%w: %w", errInvalid, err)
	}
	return meta, nil
}

// write puts metadata into a new file, numbered after the one at previous.
func (c *Catalog) write(ctx context.Context, meta table.Metadata, previous string) (string, error) {
	number := 0
	_, name, _ := strings.Cut(previous, "/metadata/")
	_, _ = fmt.Sscanf(name, "%05d-", &number) // the number is for people
	location := fmt.Sprintf("%s/metadata/%05d-%s.metadata.json", meta.Location(), number+1, uuid.NewString())
	key, ok := strings.CutPrefix(location, c.store.URL()+"/")
	if !ok {
		return "", fmt.Errorf("%w: its location %s is not in the lake at %s", errInvalid, meta.Location(), c.store.URL())
	}
	data, err := json.Marshal(meta)
	if err != nil {
		return "", err
	}
	return location, c.store.Put(ctx, key, bytes.NewReader(data), int64(len(data)))
}

// Tables returns the names of the tables of a namespace, in order; of all namespaces,
// with theirs, when namespace is empty.
func (c *Catalog) Tables(ctx context.Context, namespace string) ([]table.Identifier, error) {
	prefix := tablesPrefix
	if namespace != "" {
		prefix += url.PathEscape(namespace) + "/"
	}
	docs, err := c.docs.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var out []table.Identifier
	for _, d := range docs {
		ns, name, _ := strings.Cut(strings.TrimPrefix(d.Key, tablesPrefix), "/")
		ns, errNS := url.PathUnescape(ns)
		name, errName := url.PathUnescape(name)
		if err := errors.Join(errNS, errName); err != nil {
			return nil, err
		}
		out = append(out, table.Identifier{ns, name})
	}
	return out, nil
}

// Drop forgets a table, and then removes its files. It may be repeated; a table that is
// not there is no error.
func (c *Catalog) Drop(ctx context.Context, ident table.Identifier) error {
	doc, _, meta, err := c.current(ctx, ident)
	if errors.Is(err, catalog.ErrNoSuchTable) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.docs.Put(ctx, Entry{Key: doc.Key, Version: doc.Version}); err != nil {
		return err
	}
	return c.purge(ctx, meta.Location())
}

func (c *Catalog) purge(ctx context.Context, location string) error {
	key, ok := strings.CutPrefix(location, c.store.URL()+"/")
	if !ok || key == "" {
		return fmt.Errorf("the files at %s are not in the lake at %s", location, c.store.URL())
	}
	for o, err := range c.store.List(ctx, key+"/") {
		if err != nil {
			return err
		}
		if err := c.store.Delete(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}
