package row

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/schema"
)

// vec collects the values of an Arrow array and of what is nested in it. Its
// memory is that of the pool and not zeroed: each value writes all its bytes.
type vec struct {
	node
	dtype arrow.DataType
	// n is the number of values of a nested one; that of a column is Collector.rows.
	n int
	// capacity is the number of values that there is room for, but for data of
	// variable length.
	capacity int
	nulls    int
	// valid is nil while there is no null. Bits from n on are set.
	valid []byte
	// data has the values of fixed width, or of variable length; only of the
	// latter its length counts.
	data []byte
	// offsets has n+1 int32.
	offsets []byte
	// children are those of node, or the fields of a ROW.
	children []vec
	// hint is how many bytes of variable length the record before had.
	hint int
}

func newVec(t schema.Type) vec {
	v := vec{node: newNode(t), dtype: t.Arrow()}
	if len(t.Fields) > 0 {
		v.children = make([]vec, len(t.Fields))
		for i := range t.Fields {
			v.children[i] = newVec(t.Fields[i].Type)
		}
	}
	return v
}

// stride is how many bytes of data a value takes in Arrow, 0 when it is a bit or
// of variable length.
func (v *vec) stride() int {
	switch v.kind {
	case kindFixed:
		return v.width
	case kindBinary:
		return v.size
	default:
		return 0
	}
}

func (v *vec) hasOffsets() bool {
	return v.kind == kindBytes || v.kind == kindArray || v.kind == kindMap
}

// minCapacity is the least capacity. Capacities are 8 less than a power of two, so
// that offsets, which are one more, fit into memory of a power of two.
const (
	minCapacity   = 56
	capacitySlack = 8
)

// capacityFor returns the capacity for n values or more.
func capacityFor(n int) int {
	c := minCapacity + capacitySlack
	for c < n+capacitySlack {
		c *= 2
	}
	return c - capacitySlack
}

// reserve makes room for values up to the capacity c; there are n of them.
func (v *vec) reserve(n, c int) {
	if c <= v.capacity {
		return
	}
	if v.valid != nil {
		v.growValid(c)
	}
	switch {
	case v.kind == kindBool:
		v.data = moved(v.data, (n+7)/8, (c+7)/8)
	case v.stride() > 0:
		v.data = moved(v.data, n*v.stride(), c*v.stride())
	case v.hasOffsets():
		fresh := v.offsets == nil
		v.offsets = moved(v.offsets, offsetWidth*(n+1), offsetWidth*(c+1))
		if fresh {
			le.PutUint32(v.offsets, 0)
		}
		if v.kind == kindBytes && v.data == nil {
			v.data = memoryPool.get(v.hint)[:0]
		}
	}
	v.capacity = c
}

// moved returns memory of size bytes that starts with the first used ones of b,
// which it gives back.
func moved(b []byte, used, size int) []byte {
	if cap(b) >= size {
		return b[:cap(b)]
	}
	out := memoryPool.get(size)
	if b != nil {
		copy(out, b[:used])
		memoryPool.Free(b)
	}
	return out
}

// growValid makes room for the validity of c values; those that are new are valid.
func (v *vec) growValid(c int) {
	old := v.valid
	v.valid = memoryPool.get((c + 7) / 8)[:(c+7)/8]
	at := copy(v.valid, old)
	for i := at; i < len(v.valid); i++ {
		v.valid[i] = 0xff
	}
	if old != nil {
		memoryPool.Free(old)
	}
}

// setNull makes value i, for which there is room, null. Its bytes become zeros.
func (v *vec) setNull(i int) {
	if v.valid == nil {
		v.growValid(v.capacity)
	}
	v.valid[i>>3] &^= 1 << (i & 7)
	v.nulls++
	switch v.kind {
	case kindBool:
		v.putBit(i, 0)
	case kindFixed:
		clear(v.data[i*v.width : (i+1)*v.width])
	case kindBinary:
		clear(v.data[i*v.size : (i+1)*v.size])
	case kindBytes:
		le.PutUint32(v.offsets[offsetWidth*(i+1):], uint32(len(v.data)))
	case kindArray, kindMap:
		le.PutUint32(v.offsets[offsetWidth*(i+1):], uint32(v.children[0].n))
	case kindRow:
		for k := range v.children {
			v.children[k].appendNull()
		}
	}
}

// putBit writes bit i; bits are written in order, over what was there before.
func (v *vec) putBit(i int, b byte) {
	if i&7 == 0 {
		v.data[i>>3] = b
	} else {
		v.data[i>>3] |= b << (i & 7)
	}
}

// growData makes room for n more bytes of variable length.
func (v *vec) growData(n int) {
	at := len(v.data)
	v.data = moved(v.data, at, max(at+n, 2*cap(v.data)))[:at]
}

// room makes room for n more nested values.
func (v *vec) room(n int) {
	if v.n+n > v.capacity {
		v.reserve(v.n, capacityFor(v.n+n))
	}
}

func (v *vec) appendNull() {
	v.room(1)
	v.setNull(v.n)
	v.n++
}

