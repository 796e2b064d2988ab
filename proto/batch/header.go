package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

const (
	// HeaderSize is the size in bytes of the header that starts a batch.
	HeaderSize = 128
	// Align is what a batch's size, the start of its body, and the buffers that
	// an Encoder writes are multiples of, in bytes.
	Align = 64
	// Version is the version of the format that an Encoder writes, and the only one read.
	Version = 1
)

// magic are the first bytes of a batch.
const magic = "FLB1"

// FlagChangeTypes is the header flag of a batch whose last column, beyond those
// of the schema, holds the change type of each row.
const FlagChangeTypes = 1 << 0

// The places of the header's fields.
const (
	atTotal        = 4
	atHeaderCRC    = 8
	atHeadCRC      = 12
	atVersion      = 16
	atFlags        = 17
	atCodec        = 18
	atReserved     = 19
	atRows         = 20
	atBase         = 24
	atTimestamp    = 32
	atTerm         = 40
	atIndex        = 48
	atWriter       = 56
	atSequence     = 64
	atSchema       = 68
	atMetadata     = 72
	atColumnTable  = 76
	atBody         = 80
	atUncompressed = 84
	atReservedTail = 88
)

// Header is the fixed part that starts a batch.
type Header struct {
	// TotalBytes is the size of the batch, header included; a multiple of Align.
	TotalBytes uint32
	// HeaderCRC is the CRC32C of the header from HeadCRC on.
	HeaderCRC uint32
	// HeadCRC is the CRC32C of what lies between the header and the body.
	HeadCRC uint32
	// Flags is a set of Flag constants.
	Flags uint8
	// Codec is what the buffers of the body are compressed with.
	Codec Codec
	// RowCount is the number of rows, at most 2^31-1.
	RowCount uint32
	// BaseOffset is the offset of the first row; 0 until the batch is appended.
	BaseOffset ids.Offset
	// CommitTimestamp is when the batch was appended, in ms since 1970; 0 until then.
	CommitTimestamp int64
	// Term and Index are those of the Raft entry that the batch came in.
	Term, Index uint64
	WriterID    ids.WriterID
	Sequence    ids.Sequence
	SchemaID    ids.SchemaID
	// MetadataBytes is the size of the Arrow metadata, a multiple of 8.
	MetadataBytes uint32
	// ColumnTableBytes is the size of the column table.
	ColumnTableBytes uint32
	// BodyBytes is the size of the body, a multiple of Align.
	BodyBytes uint32
	// UncompressedBytes is the sum of the sizes of the body's buffers when
	// decompressed, each rounded up to a multiple of Align.
	UncompressedBytes uint32
}

// HeadBytes is where the body starts, counted from the start of the batch.
func (h *Header) HeadBytes() int { return int(headBytes(h.MetadataBytes, h.ColumnTableBytes)) }

// EndOffset is the offset after the last row.
func (h *Header) EndOffset() ids.Offset { return h.BaseOffset + ids.Offset(h.RowCount) }

func headBytes(metadata, columnTable uint32) int64 {
	return align(HeaderSize + int64(metadata) + int64(columnTable))
}

// align rounds n up to a multiple of Align.
func align(n int64) int64 { return (n + Align - 1) &^ (Align - 1) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC returns the CRC32C (Castagnoli) of b.
func CRC(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// ParseHeader reads the header that b starts with; more may follow. It checks
// magic, version, codec and that the sizes add up, no checksum and not that b
// holds the whole batch. It fails with INVALID_BATCH.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, invalid("a batch starts with a header of %d bytes, there are %d", HeaderSize, len(b))
	}
	b = b[:HeaderSize:HeaderSize]
	if string(b[:len(magic)]) != magic {
		return Header{}, invalid("a batch starts with the bytes %q, not %q", magic, b[:len(magic)])
	}
	if b[atVersion] != Version {
		return Header{}, invalid("the batch has version %d of the format, this server knows version %d", b[atVersion], Version)
	}
	le := binary.LittleEndian
	h := Header{
		TotalBytes: le.Uint32(b[atTotal:]), HeaderCRC: le.Uint32(b[atHeaderCRC:]), HeadCRC: le.Uint32(b[atHeadCRC:]),
		Flags: b[atFlags], Codec: Codec(b[atCodec]), RowCount: le.Uint32(b[atRows:]),
		BaseOffset: ids.Offset(le.Uint64(b[atBase:])), CommitTimestamp: int64(le.Uint64(b[atTimestamp:])),
		Term: le.Uint64(b[atTerm:]), Index: le.Uint64(b[atIndex:]),
		WriterID: ids.WriterID(le.Uint64(b[atWriter:])), Sequence: ids.Sequence(le.Uint32(b[atSequence:])),
		SchemaID: ids.SchemaID(le.Uint32(b[atSchema:])), MetadataBytes: le.Uint32(b[atMetadata:]),
		ColumnTableBytes: le.Uint32(b[atColumnTable:]), BodyBytes: le.Uint32(b[atBody:]),
		UncompressedBytes: le.Uint32(b[atUncompressed:]),
	}
	return h, h.checkSizes()
}

