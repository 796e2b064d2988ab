package logstore

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/errcode"
)

const (
	// maxRun bounds the bytes that are written between two looks at the log.
	maxRun = 4 << 20
	// copyBelow is the size below which batches are gathered into one write.
	copyBelow = 256 << 10
	// gather is the size of the buffer for that.
	gather = 1 << 20

	writeCategory vfs.DiskWriteCategory = "fluss-log"
)

// disk is the side of a log that only the holder of its turn touches.
type disk struct {
	file     vfs.File // of seg, open for writing; nil unless bytes wait to be synced
	seg      *segment
	size     int64 // of the file, which may have leftovers of a crash past the data
	unsynced bool  // the file
	newNames bool  // the directory, and perhaps those above
}

// acquire waits for the log's turn.
func (l *Log) acquire(ctx context.Context) error {
	select {
	case l.turns() <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errcode.From(ctx.Err())
	}
}

func (l *Log) turns() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn == nil {
		l.turn = make(chan struct{}, 1)
	}
	return l.turn
}

// release gives the turn back and sees that what came meanwhile is written.
func (l *Log) release() {
	<-l.turns()
	l.mu.Lock()
	idle := l.closed != nil || l.failed != nil || l.stalled != nil
	urgent := l.drop || len(l.open) > 1 || l.tail.pendingBytes >= l.store.opt.WriteBytes
	dirty := l.tail.pendingBytes > 0
	l.mu.Unlock()
	if !idle && (urgent || dirty) {
		l.store.enqueue(l, urgent)
	}
}

// background writes what waits, as one of the store's writers. When somebody
// else has the turn, that one looks for more work as it gives it back.
func (l *Log) background() {
	select {
	case l.turns() <- struct{}{}:
	default:
		return
	}
	defer l.release()
	err := l.writeOut(context.Background(), ^uint64(0))
	if err == nil && l.disk.unsynced && l.store.writing.Load() > int64(l.store.opt.MaxOpenFiles) {
		if err = l.syncFile(); err == nil {
			l.closeFile()
		}
	}
	if err != nil {
		l.store.opt.Logger.Warn("writing a log failed", "bucket", l.bucket, "err", err)
		return
	}
	if err := l.dropOld(); err != nil {
		l.store.opt.Logger.Warn("removing old segments failed", "bucket", l.bucket, "err", err)
	}
}

// clean reports whether everything is durable.
func (l *Log) clean() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed == nil && l.synced == l.tail.next() && len(l.open) <= 1
}

// Sync makes everything that was appended before the call durable: written,
// the segments before the active one sealed, files and directories synced.
//
// It fails with errcode.DiskFull or errcode.Unavailable when bytes could not be
// written, which a later Sync may mend: nothing is lost and Append goes on in
// memory. It fails with errcode.Corrupt when a write or a sync went wrong in a
// way that may have cost bytes, or when files are damaged: the log has then
// failed, takes no more batches, and is opened again from a durable State.
func (l *Log) Sync(ctx context.Context) error {
	if l.clean() {
		return nil
	}
	l.mu.Lock()
	target, dead := l.tail.next(), l.deadLocked()
	l.mu.Unlock()
	if dead != nil {
		return dead
	}
	if err := l.acquire(ctx); err != nil {
		return err
	}
	defer l.release()
	return l.syncTo(ctx, target)
}

