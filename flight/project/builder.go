package project

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/schema"
)

// column gathers values of one column, or of a field nested in one, in the
// memory that a batch on the wire has. It is reused from batch to batch.
type column struct {
	form  form
	width int // bytes of a value of the fixed form
	rows  int
	nulls int
	// validity has a bit per row, set when the row is not null; empty while
	// there are no nulls.
	validity []byte
	// values are the fixed-width values, the bits of the bits form, or the
	// bytes of the variable form.
	values []byte
	// offsets are rows+1 offsets of the variable and the list form, as bytes.
	offsets  []byte
	children []*column
}

// form is how the values of a type lie in memory.
type form uint8

const (
	// fixed values have the same number of bytes each.
	fixed form = iota
	// bitsForm values are bits.
	bitsForm
	// variable values are runs of bytes between offsets.
	variable
	// list values are runs of a child between offsets: ARRAY and MAP.
	list
	// structs have a child per field.
	structs
)

// formOf returns the form of a type and, if fixed, the bytes of a value.
func formOf(t schema.Type) (f form, width int) {
	switch t.Kind {
	case schema.Boolean:
		return bitsForm, 0
	case schema.TinyInt:
		return fixed, 1
	case schema.SmallInt:
		return fixed, 2
	case schema.Int, schema.Float, schema.Date:
		return fixed, 4
	case schema.BigInt, schema.Double, schema.Timestamp, schema.TimestampLTZ:
		return fixed, 8
	case schema.Time:
		if t.Precision <= 3 {
			return fixed, 4
		}
		return fixed, 8
	case schema.Decimal:
		return fixed, 16
	case schema.Binary:
		return fixed, t.Length
	case schema.Char, schema.String, schema.Bytes:
		return variable, 0
	case schema.Array, schema.Map:
		return list, 0
	case schema.Row:
		return structs, 0
	}
	return structs, 0
}

// newColumn returns an empty column of the type.
func newColumn(t schema.Type) *column {
	c := &column{}
	c.form, c.width = formOf(t)
	switch {
	case t.Kind == schema.Map: // a list of rows of key and value
		c.children = []*column{newColumn(entries(t))}
	case c.form == list || c.form == structs:
		for i := range t.Fields {
			c.children = append(c.children, newColumn(t.Fields[i].Type))
		}
	}
	c.reset()
	return c
}

// entries returns the type of the entries of a MAP.
func entries(m schema.Type) schema.Type {
	return schema.Type{Kind: schema.Row, Fields: m.Fields}
}

// reset empties the column and keeps its memory.
func (c *column) reset() {
	c.rows, c.nulls = 0, 0
	c.validity, c.values, c.offsets = c.validity[:0], c.values[:0], c.offsets[:0]
	if c.form == variable || c.form == list {
		c.offsets = append(c.offsets, 0, 0, 0, 0)
	}
	for _, child := range c.children {
		child.reset()
	}
}

// bytes returns about how many bytes the column has.
func (c *column) bytes() int {
	n := len(c.validity) + len(c.values) + len(c.offsets)
	for _, child := range c.children {
		n += child.bytes()
	}
	return n
}

// appendRange appends the rows [from, from+n) of d, which has the form of c.
func (c *column) appendRange(d arrow.ArrayData, from, n int) {
	if n == 0 {
		return
	}
	start := d.Offset() + from
	c.appendValidity(d, start, n)
	switch c.form {
	case fixed:
		c.values = append(c.values, d.Buffers()[1].Bytes()[start*c.width:(start+n)*c.width]...)
	case bitsForm:
		c.values = appendBits(c.values, c.rows, d.Buffers()[1].Bytes(), start, n)
	case variable:
		offsets := d.Buffers()[1].Bytes()
		first, last := offsetAt(offsets, start), offsetAt(offsets, start+n)
		c.appendOffsets(offsets, start, n)
		if last > first {
			c.values = append(c.values, d.Buffers()[2].Bytes()[first:last]...)
		}
	case list:
		offsets := d.Buffers()[1].Bytes()
		first, last := offsetAt(offsets, start), offsetAt(offsets, start+n)
		c.appendOffsets(offsets, start, n)
		c.children[0].appendRange(d.Children()[0], first, last-first)
	case structs:
		for i, child := range c.children {
			child.appendRange(d.Children()[i], start, n)
		}
	}
	c.rows += n
}

