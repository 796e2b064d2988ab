package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Type says what a record holds.
type Type uint8

// The types of records. Values are part of the format.
const (
	// TypeFile opens a file: it says where the file before ended and holds the hard state.
	TypeFile Type = 1
	// TypeEntry is one Raft entry.
	TypeEntry Type = 2
	// TypeHardState is a change of term or vote.
	TypeHardState Type = 3
)

// String names the type for people.
func (t Type) String() string {
	switch t {
	case TypeFile:
		return "file"
	case TypeEntry:
		return "entry"
	case TypeHardState:
		return "hard-state"
	default:
		return fmt.Sprintf("type-%d", uint8(t))
	}
}

const (
	version       = 1
	headerSize    = 48
	recordAlign   = 8
	fileDataSize  = 56
	stateDataSize = 24
	// maxData bounds the data of one record, so that a broken length is seen as such.
	maxData = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errHeader = errors.New("no record here")

// header is the fixed part of a record; FORMAT.md draws it.
type header struct {
	dataCRC   uint32
	length    uint32
	kind      Type
	entryType uint8
	// salt tells the records of this life of the file from those of an earlier
	// one, and from bytes that a client chose.
	salt uint64
	// durable is the position in the file below which everything was synced
	// when this record was written.
	durable uint64
	term    uint64
	index   uint64
}

// size is the length of the whole record in the file.
func (h *header) size() int64 { return headerSize + align(int64(h.length)) }

func align(n int64) int64 { return (n + recordAlign - 1) &^ (recordAlign - 1) }

// put writes the header, checksum included, to b[:headerSize].
func (h *header) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[4:], h.dataCRC)
	le.PutUint32(b[8:], h.length)
	b[12] = byte(h.kind)
	b[13] = h.entryType
	b[14], b[15] = 0, 0
	le.PutUint64(b[16:], h.salt)
	le.PutUint64(b[24:], h.durable)
	le.PutUint64(b[32:], h.term)
	le.PutUint64(b[40:], h.index)
	le.PutUint32(b, crcOf(b[4:headerSize]))
}

// parseHeader reads a header and checks its checksum and bounds, not the data's.
func parseHeader(b []byte) (header, error) {
	if len(b) < headerSize {
		return header{}, errHeader
	}
	le := binary.LittleEndian
	if le.Uint32(b) != crcOf(b[4:headerSize]) {
		return header{}, errHeader
	}
	h := header{
		dataCRC:   le.Uint32(b[4:]),
		length:    le.Uint32(b[8:]),
		kind:      Type(b[12]),
		entryType: b[13],
		salt:      le.Uint64(b[16:]),
		durable:   le.Uint64(b[24:]),
		term:      le.Uint64(b[32:]),
		index:     le.Uint64(b[40:]),
	}
	if h.length > maxData || h.kind < TypeFile || h.kind > TypeHardState || b[14] != 0 || b[15] != 0 {
		return header{}, errHeader
	}
	return h, nil
}

// fileData is the data of a TypeFile record.
type fileData struct {
	seq uint64
	// prevEnd is where the file of seq-1 ends; 0 in the first file.
	prevEnd uint64
	// next is the index of the entry that would follow the ones before; 0 when there were none.
	next  uint64
	state hardState
}

type hardState struct{ term, vote, commit uint64 }

func hardStateOf(s *pb.HardState) hardState {
	return hardState{term: s.GetTerm(), vote: s.GetVote(), commit: s.GetCommit()}
}

func (s hardState) proto() *pb.HardState {
	return &pb.HardState{Term: new(s.term), Vote: new(s.vote), Commit: new(s.commit)}
}

func (s hardState) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, s.term)
	b = binary.LittleEndian.AppendUint64(b, s.vote)
	return binary.LittleEndian.AppendUint64(b, s.commit)
}

func parseHardState(b []byte) (hardState, error) {
	if len(b) != stateDataSize {
		return hardState{}, fmt.Errorf("hard state of %d bytes, want %d", len(b), stateDataSize)
	}
	le := binary.LittleEndian
	return hardState{term: le.Uint64(b), vote: le.Uint64(b[8:]), commit: le.Uint64(b[16:])}, nil
}

func (d *fileData) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, d.seq)
	b = le.AppendUint64(b, d.prevEnd)
	b = le.AppendUint64(b, d.next)
	return d.state.append(b)
}

func parseFileData(b []byte) (fileData, error) {
	if len(b) != fileDataSize {
		return fileData{}, fmt.Errorf("file record of %d bytes, want %d", len(b), fileDataSize)
	}
	le := binary.LittleEndian
	if v := le.Uint32(b); v != version {
		return fileData{}, fmt.Errorf("write-ahead log of version %d, this program reads version %d", v, version)
	}
	if le.Uint32(b[4:]) != 0 {
		return fileData{}, errors.New("reserved bytes are not zero")
	}
	state, err := parseHardState(b[32:])
	if err != nil {
		return fileData{}, err
	}
	return fileData{seq: le.Uint64(b[8:]), prevEnd: le.Uint64(b[16:]), next: le.Uint64(b[24:]), state: state}, nil
}

// appendRecord appends a whole record, padding included.
func appendRecord(dst []byte, h header, data []byte) []byte {
	h.length = uint32(len(data))
	h.dataCRC = crcOf(data)
	var fixed [headerSize]byte
	h.put(fixed[:])
	dst = append(dst, fixed[:]...)
	dst = append(dst, data...)
	var pad [recordAlign]byte
	return append(dst, pad[:align(int64(len(data)))-int64(len(data))]...)
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
