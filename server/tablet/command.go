package tablet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// An entry is a header and commands, each a header and a payload; FORMAT.md
// draws them. Everything begins at a multiple of entryAlign, so that the
// payload of an append is where a reader of the tail wants it.
const (
	entryMagic        = "FLE1"
	entryVersion      = 1
	commandVersion    = 1
	entryHeaderSize   = 64
	commandHeaderSize = 64
	entryAlign        = 64
)

// kind says what a command does. Values are part of the format.
type kind uint8

const (
	kindAppend        kind = 1
	kindOpenBuckets   kind = 2
	kindUpdateTable   kind = 3
	kindDropBuckets   kind = 4
	kindTrimLog       kind = 5
	kindExpireWriters kind = 6
	kindUpsert        kind = 7
)

func (k kind) String() string {
	switch k {
	case kindAppend:
		return "append"
	case kindOpenBuckets:
		return "open-buckets"
	case kindUpdateTable:
		return "update-table"
	case kindDropBuckets:
		return "drop-buckets"
	case kindTrimLog:
		return "trim-log"
	case kindExpireWriters:
		return "expire-writers"
	case kindUpsert:
		return "upsert"
	default:
		return fmt.Sprintf("kind-%d", uint8(k))
	}
}

// command is one command of an entry. payload aliases the entry.
type command struct {
	kind    kind
	bucket  ids.Bucket
	payload []byte
	// trailer is written behind the payload, and read as part of it.
	trailer []byte
}

// size is that of the payload in the entry.
func (c *command) size() int { return len(c.payload) + len(c.trailer) }

// errEntry is what is wrong with an entry that cannot be read.
var errEntry = errors.New("malformed entry")

// beginEntry appends an entry's header without commands.
func beginEntry(dst []byte) []byte {
	var h [entryHeaderSize]byte
	copy(h[:], entryMagic)
	h[4] = entryVersion
	return append(dst, h[:]...)
}

// sealEntry fills in what is known when the entry is proposed.
func sealEntry(entry []byte, timestampMs int64, commands int) {
	binary.LittleEndian.PutUint64(entry[8:], uint64(timestampMs))
	binary.LittleEndian.PutUint32(entry[16:], uint32(commands))
}

func padded(n int) int { return (n + entryAlign - 1) &^ (entryAlign - 1) }

var zeros [entryAlign]byte

// appendCommand appends c, its payload copied.
func appendCommand(dst []byte, c command) []byte {
	var h [commandHeaderSize]byte
	le := binary.LittleEndian
	h[0], h[1] = byte(c.kind), commandVersion
	le.PutUint32(h[4:], uint32(c.size()))
	le.PutUint64(h[8:], uint64(c.bucket.Table))
	le.PutUint64(h[16:], uint64(c.bucket.Partition))
	le.PutUint32(h[24:], uint32(c.bucket.Bucket))
	dst = append(dst, h[:]...)
	dst = append(dst, c.payload...)
	dst = append(dst, c.trailer...)
	return append(dst, zeros[:padded(c.size())-c.size()]...)
}

// entryReader gives the commands of an entry in order.
type entryReader struct {
	timestampMs int64
	left        int
	rest        []byte
}

// readEntry checks an entry's header.
func readEntry(b []byte) (entryReader, error) {
	if len(b) < entryHeaderSize || string(b[:4]) != entryMagic {
		return entryReader{}, fmt.Errorf("%w: %d bytes without its magic", errEntry, len(b))
	}
	if b[4] != entryVersion {
		return entryReader{}, fmt.Errorf("%w: version %d, this program applies version %d", errEntry, b[4], entryVersion)
	}
	le := binary.LittleEndian
	r := entryReader{timestampMs: int64(le.Uint64(b[8:])), left: int(le.Uint32(b[16:])), rest: b[entryHeaderSize:]}
	if r.left > len(r.rest)/commandHeaderSize {
		return entryReader{}, fmt.Errorf("%w: %d commands in %d bytes", errEntry, r.left, len(r.rest))
	}
	return r, nil
}

// next returns the next command, or false after the last one.
func (r *entryReader) next(c *command) (bool, error) {
	if r.left == 0 {
		if len(r.rest) != 0 {
			return false, fmt.Errorf("%w: %d bytes after the last command", errEntry, len(r.rest))
		}
		return false, nil
	}
	b := r.rest
	if len(b) < commandHeaderSize {
		return false, fmt.Errorf("%w: a command header of %d bytes", errEntry, len(b))
	}
	le := binary.LittleEndian
	n := int(le.Uint32(b[4:]))
	if b[1] != commandVersion {
		return false, fmt.Errorf("%w: %s command of version %d, this program applies version %d", errEntry, kind(b[0]), b[1], commandVersion)
	}
	if n > len(b)-commandHeaderSize || padded(n) > len(b)-commandHeaderSize {
		return false, fmt.Errorf("%w: a payload of %d bytes in %d", errEntry, n, len(b)-commandHeaderSize)
	}
	end := commandHeaderSize + n
	c.kind = kind(b[0])
	c.bucket = ids.Bucket{
		Table:     ids.TableID(le.Uint64(b[8:])),
		Partition: ids.PartitionID(le.Uint64(b[16:])),
		Bucket:    ids.BucketID(int32(le.Uint32(b[24:]))),
	}
	c.payload = b[commandHeaderSize:end:end]
	r.rest = b[commandHeaderSize+padded(n):]
	r.left--
	return true, nil
}

// encodeOpen is the payload of kindOpenBuckets.
func encodeOpen(info *flussv1.TableInfo, buckets []ids.BucketID) ([]byte, error) {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(buckets)))
	for _, id := range buckets {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, info)
}

func decodeOpen(b []byte) (*flussv1.TableInfo, []ids.BucketID, error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("%w: no bucket count", errEntry)
	}
	n := int(binary.LittleEndian.Uint32(b))
	if b = b[4:]; n > len(b)/4 {
		return nil, nil, fmt.Errorf("%w: %d buckets in %d bytes", errEntry, n, len(b))
	}
	buckets := make([]ids.BucketID, n)
	for i := range buckets {
		buckets[i] = ids.BucketID(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	info, err := decodeTable(b[4*n:])
	return info, buckets, err
}

func decodeTable(b []byte) (*flussv1.TableInfo, error) {
	info := &flussv1.TableInfo{}
	if err := proto.Unmarshal(b, info); err != nil {
		return nil, fmt.Errorf("%w: table: %w", errEntry, err)
	}
	return info, nil
}

// encodeInt and decodeInt are the payload of kindTrimLog (an offset) and
// kindExpireWriters (Unix milliseconds).
func encodeInt(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func decodeInt(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: a number of %d bytes", errEntry, len(b))
	}
	return int64(binary.LittleEndian.Uint64(b)), nil
}

func encodeTable(info *flussv1.TableInfo) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(info)
}
