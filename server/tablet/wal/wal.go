// Package wal stores what one Raft group must not lose: its hard state and its
// entries, in the order they were saved.
//
// A WAL is a run of files named by a sequence number. Entries are appended with
// one write and at most one fdatasync per Save; files that are no longer needed
// are written again under a new name, which halves the price of the fdatasync.
// FORMAT.md draws the bytes; docs/internals/decisions.md says why this is not
// etcd's package of the same purpose.
package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"
)

// ErrUndone tells that a Save failed, that nothing of it is in the log, and that
// the log can be used on: typically the disk was full.
var ErrUndone = errors.New("nothing was saved")

// errFailed is returned by every call after an error whose outcome is not known.
var errFailed = errors.New("write-ahead log failed earlier and must be opened again")

// smallRecord is the size below which a record is copied into the write buffer
// instead of being written on its own.
const smallRecord = 32 << 10

// Options configures a WAL.
type Options struct {
	// FS holds the files. Required.
	FS vfs.FS
	// Dir is the directory; created when absent. Required.
	Dir string
	// FileBytes is the size past which a file is closed and the next one begun.
	// Unit bytes, default 64 MiB.
	FileBytes int64
	// Recycle is how many files that are no longer needed are kept for reuse. Default 1.
	Recycle int
	// Rand gives the salts of files; default crypto/rand.
	Rand io.Reader
	// Logger default discards.
	Logger *slog.Logger
}

