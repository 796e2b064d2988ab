package batch

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// DefaultLevel is the zstd level of an EncoderOptions that names none.
const DefaultLevel = 1

// maxEncoded bounds a batch and its uncompressed body, so that sizes fit the
// header and offsets fit Arrow's.
const maxEncoded = math.MaxInt32

// EncoderOptions say how an Encoder compresses.
type EncoderOptions struct {
	// Codec compresses each buffer by itself; default None.
	Codec Codec
	// Level is the level of Zstd on its own scale, 1 (fast) to 22, default
	// DefaultLevel. Other codecs have none.
	Level int
}

// EncodeInfo is what a writer says in a batch's header.
type EncodeInfo struct {
	SchemaID ids.SchemaID
	WriterID ids.WriterID
	Sequence ids.Sequence
}

// Encoder makes batches of Arrow record batches of one schema. It can be used
// again and again, by one goroutine at a time.
type Encoder struct {
	layout     *Layout
	codec      Codec
	compressor compressor
	meta       Meta
	pieces     []piece
	// table is the column table being made.
	table []byte
	// bounds are those of the column at hand; boundBytes are those of all
	// columns, to go behind the table's entries.
	bounds     bounds
	boundBytes []byte
	// masks are the validity bitmaps of the structs around what is collected.
	masks []mask
	// scratch holds a buffer that had to be rewritten before compression.
	scratch []byte
}

// NewEncoder returns an encoder for batches of the layout.
func NewEncoder(l *Layout, o EncoderOptions) *Encoder {
	if o.Level <= 0 {
		o.Level = DefaultLevel
	}
	return &Encoder{layout: l, codec: o.Codec, compressor: newCompressor(o.Codec, o.Level)}
}

// Encode appends to dst the batch that holds the rows of rec, checksums and
// statistics included, and returns the longer dst. The data are copied once.
// Base offset, timestamp, term and index are 0. rec must have the layout's
// columns in order, of the Arrow types that Layout.Schema gives (a timestamp of
// another zone is taken as UTC instants all the same); slices are fine. What the
// batch says is unchanged when dst has enough capacity or not.
//
// It fails with INVALID_BATCH (column) for other types and for nulls in a NOT
// NULL column, and with RECORD_TOO_LARGE above 2 GiB; then dst is unchanged.
func (e *Encoder) Encode(dst []byte, rec arrow.RecordBatch, info EncodeInfo) ([]byte, error) {
	defer e.forget()
	plain, err := e.collect(rec)
	if err != nil {
		return dst, err
	}
	head := headBytes(uint32(e.meta.Size()), uint32(len(e.table)))
	if head+plain > maxEncoded {
		return dst, errcode.New(errcode.RecordTooLarge, nil, "the rows take %d bytes, the limit of a batch is %d; split them",
			head+plain, maxEncoded).With("bytes", head+plain).With("limit", maxEncoded)
	}
	start := len(dst)
	dst = e.grow(dst, int(head), int(plain))
	dst = dst[:start+int(head)]
	if e.codec == None {
		dst = e.appendPlain(dst)
	} else {
		dst = e.appendCompressed(dst)
	}
	e.finish(dst[start:], int(head), uint32(plain), info)
	return dst, nil
}

// EstimatedSize returns the bytes that rec takes when encoded without
// compression, its exact size but for the statistics of texts. It fails as Encode does.
func (e *Encoder) EstimatedSize(rec arrow.RecordBatch) (int64, error) {
	defer e.forget()
	plain, err := e.collect(rec)
	if err != nil {
		return 0, err
	}
	return headBytes(uint32(e.meta.Size()), uint32(len(e.table))) + plain, nil
}

// forget drops the references to a record batch.
func (e *Encoder) forget() {
	clear(e.pieces)
	clear(e.masks[:cap(e.masks)])
	e.bounds = bounds{}
}

// grow makes room for the batch behind dst.
func (e *Encoder) grow(dst []byte, head, plain int) []byte {
	need := int64(head) + int64(plain)
	if e.codec != None {
		need = int64(head)
		for i := range e.pieces {
			need = align(need + e.compressor.bound(e.pieces[i].size))
		}
	}
	if int64(cap(dst)-len(dst)) >= need {
		return dst
	}
	grown := make([]byte, len(dst), int64(len(dst))+need)
	copy(grown, dst)
	return grown
}

