package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// ErrOutcomeUnknown tells that a change may have been made: whoever wants to know looks.
var ErrOutcomeUnknown = errors.New("the outcome of the change is not known")

// Bounds of a change.
const (
	// conflictAttempts is how often a change is made anew because somebody else was faster.
	conflictAttempts = 10
	conflictPause    = 5 * time.Millisecond
	// maxChanges bounds the tables of one transaction; each may hold a namespace too.
	maxChanges = maxOps / 2
	// settleTimeout bounds the time in which a change of unknown outcome is looked for.
	settleTimeout = 5 * time.Second
	settlePause   = 50 * time.Millisecond
)

// retryConflicts makes a change, anew while it fails with ErrConflict; at last it fails
// with table.ErrCommitFailed.
func retryConflicts(ctx context.Context, f func() error) error {
	pause := conflictPause
	for attempt := 1; ; attempt++ {
		err := f()
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if attempt == conflictAttempts || sleep(ctx, rand.N(pause)) != nil {
			return say(table.ErrCommitFailed, "others changed the catalog at the same time, again and again: try again")
		}
		pause *= 2
	}
}

// swap commits ops. When the KV fails and cannot say whether they were done it is asked again,
// and landed tells, from what the keys have now, whether they were; without it they were when
// the keys have what ops say. It fails with ErrConflict, when nothing was done, and
// with ErrOutcomeUnknown.
func (c *Catalog) swap(ctx context.Context, ops []Op, landed func(context.Context) (bool, error)) error {
	err := c.kv.Commit(ctx, ops)
	if err == nil || errors.Is(err, ErrConflict) && landed == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if errors.Is(err, ErrConflict) {
		// Perhaps with itself: a KV may repeat what it cannot tell the outcome of.
		switch ok, errLook := landed(ctx); {
		case errLook != nil:
			return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errLook)
		case ok:
			return nil
		}
		return err
	}
	unknown := fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	for sleep(ctx, settlePause) == nil {
		// The versions are those of before: it is done once, however often it is tried.
		switch err := c.kv.Commit(ctx, ops); {
		case err == nil:
			return nil
		case errors.Is(err, ErrConflict):
			if landed == nil {
				landed = func(ctx context.Context) (bool, error) { return c.holds(ctx, ops) }
			}
			if ok, err := landed(ctx); err == nil && ok {
				return nil
			}
			return unknown
		}
	}
	return unknown
}

// holds reports whether the keys have what ops say.
func (c *Catalog) holds(ctx context.Context, ops []Op) (bool, error) {
	for _, op := range ops {
		value, version, err := c.kv.Get(ctx, op.Key)
		if err != nil {
			return false, err
		}
		if (version == 0) != (op.Value == nil) || string(value) != string(op.Value) {
			return false, nil
		}
	}
	return true, nil
}

// commit changes tables, all or none, and returns what they are then. It fails with
// table.ErrCommitFailed, catalog.ErrNoSuchTable, catalog.ErrNoSuchNamespace, errInvalid, errForbidden
// and ErrOutcomeUnknown; after all but the last nothing was changed.
func (c *Catalog) commit(ctx context.Context, by caller, changes []table.TableCommit) ([]state, error) {
	if err := distinct(changes); err != nil {
		return nil, err
	}
	var next []state
	anew := false
	err := retryConflicts(ctx, func() error {
		bases := make([]state, len(changes))
		next = make([]state, len(changes))
		for i, ch := range changes {
			var err error
			if bases[i], next[i], err = c.prepare(ctx, by, ch); err != nil {
				if anew && errors.Is(err, errInvalid) { // it was valid on what the table was before
					err = say(table.ErrCommitFailed, "table %s was changed meanwhile: %v", nameOf(ch.Identifier), err)
				}
				return err
			}
		}
		anew = true
		return c.publish(ctx, by, bases, next)
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}

func distinct(changes []table.TableCommit) error {
	if len(changes) == 0 || len(changes) > maxChanges {
		return say(errInvalid, "a transaction changes 1 to %d tables", maxChanges)
	}
	for i, ch := range changes {
		if slices.ContainsFunc(changes[:i], func(o table.TableCommit) bool { return slices.Equal(o.Identifier, ch.Identifier) }) {
			return say(errInvalid, "table %s is there twice: a transaction has one change for each table", nameOf(ch.Identifier))
		}
	}
	return nil
}

// prepare makes the next state of a table, which is in no file yet.
func (c *Catalog) prepare(ctx context.Context, by caller, ch table.TableCommit) (base, next state, err error) {
	base, err = c.current(ctx, ch.Identifier)
	creates := slices.ContainsFunc(ch.Requirements, func(r table.Requirement) bool { return r.GetType() == table.AssertCreate().GetType() })
	if errors.Is(err, catalog.ErrNoSuchTable) && creates {
		err = nil
	}
	// Who may not change a table gets no other answer.
	if errors.Is(err, catalog.ErrNoSuchTable) || err == nil {
		if refused := by.mayChange(ch.Identifier, base.Managed); refused != nil {
			return base, next, refused
		}
	}
	if err != nil {
		return base, next, err
	}
	next = state{ident: base.ident, key: base.key, version: base.version}
	next.Managed = base.Managed || by.committer
	err = guarded(func() (err error) {
		for _, r := range ch.Requirements {
			if err := r.Validate(base.meta); err != nil {
				return say(table.ErrCommitFailed, "table %s: %v", nameOf(ch.Identifier), err)
			}
		}
		next.meta, err = apply(base.meta, base.Metadata, ch.Updates)
		return err
	})
	if err != nil {
		return base, next, err
	}
	return base, next, c.place(ctx, by, base, next)
}

// place tells whether a table's files may be where the next state says.
func (c *Catalog) place(ctx context.Context, by caller, base, next state) error {
	location := next.meta.Location()
	if base.meta != nil && base.meta.Location() == location {
		return nil
	}
	if err := by.mayPlace(c.store.URL(), location); err != nil {
		return err
	}
	docs, err := c.kv.List(ctx, purgePrefix)
	if err != nil {
		return err
	}
	for _, d := range docs {
		var p purgeDoc
		if err := json.Unmarshal(d.Value, &p); err != nil {
			return err
		}
		if strings.HasPrefix(location+"/", p.Location+"/") {
			return say(table.ErrCommitFailed, "the files of a dropped table are still being removed from %s: choose another location, or try later", p.Location)
		}
	}
	return nil
}

// guarded calls f, which takes what came over the net apart in ways that may not have been
// meant for it: when it panics that is errInvalid.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = say(errInvalid, "the change cannot be understood: %v", p)
		}
	}()
	return f()
}

