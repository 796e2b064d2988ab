package catalog

import (
	"context"
	"encoding/json"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// create makes a table of a request, which is managed when the committer asks. It fails with
// catalog.ErrTableAlreadyExists.
func (c *Catalog) create(ctx context.Context, by caller, ident table.Identifier, meta table.Metadata) (state, error) {
	key, err := keyOf(ident)
	if err != nil {
		return state{}, err
	}
	next := []state{{ident: ident, key: key, meta: meta, pointer: pointer{Managed: by.committer}}}
	err = retryConflicts(ctx, func() error {
		now, err := c.look(ctx, ident)
		if err != nil {
			return err
		}
		if now.version != 0 {
			return say(catalog.ErrTableAlreadyExists, "there is a table %s", nameOf(ident))
		}
		if err := c.place(ctx, by, state{}, next[0]); err != nil {
			return err
		}
		return c.publish(ctx, by, make([]state, 1), next)
	})
	return next[0], err
}

// register makes a table of the metadata that is at a location; another of the name gives way
// when overwrite says so.
func (c *Catalog) register(ctx context.Context, by caller, ident table.Identifier, location string, overwrite bool) (state, error) {
	var next state
	err := retryConflicts(ctx, func() error {
		now, err := c.look(ctx, ident)
		if err != nil {
			return err
		}
		if err := by.mayChange(ident, now.Managed); err != nil {
			return err
		}
		if now.version != 0 && !overwrite {
			return say(catalog.ErrTableAlreadyExists, "there is a table %s", nameOf(ident))
		}
		next = state{ident: ident, key: now.key, pointer: pointer{location, by.committer}}
		if next, err = c.read(ctx, next); err != nil {
			return notMetadata(location, err)
		}
		if err := c.place(ctx, by, state{}, next); err != nil {
			return err
		}
		value, err := json.Marshal(next.pointer)
		if err != nil {
			return err
		}
		ops, err := c.holdNamespace(ctx, by, ident[:len(ident)-1], []Op{{now.key, now.version, value}})
		if err != nil {
			return err
		}
		return c.swap(ctx, ops, nil)
	})
	return next, err
}