// appendRows appends the rows of d with the given numbers, ascending.
func (c *column) appendRows(d arrow.ArrayData, rows []int32) {
	if c.form == fixed && !mayHaveNulls(d) && c.nulls == 0 {
		c.gatherFixed(d, rows)
		return
	}
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[j] == rows[j-1]+1 {
			j++
		}
		c.appendRange(d, int(rows[i]), j-i)
		i = j
	}
}

func (c *column) gatherFixed(d arrow.ArrayData, rows []int32) {
	w := c.width
	src := d.Buffers()[1].Bytes()[d.Offset()*w:]
	at := len(c.values)
	c.values = extend(c.values, len(rows)*w)
	dst := c.values[at:]
	switch w {
	case 4:
		for i, r := range rows {
			binary.LittleEndian.PutUint32(dst[i*4:], binary.LittleEndian.Uint32(src[int(r)*4:]))
		}
	case 8:
		for i, r := range rows {
			binary.LittleEndian.PutUint64(dst[i*8:], binary.LittleEndian.Uint64(src[int(r)*8:]))
		}
	default:
		for i, r := range rows {
			copy(dst[i*w:(i+1)*w], src[int(r)*w:])
		}
	}
	c.rows += len(rows)
}

// extend returns b with n more bytes of any content.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		grown := make([]byte, len(b), max(2*cap(b), len(b)+n))
		copy(grown, b)
		b = grown
	}
	return b[:len(b)+n]
}

// appendNulls appends n nulls.
func (c *column) appendNulls(n int) {
	if n == 0 {
		return
	}
	c.validity = setBits(c.fullValidity(), c.rows, n, false)
	c.nulls += n
	c.appendZeros(n)
}

// appendZeros appends the values, not the validity, of n rows that do not count.
func (c *column) appendZeros(n int) {
	switch c.form {
	case fixed:
		c.values = append(c.values, make([]byte, n*c.width)...)
	case bitsForm:
		c.values = setBits(c.values, c.rows, n, false)
	case variable, list:
		last := offsetAt(c.offsets, c.rows)
		for range n {
			c.offsets = binary.LittleEndian.AppendUint32(c.offsets, uint32(last))
		}
	case structs:
		for _, child := range c.children {
			child.appendNulls(n)
		}
	}
	c.rows += n
}

// fullValidity returns the bitmap with a bit for each row that there is.
func (c *column) fullValidity() []byte {
	if len(c.validity) == 0 {
		return setBits(c.validity, 0, c.rows, true)
	}
	return c.validity
}

// mayHaveNulls reports whether d has a bitmap with nulls in it.
func mayHaveNulls(d arrow.ArrayData) bool {
	return d.NullN() != 0 && len(d.Buffers()) > 0 && d.Buffers()[0] != nil && d.Buffers()[0].Len() > 0
}

func (c *column) appendValidity(d arrow.ArrayData, start, n int) {
	if mayHaveNulls(d) {
		src := d.Buffers()[0].Bytes()
		if set := bitutil.CountSetBits(src, start, n); set < n {
			c.validity = appendBits(c.fullValidity(), c.rows, src, start, n)
			c.nulls += n - set
			return
		}
	}
	if c.nulls > 0 {
		c.validity = setBits(c.validity, c.rows, n, true)
	}
}

// appendOffsets appends the ends of n values, moved to where they land in c.
func (c *column) appendOffsets(src []byte, start, n int) {
	move := offsetAt(c.offsets, c.rows) - offsetAt(src, start)
	at := len(c.offsets)
	c.offsets = extend(c.offsets, n*4)
	dst := c.offsets[at:]
	src = src[(start+1)*4 : (start+1+n)*4]
	for i := 0; i < len(src); i += 4 {
		binary.LittleEndian.PutUint32(dst[i:], binary.LittleEndian.Uint32(src[i:])+uint32(move))
	}
}

func offsetAt(offsets []byte, i int) int {
	return int(int32(binary.LittleEndian.Uint32(offsets[i*4:])))
}

// appendBits appends n bits of src from start to dst, which has have bits.
func appendBits(dst []byte, have int, src []byte, start, n int) []byte {
	dst = growBits(dst, have, n)
	if have%8 == 0 && start%8 == 0 {
		copy(dst[have/8:], src[start/8:(start+n+7)/8])
		clearTail(dst, have+n)
		return dst
	}
	for i := range n {
		if bitutil.BitIsSet(src, start+i) {
			dst[(have+i)/8] |= 1 << ((have + i) % 8)
		}
	}
	return dst
}

