package iceberg

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"github.com/fluss-go/fluss/proto/errcode"
)

// ErrFenced tells that somebody with a newer epoch has committed: the round is over.
var ErrFenced = errors.New("a newer epoch has committed to the lake")

// Bounds of a commit.
const (
	commitAttempts = 8
	commitPause    = 50 * time.Millisecond
	maxCommitPause = 2 * time.Second
)

// Change is what one snapshot changes.
type Change struct {
	// Head is what the snapshot says: its commit id, which is unique, the epoch, and the
	// offsets of all buckets.
	Head Head
	// Added are files that Writers made for this table.
	Added []DataFile
	// Deleted has positions of rows by the location of their file, which is in the table
	// already: rows of an added file that are not wanted are not written.
	Deleted map[string][]int64
}

// Commit makes one snapshot of the change, or finds that there is one already: the
// outcome of an attempt may not have been known. base is the head that the change was
// made from. It fails with ErrFenced, and with CONFLICT when the lake has moved on from base, or a
// file that rows are deleted from is gone: then nothing was changed and the round begins anew. After
// another error the change may be there or not, and the same call may be made again. The next
// table is returned.
func (t *Table) Commit(ctx context.Context, base Head, c Change) (*Table, error) {
	if c.Head.Commit == "" || c.Head.Epoch < 0 {
		return nil, fmt.Errorf("%w: it has the commit id %q and the epoch %d", errChange, c.Head.Commit, c.Head.Epoch)
	}
	pause := commitPause
	var last error
	for range commitAttempts {
		next, err := t.attempt(ctx, base, c)
		if err == nil || final(err) {
			return next, err
		}
		last = err
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), last)
		case <-time.After(pause):
		}
		pause = min(2*pause, maxCommitPause)
	}
	return nil, fmt.Errorf("commit %s of table %s, tried %d times: %w", c.Head.Commit, t.def.Path, commitAttempts, last)
}

// final reports whether another attempt would fail as this one did.
func final(err error) bool {
	return errors.Is(err, ErrFenced) || errors.Is(err, ErrOtherTable) || errors.Is(err, errChange) ||
		errors.Is(err, catalog.ErrNoSuchTable) || errcode.Of(err) == errcode.Conflict
}

// errChange tells that a change is none that a table can take: our own mistake.
var errChange = errors.New("the change cannot be committed")

// attempt looks whether the change is there, and commits it if not.
func (t *Table) attempt(ctx context.Context, base Head, c Change) (*Table, error) {
	loaded, err := t.lake.load(ctx, &t.def)
	if err != nil {
		return nil, err
	}
	now := t.next(loaded)
	if loaded.Metadata().TableUUID() != t.table.Metadata().TableUUID() {
		return nil, fmt.Errorf("table %s was dropped and made again: %w", t.def.Path, ErrOtherTable)
	}
	if now.landed(c.Head.Commit) {
		return now, nil
	}
	head, err := now.Head()
	switch {
	case err != nil:
		return nil, err
	case head.Epoch > c.Head.Epoch:
		return nil, fmt.Errorf("epoch %d after %d: %w", head.Epoch, c.Head.Epoch, ErrFenced)
	case head.Commit != base.Commit:
		return nil, errcode.New(errcode.Conflict, nil, "table %s of the lake is at commit %q and not at %q any more", t.def.Path, head.Commit, base.Commit)
	}
	tx := loaded.NewTransaction()
	if err := now.stage(ctx, tx, c); err != nil {
		return nil, err
	}
	committed, err := tx.Commit(ctx)
	if err != nil {
		return nil, err
	}
	return t.next(committed), nil
}

// landed reports whether the commit with the id is among the snapshots that the table is made of.
func (t *Table) landed(id string) bool {
	for s := range t.ancestors() {
		if s.Summary != nil && s.Summary.Properties[commitProperty] == id {
			return true
		}
	}
	return false
}

// stage puts the change into a transaction. A change without files is a snapshot too:
// only these are compared and swapped.
func (t *Table) stage(ctx context.Context, tx *table.Transaction, c Change) error {
	props, err := c.Head.properties()
	if err != nil {
		return err
	}
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil {
		return err
	}
	deletes := map[string][]int64{}
	for path, positions := range c.Deleted {
		if len(positions) > 0 {
			deletes[path] = positions
		}
	}
	if len(c.Added) == 0 && len(deletes) == 0 {
		return tx.AddFiles(ctx, nil, props, true)
	}
	delta := tx.NewRowDelta(props)
	for _, f := range c.Added {
		if deletes[f.Location()] != nil {
			return fmt.Errorf("%w: it deletes rows of %s, which it adds", errChange, f.Location())
		}
		delta.AddRows(f.file)
	}
	if len(deletes) > 0 {
		if err := t.stageDeletes(ctx, delta, deletes); err != nil {
			return err
		}
	}
	return delta.Commit(ctx)
}
