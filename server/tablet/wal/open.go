package wal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Recovered is what Open found.
type Recovered struct {
	// State is the last hard state saved; zero fields when none ever was. Its
	// commit may be older than what was told to Save.
	State *pb.HardState
	// Entries are those above the applied index given to Open, without gaps,
	// from applied+1 on. They are the caller's.
	Entries []*pb.Entry
	// Last is the index of the last entry ever saved and not replaced, also when
	// it is not among Entries; 0 when there never was one.
	Last uint64
}

// Open opens the log in o.Dir, creating it when absent; its parent directory
// should exist for good. applied is the index up
// to which entries are not needed any more.
//
// What a crash left half written at the end is cut off. It fails with
// errcode.Corrupt(segment, position) when something that was synced cannot be
// read, and when entries after applied are missing.
func Open(o Options, applied uint64) (*WAL, Recovered, error) {
	o.ensureDefaults()
	if err := o.FS.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, Recovered{}, fmt.Errorf("create the write-ahead log's directory: %w", err)
	}
	if err := syncDir(o.FS, o.FS.PathDir(o.Dir)); err != nil {
		return nil, Recovered{}, fmt.Errorf("sync the parent of the write-ahead log's directory: %w", err)
	}
	w := &WAL{o: o, released: applied}
	files, err := w.list()
	if err != nil {
		return nil, Recovered{}, err
	}
	r := recovery{w: w, applied: applied}
	if err := r.run(files); err != nil {
		return nil, Recovered{}, err
	}
	return w, Recovered{State: w.state.proto(), Entries: r.entries, Last: max(w.next, 1) - 1}, nil
}

// found is a file of the directory with its first record, when that is whole.
type found struct {
	seq  uint64
	ok   bool
	data fileData
	salt uint64
}

// list returns the files in order, with the first record of each.
func (w *WAL) list() ([]found, error) {
	names, err := w.o.FS.List(w.o.Dir)
	if err != nil {
		return nil, fmt.Errorf("list the write-ahead log: %w", err)
	}
	var files []found
	for _, name := range names {
		hex, isWAL := strings.CutSuffix(name, ".wal")
		if !isWAL {
			continue
		}
		seq, err := strconv.ParseUint(hex, 16, 64)
		if err != nil || fileName(seq) != name {
			continue
		}
		f, err := w.readFirst(seq)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b found) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	return files, nil
}

func (w *WAL) readFirst(seq uint64) (found, error) {
	f, err := w.o.FS.Open(w.path(seq))
	if err != nil {
		return found{}, fmt.Errorf("open a file of the write-ahead log: %w", err)
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, headerSize+fileDataSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return found{}, fmt.Errorf("read a file of the write-ahead log: %w", err)
	}
	out := found{seq: seq}
	h, err := parseHeader(b[:n])
	if err != nil || h.kind != TypeFile || n < len(b) || int(h.length) != fileDataSize ||
		crcOf(b[headerSize:]) != h.dataCRC {
		return out, nil
	}
	d, err := parseFileData(b[headerSize:])
	if err != nil {
		return found{}, fmt.Errorf("%s: %w", w.path(seq), err)
	}
	if d.seq == seq {
		out.ok, out.data, out.salt = true, d, h.salt
	}
	return out, nil
}

// recovery reads the files of a log.
type recovery struct {
	w       *WAL
	applied uint64
	entries []*pb.Entry
}

// run takes the files, ascending, checks that they follow one another, and reads those needed.
func (r *recovery) run(files []found) error {
	w := r.w
	// A file without a first record is one that was never begun: nothing in it was ever acknowledged.
	for n := len(files); n > 0 && !files[n-1].ok; n = len(files) {
		if err := r.checkNeverBegun(files[n-1].seq); err != nil {
			return err
		}
		if err := w.o.FS.Remove(w.path(files[n-1].seq)); err != nil {
			return fmt.Errorf("remove a file that was never begun: %w", err)
		}
		files = files[:n-1]
	}
	first := len(files)
	for first > 0 && (first == len(files) || files[first-1].seq+1 == files[first].seq) {
		first--
	}
	for i, f := range files {
		last := i == len(files)-1
		switch {
		case i < first || (!last && files[i+1].ok && files[i+1].data.next <= r.applied+1):
			w.free = append(w.free, f.seq) // released before
		case !f.ok:
			return corrupt(w.path(f.seq), 0, "the first record cannot be read")
		default:
			end := int64(-1)
			if !last {
				end = int64(files[i+1].data.prevEnd)
			}
			if err := r.read(f, end); err != nil {
				return err
			}
		}
	}
	if len(files) == 0 {
		return nil
	}
	w.seq = files[len(files)-1].seq
	if len(r.entries) > 0 && r.entries[0].GetIndex() != r.applied+1 || w.next > r.applied+1 && len(r.entries) == 0 {
		return corrupt(w.o.Dir, 0, "entries after %d are missing", r.applied)
	}
	return w.remove(w.collect())
}

