// Package rowcodec turns Go values into Arrow columns and back.
//
// A Builder holds the columns of a run of rows in Arrow's layout. Rows get into
// it from structs through a Plan compiled once per type, from maps, from text, or
// from Arrow arrays whose types can be cast. A Reader does the reverse.
//
// The types here are not safe for concurrent use, unless they say so.
package rowcodec

import (
	"encoding/binary"
	"math"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// shape is what all columns of one field share; immutable.
type shape struct {
	field schema.Field
	// path names the field in errors: "a", "a.b" for a ROW's field, "a.element".
	path string
	// width is the bytes of a value; 0 for booleans (bits) and for the kinds of variable size.
	width int
	// unit is the power of ten of a second that TIME and TIMESTAMP count in: 0, 3, 6 or 9.
	unit int
	kids []*shape
	// variable tells whether the bytes of a row differ from row to row.
	variable bool
}

func newShape(f schema.Field, parent string) *shape {
	s := &shape{field: f, path: f.Name}
	if parent != "" {
		s.path = parent + "." + f.Name
	}
	t := f.Type
	switch t.Kind {
	case schema.TinyInt:
		s.width = 1
	case schema.SmallInt:
		s.width = 2
	case schema.Int, schema.Float, schema.Date:
		s.width = 4
	case schema.BigInt, schema.Double, schema.Timestamp, schema.TimestampLTZ:
		s.width = 8
	case schema.Decimal:
		s.width = 16
	case schema.Binary:
		s.width = t.Length
	case schema.Time:
		s.width = 4
		if t.Precision > 3 {
			s.width = 8
		}
	case schema.Char, schema.String, schema.Bytes, schema.Array, schema.Map:
		s.variable = true
	case schema.Boolean, schema.Row:
	}
	s.unit = unitOf(t.Precision)
	for _, kid := range t.Fields {
		k := newShape(kid, s.path)
		s.variable = s.variable || k.variable
		s.kids = append(s.kids, k)
	}
	return s
}

// unitOf rounds a precision up to the units that Arrow has: s, ms, µs and ns.
func unitOf(precision int) int { return min(9, (precision+2)/3*3) }

// Column is one column under construction, in Arrow's layout.
type Column struct {
	*shape
	n, nulls int
	// valid is the validity bitmap, kept only once a null has come.
	valid    []byte
	tracking bool
	// data holds the values of fixed width back to back, the bits of booleans, or
	// the bytes of strings.
	data []byte
	// offsets has n+1 entries, for strings, bytes, arrays and maps.
	offsets []int32
	// kids are the fields of a ROW, the element of an ARRAY, key and value of a MAP.
	kids []Column
}

func newColumn(s *shape) Column {
	c := Column{shape: s}
	switch s.field.Type.Kind { //nolint:exhaustive // only these have offsets
	case schema.Char, schema.String, schema.Bytes, schema.Array, schema.Map:
		c.offsets = append(make([]int32, 0, 64), 0)
	}
	for _, k := range s.kids {
		c.kids = append(c.kids, newColumn(k))
	}
	return c
}

func (c *Column) reset() {
	c.n, c.nulls, c.tracking = 0, 0, false
	c.valid, c.data = c.valid[:0], c.data[:0]
	if c.offsets != nil {
		c.offsets = c.offsets[:1]
	}
	for i := range c.kids {
		c.kids[i].reset()
	}
}

// appendBit sets bit n of a bitmap that has n bits.
func appendBit(bits []byte, n int, set bool) []byte {
	if n%8 == 0 {
		bits = append(bits, 0)
	}
	if set {
		bits[n/8] |= 1 << (n % 8)
	}
	return bits
}

func bitAt(bits []byte, i int) bool { return bits[i/8]&(1<<(i%8)) != 0 }

// done counts a value whose bytes have been appended.
func (c *Column) done() {
	if c.tracking {
		c.valid = appendBit(c.valid, c.n, true)
	}
	c.n++
}

// addMissing appends a null for a value that the row does not have. It fails as addNull does.
func (c *Column) addMissing() error {
	if !c.field.Type.Nullable {
		return errcode.New(errcode.InvalidBatch, nil, "the row lacks column %s, which is NOT NULL", c.path).With("column", c.path)
	}
	return c.addNull()
}

// addNull appends a null. It fails with INVALID_BATCH on a NOT NULL column.
func (c *Column) addNull() error {
	if !c.field.Type.Nullable {
		return errcode.New(errcode.InvalidBatch, nil, "column %s is NOT NULL and the value is null", c.path).With("column", c.path)
	}
	c.putNull()
	return nil
}

// putNull appends a null, on a NOT NULL column as well.
func (c *Column) putNull() {
	if !c.tracking {
		c.tracking = true
		for i := range c.n {
			c.valid = appendBit(c.valid, i, true)
		}
	}
	c.addBlank()
	// addBlank has marked it valid.
	i := c.n - 1
	c.valid[i/8] &^= 1 << (i % 8)
	c.nulls++
}

// addBlank appends the value that stands under a null: zeros, or nothing.
func (c *Column) addBlank() {
	switch c.field.Type.Kind { //nolint:exhaustive // the others are of fixed width
	case schema.Boolean:
		c.data = appendBit(c.data, c.n, false)
	case schema.Char, schema.String, schema.Bytes, schema.Array, schema.Map:
		c.offsets = append(c.offsets, c.offsets[c.n])
	case schema.Row:
		for i := range c.kids {
			c.kids[i].addBlankOrNull()
		}
	default:
		c.data = append(c.data, make([]byte, c.width)...)
	}
	c.done()
}

func (c *Column) addBlankOrNull() {
	if c.field.Type.Nullable {
		_ = c.addNull()
		return
	}
	c.addBlank()
}

// truncate drops the values from n on.
func (c *Column) truncate(n int) {
	if n >= c.n {
		return
	}
	if c.tracking {
		for i := n; i < c.n; i++ {
			if !bitAt(c.valid, i) {
				c.nulls--
			}
		}
		c.valid = cutBits(c.valid, n)
	}
	switch c.field.Type.Kind { //nolint:exhaustive // the others are of fixed width
	case schema.Boolean:
		c.data = cutBits(c.data, n)
	case schema.Char, schema.String, schema.Bytes:
		c.offsets = c.offsets[:n+1]
		c.data = c.data[:c.offsets[n]]
	case schema.Array, schema.Map:
		c.offsets = c.offsets[:n+1]
		c.truncateKids(int(c.offsets[n]))
	case schema.Row:
		c.truncateKids(n)
	default:
		c.data = c.data[:n*c.width]
	}
	c.n = n
}

func (c *Column) truncateKids(n int) {
	for i := range c.kids {
		c.kids[i].truncate(n)
	}
}

// undo drops what an unfinished value left behind: the kids of a nested one.
func (c *Column) undo(n int) {
	c.truncate(n)
	switch c.field.Type.Kind { //nolint:exhaustive // only these have kids
	case schema.Array, schema.Map:
		for i := range c.kids {
			c.kids[i].undo(int(c.offsets[n]))
		}
	case schema.Row:
		for i := range c.kids {
			c.kids[i].undo(n)
		}
	}
}

func cutBits(bits []byte, n int) []byte {
	bits = bits[:(n+7)/8]
	if n%8 != 0 {
		bits[n/8] &= 1<<(n%8) - 1
	}
	return bits
}

// bytes is the size of the buffers.
func (c *Column) bytes() int {
	n := len(c.data) + len(c.valid) + 4*len(c.offsets)
	for i := range c.kids {
		n += c.kids[i].bytes()
	}
	return n
}

// closeList ends the list whose elements were appended to the kids.
func (c *Column) closeList() {
	c.offsets = append(c.offsets, int32(c.kids[0].n)) //nolint:gosec // grow checks it
	c.done()
}

// grow fails with RECORD_TOO_LARGE when n more bytes or elements do not fit in 32-bit offsets.
func (c *Column) grow(have, n int) error {
	if have+n > math.MaxInt32 {
		return errcode.New(errcode.RecordTooLarge, nil, "column %s: the values of one batch exceed 2 GiB", c.path).With("column", c.path)
	}
	return nil
}

// copyRow appends value i of src, a column of the same shape.
func (c *Column) copyRow(src *Column, i int) {
	if src.nulls > 0 && !bitAt(src.valid, i) {
		c.putNull()
		return
	}
	switch c.field.Type.Kind { //nolint:exhaustive // the others are of fixed width
	case schema.Boolean:
		c.data = appendBit(c.data, c.n, bitAt(src.data, i))
	case schema.Char, schema.String, schema.Bytes:
		c.data = append(c.data, src.data[src.offsets[i]:src.offsets[i+1]]...)
		c.offsets = append(c.offsets, int32(len(c.data))) //nolint:gosec // bounded by the batch size
	case schema.Array, schema.Map:
		for j := src.offsets[i]; j < src.offsets[i+1]; j++ {
			for k := range c.kids {
				c.kids[k].copyRow(&src.kids[k], int(j))
			}
		}
		c.closeList()
		return
	case schema.Row:
		for k := range c.kids {
			c.kids[k].copyRow(&src.kids[k], i)
		}
	case schema.Int, schema.Float, schema.Date:
		c.data = binary.LittleEndian.AppendUint32(c.data, binary.LittleEndian.Uint32(src.data[i*4:]))
	case schema.BigInt, schema.Double, schema.Timestamp, schema.TimestampLTZ:
		c.data = binary.LittleEndian.AppendUint64(c.data, binary.LittleEndian.Uint64(src.data[i*8:]))
	default:
		c.data = append(c.data, src.data[i*c.width:(i+1)*c.width]...)
	}
	c.done()
}

// key appends value i's bytes, framed so that different values differ, to dst.
func (c *Column) key(dst []byte, i int) []byte {
	if c.nulls > 0 && !bitAt(c.valid, i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch c.field.Type.Kind { //nolint:exhaustive // the others are of fixed width
	case schema.Boolean:
		if bitAt(c.data, i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case schema.Char, schema.String, schema.Bytes:
		v := c.data[c.offsets[i]:c.offsets[i+1]]
		dst = binary.AppendUvarint(dst, uint64(len(v)))
		return append(dst, v...)
	default:
		return append(dst, c.data[i*c.width:(i+1)*c.width]...)
	}
}
