package row

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/schema"
)

var le = binary.LittleEndian

// kind is how the values of a type are encoded.
type kind uint8

const (
	// kindBool values are a byte, 0 or 1.
	kindBool kind = iota
	// kindFixed values have node.width bytes, those of Arrow.
	kindFixed
	// kindBytes values have any number of bytes.
	kindBytes
	// kindBinary values have node.size bytes and lie among those of any length.
	kindBinary
	kindArray
	kindMap
	kindRow
)

// offsetWidth is the width of an end offset and of a count, in bytes.
const offsetWidth = 4

// node is a type compiled for encoding.
type node struct {
	kind kind
	// width is that of a value, in bytes; 0 when values lie in the variable area.
	width int
	// size is n of BINARY(n).
	size int
	// children are the element of an ARRAY, and the key and the value of a MAP.
	children []node
	// row are the fields of a ROW.
	row *tuple
}

func newNode(t schema.Type) node {
	switch t.Kind {
	case schema.Boolean:
		return node{kind: kindBool, width: 1}
	case schema.Char, schema.String, schema.Bytes:
		return node{kind: kindBytes}
	case schema.Binary:
		return node{kind: kindBinary, size: t.Length}
	case schema.Array:
		return node{kind: kindArray, children: []node{newNode(t.Fields[0].Type)}}
	case schema.Map:
		return node{kind: kindMap, children: []node{newNode(t.Fields[0].Type), newNode(t.Fields[1].Type)}}
	case schema.Row:
		return node{kind: kindRow, row: newTuple(t.Fields, 0)}
	default:
		n := node{kind: kindFixed}
		if w, ok := t.Arrow().(arrow.FixedWidthDataType); ok {
			n.width = w.BitWidth() / 8
		}
		return n
	}
}

// place is where a column of a tuple lies.
type place struct {
	node
	name string
	// nullAt and nullMask are the byte and the bit that is set for a null.
	nullAt   int
	nullMask byte
	// at is where the value is, or the end offset of one of variable length.
	at int
	// first: the value is the first of variable length and starts where the
	// variable area does.
	first bool
}

// tuple is the form of a row, or of a value of a ROW type.
type tuple struct {
	places []place
	// bitmap is where the null bitmap starts, and fixed where it ends.
	bitmap, fixed int
	// variable are the places of variable length, in order.
	variable []int
	// end is where the variable area starts.
	end int
}

// newTuple lays fields out behind a header of some bytes.
func newTuple(fields []schema.Field, header int) *tuple {
	t := &tuple{places: make([]place, len(fields)), bitmap: header, fixed: header + (len(fields)+7)/8}
	at := t.fixed
	for i := range fields {
		p := &t.places[i]
		*p = place{node: newNode(fields[i].Type), name: fields[i].Name, nullAt: header + i/8, nullMask: 1 << (i % 8)}
		if p.width > 0 {
			p.at = at
			at += p.width
		}
	}
	for i := range t.places {
		if p := &t.places[i]; p.width == 0 {
			p.at, p.first = at, len(t.variable) == 0
			t.variable = append(t.variable, i)
			at += offsetWidth
		}
	}
	t.end = at
	return t
}

// span returns the range of the value of p, which is one of variable length, in
// the variable area of b.
func (p *place) span(b []byte) (from, to int) {
	if !p.first {
		from = int(le.Uint32(b[p.at-offsetWidth:]))
	}
	return from, int(le.Uint32(b[p.at:]))
}

// null reports whether the value of p is null.
func (p *place) null(b []byte) bool { return b[p.nullAt]&p.nullMask != 0 }

// value returns the value of p, which aliases b.
func (t *tuple) value(p *place, b []byte) []byte {
	if p.width > 0 {
		return b[p.at : p.at+p.width : p.at+p.width]
	}
	from, to := p.span(b)
	return b[t.end+from : t.end+to : t.end+to]
}

// hasBits reports whether one of the first n bits of b is set.
func hasBits(b []byte, n int) bool {
	for _, x := range b[:n/8] {
		if x != 0 {
			return true
		}
	}
	return n%8 != 0 && b[n/8]&(1<<(n%8)-1) != 0
}

func bit(b []byte, i int) bool { return b[i>>3]>>(i&7)&1 != 0 }
