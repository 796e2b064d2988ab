package batch

import (
	"encoding/binary"
	"math"
)

// Node is the size of a column, or of what is nested in one, in a batch.
type Node struct {
	// Length counts the values, Nulls those that are null.
	Length, Nulls int64
}

// BufferRange is the place of a buffer in the body, in bytes. Len does not count padding.
type BufferRange struct {
	Off, Len int64
}

// Meta is what the metadata of an Arrow record batch says. Nodes and Buffers
// are in the order of the flattened schema (Layout.Nodes, Layout.Buffers).
type Meta struct {
	Rows      int64
	BodyBytes int64
	Nodes     []Node
	Buffers   []BufferRange
	Codec     Codec
}

// The metadata that is written: a Message flatbuffer, metadata version V5, of a
// RecordBatch. All of it but the two vectors is at fixed places.
//
//	  0  root offset            4  vtable of Message     16  Message
//	 36  vtable of RecordBatch 48  RecordBatch
//	 72  vtable of BodyCompression, 80 BodyCompression; zero if not compressed
//	 92  number of nodes       96  nodes, 16 bytes each
//	then 4 zero bytes, the number of buffers, the buffers, 16 bytes each
const (
	metaAlign       = 8
	metaMessage     = 16
	metaBodyLength  = 24
	metaBatch       = 48
	metaNodesRef    = 52
	metaRows        = 56
	metaBuffersRef  = 64
	metaCodec       = 84
	metaNodeCount   = 92
	metaNodes       = 96
	metaVectorGap   = 8
	metaEntry       = 16
	metaCountBytes  = 4
	metadataV5      = 4
	headerTypeBatch = 3
	headerSchema    = 1
)

// metaTemplate has the bytes before the nodes, by codec, with zeros for lengths,
// the place of the buffers and the number of nodes.
var metaTemplate = [3][metaNodes]byte{buildTemplate(None), buildTemplate(LZ4Frame), buildTemplate(Zstd)}

func buildTemplate(c Codec) (b [metaNodes]byte) {
	le := binary.LittleEndian
	put16 := func(at int, values ...uint16) {
		for i, v := range values {
			le.PutUint16(b[at+2*i:], v)
		}
	}
	le.PutUint32(b[0:], metaMessage)
	// Message: version at 16, header type at 18, header at 4, body length at 8.
	put16(4, 12, 20, 16, 18, 4, 8)
	le.PutUint32(b[metaMessage:], metaMessage-4)
	le.PutUint32(b[metaMessage+4:], metaBatch-(metaMessage+4))
	put16(metaMessage+16, metadataV5)
	b[metaMessage+18] = headerTypeBatch
	// RecordBatch: length at 8, nodes at 4, buffers at 16, compression at 20.
	compression := uint16(0)
	if c != None {
		compression = 20
	}
	put16(36, 12, 24, 8, 4, 16, compression)
	le.PutUint32(b[metaBatch:], metaBatch-36)
	le.PutUint32(b[metaNodesRef:], metaNodeCount-metaNodesRef)
	if c != None {
		le.PutUint32(b[metaBatch+20:], 80-(metaBatch+20))
		// BodyCompression: codec at 4, method (0, by buffer) at 5.
		put16(72, 8, 8, 4, 5)
		le.PutUint32(b[80:], 80-72)
		b[metaCodec] = byte(c) - 1
	}
	return b
}

// metaBytes is the size of the metadata with so many nodes and buffers.
func metaBytes(nodes, buffers int) int {
	return metaNodes + metaEntry*nodes + metaVectorGap + metaEntry*buffers
}

// Size is the number of bytes that AppendMeta appends.
func (m *Meta) Size() int { return metaBytes(len(m.Nodes), len(m.Buffers)) }

// AppendMeta appends the metadata as an Arrow IPC Message flatbuffer, without
// the IPC stream's length prefix. Its size is a multiple of 8. The same numbers
// always make the same bytes: those that stored batches have.
func AppendMeta(dst []byte, m *Meta) []byte {
	at := len(dst)
	dst = extend(dst, m.Size())
	le := binary.LittleEndian
	b := dst[at:]
	copy(b, metaTemplate[m.Codec][:])
	le.PutUint64(b[metaBodyLength:], uint64(m.BodyBytes))
	le.PutUint64(b[metaRows:], uint64(m.Rows))
	le.PutUint32(b[metaNodeCount:], uint32(len(m.Nodes)))
	p := b[metaNodes:]
	for _, n := range m.Nodes {
		le.PutUint64(p, uint64(n.Length))
		le.PutUint64(p[8:], uint64(n.Nulls))
		p = p[metaEntry:]
	}
	le.PutUint32(b[metaBuffersRef:], uint32(metaNodes+metaEntry*len(m.Nodes)+metaCountBytes-metaBuffersRef))
	le.PutUint32(p, 0)
	le.PutUint32(p[metaCountBytes:], uint32(len(m.Buffers)))
	p = p[metaVectorGap:]
	for _, r := range m.Buffers {
		le.PutUint64(p, uint64(r.Off))
		le.PutUint64(p[8:], uint64(r.Len))
		p = p[metaEntry:]
	}
	return dst
}

