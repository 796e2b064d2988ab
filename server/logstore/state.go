package logstore

import (
	"encoding/binary"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// State says where a log begins and ends, and how much of its active segment
// is data. The tablet persists it after every applied change; with the files as
// they were at the last Sync it is all that is needed to open the log again.
//
// Invariants: 0 <= Start <= End, 0 <= SegmentBase <= End, SegmentBytes >= 0, and
// SegmentBytes == 0 exactly if SegmentBase == End.
type State struct {
	// Start is the first readable offset, End the offset of the next row.
	Start, End ids.Offset
	// SegmentBase is the offset of the active segment's first row.
	SegmentBase ids.Offset
	// SegmentBytes is how many bytes of batches the active segment has.
	SegmentBytes int64
	// SegmentFirstTimestamp is the commit timestamp of the active segment's
	// first batch, LastTimestamp the greatest of the log; ms, 0 when there is none.
	SegmentFirstTimestamp, LastTimestamp int64
	// LastIndex is the Raft index of the last batch.
	LastIndex uint64
}

const (
	stateVersion = 1
	// StateSize is the length of an encoded State.
	StateSize = 1 + 7*8
)

// Encode appends the binary form of s to dst: a version byte and the fields in
// order, little endian, 8 bytes each.
func (s State) Encode(dst []byte) []byte {
	dst = append(dst, stateVersion)
	for _, v := range [...]uint64{
		uint64(s.Start), uint64(s.End), uint64(s.SegmentBase), uint64(s.SegmentBytes),
		uint64(s.SegmentFirstTimestamp), uint64(s.LastTimestamp), s.LastIndex,
	} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return dst
}

// DecodeState reads what Encode wrote. It fails with errcode.Corrupt.
func DecodeState(b []byte) (State, error) {
	if len(b) != StateSize || b[0] != stateVersion {
		return State{}, errcode.New(errcode.Corrupt, nil, "the state of a log has %d bytes, want %d of version %d", len(b), StateSize, stateVersion)
	}
	at := func(i int) uint64 { return binary.LittleEndian.Uint64(b[1+8*i:]) }
	s := State{
		Start: ids.Offset(at(0)), End: ids.Offset(at(1)), SegmentBase: ids.Offset(at(2)), SegmentBytes: int64(at(3)),
		SegmentFirstTimestamp: int64(at(4)), LastTimestamp: int64(at(5)), LastIndex: at(6),
	}
	if !s.valid() {
		return State{}, errcode.New(errcode.Corrupt, nil, "the state of a log contradicts itself: %+v", s)
	}
	return s, nil
}

func (s State) valid() bool {
	return s.Start >= 0 && s.Start <= s.End && s.SegmentBase >= 0 && s.SegmentBase <= s.End &&
		s.SegmentBytes >= 0 && (s.SegmentBytes == 0) == (s.SegmentBase == s.End)
}