// syncTo makes the batches below target durable. The caller has the turn.
func (l *Log) syncTo(ctx context.Context, target uint64) error {
	l.mu.Lock()
	done := l.synced >= target && len(l.open) <= 1
	l.mu.Unlock()
	if done {
		return nil
	}
	if err := l.writeOut(ctx, target); err != nil {
		return err
	}
	if l.disk.unsynced {
		if err := l.syncFile(); err != nil {
			return err
		}
	}
	if l.disk.newNames {
		if err := l.syncNames(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.synced = l.tail.written // only the holder of the turn moves written
	idle := l.synced == l.tail.next()
	l.mu.Unlock()
	if idle {
		l.closeFile()
	}
	return nil
}

func (l *Log) syncFile() error {
	if err := l.disk.file.SyncData(); err != nil {
		return l.fail(l.disk.seg, "syncing", err)
	}
	l.store.count.syncs.Add(1)
	l.disk.unsynced = false
	return nil
}

// syncNames makes the directory's entries durable.
func (l *Log) syncNames() error {
	err := l.store.dirs.syncUp(l.dir)
	var unopened *openDirError
	switch {
	case errors.As(err, &unopened):
		l.mu.Lock()
		seg := l.activeLocked()
		l.mu.Unlock()
		return l.stall(seg, "opening the directory of", err)
	case err != nil:
		return l.fail(l.disk.seg, "syncing the directory of", err)
	}
	l.disk.newNames = false
	return nil
}

// closeFile closes the file for writing, all of which is synced or given up.
func (l *Log) closeFile() {
	if l.disk.file != nil {
		_ = l.disk.file.Close() // what mattered was synced
		l.store.writing.Add(-1)
	}
	l.disk.file, l.disk.seg, l.disk.unsynced = nil, nil, false
}

// run is the next thing to write: pieces of a segment, or its footer.
type run struct {
	seg    *segment
	pieces []tailEntry
	bytes  int64
	next   uint64 // the batch after the last piece
	seal   bool
}

// nextRun returns what to write next of the batches below target; a run
// without segment if there is nothing.
func (l *Log) nextRun(target uint64) (run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.deadLocked(); err != nil {
		return run{}, err
	}
	l.stalled = nil
	if len(l.open) == 0 {
		return run{}, nil
	}
	r := run{seg: l.open[0], next: l.tail.written}
	if r.seg.rolled && r.seg.written == r.seg.bytes {
		r.seal = true
		return r, nil
	}
	for end := min(target, l.tail.next()); r.next < end && r.bytes < maxRun; r.next++ {
		e := l.tail.at(r.next)
		if e.seg != r.seg {
			break
		}
		r.pieces = append(r.pieces, *e)
		r.bytes += int64(len(e.bytes))
	}
	if len(r.pieces) == 0 {
		return run{}, nil
	}
	return r, nil
}

// writeOut writes the batches below target, and seals the segments that they
// complete. The caller has the turn.
func (l *Log) writeOut(ctx context.Context, target uint64) error {
	if err := l.load(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return errcode.From(err)
		}
		r, err := l.nextRun(target)
		if err != nil || r.seg == nil {
			return err
		}
		if err := l.openFile(r.seg); err != nil {
			return err
		}
		if r.seal {
			err = l.seal(r.seg)
		} else {
			err = l.writeRun(r)
		}
		if err != nil {
			return err
		}
	}
}

// openFile opens the segment's file for writing, which was created or not.
func (l *Log) openFile(seg *segment) error {
	if l.disk.file != nil && l.disk.seg == seg {
		return nil
	}
	fs := l.store.opt.FS
	if seg.written == 0 {
		if err := fs.MkdirAll(l.dir, 0o755); err != nil {
			return l.stall(seg, "making the directory", err)
		}
	}
	f, err := fs.OpenReadWrite(l.path(seg.base), writeCategory)
	if err != nil {
		return l.stall(seg, "opening", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return l.stall(seg, "looking at", err)
	}
	l.disk.file, l.disk.seg, l.disk.size = f, seg, info.Size()
	l.store.writing.Add(1)
	if seg.hollow {
		l.disk.newNames = true
		if err := l.writeHole(seg); err != nil {
			return err
		}
		seg.hollow = false
		return nil
	}
	if info.Size() < seg.written {
		l.closeFile()
		return l.failShort(seg.base, info.Size(), seg.written)
	}
	if seg.written == 0 {
		l.disk.newNames, l.disk.unsynced = true, true
	}
	return nil
}

// writeHole puts a hole in the place of the first bytes of seg, whose rows were trimmed.
func (l *Log) writeHole(seg *segment) error {
	if err := l.writeAt(encodeHole(seg.base, seg.knownBase, seg.known), 0); err != nil || seg.known <= holeSize {
		return err
	}
	return l.writeAt(zeros[:1], seg.known-1) // the file is at least as long as its data
}

// writeRun writes the pieces, small ones together.
func (l *Log) writeRun(r run) error {
	pos := r.pieces[0].pos
	buf := l.store.pool.Get(gather)
	defer l.store.pool.Put(buf)
	held := (*buf)[:0]
	flush := func() error {
		err := l.writeAt(held, pos)
		pos += int64(len(held))
		held = held[:0]
		return err
	}
	for _, p := range r.pieces {
		if len(held)+len(p.bytes) > gather || len(p.bytes) >= copyBelow {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(p.bytes) < copyBelow {
			held = append(held, p.bytes...)
			continue
		}
		if err := l.writeAt(p.bytes, pos); err != nil {
			return err
		}
		pos += int64(len(p.bytes))
	}
	if err := flush(); err != nil {
		return err
	}
	l.mu.Lock()
	r.seg.written += r.bytes
	l.tail.wrote(r.next, r.bytes)
	l.mu.Unlock()
	l.store.written(r.bytes)
	return nil
}

// writeAt writes b to the file that is open for writing.
func (l *Log) writeAt(b []byte, pos int64) error {
	if len(b) == 0 {
		return nil
	}
	l.disk.unsynced = true
	n, err := l.disk.file.WriteAt(b, pos)
	l.disk.size = max(l.disk.size, pos+int64(n))
	l.store.count.written.Add(int64(n))
	l.store.count.writes.Add(1)
	switch {
	case err == nil:
		return nil
	case vfs.IsNoSpaceError(err):
		return l.stall(l.disk.seg, "writing", err)
	default:
		return l.fail(l.disk.seg, "writing", err)
	}
}

// seal writes the segment's footer, syncs the file and closes it.
func (l *Log) seal(seg *segment) error {
	if err := l.complete(seg); err != nil {
		return err
	}
	l.mu.Lock()
	f := &footer{
		base: seg.base, end: seg.end, dataBytes: seg.bytes, firstTime: seg.firstTime, lastTime: seg.lastTime,
		lastIndex: seg.lastIndex, tally: seg.tally, // a rolled segment does not change
	}
	l.mu.Unlock()
	tables, trailer := encodeFooter(f)
	at := seg.bytes + int64(len(tables))
	end := max(at+trailerSize, l.disk.size)
	if err := l.writeAt(tables, seg.bytes); err != nil {
		return err
	}
	for at < end-trailerSize { // leftovers of a crash become zeros
		n := min(end-trailerSize-at, int64(len(zeros)))
		if err := l.writeAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	if err := l.writeAt(trailer, end-trailerSize); err != nil {
		return err
	}
	if err := l.syncFile(); err != nil {
		return err
	}
	l.closeFile()
	l.mu.Lock()
	l.sealed = append(l.sealed, sealedSegment{base: seg.base, fileBytes: end, lastTime: seg.lastTime, timed: true})
	l.open = append(l.open[:0:0], l.open[1:]...)
	l.drop = l.drop || seg.end <= l.state.Start
	l.mu.Unlock()
	return nil
}

var zeros [64 << 10]byte

// stall notes that the log cannot be written now, and says why. What is in
// memory stays there and is written later.
func (l *Log) stall(seg *segment, doing string, cause error) error {
	e := errcode.New(errcode.Unavailable, cause,
		"%s segment %s of the log of %s failed; it is tried again, nothing is lost", doing, l.path(seg.base), l.bucket)
	if vfs.IsNoSpaceError(cause) {
		e = errcode.New(errcode.DiskFull, cause,
			"the disk is full: %s segment %s of the log of %s failed; free space or add some, nothing is lost", doing, l.path(seg.base), l.bucket)
	}
	l.mu.Lock()
	l.stalled = e
	l.mu.Unlock()
	return e
}

// fail stops the log for good after an I/O error that may have cost bytes: the
// kernel forgets a failed write-back, so trying the same file again would lie.
func (l *Log) fail(seg *segment, doing string, cause error) error {
	path, pos := l.dir, int64(0)
	if seg != nil {
		l.mu.Lock()
		pos = seg.written
		l.mu.Unlock()
		path = l.path(seg.base)
	}
	// Also for want of room, which a sync may tell: it is not DISK_FULL, that mends.
	e := errcode.New(errcode.Corrupt, cause,
		"%s segment %s of the log of %s failed at byte %d; the log has stopped and is rebuilt from the write-ahead log when the tablet starts again",
		doing, path, l.bucket, pos).With("segment", path).With("position", pos)
	return l.failWith(e)
}

func (l *Log) failWith(e *errcode.Error) error {
	l.mu.Lock()
	if l.failed == nil {
		l.failed = e
	}
	l.mu.Unlock()
	l.closeFile()
	return e
}