// canonical is metadata that AppendMeta made; its numbers are read in place.
type canonical struct {
	b              []byte
	nodes, buffers int
	codec          Codec
}

// parseCanonical recognizes metadata that AppendMeta made, any padding excluded.
// The vectors' numbers can be anything.
func parseCanonical(b []byte) (c canonical, ok bool) {
	if len(b) < metaBytes(0, 0) {
		return c, false
	}
	le := binary.LittleEndian
	c.b = b
	if le.Uint16(b[46:]) != 0 {
		if c.codec = Codec(b[metaCodec]) + 1; c.codec > Zstd {
			return c, false
		}
	}
	nodes := int64(le.Uint32(b[metaNodeCount:]))
	if nodes > int64(len(b)) {
		return c, false
	}
	gap := metaNodes + metaEntry*int(nodes)
	if gap+metaVectorGap > len(b) {
		return c, false
	}
	buffers := int64(le.Uint32(b[gap+metaCountBytes:]))
	if int64(gap+metaVectorGap)+metaEntry*buffers != int64(len(b)) || le.Uint32(b[gap:]) != 0 {
		return c, false
	}
	c.nodes, c.buffers = int(nodes), int(buffers)
	t := &metaTemplate[c.codec]
	ok = string(b[:metaBodyLength]) == string(t[:metaBodyLength]) &&
		string(b[metaBodyLength+8:metaRows]) == string(t[metaBodyLength+8:metaRows]) &&
		le.Uint32(b[metaBuffersRef:]) == uint32(gap+metaCountBytes-metaBuffersRef) &&
		string(b[metaBuffersRef+4:metaNodeCount]) == string(t[metaBuffersRef+4:metaNodeCount])
	return c, ok
}

func (c *canonical) rows() int64      { return int64(binary.LittleEndian.Uint64(c.b[metaRows:])) }
func (c *canonical) bodyBytes() int64 { return int64(binary.LittleEndian.Uint64(c.b[metaBodyLength:])) }

func (c *canonical) node(i int) Node {
	p := c.b[metaNodes+metaEntry*i:]
	return Node{int64(binary.LittleEndian.Uint64(p)), int64(binary.LittleEndian.Uint64(p[8:]))}
}

func (c *canonical) buffer(i int) BufferRange {
	p := c.b[metaBytes(c.nodes, i):]
	return BufferRange{int64(binary.LittleEndian.Uint64(p)), int64(binary.LittleEndian.Uint64(p[8:]))}
}

// meta fills m and reuses its slices.
func (c *canonical) meta(m *Meta) {
	m.Rows, m.BodyBytes, m.Codec = c.rows(), c.bodyBytes(), c.codec
	m.Nodes, m.Buffers = m.Nodes[:0], m.Buffers[:0]
	for i := range c.nodes {
		m.Nodes = append(m.Nodes, c.node(i))
	}
	for i := range c.buffers {
		m.Buffers = append(m.Buffers, c.buffer(i))
	}
}

// ParseMeta reads the metadata of an Arrow record batch, which any writer may
// have made, into m, whose slices it reuses. b is a Message flatbuffer without
// the IPC stream's length prefix; zero bytes may follow it. It never reads
// outside b and checks no number against another: see Validate and DecodeIPC.
//
// It fails with INVALID_BATCH, and with UNSUPPORTED for a dictionary batch and
// metadata older than V5.
func ParseMeta(b []byte, m *Meta) error {
	if c, ok := parseCanonical(b); ok {
		c.meta(m)
		return nil
	}
	return parseForeignMeta(b, m)
}

// checkRanges makes sure that the buffers lie in the body, in order, each at a
// multiple of 8. If strict, gaps are as small as padding and hold zeros, so that
// nothing hides in the body and each column is one range.
func (m *Meta) checkRanges(body []byte, strict bool) error {
	end := int64(0)
	for i := range m.Buffers {
		r := &m.Buffers[i]
		switch {
		case r.Off < 0 || r.Len < 0 || r.Off > math.MaxInt64-r.Len || r.Off+r.Len > int64(len(body)):
			return invalid("buffer %d has %d bytes at %d of a body of %d", i, r.Len, r.Off, len(body))
		case r.Len == 0 && !strict:
			continue
		case r.Off%metaAlign != 0:
			return invalid("buffer %d starts at byte %d of the body, not a multiple of %d", i, r.Off, metaAlign)
		case r.Off < end:
			return invalid("buffer %d starts at byte %d of the body, before the end of the one before at %d", i, r.Off, end)
		case strict && !zeroGap(body[end:r.Off]):
			return invalid("there are bytes that belong to no buffer before buffer %d", i)
		}
		end = r.Off + r.Len
	}
	if strict && !zeroGap(body[end:]) {
		return invalid("there are bytes that belong to no buffer at the end of the body")
	}
	return nil
}

// zeroGap reports whether gap is shorter than Align and zero.
func zeroGap(gap []byte) bool {
	var zeros [Align]byte
	return len(gap) < Align && string(gap) == string(zeros[:len(gap)])
}