func (h *Header) checkSizes() error {
	switch want := headBytes(h.MetadataBytes, h.ColumnTableBytes) + int64(h.BodyBytes); {
	case h.Codec > Zstd:
		return invalid("the batch names codec %d; known are 0 none, 1 lz4_frame, 2 zstd", h.Codec)
	case h.MetadataBytes%metaAlign != 0:
		return invalid("the metadata has %d bytes, not a multiple of %d", h.MetadataBytes, metaAlign)
	case h.BodyBytes%Align != 0:
		return invalid("the body has %d bytes, not a multiple of %d", h.BodyBytes, Align)
	case want != int64(h.TotalBytes):
		return invalid("the header says that the batch has %d bytes, its parts add up to %d", h.TotalBytes, want)
	case h.RowCount > math.MaxInt32:
		return invalid("the batch says it has %d rows, the limit is %d", h.RowCount, math.MaxInt32)
	default:
		return nil
	}
}

// PutHeader writes h over the first HeaderSize bytes of b, with the checksum of
// the header computed anew whatever h.HeaderCRC says.
func PutHeader(b []byte, h Header) {
	b = b[:HeaderSize:HeaderSize]
	le := binary.LittleEndian
	copy(b, magic)
	le.PutUint32(b[atTotal:], h.TotalBytes)
	le.PutUint32(b[atHeadCRC:], h.HeadCRC)
	b[atVersion], b[atFlags], b[atCodec], b[atReserved] = Version, h.Flags, byte(h.Codec), 0
	le.PutUint32(b[atRows:], h.RowCount)
	le.PutUint64(b[atBase:], uint64(h.BaseOffset))
	le.PutUint64(b[atTimestamp:], uint64(h.CommitTimestamp))
	le.PutUint64(b[atTerm:], h.Term)
	le.PutUint64(b[atIndex:], h.Index)
	le.PutUint64(b[atWriter:], uint64(h.WriterID))
	le.PutUint32(b[atSequence:], uint32(h.Sequence))
	le.PutUint32(b[atSchema:], uint32(h.SchemaID))
	le.PutUint32(b[atMetadata:], h.MetadataBytes)
	le.PutUint32(b[atColumnTable:], h.ColumnTableBytes)
	le.PutUint32(b[atBody:], h.BodyBytes)
	le.PutUint32(b[atUncompressed:], h.UncompressedBytes)
	clear(b[atReservedTail:])
	le.PutUint32(b[atHeaderCRC:], CRC(b[atHeadCRC:]))
}

// VerifyCRC checks the header's own checksum over b, which starts with the
// header. It fails with BAD_CHECKSUM.
func (h *Header) VerifyCRC(b []byte) error {
	if len(b) < HeaderSize {
		return invalid("a batch starts with a header of %d bytes, there are %d", HeaderSize, len(b))
	}
	if sum := CRC(b[atHeadCRC:HeaderSize]); sum != h.HeaderCRC {
		return badChecksum("the header", h.HeaderCRC, sum)
	}
	return nil
}

func invalid(format string, args ...any) *errcode.Error {
	return errcode.New(errcode.InvalidBatch, nil, format, args...)
}

func badChecksum(what string, said, is uint32) *errcode.Error {
	return errcode.New(errcode.BadChecksum, nil, "the checksum of %s is %08x, its bytes give %08x: the batch was damaged on its way, send it again",
		what, said, is)
}