// apply makes the metadata that updates make of base, or of nothing.
func apply(base table.Metadata, location string, updates []table.Update) (meta table.Metadata, err error) {
	var b *table.MetadataBuilder
	if base != nil {
		b, err = table.MetadataBuilderFromBase(base, location)
	} else {
		b, err = table.NewMetadataBuilder(formatVersion(updates))
	}
	if err != nil {
		return nil, say(errInvalid, "%v", err)
	}
	for _, u := range updates {
		if err := u.Apply(b); err != nil {
			// The snapshot was made for another state of the table, and can be made anew.
			if text := err.Error(); base != nil && (strings.Contains(text, "sequence number") || strings.Contains(text, "row-id")) {
				return nil, say(table.ErrCommitFailed, "%s: %v", u.Action(), err)
			}
			return nil, say(errInvalid, "%s: %v", u.Action(), err)
		}
	}
	if meta, err = b.Build(); err != nil {
		return nil, say(errInvalid, "%v", err)
	}
	return meta, nil
}

// formatVersion is that which updates give to a new table.
func formatVersion(updates []table.Update) int {
	for _, u := range updates {
		if u.Action() != table.UpdateUpgradeFormatVersion {
			continue
		}
		var version struct {
			Number int `json:"format-version"`
		}
		if data, err := json.Marshal(u); err == nil && json.Unmarshal(data, &version) == nil {
			return version.Number
		}
	}
	return table.DefaultFormatVersion
}

// publish writes the metadata of next and makes the catalog point at it. It fails
// with ErrConflict when bases are not the tables' states any more.
func (c *Catalog) publish(ctx context.Context, by caller, bases, next []state) error {
	var written []string
	var ops []Op
	undo := func(err error) error {
		c.forget(ctx, written...)
		return err
	}
	for i := range next {
		if err := c.write(ctx, &next[i], bases[i].Metadata); err != nil {
			return undo(err)
		}
		written = append(written, next[i].Metadata)
		value, err := json.Marshal(next[i].pointer)
		if err != nil {
			return undo(err)
		}
		ops = append(ops, Op{next[i].key, next[i].version, value})
		if next[i].version == 0 {
			ident := next[i].ident
			if ops, err = c.holdNamespace(ctx, by, ident[:len(ident)-1], ops); err != nil {
				return undo(err)
			}
		}
	}
	err := c.swap(ctx, ops, func(ctx context.Context) (bool, error) { return c.landed(ctx, next) })
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return err
	case err != nil:
		return undo(err)
	}
	for i := range next {
		c.forget(ctx, outdated(bases[i].meta, next[i].meta)...)
	}
	return nil
}

// landed reports whether a state of each table is, or was, the one that the catalog points
// at: one change has all, so the first is enough.
func (c *Catalog) landed(ctx context.Context, next []state) (bool, error) {
	now, err := c.current(ctx, next[0].ident)
	if errors.Is(err, catalog.ErrNoSuchTable) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if now.Metadata == next[0].Metadata {
		return true, nil
	}
	for file := range previous(now.meta) {
		if file == next[0].Metadata {
			return true, nil
		}
	}
	return false, nil
}
