package ticket

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Resume is what a resume token says: how much of a bucket's rows was read, and
// as of when.
//
// A token is, all integers but the last uvarints:
//
//	version 1, state (0 rows, 1 changes), table id, partition id, bucket,
//	number of parts, for each its offset, the length of its key and the key,
//	position (in the state changes only), CRC32C of all before (4 bytes, little-endian)
type Resume struct {
	Bucket ids.Bucket
	// Parts are the parts of the rows that were read, in key order; none when no
	// row was. Their offsets never descend.
	Parts []Part
	// Changes tells that all rows were read, the last part to their end, and that
	// changes are read on from Position.
	Changes  bool
	Position ids.Offset
}

// Part is a part of a bucket's rows that was read as of one moment.
type Part struct {
	// Offset is that of the first change that the rows do not have.
	Offset ids.Offset
	// Last is the key of the last row; nil of the part that reaches to the end.
	Last []byte
}

// MaxParts bounds the parts that rows are read in.
const MaxParts = 1000

const (
	resumeVersion = 1
	resumeRows    = 0
	resumeChanges = 1
	checksumBytes = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendResume appends the token of r to dst.
func AppendResume(dst []byte, r *Resume) []byte {
	start := len(dst)
	state := byte(resumeRows)
	if r.Changes {
		state = resumeChanges
	}
	dst = append(dst, resumeVersion, state)
	for _, id := range [...]int64{int64(r.Bucket.Table), int64(r.Bucket.Partition), int64(r.Bucket.Bucket), int64(len(r.Parts))} {
		dst = binary.AppendUvarint(dst, uint64(id))
	}
	for _, p := range r.Parts {
		dst = binary.AppendUvarint(dst, uint64(p.Offset))
		dst = binary.AppendUvarint(dst, uint64(len(p.Last)))
		dst = append(dst, p.Last...)
	}
	if r.Changes {
		dst = binary.AppendUvarint(dst, uint64(r.Position))
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// ParseResume reads a token; the parts alias b. It fails with InvalidTicket.
func ParseResume(b []byte) (*Resume, error) {
	const again = "send the resume of the last batch as it came, or leave it out to read all rows"
	if len(b) < 2+checksumBytes {
		return nil, invalid("a resume token of %d bytes is too short: "+again, len(b))
	}
	body := b[:len(b)-checksumBytes]
	if b[0] != resumeVersion {
		return nil, invalid("a resume token of version %d is not known to this server: "+again, b[0])
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, invalid("a resume token is damaged: " + again)
	}
	r := resumeReader{rest: body[2:]}
	out := &Resume{Changes: body[1] == resumeChanges}
	out.Bucket.Table = ids.TableID(r.number(math.MaxInt64))
	out.Bucket.Partition = ids.PartitionID(r.number(math.MaxInt64))
	out.Bucket.Bucket = ids.BucketID(r.number(math.MaxInt32))
	parts := int(r.number(MaxParts))
	for range parts {
		p := Part{Offset: ids.Offset(r.number(math.MaxInt64))}
		p.Last = r.bytes(int(r.number(int64(len(b)))))
		out.Parts = append(out.Parts, p)
	}
	if out.Changes {
		out.Position = ids.Offset(r.number(math.MaxInt64))
	}
	if r.failed || len(r.rest) > 0 || body[1] > resumeChanges || !out.ordered() {
		return nil, invalid("a resume token makes no sense: " + again)
	}
	return out, nil
}

// ordered reports whether the parts are as their fields say.
func (r *Resume) ordered() bool {
	for i, p := range r.Parts {
		last := r.Changes && i == len(r.Parts)-1
		if last != (p.Last == nil) {
			return false
		}
		if i == 0 {
			continue
		}
		before := r.Parts[i-1]
		if before.Offset > p.Offset || !last && bytes.Compare(before.Last, p.Last) >= 0 {
			return false
		}
	}
	return !r.Changes || len(r.Parts) > 0 && r.Position >= r.Parts[0].Offset
}

// resumeReader takes a token apart; after a failure it returns zeros.
type resumeReader struct {
	rest   []byte
	failed bool
}

func (r *resumeReader) number(most int64) int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(most) || n != len(binary.AppendUvarint(nil, v)) {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v)
}

// bytes returns the next n bytes; nil for none.
func (r *resumeReader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	if n == 0 {
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Of fails with InvalidTicket when r is not a token of b.
func (r *Resume) Of(b ids.Bucket) error {
	if r.Bucket != b {
		return errcode.New(errcode.InvalidTicket, nil, "a resume token of %s was sent for %s: each bucket has its own", r.Bucket, b)
	}
	return nil
}
