// Package catalog is the catalog of the lake's tables: which there are, and where the newest
// metadata of each is. Engines use it by Iceberg's REST protocol, our own committer by
// that protocol or by calling it.
//
// A table is one document in a KV, and its metadata a file in the object store, which is
// never changed: a commit writes the next file and swaps the document. The keys:
//
//	table/<namespace>/<name>          where the newest metadata is, and whether Fluss keeps the table
//	namespace/<namespace>             properties of a namespace that is no database of Fluss
//	purge/<namespace>/<name>/<uuid>   where the files of a dropped table are, until they are gone
//
// Names are escaped as in a URL, and the levels of a namespace joined by %1F.
//
// Tables that our committer makes are managed: it alone changes them, and engines read
// them. Other tables are there when Options.Unmanaged says so, and are any engine's.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/apache/iceberg-go/catalog"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"

	"github.com/fluss-go/fluss/lake/objstore"
)

// Catalog is the catalog. Safe for concurrent use, also of several processes with the
// same KV and store.
type Catalog struct {
	kv    KV
	store objstore.Store
}

// New returns the catalog that kv has, of tables in store; both stay the caller's.
func New(kv KV, store objstore.Store) *Catalog { return &Catalog{kv, store} }

var _ table.CatalogIO = (*Catalog)(nil)

// LoadTable implements table.CatalogIO. Whoever reads the table's files binds it to
// a file system first. It fails with catalog.ErrNoSuchTable.
func (c *Catalog) LoadTable(ctx context.Context, ident table.Identifier) (*table.Table, error) {
	s, err := c.current(ctx, ident)
	if err != nil {
		return nil, err
	}
	return table.New(ident, s.meta, s.Metadata, unbound, c), nil
}

func unbound(context.Context) (iceio.IO, error) {
	return nil, errors.New("the catalog reads no files of tables")
}

// CommitTable implements table.CatalogIO, for our own committer: it makes the table when the
// requirements say that there is none, and the table is managed. It fails with
// table.ErrCommitFailed when a requirement does not hold, and with ErrOutcomeUnknown; after
// any other error nothing was done.
func (c *Catalog) CommitTable(ctx context.Context, ident table.Identifier, requirements []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	done, err := c.commit(ctx, committer, []table.TableCommit{{Identifier: ident, Requirements: requirements, Updates: updates}})
	if err != nil {
		return nil, "", err
	}
	return done[0].meta, done[0].Metadata, nil
}

// Tables returns the names of the tables of a namespace of one level, in order; of all
// namespaces, with theirs, when namespace is empty.
func (c *Catalog) Tables(ctx context.Context, namespace string) ([]table.Identifier, error) {
	if namespace == "" {
		return c.tables(ctx, nil)
	}
	return c.tables(ctx, []string{namespace})
}

// tables lists those of a namespace; all when it has no levels.
func (c *Catalog) tables(ctx context.Context, ns []string) ([]table.Identifier, error) {
	prefix := tablesPrefix
	if len(ns) > 0 {
		prefix += escapeNamespace(ns) + "/"
	}
	docs, err := c.kv.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	out := make([]table.Identifier, 0, len(docs))
	for _, d := range docs {
		ident, err := identOf(strings.TrimPrefix(d.Key, tablesPrefix))
		if err != nil {
			return nil, err
		}
		out = append(out, ident)
	}
	slices.SortFunc(out, func(a, b table.Identifier) int { return slices.Compare(a, b) }) // keys are escaped
	return out, nil
}

// Drop forgets a table, managed or not, and then removes its files. It may be repeated, and
// goes on where it was broken off; a table that is not there is no error.
func (c *Catalog) Drop(ctx context.Context, ident table.Identifier) error {
	err := c.drop(ctx, committer, ident, true)
	if err != nil && !errors.Is(err, catalog.ErrNoSuchTable) {
		return err
	}
	return c.purgeTable(ctx, ident)
}

// purgeTable removes the files of dropped tables of a name.
func (c *Catalog) purgeTable(ctx context.Context, ident table.Identifier) error {
	key, err := keyOf(ident)
	if err != nil {
		return err
	}
	return c.purge(ctx, purgePrefix+strings.TrimPrefix(key, tablesPrefix)+"/")
}

// Purge removes the files of dropped tables that are still there: the store may have failed
// when they were dropped. To be called from time to time.
func (c *Catalog) Purge(ctx context.Context) error { return c.purge(ctx, purgePrefix) }

// purge does what the documents below prefix say. A failure of one keeps none of the others.
func (c *Catalog) purge(ctx context.Context, prefix string) error {
	docs, err := c.kv.List(ctx, prefix)
	if err != nil {
		return err
	}
	var failed error
	for _, d := range docs {
		var p purgeDoc
		if err := json.Unmarshal(d.Value, &p); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		err := c.removeBelow(ctx, p.Location)
		if err == nil {
			err = c.kv.Commit(ctx, []Op{{Key: d.Key, Version: d.Version}})
		}
		if err != nil && !errors.Is(err, ErrConflict) { // another process was faster
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// drop forgets a table, and notes that its files are to be removed when purge says so.
func (c *Catalog) drop(ctx context.Context, by caller, ident table.Identifier, purge bool) error {
	return retryConflicts(ctx, func() error {
		s, err := c.find(ctx, ident)
		if err != nil {
			return err
		}
		if err := by.mayChange(ident, s.Managed); err != nil {
			return err
		}
		ops := []Op{{Key: s.key, Version: s.version}}
		if purge {
			s, err = c.read(ctx, s)
			if errors.Is(err, objstore.ErrNotFound) || errors.Is(err, errMetadata) {
				return c.swap(ctx, ops, nil) // where its files are nobody knows; it can be dropped still
			}
			if err != nil {
				return err
			}
			if err := by.mayPlace(c.store.URL(), s.meta.Location()); err != nil {
				return err
			}
			value, err := json.Marshal(purgeDoc{s.meta.Location()})
			if err != nil {
				return err
			}
			key := purgePrefix + strings.TrimPrefix(s.key, tablesPrefix) + "/" + s.meta.TableUUID().String()
			_, version, err := c.kv.Get(ctx, key)
			if err != nil {
				return err
			}
			ops = append(ops, Op{key, version, value})
		}
		return c.swap(ctx, ops, nil)
	})
}

// rename gives a table another name. It fails with catalog.ErrTableAlreadyExists and
// catalog.ErrNoSuchNamespace for the other name.
func (c *Catalog) rename(ctx context.Context, by caller, from, to table.Identifier) error {
	key, err := keyOf(to)
	if err != nil {
		return err
	}
	return retryConflicts(ctx, func() error {
		s, err := c.find(ctx, from)
		if err != nil {
			return err
		}
		if err := by.mayChange(from, s.Managed); err != nil {
			return err
		}
		if err := by.mayChange(to, false); err != nil {
			return err
		}
		if _, version, err := c.kv.Get(ctx, key); err != nil {
			return err
		} else if version != 0 {
			return say(catalog.ErrTableAlreadyExists, "there is a table %s", nameOf(to))
		}
		value, err := json.Marshal(s.pointer)
		if err != nil {
			return err
		}
		ops := []Op{{Key: s.key, Version: s.version}, {Key: key, Value: value}}
		if ops, err = c.holdNamespace(ctx, by, to[:len(to)-1], ops); err != nil {
			return err
		}
		return c.swap(ctx, ops, nil)
	})
}