func (o *Options) ensureDefaults() {
	if o.FileBytes <= 0 {
		o.FileBytes = 64 << 20
	}
	if o.Recycle <= 0 {
		o.Recycle = 1
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// sealed is a file that is complete: nothing is written to it any more.
type sealed struct {
	seq uint64
	// next is one above the index of the last entry saved when the file was sealed.
	next uint64
}

// WAL is one write-ahead log. Save must not be called concurrently with itself;
// everything else may be.
type WAL struct {
	o Options

	// mu serializes the files' writer with Sync and Close, I/O included; files are
	// removed outside of it.
	mu sync.Mutex
	f  vfs.File // nil between files
	// seq, salt, size and synced describe f, or the file last written when f is nil.
	seq    uint64
	salt   uint64
	size   int64
	synced int64
	state  hardState
	// next is one above the last entry's index; 0 when there never was one.
	next     uint64
	sealed   []sealed // ascending
	free     []uint64 // sequence numbers of files to write again, ascending
	released uint64
	roll     bool // begin a new file with the next Save
	written  int64
	failed   error
	closed   bool
	buf      []byte
}

func (w *WAL) path(seq uint64) string {
	return w.o.FS.PathJoin(w.o.Dir, fileName(seq))
}

func fileName(seq uint64) string { return fmt.Sprintf("%016x.wal", seq) }

// Save appends state (nil or unchanged term and vote: nothing to save) and the
// entries, in this order, and with sync makes everything saved so far durable.
// Entries whose index is at or below the last one replace it and all above.
//
// When it fails with ErrUndone the log is as it was before; after any other
// error the outcome is unknown and the WAL refuses further calls. The entries'
// data is not kept.
func (w *WAL) Save(state *pb.HardState, entries []*pb.Entry, sync bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	changed := state != nil && (state.GetTerm() != w.state.term || state.GetVote() != w.state.vote)
	if state != nil && !changed {
		w.state.commit = state.GetCommit() // rides along with the next file
	}
	if !changed && len(entries) == 0 {
		return nil
	}
	if err := w.ensureFile(); err != nil {
		return err
	}
	start := w.size
	before := w.state
	if changed {
		w.state = hardStateOf(state)
	}
	if err := w.write(changed, entries); err != nil {
		w.state = before
		return w.undo(start, err)
	}
	w.written += w.size - start
	if n := len(entries); n > 0 {
		w.replaced(entries[0].GetIndex())
		w.next = entries[n-1].GetIndex() + 1
	}
	if !sync {
		return w.writeOut(start)
	}
	return w.sync()
}

func (w *WAL) usable() error {
	if w.closed {
		return errors.New("write-ahead log is closed")
	}
	if w.failed != nil {
		return fmt.Errorf("%w: %w", errFailed, w.failed)
	}
	return nil
}

// write puts the records into the file: small ones together, the data of large
// ones straight from where it is.
func (w *WAL) write(state bool, entries []*pb.Entry) error {
	w.buf = w.buf[:0]
	pos := w.size
	if state {
		var data [stateDataSize]byte
		w.buf = appendRecord(w.buf, w.header(TypeHardState), w.state.append(data[:0]))
	}
	for _, e := range entries {
		h := w.header(TypeEntry)
		h.entryType, h.term, h.index = uint8(e.GetType()), e.GetTerm(), e.GetIndex()
		if len(e.Data) < smallRecord {
			w.buf = appendRecord(w.buf, h, e.Data)
			continue
		}
		if len(e.Data) > maxData {
			return fmt.Errorf("entry of %d bytes is above the limit of %d", len(e.Data), maxData)
		}
		h.length, h.dataCRC = uint32(len(e.Data)), crcOf(e.Data)
		var fixed [headerSize]byte
		h.put(fixed[:])
		w.buf = append(w.buf, fixed[:]...)
		if err := w.flushBuf(&pos); err != nil {
			return err
		}
		if err := writeFull(w.f, e.Data, &pos); err != nil {
			return err
		}
		var pad [recordAlign]byte
		w.buf = append(w.buf, pad[:align(int64(len(e.Data)))-int64(len(e.Data))]...)
	}
	if err := w.flushBuf(&pos); err != nil {
		return err
	}
	w.size = pos
	return nil
}

func (w *WAL) header(kind Type) header {
	return header{kind: kind, salt: w.salt, durable: uint64(w.synced)}
}

func (w *WAL) flushBuf(pos *int64) error {
	err := writeFull(w.f, w.buf, pos)
	if cap(w.buf) > 4*smallRecord {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	return err
}

func writeFull(f vfs.File, b []byte, pos *int64) error {
	if len(b) == 0 {
		return nil
	}
	// Not Write: file systems for tests may change its argument.
	n, err := f.WriteAt(b, *pos)
	*pos += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// undo takes back what a failed write left behind position start: the first
// header is overwritten, so that nothing after it is ever read, and the file is
// sealed at start.
func (w *WAL) undo(start int64, cause error) error {
	var zero [headerSize]byte
	// When not even a header fits there is none to overwrite; blank looks.
	if _, err := w.f.WriteAt(zero[:], start); err != nil && !w.blank(start) {
		w.failed = cause
		return fmt.Errorf("save: %w; and taking it back: %w", cause, err)
	}
	if err := w.f.SyncData(); err != nil {
		w.failed = err
		return fmt.Errorf("save: %w; and taking it back: %w", cause, err)
	}
	w.size, w.synced = start, start
	w.roll = true
	return fmt.Errorf("%w: %w", ErrUndone, cause)
}

// blank reports whether no record can be read at pos of the current file.
func (w *WAL) blank(pos int64) bool {
	f, err := w.o.FS.Open(w.path(w.seq))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, headerSize)
	n, err := f.ReadAt(b, pos)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	h, err := parseHeader(b[:n])
	return err != nil || h.salt != w.salt
}

// writeOut lets the file system begin to write what was saved since start,
// without waiting for it. It bounds what a later sync has to write.
func (w *WAL) writeOut(start int64) error {
	const step = 1 << 20
	if w.size/step == start/step {
		return nil
	}
	if _, err := w.f.SyncTo(w.size); err != nil {
		w.failed = err
		return fmt.Errorf("write out: %w", err)
	}
	return nil
}

func (w *WAL) sync() error {
	if w.f == nil || w.synced == w.size {
		return nil
	}
	if err := w.f.SyncData(); err != nil {
		w.failed = err // never sync the same descriptor again: its error was told once
		return fmt.Errorf("sync: %w", err)
	}
	w.synced = w.size
	return nil
}

// Sync makes everything saved so far durable.
func (w *WAL) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	return w.sync()
}

// Written is how many bytes Save has appended since Open.
func (w *WAL) Written() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written
}

// Release tells that entries up to index are no longer needed. Files of which
// nothing is needed are kept for reuse or removed.
func (w *WAL) Release(index uint64) error {
	w.mu.Lock()
	if err := w.usable(); err != nil {
		w.mu.Unlock()
		return err
	}
	w.released = max(w.released, index)
	if w.f != nil && w.next <= w.released+1 && w.size >= w.o.FileBytes/16 {
		w.roll = true
	}
	remove := w.collect()
	w.mu.Unlock()
	return w.remove(remove)
}

// collect moves files that are no longer needed to the free list and returns
// the sequence numbers of those beyond its bound. The newest file stays: it has
// the hard state. Holds mu.
func (w *WAL) collect() []uint64 {
	keep := 0
	for keep < len(w.sealed) && w.sealed[keep].next <= w.released+1 {
		keep++
	}
	if w.f == nil && keep == len(w.sealed) && keep > 0 {
		keep--
	}
	for _, s := range w.sealed[:keep] {
		w.free = append(w.free, s.seq)
	}
	w.sealed = append(w.sealed[:0], w.sealed[keep:]...)
	n := max(0, len(w.free)-w.o.Recycle)
	remove := append([]uint64(nil), w.free[:n]...)
	w.free = append(w.free[:0], w.free[n:]...)
	return remove
}

// replaced tells that entries from index on are written again: what sealed files
// have of them is not needed.
func (w *WAL) replaced(index uint64) {
	if index >= w.next {
		return
	}
	for i := range w.sealed {
		w.sealed[i].next = min(w.sealed[i].next, index)
	}
}

func (w *WAL) remove(seqs []uint64) error {
	for _, seq := range seqs {
		if err := w.o.FS.Remove(w.path(seq)); err != nil {
			return fmt.Errorf("remove a released file: %w", err)
		}
	}
	return nil
}

// Close syncs and closes the log. It may be called twice.
func (w *WAL) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.f == nil {
		return nil
	}
	var err error
	if w.failed == nil {
		err = w.sync()
	}
	err = errors.Join(err, w.f.Close())
	w.f = nil
	return err
}

func (w *WAL) newSalt() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(w.o.Rand, b[:]); err != nil {
		return 0, fmt.Errorf("salt: %w", err)
	}
	return max(1, binary.LittleEndian.Uint64(b[:])), nil
}