// setBits appends n bits of one value to dst, which has have bits.
func setBits(dst []byte, have, n int, value bool) []byte {
	dst = growBits(dst, have, n)
	if !value {
		return dst
	}
	bitutil.SetBitsTo(dst, int64(have), int64(n), true)
	return dst
}

// growBits returns dst, which has have bits, with room for n more, all clear.
func growBits(dst []byte, have, n int) []byte {
	at := len(dst)
	dst = extend(dst, (have+n+7)/8-at)
	clear(dst[at:])
	return dst
}

// clearTail clears the bits of the last byte from bit n on.
func clearTail(b []byte, n int) {
	if n%8 != 0 {
		b[n/8] &= 1<<(n%8) - 1
	}
}

// appendInt64 appends an 8-byte value to a fixed column of that width.
func (c *column) appendInt64(v int64) {
	c.values = binary.LittleEndian.AppendUint64(c.values, uint64(v))
	c.rows++
}

// repeat appends n times the bytes v to a fixed column of that width.
func (c *column) repeat(v []byte, n int) {
	at := len(c.values)
	c.values = extend(c.values, n*len(v))
	fillRepeated(c.values[at:], v)
	c.rows += n
}

// fillRepeated fills dst with v over and over.
func fillRepeated(dst, v []byte) {
	for n := copy(dst, v); n < len(dst) && n > 0; n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// align is what buffers in a body start at a multiple of.
const align = 64

// aligned rounds n up to a multiple of align.
func aligned(n int) int { return (n + align - 1) &^ (align - 1) }

// bytesOfBits is the number of bytes for n bits.
func bytesOfBits(n int) int { return (n + 7) / 8 }

// describe adds the nodes and buffers of c to m, its first buffer at offset
// size of the body, and returns the body's size behind c.
func (c *column) describe(m *batch.Meta, size int) int {
	m.Nodes = append(m.Nodes, batch.Node{Length: int64(c.rows), Nulls: int64(c.nulls)})
	for _, b := range c.buffers() {
		m.Buffers = append(m.Buffers, batch.BufferRange{Off: int64(size), Len: int64(len(b))})
		size += aligned(len(b))
	}
	for _, child := range c.children {
		size = child.describe(m, size)
	}
	return size
}

// buffers returns the buffers of c without those of its children.
func (c *column) buffers() [][]byte {
	validity := c.validity
	if c.nulls == 0 {
		validity = nil
	}
	switch c.form {
	case fixed, bitsForm:
		return [][]byte{validity, c.values}
	case variable:
		return [][]byte{validity, c.offsets, c.values}
	case list:
		return [][]byte{validity, c.offsets}
	case structs:
	}
	return [][]byte{validity}
}

// write appends the buffers of c to a body, each padded to align.
func (c *column) write(body []byte) []byte {
	for _, b := range c.buffers() {
		body = append(body, b...)
		pad := aligned(len(body)) - len(body)
		body = append(body, zeroPage[:pad]...)
	}
	for _, child := range c.children {
		body = child.write(body)
	}
	return body
}

// data returns the rows of c as Arrow data of the type t; it shares c's memory.
func (c *column) data(t schema.Type) arrow.ArrayData {
	var buffers []*memory.Buffer
	for _, b := range c.buffers() {
		if b == nil {
			buffers = append(buffers, nil)
			continue
		}
		buffers = append(buffers, memory.NewBufferBytes(b))
	}
	var children []arrow.ArrayData
	dt := t.Arrow()
	if t.Kind == schema.Map {
		entry := c.children[0]
		var fields []arrow.ArrayData
		for i, child := range entry.children {
			fields = append(fields, child.data(t.Fields[i].Type))
		}
		children = []arrow.ArrayData{array.NewData(dt.(*arrow.MapType).Elem(), entry.rows, []*memory.Buffer{nil}, fields, entry.nulls, 0)}
	} else {
		for i, child := range c.children {
			children = append(children, child.data(t.Fields[i].Type))
		}
	}
	return array.NewData(dt, c.rows, buffers, children, c.nulls, 0)
}
