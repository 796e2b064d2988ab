package batch

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// DecodeOptions say how a body becomes an Arrow record batch.
type DecodeOptions struct {
	// Validate looks at every bitmap, offset and text, as for bytes from
	// strangers. If not set, sizes are checked and the last offset of each
	// column: enough for Decode not to fail, not for reading values.
	Validate bool
	// SkipUTF8 leaves texts out of Validate.
	SkipUTF8 bool
	// MaxUncompressed bounds the memory that decompressed buffers take, in bytes;
	// default DefaultMaxUncompressed.
	MaxUncompressed int64
	// Release, if set, is called once when the last buffer of the record batch
	// that is or aliases the body is released, maybe within Decode. It is not
	// called when Decode fails.
	Release func()
}

// Decode returns the Arrow record batch whose metadata is m and whose body is
// body: a stored one, or one projected to the layout's columns. Buffers that are
// not compressed alias body, which must not change until the record batch is
// released; other buffers lie in pooled memory, which returns to the pool then.
// A body that does not start at a multiple of 8 is copied.
//
// It fails with INVALID_BATCH (column) and RECORD_TOO_LARGE (bytes, limit); no
// bytes make it panic.
func Decode(l *Layout, m *Meta, body []byte, opts DecodeOptions) (arrow.RecordBatch, error) {
	w := works.Get().(*work)
	defer w.free()
	w.meta.Nodes = append(w.meta.Nodes[:0], m.Nodes...)
	w.meta.Buffers = append(w.meta.Buffers[:0], m.Buffers...)
	w.meta.Rows, w.meta.BodyBytes, w.meta.Codec = m.Rows, m.BodyBytes, m.Codec
	return w.decode(l, body, opts)
}

func (w *work) decode(l *Layout, body []byte, opts DecodeOptions) (arrow.RecordBatch, error) {
	if opts.MaxUncompressed <= 0 {
		opts.MaxUncompressed = DefaultMaxUncompressed
	}
	m := &w.meta
	if m.Rows < 0 || m.Rows > maxEncoded {
		return nil, invalid("the batch has %d rows, the limit is %d", m.Rows, maxEncoded)
	}
	if len(m.Nodes) != l.nodes || len(m.Buffers) != len(l.roles) {
		return nil, invalid("the batch has %d nodes and %d buffers, its columns make %d and %d",
			len(m.Nodes), len(m.Buffers), l.nodes, len(l.roles))
	}
	if m.Codec > Zstd {
		return nil, invalid("the batch names %s", m.Codec)
	}
	if err := m.checkRanges(body, false); err != nil {
		return nil, err
	}
	var o owner
	if misaligned(body) {
		slab := slabs.get(int64(len(body)))
		o.slabs = append(o.slabs, slab)
		body = (*slab)[:copy(*slab, body)]
	}
	rec, err := w.decodeAligned(l, body, &o, opts)
	if err != nil {
		o.free()
		return nil, err
	}
	return rec, nil
}

func misaligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%metaAlign != 0
}

func (w *work) decodeAligned(l *Layout, body []byte, o *owner, opts DecodeOptions) (arrow.RecordBatch, error) {
	kept := w.slab
	w.slab = nil
	defer func() { w.slab = kept }()
	n, err := w.split(l, body, wantAll, opts.MaxUncompressed)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		slab := slabs.get(n)
		o.slabs = append(o.slabs, slab)
		w.slab = *slab
	}
	if err := w.decompress(n); err != nil {
		return nil, err
	}
	c := checker{work: w, content: opts.Validate, text: opts.Validate && !opts.SkipUTF8, budget: opts.MaxUncompressed}
	if err := c.check(l); err != nil {
		return nil, err
	}
	d := decoder{work: w}
	if opts.Release != nil || len(o.slabs) > 0 {
		d.owner = &owner{slabs: o.slabs, release: opts.Release}
		d.owner.refs.Store(1) // until all buffers are made
	}
	cols := make([]arrow.Array, len(l.columns))
	for i := range l.columns {
		data := d.node(&l.columns[i].nodeLayout)
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	rec := array.NewRecordBatch(l.schema, cols, w.meta.Rows)
	for _, c := range cols {
		c.Release()
	}
	if d.owner != nil {
		d.owner.Free(nil)
	}
	return rec, nil
}

// decoder turns the buffers of a work into Arrow arrays.
type decoder struct {
	*work
	owner         *owner
	nodeAt, bufAt int
}

// node makes the next node with its children. The caller releases it.
func (d *decoder) node(l *nodeLayout) arrow.ArrayData {
	n := d.meta.Nodes[d.nodeAt]
	d.nodeAt++
	buffers := make([]*memory.Buffer, l.form.buffers())
	for i := range buffers {
		if i > 0 || n.Nulls > 0 {
			buffers[i] = d.buffer(d.data[d.bufAt+i])
		}
	}
	d.bufAt += len(buffers)
	var children []arrow.ArrayData
	if len(l.children) > 0 {
		children = make([]arrow.ArrayData, len(l.children))
		for i := range l.children {
			children[i] = d.node(&l.children[i])
		}
	}
	data := array.NewData(l.dtype, int(n.Length), buffers, children, int(n.Nulls), 0)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range children {
		c.Release()
	}
	return data
}

func (d *decoder) buffer(b []byte) *memory.Buffer {
	if d.owner == nil {
		return memory.NewBufferBytes(b)
	}
	d.owner.refs.Add(1)
	return memory.NewBufferWithAllocator(b, d.owner)
}

// owner frees what buffers alias when the last of them is released. It is the
// allocator that Arrow gives their memory back to.
type owner struct {
	refs    atomic.Int64
	slabs   []*[]byte
	release func()
}

var _ memory.Allocator = (*owner)(nil)

// Allocate implements memory.Allocator; a buffer that is not mutable never grows.
func (o *owner) Allocate(size int) []byte { return make([]byte, size) }

// Reallocate implements memory.Allocator.
func (o *owner) Reallocate(size int, b []byte) []byte {
	out := make([]byte, size)
	copy(out, b)
	return out
}

// Free implements memory.Allocator: one buffer was released.
func (o *owner) Free([]byte) {
	if o.refs.Add(-1) == 0 {
		o.free()
	}
}

func (o *owner) free() {
	for _, s := range o.slabs {
		slabs.put(s)
	}
	o.slabs = nil
	if o.release != nil {
		o.release()
	}
}

// slabs is the memory of decompressed buffers.
var slabs slabPool

// slabPool hands out memory that is not zeroed and aligned to 8 at least, in
// classes of powers of two.
type slabPool struct {
	pools [slabClasses]sync.Pool
}

const (
	slabMinBits = 12
	slabClasses = 16 // up to 128 MiB
)

func (p *slabPool) get(n int64) *[]byte {
	class := max(0, bits.Len64(uint64(n-1))-slabMinBits)
	if n <= 0 {
		class = 0
	}
	if class >= slabClasses {
		b := make([]byte, n)
		return &b
	}
	if b, ok := p.pools[class].Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 1<<(class+slabMinBits))
	return &b
}

func (p *slabPool) put(b *[]byte) {
	class := bits.Len64(uint64(len(*b)-1)) - slabMinBits
	if class >= 0 && class < slabClasses && len(*b) == 1<<(class+slabMinBits) {
		p.pools[class].Put(b)
	}
}
