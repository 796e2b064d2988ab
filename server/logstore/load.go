package logstore

import (
	"context"
	"errors"
	"slices"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

func (l *Log) path(base ids.Offset) string {
	return l.store.opt.FS.PathJoin(l.dir, segmentName(base))
}

// ensureLoaded makes the list of files known to readers.
func (l *Log) ensureLoaded() error {
	l.mu.Lock()
	loaded := l.loaded
	l.mu.Unlock()
	if loaded {
		return nil
	}
	if err := l.acquire(context.Background()); err != nil {
		return err
	}
	defer l.release()
	return l.load()
}

// load looks at the directory once: it lists the sealed segments, removes what
// lies past the recorded state, and checks that what should be there is. The
// caller has the turn.
func (l *Log) load() error {
	l.mu.Lock()
	if l.loaded {
		l.mu.Unlock()
		return nil
	}
	if err := l.deadLocked(); err != nil {
		l.mu.Unlock()
		return err
	}
	l.activeLocked()
	active := *l.open[0] // the one of the recorded state: nothing was sealed before the load
	start := l.state.Start
	l.mu.Unlock()

	names, err := l.store.opt.FS.List(l.dir)
	if err != nil && !isMissing(err) {
		return l.stall(&active, "listing the directory of", err)
	}
	d := sortNames(names, active.base)
	for _, base := range d.later {
		if err := l.store.opt.FS.Remove(l.path(base)); err != nil && !isMissing(err) {
			return l.stall(&segment{base: base}, "removing the leftover", err)
		}
	}
	if d.floor > active.knownBase {
		if err := l.lowerFloor(&d, active.knownBase); err != nil {
			return l.stall(&active, "marking the start of", err)
		}
	}
	first := max(start, d.floor)
	if first < active.base && (len(d.sealed) == 0 || d.sealed[0].base > first) {
		return l.failWith(l.corrupt(first, 0, "the segment that holds offset %d is missing", first))
	}
	hollow, err := l.checkActive(&active, d.floor)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.open[0].hollow = hollow
	l.sealed, l.floor, l.loaded = d.sealed, d.floor, true
	l.drop = l.drop || len(d.sealed) > 0 && first > d.sealed[0].base
	l.mu.Unlock()
	return nil
}

// lowerFloor moves the mark of dropped files down to end, where the recorded
// log ends: what comes after is written anew.
func (l *Log) lowerFloor(d *listing, end ids.Offset) error {
	if err := l.markFloor(end); err != nil {
		return err
	}
	d.floor = end
	for _, start := range d.marks {
		if start != end {
			if err := l.removeFile(l.store.opt.FS.PathJoin(l.dir, trimName(start))); err != nil {
				return err
			}
		}
	}
	return nil
}

// markFloor records durably that files wholly below start may be missing.
func (l *Log) markFloor(start ids.Offset) error {
	f, err := l.store.opt.FS.Create(l.store.opt.FS.PathJoin(l.dir, trimName(start)), writeCategory)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), l.store.dirs.sync(l.dir))
}

// checkActive checks that the active segment has its bytes. It is hollow when
// all of it lies below floor: it was perhaps dropped after the state was recorded.
func (l *Log) checkActive(active *segment, floor ids.Offset) (hollow bool, err error) {
	switch {
	case active.written == 0:
		return false, nil
	case floor >= active.knownBase:
		return true, nil
	}
	info, err := l.store.opt.FS.Stat(l.path(active.base))
	switch {
	case isMissing(err):
		return false, l.failShort(active.base, 0, active.written)
	case err != nil:
		return false, l.stall(active, "looking at", err)
	case info.Size() < active.written:
		return false, l.failShort(active.base, info.Size(), active.written)
	}
	return false, nil
}

// listing is what a log's directory has.
type listing struct {
	sealed []sealedSegment
	later  []ids.Offset
	floor  ids.Offset
	marks  []ids.Offset
}

func sortNames(names []string, active ids.Offset) (d listing) {
	for _, name := range names {
		if base, ok := parseName(name, segmentSuffix); ok && base < active {
			d.sealed = append(d.sealed, sealedSegment{base: base})
		} else if ok && base > active {
			d.later = append(d.later, base)
		}
		if start, ok := parseName(name, trimSuffix); ok {
			d.floor = max(d.floor, start)
			d.marks = append(d.marks, start)
		}
	}
	slices.SortFunc(d.sealed, func(a, b sealedSegment) int { return int(a.base - b.base) })
	d.sealed = slices.Clip(d.sealed)
	return d
}

// failShort stops the log because a file lacks bytes that were durable.
func (l *Log) failShort(base ids.Offset, size, want int64) error {
	return l.failWith(l.corrupt(base, size, "the file has %d bytes, %d were durable", size, want))
}

// corrupt returns the error about damage at byte pos of a segment, and counts it.
func (l *Log) corrupt(base ids.Offset, pos int64, format string, args ...any) *errcode.Error {
	l.store.count.corruptions.Add(1)
	path := l.path(base)
	e := errcode.New(errcode.Corrupt, nil, format, args...)
	e.Message = "segment " + path + " of the log of " + l.bucket.String() + " is damaged: " + e.Message +
		"; nothing of it is served, restore the file from another copy"
	return e.With("segment", path).With("position", pos)
}