// putNested writes value i, for which there is room, of the encoding b, which was checked.
func (v *vec) putNested(i int, b []byte) {
	switch v.kind {
	case kindArray:
		v.children[0].appendVector(b[offsetWidth:], int(le.Uint32(b)))
		le.PutUint32(v.offsets[offsetWidth*(i+1):], uint32(v.children[0].n))
	case kindMap:
		count, keys := int(le.Uint32(b)), int(le.Uint32(b[offsetWidth:]))
		b = b[2*offsetWidth:]
		v.children[0].appendVector(b[:keys], count)
		v.children[1].appendVector(b[keys:], count)
		le.PutUint32(v.offsets[offsetWidth*(i+1):], uint32(v.children[0].n))
	case kindRow:
		t := v.row
		for k := range v.children {
			p, child := &t.places[k], &v.children[k]
			if p.null(b) {
				child.appendNull()
				continue
			}
			child.room(1)
			child.put(child.n, t.value(p, b))
			child.n++
		}
	default:
	}
}

// put writes value i, for which there is room, of the encoding b, which was checked.
func (v *vec) put(i int, b []byte) {
	switch v.kind {
	case kindBool:
		v.putBit(i, b[0]&1)
	case kindFixed:
		copy(v.data[i*v.width:], b)
	case kindBinary:
		copy(v.data[i*v.size:], b)
	case kindBytes:
		v.appendData(b)
		le.PutUint32(v.offsets[offsetWidth*(i+1):], uint32(len(v.data)))
	default:
		v.putNested(i, b)
	}
}

func (v *vec) appendData(b []byte) {
	at := len(v.data)
	if cap(v.data)-at < len(b) {
		v.growData(len(b))
	}
	v.data = v.data[:at+len(b)]
	copy(v.data[at:], b)
}

// appendVector appends count values of the encoding b, which was checked.
func (v *vec) appendVector(b []byte, count int) {
	if count == 0 {
		return
	}
	v.room(count)
	nulls := b[:(count+7)/8]
	b = b[len(nulls):]
	if !hasBits(nulls, count) {
		switch v.kind {
		case kindFixed:
			copy(v.data[v.n*v.width:], b)
			v.n += count
			return
		case kindBytes:
			v.appendTexts(b, count)
			return
		default:
		}
	}
	from := 0
	area := b[count*max(v.width, offsetWidth*isZero(v.width)):]
	for i := range count {
		var value []byte
		if v.width > 0 {
			value = b[i*v.width : (i+1)*v.width]
		} else {
			to := int(le.Uint32(b[i*offsetWidth:]))
			value, from = area[from:to], to
		}
		if bit(nulls, i) {
			v.setNull(v.n)
		} else {
			v.put(v.n, value)
		}
		v.n++
	}
}

// appendTexts appends count values that are not null, end offsets and bytes in b.
func (v *vec) appendTexts(b []byte, count int) {
	base := uint32(len(v.data))
	v.appendData(b[count*offsetWidth:])
	out := v.offsets[offsetWidth*(v.n+1):]
	for i := range count {
		le.PutUint32(out[offsetWidth*i:], base+le.Uint32(b[offsetWidth*i:]))
	}
	v.n += count
}

func isZero(n int) int {
	if n == 0 {
		return 1
	}
	return 0
}

// bytes is about how many bytes n values take in Arrow.
func (v *vec) bytes(n int) int64 {
	total := int64(0)
	if v.valid != nil {
		total += int64(n+7) / 8
	}
	switch {
	case v.kind == kindBool:
		total += int64(n+7) / 8
	case v.hasOffsets():
		total += int64(offsetWidth)*int64(n+1) + int64(len(v.data))*int64(isZero(len(v.children)))
	default:
		total += int64(n) * int64(v.stride())
	}
	for i := range v.children {
		total += v.children[i].bytes(v.children[i].n)
	}
	return total
}

// take returns the n values, which leave v empty. The caller releases them.
func (v *vec) take(n int) arrow.ArrayData {
	v.reserve(n, minCapacity) // arrays without values have buffers, too
	var buffers [3]*memory.Buffer
	count := 2
	if v.nulls > 0 {
		v.valid = v.valid[:(n+7)/8]
		if n%8 != 0 {
			v.valid[n/8] &= 1<<(n%8) - 1
		}
		buffers[0] = pooled(v.valid)
	}
	var children []arrow.ArrayData
	switch v.kind {
	case kindBool:
		buffers[1] = pooled(v.data[:(n+7)/8])
	case kindFixed, kindBinary:
		buffers[1] = pooled(v.data[:n*v.stride()])
	case kindBytes:
		buffers[1], buffers[2], count = pooled(v.offsets[:offsetWidth*(n+1)]), pooled(v.data), 3
		v.hint = min(len(v.data), maxHint)
	case kindArray, kindMap:
		buffers[1] = pooled(v.offsets[:offsetWidth*(n+1)])
		children = v.takeChildren()
	case kindRow:
		children, count = v.takeChildren(), 1
	}
	if v.kind == kindMap {
		entries := array.NewData(v.dtype.(*arrow.MapType).Elem(), children[0].Len(), make([]*memory.Buffer, 1), children, 0, 0)
		release(children)
		children = []arrow.ArrayData{entries}
	}
	d := array.NewData(v.dtype, n, buffers[:count], children, v.nulls, 0)
	release(children)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	v.n, v.capacity, v.nulls, v.valid, v.data, v.offsets = 0, 0, 0, nil, nil, nil
	return d
}

// maxHint bounds the memory that a column of variable length starts with.
const maxHint = 4 << 20

func pooled(b []byte) *memory.Buffer { return memory.NewBufferWithAllocator(b, &memoryPool) }

func release(all []arrow.ArrayData) {
	for _, d := range all {
		d.Release()
	}
}

func (v *vec) takeChildren() []arrow.ArrayData {
	out := make([]arrow.ArrayData, len(v.children))
	for i := range v.children {
		out[i] = v.children[i].take(v.children[i].n)
	}
	return out
}
