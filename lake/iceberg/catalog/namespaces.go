package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/apache/iceberg-go/catalog"
)

// Bounds of a namespace's properties, whose document is in the KV.
const (
	maxProperties     = 1000
	maxPropertiesSize = 256 << 10
)

// namespaceDoc is the value of a namespace's document.
type namespaceDoc struct {
	Properties map[string]string `json:"properties"`
}

func namespaceKey(ns []string) string { return namespacePrefix + escapeNamespace(ns) }

// storedNamespace returns a namespace that has a document. It fails with
// catalog.ErrNoSuchNamespace.
func (c *Catalog) storedNamespace(ctx context.Context, ns []string) (doc namespaceDoc, version int64, err error) {
	if validNamespace(ns) != nil {
		return doc, 0, noNamespace(ns)
	}
	value, version, err := c.kv.Get(ctx, namespaceKey(ns))
	if err != nil {
		return doc, 0, err
	}
	if version == 0 {
		return doc, 0, noNamespace(ns)
	}
	if err := json.Unmarshal(value, &doc); err != nil {
		return doc, 0, fmt.Errorf("the catalog's document of namespace %s cannot be read: %w", nameOf(ns), err)
	}
	return doc, version, nil
}

func noNamespace(ns []string) error {
	return say(catalog.ErrNoSuchNamespace, "there is no namespace %s: the databases of Fluss are namespaces, and what engines made", nameOf(ns))
}

// holdNamespace adds to ops that the namespace stays while a table is made in it. The databases
// of Fluss need none: only the committer makes tables there.
func (c *Catalog) holdNamespace(ctx context.Context, by caller, ns []string, ops []Op) ([]Op, error) {
	if by.committer {
		return ops, nil
	}
	key := namespaceKey(ns)
	if slices.ContainsFunc(ops, func(op Op) bool { return op.Key == key }) {
		return ops, nil
	}
	doc, version, err := c.storedNamespace(ctx, ns)
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(doc)
	return append(ops, Op{key, version, value}), err
}

// namespaces returns those with a document that are directly in parent, in order; those of
// one level when it has none.
func (c *Catalog) namespaces(ctx context.Context, parent []string) ([][]string, error) {
	prefix := namespacePrefix
	if len(parent) > 0 {
		prefix += escape(strings.Join(parent, levelSeparator) + levelSeparator)
	}
	docs, err := c.kv.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for _, d := range docs {
		text, err := url.PathUnescape(strings.TrimPrefix(d.Key, namespacePrefix))
		if err != nil {
			return nil, err
		}
		if ns := strings.Split(text, levelSeparator); len(ns) == len(parent)+1 {
			out = append(out, ns)
		}
	}
	slices.SortFunc(out, slices.Compare)
	return out, nil
}

// createNamespace fails with catalog.ErrNamespaceAlreadyExists.
func (c *Catalog) createNamespace(ctx context.Context, ns []string, properties map[string]string) error {
	if err := validNamespace(ns); err != nil {
		return err
	}
	value, err := propertiesValue(properties)
	if err != nil {
		return err
	}
	return retryConflicts(ctx, func() error {
		_, version, err := c.kv.Get(ctx, namespaceKey(ns))
		if err != nil {
			return err
		}
		if version != 0 {
			return say(catalog.ErrNamespaceAlreadyExists, "there is a namespace %s", nameOf(ns))
		}
		ops := []Op{{Key: namespaceKey(ns), Value: value}}
		if len(ns) > 1 {
			if ops, err = c.holdNamespace(ctx, caller{}, ns[:len(ns)-1], ops); err != nil {
				return err
			}
		}
		return c.swap(ctx, ops, nil)
	})
}

func propertiesValue(properties map[string]string) ([]byte, error) {
	if properties == nil {
		properties = map[string]string{}
	}
	value, err := json.Marshal(namespaceDoc{properties})
	if err != nil {
		return nil, err
	}
	if len(properties) > maxProperties || len(value) > maxPropertiesSize {
		return nil, say(errInvalid, "a namespace has at most %d properties, in %d bytes", maxProperties, maxPropertiesSize)
	}
	return value, nil
}

// dropNamespace fails with catalog.ErrNamespaceNotEmpty, and with catalog.ErrNoSuchNamespace.
func (c *Catalog) dropNamespace(ctx context.Context, ns []string) error {
	return retryConflicts(ctx, func() error {
		// Who makes a table in it, or a namespace, changes its document: read it first.
		_, version, err := c.storedNamespace(ctx, ns)
		if err != nil {
			return err
		}
		tables, err := c.tables(ctx, ns)
		if err != nil {
			return err
		}
		children, err := c.namespaces(ctx, ns)
		if err != nil {
			return err
		}
		if len(tables)+len(children) > 0 {
			return say(catalog.ErrNamespaceNotEmpty, "namespace %s has %d tables and %d namespaces", nameOf(ns), len(tables), len(children))
		}
		return c.swap(ctx, []Op{{Key: namespaceKey(ns), Version: version}}, nil)
	})
}

// summary says what became of the properties that a caller changed.
type summary struct {
	Updated []string `json:"updated"`
	Removed []string `json:"removed"`
	Missing []string `json:"missing"`
}

// changeProperties removes and sets properties of a namespace. It fails with
// catalog.ErrNoSuchNamespace.
func (c *Catalog) changeProperties(ctx context.Context, ns, removals []string, updates map[string]string) (summary, error) {
	var done summary
	err := retryConflicts(ctx, func() error {
		doc, version, err := c.storedNamespace(ctx, ns)
		if err != nil {
			return err
		}
		next := maps.Clone(doc.Properties)
		if next == nil {
			next = map[string]string{}
		}
		done = summary{[]string{}, []string{}, []string{}}
		for _, key := range removals {
			if _, ok := next[key]; ok {
				done.Removed = append(done.Removed, key)
				delete(next, key)
			} else {
				done.Missing = append(done.Missing, key)
			}
		}
		maps.Copy(next, updates)
		done.Updated = slices.AppendSeq(done.Updated, maps.Keys(updates))
		slices.Sort(done.Updated)
		value, err := propertiesValue(next)
		if err != nil {
			return err
		}
		return c.swap(ctx, []Op{{namespaceKey(ns), version, value}}, nil)
	})
	return done, err
}
