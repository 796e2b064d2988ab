package tablet

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// storage gives raft the entries that are saved and not yet applied, and the
// place before them. It is the driver's.
type storage struct {
	hard    *pb.HardState
	voters  []uint64
	before  position // of the entry before the first one
	entries []*pb.Entry
}

var _ raft.Storage = (*storage)(nil)

// InitialState implements raft.Storage.
func (s *storage) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return s.hard, &pb.ConfState{Voters: s.voters}, nil
}

// Entries implements raft.Storage.
func (s *storage) Entries(lo, hi, maxSize uint64) ([]*pb.Entry, error) {
	if lo <= s.before.index {
		return nil, raft.ErrCompacted
	}
	if hi > s.last()+1 {
		return nil, raft.ErrUnavailable
	}
	at := s.entries[lo-s.before.index-1 : hi-s.before.index-1]
	var size uint64
	for i, e := range at {
		size += uint64(len(e.Data))
		if i > 0 && size > maxSize {
			at = at[:i]
			break
		}
	}
	return at[:len(at):len(at)], nil
}

func (s *storage) last() uint64 { return s.before.index + uint64(len(s.entries)) }

// Term implements raft.Storage.
func (s *storage) Term(i uint64) (uint64, error) {
	switch {
	case i < s.before.index:
		return 0, raft.ErrCompacted
	case i == s.before.index:
		return s.before.term, nil
	case i > s.last():
		return 0, raft.ErrUnavailable
	default:
		return s.entries[i-s.before.index-1].GetTerm(), nil
	}
}

// LastIndex implements raft.Storage.
func (s *storage) LastIndex() (uint64, error) { return s.last(), nil }

// FirstIndex implements raft.Storage.
func (s *storage) FirstIndex() (uint64, error) { return s.before.index + 1, nil }

// Snapshot implements raft.Storage. A replica that lags is brought up another way.
func (s *storage) Snapshot() (*pb.Snapshot, error) {
	return nil, raft.ErrSnapshotTemporarilyUnavailable
}

// save takes what was written to the log.
func (s *storage) save(hard *pb.HardState, entries []*pb.Entry) error {
	if !raft.IsEmptyHardState(hard) {
		s.hard = hard
	}
	if len(entries) == 0 {
		return nil
	}
	first := entries[0].GetIndex()
	if first <= s.before.index || first > s.last()+1 {
		return fmt.Errorf("entry %d does not follow [%d, %d]", first, s.before.index+1, s.last())
	}
	s.entries = append(s.entries[:first-s.before.index-1], entries...)
	return nil
}

// compact forgets the entries up to p, which are applied.
func (s *storage) compact(p position) {
	n := int(p.index - s.before.index)
	if n <= 0 {
		return
	}
	// Raft may still hold a slice of the old array, whose elements must stay.
	s.entries, s.before = slices.Clone(s.entries[n:]), p
}
