package wal

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"
)

func saltAt(b []byte) uint64 { return binary.LittleEndian.Uint64(b[16:]) }

// Record is one record of a file, for people to look at.
type Record struct {
	// Position is where the record begins in the file, Size its length with padding. Unit bytes.
	Position, Size int64
	Type           Type
	// Term and Index of an entry; Term of a hard state or a file's.
	Term, Index uint64
	EntryType   pb.EntryType
	// Vote and Commit of a hard state or a file's.
	Vote, Commit uint64
	// Sequence, PreviousEnd and Next are a file's: its number, where the file
	// before ends, and the index of the entry to come.
	Sequence, PreviousEnd, Next uint64
	// Data is an entry's; it is the callee's.
	Data []byte
}

// Inspect calls fn for every record of the file at path, whatever state the rest
// of the log is in, and returns where the last whole record ends and the size of
// the file. What lies between is a torn end, or what an earlier use of the file
// left there. It changes nothing.
func Inspect(fs vfs.FS, path string, fn func(Record) error) (end, size int64, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	size = info.Size()
	b := make([]byte, headerSize)
	if size < headerSize {
		return 0, size, nil
	}
	if _, err := f.ReadAt(b, 0); err != nil {
		return 0, size, err
	}
	var pos int64
	end, err = scan(f, saltAt(b), size, func(h header, data []byte) error {
		r, err := recordOf(h, data)
		if err != nil {
			return fmt.Errorf("record at %d: %w", pos, err)
		}
		r.Position, r.Size = pos, h.size()
		pos += h.size()
		return fn(r)
	})
	return end, size, err
}

func recordOf(h header, data []byte) (Record, error) {
	r := Record{Type: h.kind, Term: h.term, Index: h.index, EntryType: pb.EntryType(h.entryType)}
	switch h.kind {
	case TypeEntry:
		r.Data = data
	case TypeHardState:
		s, err := parseHardState(data)
		if err != nil {
			return r, err
		}
		r.Term, r.Vote, r.Commit = s.term, s.vote, s.commit
	case TypeFile:
		d, err := parseFileData(data)
		if err != nil {
			return r, err
		}
		r.Term, r.Vote, r.Commit = d.state.term, d.state.vote, d.state.commit
		r.Sequence, r.PreviousEnd, r.Next = d.seq, d.prevEnd, d.next
	}
	return r, nil
}