// complete makes the tally of seg tell of all its batches: those that were
// there when the log was opened are walked. The caller has the turn.
func (l *Log) complete(seg *segment) error {
	l.mu.Lock()
	known, base, end := seg.known, seg.base, seg.knownBase
	l.mu.Unlock()
	if known == 0 {
		return nil
	}
	f, err := l.store.files.acquire(fileKey{l, base}, l.path(base))
	if err != nil {
		return l.readError(base, 0, err)
	}
	defer l.store.files.release(f)
	var t tally
	r := reader{log: l, file: f, limit: known}
	defer r.drop()
	next, pos, err := r.skipHole()
	if err != nil {
		return err
	}
	for pos < known {
		h, err := r.header(pos, next)
		if err != nil {
			return err
		}
		t.add(&h, pos)
		pos += int64(h.TotalBytes)
		next += ids.Offset(h.RowCount)
		r.whole = int64(h.TotalBytes) < smallBatch
	}
	if next != end {
		return l.corrupt(base, known, "the first %d bytes end at offset %d, want %d", known, next, end)
	}
	l.mu.Lock()
	seg.prepend(t)
	seg.known = 0
	l.mu.Unlock()
	return nil
}

// dropOld removes the segments below the start. The offset that they are
// dropped up to is made durable first, so that a crash does not make them look
// lost to a state that is older than the trim. The caller has the turn.
func (l *Log) dropOld() error {
	l.mu.Lock()
	if !l.drop || !l.loaded {
		l.mu.Unlock()
		return nil
	}
	l.drop = false
	start, n := max(l.state.Start, l.floor), 0
	for n < len(l.sealed) && l.sealedEndLocked(n) <= start {
		n++
	}
	old, before := slices.Clone(l.sealed[:n]), l.floor
	l.mu.Unlock()
	if n == 0 {
		return nil
	}
	if err := l.markFloor(start); err != nil {
		return err
	}
	l.mu.Lock()
	l.floor = start
	l.sealed = slices.Clone(l.sealed[n:]) // before the files go: who misses a file looks here again
	l.mu.Unlock()
	if before > 0 && before != start {
		if err := l.removeFile(l.store.opt.FS.PathJoin(l.dir, trimName(before))); err != nil {
			return l.notDropped(old, err)
		}
	}
	for i, s := range old {
		if err := l.removeFile(l.path(s.base)); err != nil {
			return l.notDropped(old[i:], err)
		}
		l.store.files.drop(fileKey{l, s.base})
	}
	return nil
}

// notDropped lists segments again that could not be removed; the next Trim or
// restart tries it again.
func (l *Log) notDropped(left []sealedSegment, err error) error {
	l.mu.Lock()
	l.sealed = append(slices.Clone(left), l.sealed...)
	l.mu.Unlock()
	return err
}

func (l *Log) removeFile(path string) error {
	if err := l.store.opt.FS.Remove(path); err != nil && !isMissing(err) {
		return err
	}
	return nil
}

// sealedEndLocked returns where sealed segment i ends: where the next begins.
func (l *Log) sealedEndLocked(i int) ids.Offset {
	if i+1 < len(l.sealed) {
		return l.sealed[i+1].base
	}
	return l.activeLockedFirst().base
}

// activeLockedFirst returns the first segment without a footer.
func (l *Log) activeLockedFirst() *segment {
	l.activeLocked()
	return l.open[0]
}

// Close ends the use of the log: Append, Sync and new reads fail with
// errcode.ShuttingDown, watchers are woken, batches that readers have stay
// good. It waits for file operations that run and writes nothing: Sync before.
// It may be called twice.
func (l *Log) Close() {
	l.shut(errcode.New(errcode.ShuttingDown, nil, "the log of %s is closed; try again shortly", l.bucket))
}

// Drop is Close for a bucket that is no more: readers then get
// errcode.UnknownBucket. Its files stay.
func (l *Log) Drop() {
	l.shut(errcode.New(errcode.UnknownBucket, nil, "%s was dropped", l.bucket))
}

// Remove drops the log and deletes its files. It may be called twice, and again
// after it failed.
func (l *Log) Remove() error {
	l.Drop()
	fs := l.store.opt.FS
	if err := fs.RemoveAll(l.dir); err != nil {
		return errcode.New(errcode.Unavailable, err, "removing the log of %s failed; it is tried again", l.bucket)
	}
	l.store.dirs.forget(l.dir)
	if err := l.store.dirs.sync(fs.PathDir(l.dir)); err != nil && !isMissing(err) {
		return errcode.New(errcode.Unavailable, err, "removing the log of %s failed; it is tried again", l.bucket)
	}
	return nil
}

func (l *Log) shut(why *errcode.Error) {
	l.turns() <- struct{}{}
	defer l.release()
	l.closeFile()
	l.mu.Lock()
	first := l.closed == nil
	l.closed = why
	pending := l.tail.pendingBytes
	l.tail = tail{}
	keys := make([]fileKey, 0, len(l.sealed)+len(l.open))
	for _, s := range l.sealed {
		keys = append(keys, fileKey{l, s.base})
	}
	for _, s := range l.open {
		keys = append(keys, fileKey{l, s.base})
	}
	watchers := l.watchers
	l.mu.Unlock()
	l.store.written(pending)
	l.store.files.drop(keys...)
	if !first {
		return
	}
	for _, w := range watchers {
		w.f()
	}
}

// pastEnd is how far a batch may reach past what a reader may see.
func pastEnd(pos, total, limit int64) bool { return total < batch.HeaderSize || pos+total > limit }
