package batch

import (
	"encoding/binary"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// piece is where the content of one buffer comes from.
type piece struct {
	kind pieceKind
	// src are the source's bytes: for pieceBits those from the first bit's byte on.
	src []byte
	// size is that of the buffer, in bytes.
	size int64
	// shift is the place of the first bit in src (0 to 7), or what is taken off every offset.
	shift int32
	// count is the number of bits or offsets.
	count int
}

type pieceKind uint8

const (
	// pieceBytes are copied as they are.
	pieceBytes pieceKind = iota
	// pieceBits start at a bit and end with zeros.
	pieceBits
	// pieceOffsets are int32 offsets.
	pieceOffsets
)

// mask is the validity bitmap of a struct: bit first belongs to its first value.
type mask struct {
	bits  []byte
	first int
}

// plain returns the buffer's bytes if they need no rewriting.
func (p *piece) plain() ([]byte, bool) {
	switch {
	case p.size == 0:
		return nil, true
	case int64(len(p.src)) < p.size || p.shift != 0:
		return nil, false
	default:
		return p.src[:p.size], p.kind != pieceBits || p.count%8 == 0
	}
}

// copy writes the buffer's bytes to dst, which has the buffer's size.
func (p *piece) copy(dst []byte) {
	if src, ok := p.plain(); ok {
		copy(dst, src)
		return
	}
	switch p.kind {
	case pieceBits:
		copyBits(dst, p.src, uint(p.shift), p.count)
	case pieceOffsets:
		moveOffsets(dst, p.src, uint32(p.shift))
	case pieceBytes:
	}
}

// copyBits writes count bits of src from bit shift (0 to 7) on, and zeros up to
// the end of the last byte.
func copyBits(dst, src []byte, shift uint, count int) {
	n := (count + 7) / 8
	dst = dst[:n]
	if shift == 0 {
		copy(dst, src)
	} else {
		i := 0
		for ; i+9 <= len(src) && i+8 <= n; i += 8 {
			w := binary.LittleEndian.Uint64(src[i:])>>shift | uint64(src[i+8])<<(64-shift)
			binary.LittleEndian.PutUint64(dst[i:], w)
		}
		for ; i < n; i++ {
			v := src[i] >> shift
			if i+1 < len(src) {
				v |= src[i+1] << (8 - shift)
			}
			dst[i] = v
		}
	}
	if count%8 != 0 {
		dst[n-1] &= 1<<(count%8) - 1
	}
}

// moveOffsets writes the offsets of src less by; src may be empty for a single 0.
func moveOffsets(dst, src []byte, by uint32) {
	if len(src) == 0 {
		clear(dst)
		return
	}
	le := binary.LittleEndian
	src = src[:len(dst)]
	for len(dst) >= 8 {
		v := le.Uint64(src)
		le.PutUint64(dst, uint64(uint32(v>>32)-by)<<32|uint64(uint32(v)-by))
		dst, src = dst[8:], src[8:]
	}
	if len(dst) >= 4 {
		le.PutUint32(dst, le.Uint32(src)-by)
	}
}

// bytesOf returns buffer i of d, nil when there is none.
func bytesOf(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}

// node adds the n values of d from off on, and what is nested in them.
func (e *Encoder) node(l *nodeLayout, d arrow.ArrayData, off, n int) error {
	if !l.takes(d.DataType()) {
		return columnError(l.path, "is of the Arrow type %s and the table wants %s; cast it", d.DataType(), l.dtype)
	}
	valid, nulls, err := e.validity(l, d, off, n)
	if err != nil {
		return err
	}
	e.meta.Nodes = append(e.meta.Nodes, Node{Length: int64(n), Nulls: int64(nulls)})
	switch l.form {
	case formBits:
		e.addBits(bytesOf(d, 1), off, n)
	case formFixed:
		e.addBytes(bytesOf(d, 1), off*l.width, n*l.width)
	case formVariable:
		first, last := e.addOffsets(d, off, n)
		e.addBytes(bytesOf(d, 2), first, last-first)
	case formList:
		first, last := e.addOffsets(d, off, n)
		if len(d.Children()) != 1 {
			return columnError(l.path, "has no values")
		}
		return e.listChild(&l.children[0], d.Children()[0], first, last-first)
	case formStruct:
		return e.structChildren(l, d, valid, off, n)
	default:
		return columnError(l.path, "is of a form that is only read")
	}
	return nil
}

func (e *Encoder) listChild(l *nodeLayout, d arrow.ArrayData, first, n int) error {
	masks := e.masks
	e.masks = e.masks[len(e.masks):] // nulls of what is around the list say nothing about its values
	defer func() { e.masks = masks }()
	return e.node(l, d, d.Offset()+first, n)
}

func (e *Encoder) structChildren(l *nodeLayout, d arrow.ArrayData, valid []byte, off, n int) error {
	if len(d.Children()) != len(l.children) {
		return columnError(l.path, "has %d fields and the table wants %d", len(d.Children()), len(l.children))
	}
	if valid != nil {
		e.masks = append(e.masks, mask{valid, off})
		defer func() { e.masks = e.masks[:len(e.masks)-1] }()
	}
	for i := range l.children {
		child := d.Children()[i]
		if child.Len() < off+n {
			return columnError(l.children[i].path, "has %d values for %d rows", child.Len(), off+n)
		}
		if err := e.node(&l.children[i], child, child.Offset()+off, n); err != nil {
			return err
		}
	}
	return nil
}

// validity adds the bitmap of the n values from off on, an empty one if none is
// null. It returns the bitmap of d if any is, and their number.
func (e *Encoder) validity(l *nodeLayout, d arrow.ArrayData, off, n int) (valid []byte, nulls int, err error) {
	if d.NullN() != 0 && n > 0 {
		if valid = bytesOf(d, 0); valid != nil {
			nulls = n - bitutil.CountSetBits(valid, off, n)
		}
	}
	if nulls == 0 {
		e.pieces = append(e.pieces, piece{})
		return nil, 0, nil
	}
	if !l.nullable && !e.masked(valid, off, n) {
		return nil, 0, columnError(l.path, "is NOT NULL and %d of %d values are null", nulls, n)
	}
	e.addBits(valid, off, n)
	return valid, nulls, nil
}

// masked reports whether each null lies in a struct that is null.
func (e *Encoder) masked(valid []byte, off, n int) bool {
	if len(e.masks) == 0 {
		return false
	}
	for i := range n {
		if bitutil.BitIsSet(valid, off+i) {
			continue
		}
		hidden := false
		for _, m := range e.masks {
			hidden = hidden || !bitutil.BitIsSet(m.bits, m.first+i)
		}
		if !hidden {
			return false
		}
	}
	return true
}

func (e *Encoder) addBits(src []byte, off, n int) {
	p := piece{kind: pieceBits, size: int64(n+7) / 8, shift: int32(off % 8), count: n}
	if n > 0 {
		p.src = src[off/8 : (off+n+7)/8]
	}
	e.pieces = append(e.pieces, p)
}

func (e *Encoder) addBytes(src []byte, off, n int) {
	p := piece{kind: pieceBytes, size: int64(n)}
	if n > 0 {
		p.src = src[off : off+n]
	}
	e.pieces = append(e.pieces, p)
}

// addOffsets adds n+1 offsets that start at 0 and returns the range of the
// source that they span.
func (e *Encoder) addOffsets(d arrow.ArrayData, off, n int) (first, last int) {
	p := piece{kind: pieceOffsets, size: 4 * int64(n+1), count: n + 1}
	if n > 0 {
		p.src = bytesOf(d, 1)[4*off : 4*(off+n+1)]
		p.shift = int32(binary.LittleEndian.Uint32(p.src))
		first, last = int(p.shift), int(int32(binary.LittleEndian.Uint32(p.src[4*n:])))
	}
	e.pieces = append(e.pieces, p)
	return first, last
}

// takes reports whether values of an Arrow type lie in memory as the layout says
// and mean the same.
func (l *nodeLayout) takes(dt arrow.DataType) bool {
	if dt.ID() != l.dtype.ID() {
		return false
	}
	switch want := l.dtype.(type) {
	case *arrow.Decimal128Type:
		got := dt.(*arrow.Decimal128Type)
		return got.Precision == want.Precision && got.Scale == want.Scale
	case *arrow.Time32Type:
		return dt.(*arrow.Time32Type).Unit == want.Unit
	case *arrow.Time64Type:
		return dt.(*arrow.Time64Type).Unit == want.Unit
	case *arrow.TimestampType:
		got := dt.(*arrow.TimestampType)
		return got.Unit == want.Unit && (got.TimeZone == "") == (want.TimeZone == "")
	case *arrow.FixedSizeBinaryType:
		return dt.(*arrow.FixedSizeBinaryType).ByteWidth == want.ByteWidth
	default:
		return true
	}
}

// castSlice returns b, aligned to the size of T, as values of T.
func castSlice[T any](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