// checkNeverBegun makes sure that a file without a readable first record has no
// record that proves that the first one was synced.
func (r *recovery) checkNeverBegun(seq uint64) error {
	f, err := r.w.o.FS.Open(r.w.path(seq))
	if err != nil {
		return fmt.Errorf("open a file of the write-ahead log: %w", err)
	}
	defer func() { _ = f.Close() }()
	// A file that was to be written again still has a whole first record of its
	// earlier life. One that was just created has nothing but torn first bytes.
	b := make([]byte, headerSize+fileDataSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read a file of the write-ahead log: %w", err)
	}
	if n < headerSize {
		return nil
	}
	if h, err := parseHeader(b[:n]); err == nil && h.kind == TypeFile && n == len(b) &&
		crcOf(b[headerSize:]) == h.dataCRC {
		return nil // whole, of an earlier life
	}
	proof, err := findProof(f, anySalt, 0)
	if err != nil {
		return err
	}
	if proof >= 0 {
		return corrupt(r.w.path(seq), 0, "the first record cannot be read, and records follow at %d", proof)
	}
	return nil
}

// read reads one file up to end, or to the torn end when end is negative: then
// it is the newest file, and what it holds is synced before it is relied on.
func (r *recovery) read(f found, end int64) error {
	w := r.w
	path := w.path(f.seq)
	file, err := w.o.FS.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("open a file of the write-ahead log: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("stat a file of the write-ahead log: %w", err)
	}
	limit := info.Size()
	if end >= 0 {
		if end > limit {
			return corrupt(path, limit, "the file ends here and should have %d bytes", end)
		}
		limit = end
	}
	w.state, w.next = f.data.state, f.data.next
	pos, err := scan(file, f.salt, limit, r.take)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if pos < limit {
		if end >= 0 {
			return corrupt(path, pos, "a record that was synced cannot be read")
		}
		proof, err := findProof(file, f.salt, pos)
		if err != nil {
			return err
		}
		if proof >= 0 {
			return corrupt(path, pos, "a record that was synced cannot be read: the one at %d says so", proof)
		}
	}
	w.sealed = append(w.sealed, sealed{seq: f.seq, next: w.next})
	if end >= 0 {
		return nil
	}
	w.size = pos
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync the end of the write-ahead log: %w", err)
	}
	return nil
}

// take applies one record to what is known so far.
func (r *recovery) take(h header, data []byte) error {
	switch h.kind {
	case TypeHardState:
		s, err := parseHardState(data)
		if err != nil {
			return err
		}
		r.w.state = s
	case TypeEntry:
		r.w.replaced(h.index)
		r.w.next = h.index + 1
		if h.index <= r.applied {
			r.entries = nil
			return nil
		}
		keep := 0
		if len(r.entries) > 0 {
			first := r.entries[0].GetIndex()
			if h.index > first+uint64(len(r.entries)) {
				return fmt.Errorf("entry %d follows entry %d", h.index, first+uint64(len(r.entries))-1)
			}
			if h.index > first {
				keep = int(h.index - first)
			}
		}
		typ := pb.EntryType(h.entryType)
		r.entries = append(r.entries[:keep], &pb.Entry{Term: new(h.term), Index: new(h.index), Type: &typ, Data: data})
	case TypeFile:
	}
	return nil
}

// scan calls take for each record of one life of a file below limit and returns
// the position after the last whole one. data is the callee's.
func scan(f io.ReaderAt, salt uint64, limit int64, take func(header, []byte) error) (int64, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, limit), 256<<10)
	var pos int64
	var fixed [headerSize]byte
	for {
		if _, err := io.ReadFull(in, fixed[:]); err != nil {
			return pos, ignoreEOF(err)
		}
		h, err := parseHeader(fixed[:])
		if err != nil || h.salt != salt || pos+h.size() > limit || (h.kind == TypeFile) != (pos == 0) {
			return pos, nil
		}
		data := make([]byte, align(int64(h.length)))
		if _, err := io.ReadFull(in, data); err != nil {
			return pos, ignoreEOF(err)
		}
		data = data[:h.length]
		if crcOf(data) != h.dataCRC {
			return pos, nil
		}
		if err := take(h, data); err != nil {
			return pos, err
		}
		pos += h.size()
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// anySalt lets findProof take records of every life. No file has it.
const anySalt = 0

// findProof returns the position of a record behind bad that was written when
// bad was already synced, or -1: the difference between a torn end and damage.
func findProof(f io.ReaderAt, salt uint64, bad int64) (int64, error) {
	const chunk = 1 << 20
	buf := make([]byte, chunk+headerSize)
	for at := bad + recordAlign; ; at += chunk {
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return -1, fmt.Errorf("look for records behind a bad one: %w", err)
		}
		for i := 0; i+headerSize <= n && i < chunk; i += recordAlign {
			if salt != anySalt && saltAt(buf[i:]) != salt {
				continue
			}
			if h, err := parseHeader(buf[i:n]); err == nil && h.durable > uint64(bad) {
				return at + int64(i), nil
			}
		}
		if err != nil {
			return -1, nil
		}
	}
}

func corrupt(path string, pos int64, format string, args ...any) error {
	return errcode.New(errcode.Corrupt, nil, "the write-ahead log is damaged in %s at %d: %s",
		path, pos, fmt.Sprintf(format, args...)).With("segment", path).With("position", pos)
}
