package wal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ensureFile makes sure that there is a file to write to: it seals a full one
// and begins the next. It fails with ErrUndone when the next cannot be begun.
func (w *WAL) ensureFile() error {
	if w.f != nil && !w.roll && w.size < w.o.FileBytes {
		return nil
	}
	if err := w.seal(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return fmt.Errorf("%w: begin a file: %w", ErrUndone, err)
	}
	w.roll = false
	if err := w.remove(w.collect()); err != nil {
		w.o.Logger.Warn("released write-ahead log files stay", "error", err)
	}
	return nil
}

// seal syncs and closes the current file. What it holds stays as it is.
func (w *WAL) seal() error {
	if w.f == nil {
		return nil
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := w.f.Close(); err != nil {
		w.failed = err
		return fmt.Errorf("close a full file: %w", err)
	}
	w.f = nil
	w.sealed = append(w.sealed, sealed{seq: w.seq, next: w.next})
	return nil
}

// begin makes the file after w.seq durable with its first record.
func (w *WAL) begin() error {
	salt, err := w.newSalt()
	if err != nil {
		return err
	}
	seq := w.seq + 1
	f, err := w.newFile(seq)
	if err != nil {
		return err
	}
	d := fileData{seq: seq, prevEnd: uint64(w.size), next: w.next, state: w.state}
	rec := appendRecord(nil, header{kind: TypeFile, salt: salt}, d.append(nil))
	var pos int64
	if err := writeFull(f, rec, &pos); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := syncDir(w.o.FS, w.o.Dir); err != nil {
		return errors.Join(err, f.Close())
	}
	w.f, w.seq, w.salt, w.size, w.synced = f, seq, salt, pos, pos
	return nil
}

// newFile returns the file of seq for writing from its start: a free one under
// the new name, or a new one.
func (w *WAL) newFile(seq uint64) (vfs.File, error) {
	if len(w.free) == 0 {
		return w.o.FS.Create(w.path(seq), vfs.WriteCategoryUnspecified)
	}
	old := w.free[0]
	w.free = w.free[1:]
	f, err := w.o.FS.ReuseForWrite(w.path(old), w.path(seq), vfs.WriteCategoryUnspecified)
	if err != nil {
		w.o.Logger.Warn("cannot write a released file again", "file", fileName(old), "error", err)
		return w.o.FS.Create(w.path(seq), vfs.WriteCategoryUnspecified)
	}
	// The old name must be gone before its bytes are, or a crash would leave a
	// file whose name and content disagree.
	if err := syncDir(w.o.FS, w.o.Dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
