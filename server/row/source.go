package row

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/schema"
)

// source reads the values of an Arrow array and of what is nested in it.
type source struct {
	node
	dtype arrow.DataType
	// column is the place of a top-level column in its record.
	column int
	// valid is nil if no value is null. Its first bit is bit at, as is that of
	// the data of a BOOLEAN.
	valid []byte
	at    int
	// data are the values of fixed width, or what offsets lead into.
	data []byte
	// offsets are int32, one more than there are values.
	offsets []byte
	// children are those of node, or the fields of a ROW.
	children []source
}

func newSource(t schema.Type, column int) source {
	s := source{node: newNode(t), dtype: t.Arrow(), column: column}
	if len(t.Fields) > 0 {
		s.children = make([]source, len(t.Fields))
		for i := range t.Fields {
			s.children[i] = newSource(t.Fields[i].Type, 0)
		}
	}
	return s
}

// bind takes d, which has the type of s. Its buffers must be those of a valid array.
func (s *source) bind(d arrow.ArrayData) {
	s.valid, s.at = nil, d.Offset()
	if d.NullN() != 0 {
		s.valid = bufferOf(d, 0)
	}
	switch s.kind {
	case kindBool:
		s.data = bufferOf(d, 1)
	case kindFixed:
		s.data = tail(bufferOf(d, 1), s.at*s.width)
	case kindBinary:
		s.data = tail(bufferOf(d, 1), s.at*s.size)
	case kindBytes:
		s.offsets, s.data = tail(bufferOf(d, 1), offsetWidth*s.at), bufferOf(d, 2)
	case kindArray:
		s.offsets = tail(bufferOf(d, 1), offsetWidth*s.at)
		s.children[0].bind(d.Children()[0])
	case kindMap:
		s.offsets = tail(bufferOf(d, 1), offsetWidth*s.at)
		s.bindStruct(d.Children()[0]) // what the offsets count from
	case kindRow:
		s.bindStruct(d)
	}
}

// bindStruct binds the children of the struct d.
func (s *source) bindStruct(d arrow.ArrayData) {
	for i := range s.children {
		child := d.Children()[i]
		if d.Offset() == 0 {
			s.children[i].bind(child)
			continue
		}
		sliced := array.NewSliceData(child, int64(d.Offset()), int64(child.Len()))
		s.children[i].bind(sliced)
		sliced.Release()
	}
}

func (s *source) forget() {
	s.valid, s.data, s.offsets = nil, nil, nil
	for i := range s.children {
		s.children[i].forget()
	}
}

func bufferOf(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}

// tail returns b from at on; a missing buffer has no values.
func tail(b []byte, at int) []byte {
	if at > len(b) {
		return nil
	}
	return b[at:]
}

func (s *source) null(i int) bool { return s.valid != nil && !bit(s.valid, s.at+i) }

// span returns the range of value i in what offsets lead into.
func (s *source) span(i int) (from, to int) {
	o := s.offsets[offsetWidth*i : offsetWidth*(i+2)]
	return int(le.Uint32(o)), int(le.Uint32(o[offsetWidth:]))
}

// put writes value i, which is of fixed width and not null.
func (s *source) put(dst []byte, i int) {
	if s.kind == kindBool {
		dst[0] = 0
		if bit(s.data, s.at+i) {
			dst[0] = 1
		}
		return
	}
	copy(dst[:s.width], s.data[i*s.width:])
}

// appendValue appends value i, which is of variable length and not null.
func (s *source) appendValue(dst []byte, i int) []byte {
	switch s.kind {
	case kindBytes:
		from, to := s.span(i)
		return append(dst, s.data[from:to]...)
	case kindBinary:
		return append(dst, s.data[i*s.size:(i+1)*s.size]...)
	case kindArray:
		from, to := s.span(i)
		dst = le.AppendUint32(dst, uint32(to-from))
		return s.children[0].appendVector(dst, from, to-from)
	case kindMap:
		from, to := s.span(i)
		dst = le.AppendUint32(dst, uint32(to-from))
		at := len(dst)
		dst = extend(dst, offsetWidth)
		dst = s.children[0].appendVector(dst, from, to-from)
		le.PutUint32(dst[at:], uint32(len(dst)-at-offsetWidth))
		return s.children[1].appendVector(dst, from, to-from)
	default:
		return s.appendRow(dst, i)
	}
}

// appendRow appends value i of a ROW.
func (s *source) appendRow(dst []byte, i int) []byte {
	t, base := s.row, len(dst)
	dst = extend(dst, t.end)
	area := len(dst)
	for k := range t.places {
		p := &t.places[k]
		child := &s.children[k]
		null := child.null(i)
		switch {
		case null:
			dst[base+p.nullAt] |= p.nullMask
		case p.width > 0:
			child.put(dst[base+p.at:], i)
		default:
			dst = child.appendValue(dst, i)
		}
		if p.width == 0 {
			le.PutUint32(dst[base+p.at:], uint32(len(dst)-area))
		}
	}
	return dst
}

// appendVector appends the encoding of count values from value from on.
func (s *source) appendVector(dst []byte, from, count int) []byte {
	nulls := len(dst)
	width := s.width
	if width == 0 {
		width = offsetWidth
	}
	dst = extend(dst, (count+7)/8+count*width)
	at, area := nulls+(count+7)/8, len(dst)
	if s.valid == nil && s.kind == kindFixed {
		copy(dst[at:area], s.data[from*width:])
		return dst
	}
	for i := range count {
		null := s.null(from + i)
		switch {
		case null:
			dst[nulls+i/8] |= 1 << (i % 8)
		case s.width > 0:
			s.put(dst[at+i*width:], from+i)
		default:
			dst = s.appendValue(dst, from+i)
		}
		if s.width == 0 {
			le.PutUint32(dst[at+i*width:], uint32(len(dst)-area))
		}
	}
	return dst
}

// extend returns b with n zero bytes more.
func extend(b []byte, n int) []byte {
	at := len(b)
	if cap(b)-at < n {
		return append(b, make([]byte, n)...)
	}
	b = b[:at+n]
	clear(b[at:])
	return b
}

// sameArrow reports whether values of both types lie in memory in the same way
// and mean the same. Names, nullability and metadata do not count.
func sameArrow(want, got arrow.DataType) bool {
	if want.ID() != got.ID() {
		return false
	}
	switch want := want.(type) {
	case *arrow.Decimal128Type:
		got := got.(*arrow.Decimal128Type)
		return got.Precision == want.Precision && got.Scale == want.Scale
	case *arrow.Time32Type:
		return got.(*arrow.Time32Type).Unit == want.Unit
	case *arrow.Time64Type:
		return got.(*arrow.Time64Type).Unit == want.Unit
	case *arrow.TimestampType:
		got := got.(*arrow.TimestampType)
		return got.Unit == want.Unit && (got.TimeZone == "") == (want.TimeZone == "")
	case *arrow.FixedSizeBinaryType:
		return got.(*arrow.FixedSizeBinaryType).ByteWidth == want.ByteWidth
	case arrow.NestedType:
		a, b := want.Fields(), got.(arrow.NestedType).Fields()
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameArrow(a[i].Type, b[i].Type) {
				return false
			}
		}
	}
	return true
}