// collect walks rec, fills meta, pieces and table, and returns the size of the
// body without compression.
func (e *Encoder) collect(rec arrow.RecordBatch) (int64, error) {
	l := e.layout
	if int(rec.NumCols()) != len(l.columns) {
		return 0, invalid("the record batch has %d columns, the table has %d", rec.NumCols(), len(l.columns))
	}
	if rec.NumRows() > math.MaxInt32 {
		return 0, invalid("the record batch has %d rows, the limit is %d", rec.NumRows(), math.MaxInt32)
	}
	e.meta = Meta{Rows: rec.NumRows(), Nodes: e.meta.Nodes[:0], Buffers: e.meta.Buffers[:0], Codec: e.codec}
	e.pieces, e.boundBytes, e.masks = e.pieces[:0], e.boundBytes[:0], e.masks[:0]
	entries := columnEntry * len(l.columns)
	e.table = extend(e.table[:0], entries)
	clear(e.table)
	for i := range l.columns {
		c := &l.columns[i]
		d := rec.Column(i).Data()
		if d.Len() != int(rec.NumRows()) {
			return 0, columnError(c.path, "has %d values in a record batch of %d rows", d.Len(), rec.NumRows())
		}
		if err := e.node(&c.nodeLayout, d, d.Offset(), d.Len()); err != nil {
			return 0, err
		}
		e.addStats(i)
	}
	e.table = append(e.table, e.boundBytes...)
	var total int64
	for i := range e.pieces {
		e.meta.Buffers = append(e.meta.Buffers, BufferRange{Off: total, Len: e.pieces[i].size})
		total = align(total + e.pieces[i].size)
	}
	return total, nil
}

// addStats fills entry i of the table, but for the checksum.
func (e *Encoder) addStats(i int) {
	c := &e.layout.columns[i]
	entry := e.table[columnEntry*i:][:columnEntry]
	le := binary.LittleEndian
	nulls := e.meta.Nodes[c.node].Nulls
	le.PutUint32(entry[columnNulls:], uint32(nulls))
	if c.stat == statNone || nulls == e.meta.Rows {
		return
	}
	at := columnEntry*len(e.layout.columns) + len(e.boundBytes)
	b := &e.bounds
	if !b.of(&c.nodeLayout, e.pieces[c.buffer:], int(e.meta.Rows), nulls > 0) {
		return
	}
	entry[columnFlags] = columnHasBounds
	if b.minCut {
		entry[columnFlags] |= columnMinCut
	}
	if b.maxCut {
		entry[columnFlags] |= columnMaxCut
	}
	entry[columnMin], entry[columnMax] = byte(len(b.min)), byte(len(b.max))
	le.PutUint32(entry[columnOffset:], uint32(at))
	e.boundBytes = append(append(e.boundBytes, b.min...), b.max...)
}

func (e *Encoder) appendPlain(dst []byte) []byte {
	body := len(dst)
	for i := range e.pieces {
		p := &e.pieces[i]
		at := len(dst)
		end := at + int(p.size)
		dst = dst[:body+int(align(int64(end-body)))]
		p.copy(dst[at:end])
		clear(dst[end:])
	}
	e.meta.BodyBytes = int64(len(dst) - body)
	return dst
}

func (e *Encoder) appendCompressed(dst []byte) []byte {
	body := len(dst)
	for i := range e.pieces {
		p := &e.pieces[i]
		at := len(dst)
		src, ok := p.plain()
		if !ok {
			e.scratch = extend(e.scratch[:0], int(p.size))
			p.copy(e.scratch)
			src = e.scratch
		}
		dst = e.compressor.append(dst, src)
		e.meta.Buffers[i] = BufferRange{Off: int64(at - body), Len: int64(len(dst) - at)}
		end := len(dst)
		dst = extend(dst, int(align(int64(end-body)))-(end-body))
		clear(dst[end:])
	}
	e.meta.BodyBytes = int64(len(dst) - body)
	return dst
}

// finish writes what stands before the body of the batch b.
func (e *Encoder) finish(b []byte, head int, plain uint32, info EncodeInfo) {
	l := e.layout
	body := b[head:]
	for i := range l.columns {
		off := e.meta.Buffers[l.columns[i].buffer].Off
		end := int64(len(body))
		if i+1 < len(l.columns) {
			end = e.meta.Buffers[l.columns[i+1].buffer].Off
		}
		binary.LittleEndian.PutUint32(e.table[columnEntry*i:], CRC(body[off:end]))
	}
	AppendMeta(b[:HeaderSize:head], &e.meta)
	at := HeaderSize + e.meta.Size()
	at += copy(b[at:], e.table)
	clear(b[at:head])
	PutHeader(b, Header{
		TotalBytes: uint32(len(b)), HeadCRC: CRC(b[HeaderSize:head]), Flags: l.flags, Codec: e.codec,
		RowCount: uint32(e.meta.Rows), WriterID: info.WriterID, Sequence: info.Sequence, SchemaID: info.SchemaID,
		MetadataBytes: uint32(e.meta.Size()), ColumnTableBytes: uint32(len(e.table)),
		BodyBytes: uint32(len(body)), UncompressedBytes: plain,
	})
}
