package project

import (
	"encoding/binary"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"google.golang.org/grpc/mem"
)

// zeroPage are zeros to send: values of nulls, and padding.
var zeroPage = make([]byte, 64<<10)

// plainPage starts with the mark that a buffer of a compressed batch is stored
// plain; zeros follow.
var plainPage = binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(zeroPage)), plainMark)[:8+len(zeroPage)]

// plainMark, -1, stands before a buffer that is not compressed in a batch that is.
const plainMark = ^uint64(0)

// RawBytes returns how many bytes of a batch's body the output takes.
func (p *Plan) RawBytes(v *batch.View) int64 {
	var n int64
	for _, c := range p.columns {
		_, size := v.ColumnRange(c)
		n += size
	}
	return n
}

// CanSlice reports whether whole batches can go out as slices of what is stored.
func (p *Plan) CanSlice(v *batch.View) bool {
	if !p.raw {
		return false
	}
	for _, c := range p.columns {
		if off, n := v.ColumnRange(c); off%8 != 0 || n%8 != 0 {
			return false
		}
	}
	return true
}

// Raw puts the whole batch into dst as slices of what is stored; the plan must
// be able to (CanSlice). dst.Header is valid until the next call.
func (w *Wire) Raw(dst *codec.FlightData, p *Plan, b Stored, at Origin) error {
	v := b.View()
	if p.whole {
		pieces, err := b.ReadColumns(nil)
		if err != nil {
			return err
		}
		w.header = append(w.header[:0], v.MetaBytes()...)
		dst.Header, dst.Body = w.header, pieces
		return nil
	}
	values, err := w.systemValues(p, b, at)
	if err != nil {
		return err
	}
	pieces, err := b.ReadColumns(p.columns)
	if err != nil {
		return err
	}
	body := rawBody{pieces: pieces, out: make(mem.BufferSlice, 0, len(pieces)), pool: w.pool}
	h := v.Header()
	m := &w.meta
	m.Rows, m.Codec = int64(h.RowCount), h.Codec
	m.Nodes, m.Buffers = m.Nodes[:0], m.Buffers[:0]
	body.meta = m
	for i, c := range w.out.columns {
		switch source := p.sources[i]; {
		case c.system != 0:
			body.system(c.system, &values, int(h.RowCount))
		case source == missing:
			body.nulls(c.field.Type, int(h.RowCount))
		default:
			for n := p.nodes[source]; n < p.nodes[source+1]; n++ {
				m.Nodes = append(m.Nodes, v.Node(n))
			}
			off, n := v.ColumnRange(source)
			for at := p.buffers[source]; at < p.buffers[source+1]; at++ {
				r := v.Buffer(at)
				r.Off += body.size - off
				m.Buffers = append(m.Buffers, r)
			}
			body.take(n)
		}
	}
	body.flush()
	pieces.Free()
	if body.short {
		body.out.Free()
		return errcode.New(errcode.Internal, nil, "the columns that were read have other sizes than the batch says")
	}
	dst.Body, m.BodyBytes = body.out, body.size
	w.header = batch.AppendMeta(w.header[:0], m)
	dst.Header = w.header
	return nil
}

// rawBody strings a body together from pieces of stored columns and from
// buffers made up between them.
type rawBody struct {
	pieces mem.BufferSlice
	// piece is the piece at hand; [from, to) of it are taken and not yet in out.
	piece, from, to int
	out             mem.BufferSlice
	size            int64
	meta            *batch.Meta
	pool            *codec.Pool
	// short tells that the pieces ended too early.
	short bool
}

// take takes the next n bytes of the pieces.
func (b *rawBody) take(n int64) {
	b.size += n
	for n > 0 {
		if b.piece == len(b.pieces) {
			b.short = true
			return
		}
		left := b.pieces[b.piece].Len() - b.to
		if left == 0 {
			b.flush()
			b.piece++
			b.from, b.to = 0, 0
			continue
		}
		took := min(n, int64(left))
		b.to += int(took)
		n -= took
	}
}

// flush puts what was taken of the piece at hand into out.
func (b *rawBody) flush() {
	if b.to > b.from {
		b.out = append(b.out, b.pieces[b.piece].Slice(b.from, b.to))
		b.from = b.to
	}
}

// add appends a buffer that is n bytes long without the mark of a compressed
// batch, which fill writes; the pool's bytes are not zeroed.
func (b *rawBody) add(n int, fill func(dst []byte)) {
	mark := b.markBytes(n)
	b.meta.Buffers = append(b.meta.Buffers, batch.BufferRange{Off: b.size, Len: int64(mark + n)})
	if n == 0 {
		return
	}
	b.flush()
	total := aligned(mark + n)
	buf := b.pool.Get(total)
	data := *buf
	if mark > 0 {
		binary.LittleEndian.PutUint64(data, plainMark)
	}
	fill(data[mark : mark+n])
	clear(data[mark+n:])
	b.out = append(b.out, mem.NewBuffer(buf, b.pool))
	b.size += int64(total)
}

// markBytes is the size of the mark before a buffer of n bytes.
func (b *rawBody) markBytes(n int) int {
	if b.meta.Codec == 0 || n == 0 {
		return 0
	}
	return 8
}

// zeros appends a buffer of n zeros.
func (b *rawBody) zeros(n int) {
	mark := b.markBytes(n)
	total := aligned(mark + n)
	if total > len(zeroPage) || n == 0 {
		b.add(n, func(dst []byte) { clear(dst) })
		return
	}
	b.flush()
	page := zeroPage
	if mark > 0 {
		page = plainPage
	}
	b.meta.Buffers = append(b.meta.Buffers, batch.BufferRange{Off: b.size, Len: int64(mark + n)})
	b.out = append(b.out, mem.SliceBuffer(page[:total]))
	b.size += int64(total)
}

// nulls appends a column of n nulls.
func (b *rawBody) nulls(t schema.Type, n int) {
	form, width := formOf(t)
	b.meta.Nodes = append(b.meta.Nodes, batch.Node{Length: int64(n), Nulls: int64(n)})
	b.zeros(bytesOfBits(n))
	switch form {
	case fixed:
		b.zeros(n * width)
	case bitsForm:
		b.zeros(bytesOfBits(n))
	case variable:
		b.zeros((n + 1) * 4)
		b.zeros(0)
	case list:
		b.zeros((n + 1) * 4)
		n = 0 // of the children
		if t.Kind == schema.Map {
			b.nulls(entries(t), 0)
			return
		}
	case structs:
	}
	for i := range t.Fields {
		b.nulls(t.Fields[i].Type, n)
	}
}
