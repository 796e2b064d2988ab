package iceberg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/apache/iceberg-go/table/dv"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
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
	// Deleted has positions of rows by the location of their file. The files are in the
	// table, or are added by the same change.
	Deleted map[string][]int64
}

func sortedPlaces(m map[Place]ids.Offset) []Place {
	return slices.SortedFunc(maps.Keys(m), func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Bucket, b.Bucket))
	})
}

// Commit makes one snapshot of the change, or finds that it is there already: the
// outcome of an attempt may not have been known. base is the head that the change was
// made from. It fails with ErrFenced, and with CONFLICT when the head is neither base
// nor the change: then nothing was changed and the round begins anew. The next table is returned.
func (t *Table) Commit(ctx context.Context, base Head, c Change) (*Table, error) {
	pause := commitPause
	var last error
	for range commitAttempts {
		next, err := t.attempt(ctx, base, c)
		if err == nil || errors.Is(err, ErrFenced) || errcode.Of(err) == errcode.Conflict {
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

// attempt looks whether the change is there, and commits it if not.
func (t *Table) attempt(ctx context.Context, base Head, c Change) (*Table, error) {
	loaded, err := t.lake.load(ctx, &t.def)
	if err != nil {
		return nil, err
	}
	now := &Table{t.lake, t.def, loaded}
	if loaded.Metadata().TableUUID() != t.table.Metadata().TableUUID() {
		return nil, fmt.Errorf("table %s was dropped and made again: %w", t.def.Path, ErrOtherTable)
	}
	head, err := now.Head()
	switch {
	case err != nil:
		return nil, err
	case head.Commit == c.Head.Commit:
		return now, nil
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
	return &Table{t.lake, t.def, committed}, nil
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
	if len(c.Added) == 0 && len(c.Deleted) == 0 {
		return tx.AddFiles(ctx, nil, props, false)
	}
	delta := tx.NewRowDelta(props)
	files := map[string]iceberg.DataFile{}
	for _, f := range c.Added {
		delta.AddRows(f.file)
		files[f.file.FilePath()] = f.file
	}
	if len(c.Deleted) > 0 {
		if err := t.stageDeletes(ctx, delta, files, c.Deleted); err != nil {
			return err
		}
	}
	return delta.Commit(ctx)
}

// stageDeletes writes the deletion vectors of the files that rows are deleted from. A
// file has one vector: a new one has what the old one had, and takes its place.
func (t *Table) stageDeletes(ctx context.Context, delta *table.RowDelta, files map[string]iceberg.DataFile, deleted map[string][]int64) error {
	if t.table.Metadata().Version() < DeletionVectors {
		return errcode.New(errcode.Unsupported, nil, "table %s of the lake has format version 2, in which this release deletes no rows", t.def.Path)
	}
	live, err := t.LiveFiles(ctx)
	if err != nil {
		return err
	}
	old := map[string]iceberg.DataFile{}
	for _, f := range live {
		files[f.file.FilePath()] = f.file
		if f.vector != nil {
			old[f.file.FilePath()] = f.vector
		}
	}
	fs := &storeIO{ctx, t.lake.store}
	w := dv.NewDVWriter(fs, func(id int32) *iceberg.PartitionSpec { return t.table.Metadata().PartitionSpecByID(int(id)) })
	for _, path := range slices.Sorted(maps.Keys(deleted)) {
		f, ok := files[path]
		if !ok {
			return fmt.Errorf("rows are to be deleted from %s, which is no file of table %s", path, t.def.Path)
		}
		if vector := old[path]; vector != nil {
			bitmap, err := dv.ReadDV(fs, vector)
			if err != nil {
				return err
			}
			w.Load(path, bitmap, f.SpecID(), f.Partition())
			delta.RemoveDeletes(vector)
		}
		if err := w.Add(path, deleted[path], f.SpecID(), f.Partition()); err != nil {
			return err
		}
	}
	vectors, err := w.Flush(ctx, t.Location()+"/data/deletes-"+uuid.NewString()+".puffin")
	if err != nil {
		return err
	}
	delta.AddDeletes(vectors...)
	return nil
}
