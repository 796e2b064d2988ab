package logstore

import (
	"sync/atomic"

	"google.golang.org/grpc/mem"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Batch is a batch that a Cursor gave: its header and head at hand, its body
// in memory or in a file. It belongs to one goroutine, is independent of the
// cursor, and stays good after a Trim or Close until Release.
type Batch struct {
	log    *Log
	header batch.Header
	view   batch.View
	parsed bool // view is set
	base   ids.Offset
	pos    int64 // of the batch in segment base
	// bytes is the whole batch if it is in memory, else its head. They are
	// backed by buf when they came from a file.
	bytes []byte
	buf   mem.Buffer
	at    int // where bytes begins in buf
	file  *file
	// wanted tells the cursor how much of the body was asked for.
	wanted *atomic.Int64
}

func (c *Cursor) fromMemory(h *batch.Header, bytes []byte, layout *batch.Layout) (*Batch, error) {
	b := &Batch{log: c.log, header: *h, bytes: bytes, wanted: c.wanted}
	if err := b.parse(layout); err != nil {
		return nil, err
	}
	c.wanted.Store(0)
	return b, nil
}

// fromFile returns the batch at c.pos of the file that c reads.
func (c *Cursor) fromFile(h *batch.Header, layout *batch.Layout) (*Batch, error) {
	r := &c.reader
	if err := r.body(c.pos, h); err != nil {
		return nil, err
	}
	n := headBytes(h)
	if r.window.covers(c.pos, int64(h.TotalBytes)) {
		n = int64(h.TotalBytes)
	}
	at := int(c.pos - r.window.pos)
	b := &Batch{
		log: c.log, header: *h, base: r.file.key.base, pos: c.pos, bytes: r.window.data[at : at+int(n)],
		buf: r.window.buf, at: at, file: r.file, wanted: c.wanted,
	}
	head := b.bytes[batch.HeaderSize:headBytes(h)]
	if sum := batch.CRC(head); sum != h.HeadCRC {
		return nil, c.log.corrupt(b.base, c.pos, "the checksum of the batch's head is %08x, its bytes give %08x", h.HeadCRC, sum)
	}
	if err := b.parse(layout); err != nil {
		return nil, c.log.corrupt(b.base, c.pos, "the head of the batch is not valid: %s", errcode.From(err).Message)
	}
	b.buf.Ref()
	c.log.store.files.ref(b.file)
	c.wanted.Store(0)
	return b, nil
}

func (b *Batch) parse(layout *batch.Layout) (err error) {
	if layout == nil {
		return nil
	}
	b.view, err = batch.ParseView(b.bytes[:headBytes(&b.header)], layout)
	b.parsed = err == nil
	return err
}

// Header returns the batch's header.
func (b *Batch) Header() batch.Header { return b.header }

// View returns the batch's head: metadata, column ranges, statistics. It is nil
// if the log has no Layouts, and good until Release.
func (b *Batch) View() *batch.View {
	if !b.parsed {
		return nil
	}
	return &b.view
}

// ReadColumns returns the bytes of the given columns of the body, one range
// after the other in that order, or of the whole body if cols is nil. The
// caller frees the buffers, which may outlive the batch. Bytes in memory are
// not copied; bytes from a file have had their column checksums verified, if
// the log has Layouts.
//
// It fails with errcode.Corrupt (segment, position), errcode.Unavailable when
// the file cannot be read, and errcode.InvalidProjection for a column that the
// batch does not have.
func (b *Batch) ReadColumns(cols []int) (mem.BufferSlice, error) {
	spans, err := b.spans(cols)
	if err != nil {
		return nil, err
	}
	out := make(mem.BufferSlice, 0, len(spans))
	for _, s := range spans {
		buf, err := b.read(s)
		if err != nil {
			out.Free()
			return nil, err
		}
		b.wanted.Add(s.n)
		out = append(out, buf)
	}
	return out, nil
}

// span is a range of the body that is read at once: the columns [first, last]
// of the batch, none if first > last.
type span struct {
	off, n      int64
	first, last int
}

// spans returns the ranges of the columns, adjacent ones joined.
func (b *Batch) spans(cols []int) ([]span, error) {
	if cols == nil {
		last := -1
		if b.parsed {
			last = b.view.Columns() - 1
		}
		if b.header.BodyBytes == 0 {
			return nil, nil
		}
		return []span{{n: int64(b.header.BodyBytes), last: last}}, nil
	}
	if !b.parsed {
		return nil, errcode.New(errcode.Internal, nil, "the log of %s has no layouts to find columns by", b.log.bucket)
	}
	var spans []span
	for _, col := range cols {
		if col < 0 || col >= b.view.Columns() {
			return nil, errcode.New(errcode.InvalidProjection, nil, "column %d was asked of a batch that has %d", col, b.view.Columns())
		}
		off, n := b.view.ColumnRange(col)
		if off < 0 || n < 0 || off+n > int64(b.header.BodyBytes) {
			return nil, b.log.corrupt(b.base, b.pos, "column %d lies outside the body", col)
		}
		if k := len(spans) - 1; k >= 0 && spans[k].last == col-1 && spans[k].off+spans[k].n == off {
			spans[k].last = col
			spans[k].n += n
			continue
		}
		spans = append(spans, span{off, n, col, col})
	}
	return spans, nil
}

// read returns the bytes of a range, verified if they come from a file.
func (b *Batch) read(s span) (mem.Buffer, error) {
	head := headBytes(&b.header)
	if b.file == nil {
		b.log.store.count.memoryBytes.Add(s.n)
		return mem.SliceBuffer(b.bytes[head+s.off : head+s.off+s.n]), nil
	}
	var buf mem.Buffer
	var data []byte
	if int64(len(b.bytes)) > head {
		from := int(head + s.off)
		data = b.bytes[from : from+int(s.n)]
		buf = b.buf.Slice(b.at+from, b.at+from+int(s.n))
	} else if s.n > 0 {
		p, err := b.log.pread(b.file, b.pos+head+s.off, s.n)
		if err != nil {
			return nil, err
		}
		data, buf = *p, mem.NewBuffer(p, &b.log.store.pool)
	} else {
		buf = mem.SliceBuffer(nil)
	}
	if err := b.verify(s, data); err != nil {
		buf.Free()
		return nil, err
	}
	return buf, nil
}

// verify checks the columns of s, whose bytes are data.
func (b *Batch) verify(s span, data []byte) error {
	for col := s.first; col <= s.last; col++ {
		off, n := b.view.ColumnRange(col)
		if off < s.off || n < 0 || off+n > s.off+s.n {
			return b.log.corrupt(b.base, b.pos, "column %d lies outside the body", col)
		}
		if sum := batch.CRC(data[off-s.off : off-s.off+n]); sum != b.view.ColumnCRC(col) {
			return b.log.corrupt(b.base, b.pos, "the checksum of column %d is %08x, its bytes give %08x", col, b.view.ColumnCRC(col), sum)
		}
	}
	return nil
}

// Release gives back what the batch holds; its View is void then. It must be called once.
func (b *Batch) Release() {
	if b.file == nil {
		return
	}
	b.buf.Free()
	b.log.store.files.release(b.file)
	b.file, b.buf, b.bytes, b.parsed = nil, nil, nil, false
}
