package batch

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// NewIPCLayout returns the layout of record batches that come in the Arrow schema
// given, for DecodeIPC only, which converts them to the columns fields: those that
// schema.FromArrow or schema.Like make of given, whose nullability alone may have
// been changed. So it takes what Arrow clients send that no table stores: large
// strings, binaries and lists (as STRING, BYTES, ARRAY), lists of fixed size,
// unsigned integers of up to 32 bits and DATE64 (as DATE).
//
// It fails with INVALID_SCHEMA (column) if a column cannot be converted so.
func NewIPCLayout(given *arrow.Schema, fields []schema.Field) (*Layout, error) {
	l := &Layout{fields: fields, columns: make([]columnLayout, len(fields))}
	if given.NumFields() != len(fields) {
		return nil, errcode.New(errcode.InvalidSchema, nil, "%d columns for an Arrow schema of %d", len(fields), given.NumFields())
	}
	wire := make([]arrow.Field, len(fields))
	same := true
	for i := range fields {
		c := &l.columns[i]
		c.node, c.buffer = l.nodes, len(l.roles)
		c.nodeLayout = newNodeLayout(fields[i].Type, fields[i].Name)
		changed, ok := c.adopt(given.Field(i).Type)
		if !ok {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is %s and cannot take the Arrow type %s: cast it to %s",
				fields[i].Name, fields[i].Type, given.Field(i).Type, fields[i].Type.Arrow()).With("column", fields[i].Name)
		}
		same = same && !changed
		wire[i] = arrow.Field{Name: fields[i].Name, Type: c.dtype, Nullable: true}
		l.count(&c.nodeLayout)
	}
	l.schema = schema.ArrowFields(fields)
	if !same {
		l.converted, l.schema = l.schema, arrow.NewSchema(wire, nil)
	}
	return l, nil
}

// adopt makes n the layout of values of an Arrow type; false in ok if that
// cannot be converted to n's, true in changed if it needs to be.
func (n *nodeLayout) adopt(wire arrow.DataType) (changed, ok bool) {
	id := n.dtype.ID()
	switch w := wire.(type) {
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		n.wide, changed = true, true
		ok = id == narrowTypes[w.ID()]
	case *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Date64Type:
		n.width, changed = w.(arrow.FixedWidthDataType).BitWidth()/8, true
		ok = id == narrowTypes[w.ID()]
	case *arrow.LargeListType:
		n.wide = true
		_, ok = n.adoptChildren(id == arrow.LIST, w.Elem())
		changed = true
	case *arrow.FixedSizeListType:
		n.form, n.size = formFixedList, int(w.Len())
		_, ok = n.adoptChildren(id == arrow.LIST, w.Elem())
		changed = true
	case *arrow.ListType:
		changed, ok = n.adoptChildren(id == arrow.LIST, w.Elem())
	case *arrow.MapType:
		changed, ok = n.adoptChildren(id == arrow.MAP, w.Elem())
	case *arrow.StructType:
		types := make([]arrow.DataType, w.NumFields())
		for i := range types {
			types[i] = w.Field(i).Type
		}
		changed, ok = n.adoptChildren(id == arrow.STRUCT, types...)
	default:
		return false, n.takes(wire)
	}
	if changed {
		n.dtype = wire
	}
	return changed, ok
}

// narrowTypes are the types of a table that stand for those of Arrow.
var narrowTypes = map[arrow.Type]arrow.Type{
	arrow.LARGE_STRING: arrow.STRING, arrow.LARGE_BINARY: arrow.BINARY, arrow.DATE64: arrow.DATE32,
	arrow.UINT8: arrow.INT16, arrow.UINT16: arrow.INT32, arrow.UINT32: arrow.INT64,
}

func (n *nodeLayout) adoptChildren(same bool, types ...arrow.DataType) (changed, ok bool) {
	if !same || len(types) != len(n.children) {
		return false, false
	}
	for i, t := range types {
		c, ok := n.children[i].adopt(t)
		if !ok {
			return false, false
		}
		changed = changed || c
	}
	return changed, true
}

// convert returns rec, which was checked, with the columns that tables have.
func (l *Layout) convert(rec arrow.RecordBatch) arrow.RecordBatch {
	cols := make([]arrow.Array, len(l.columns))
	for i := range cols {
		data := converted(rec.Column(i).Data(), l.converted.Field(i).Type)
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	out := array.NewRecordBatch(l.converted, cols, rec.NumRows())
	for _, c := range cols {
		c.Release()
	}
	return out
}

// converted returns d, of offset 0, as values of the type to; the caller releases it.
func converted(d arrow.ArrayData, to arrow.DataType) arrow.ArrayData {
	n := d.Len()
	buffers := []*memory.Buffer{d.Buffers()[0]}
	var children []arrow.ArrayData
	add := func(b []byte) { buffers = append(buffers, memory.NewBufferBytes(b)) }
	switch d.DataType().ID() {
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		add(narrowOffsets(d, n))
		buffers = append(buffers, d.Buffers()[2])
	case arrow.LARGE_LIST:
		add(narrowOffsets(d, n))
	case arrow.FIXED_SIZE_LIST:
		add(evenOffsets(n, int(d.DataType().(*arrow.FixedSizeListType).Len())))
	case arrow.UINT8:
		add(widened(d, n, 1, 2))
	case arrow.UINT16:
		add(widened(d, n, 2, 4))
	case arrow.UINT32:
		add(widened(d, n, 4, 8))
	case arrow.DATE64:
		add(days(d, n))
	default:
		buffers = d.Buffers()
	}
	if nested, ok := to.(arrow.NestedType); ok {
		for i, f := range nested.Fields() {
			children = append(children, converted(d.Children()[i], f.Type))
		}
	}
	out := array.NewData(to, n, buffers, children, d.NullN(), 0)
	for _, c := range children {
		c.Release()
	}
	return out
}

func narrowOffsets(d arrow.ArrayData, n int) []byte {
	out := make([]byte, 4*(n+1))
	src := d.Buffers()[1].Bytes()
	for i := 0; i <= n && 8*i < len(src); i++ {
		binary.LittleEndian.PutUint32(out[4*i:], uint32(binary.LittleEndian.Uint64(src[8*i:])))
	}
	return out
}

func evenOffsets(n, size int) []byte {
	out := make([]byte, 4*(n+1))
	for i := range n + 1 {
		binary.LittleEndian.PutUint32(out[4*i:], uint32(i*size))
	}
	return out
}

// widened returns n unsigned integers of from bytes as ones of to bytes.
func widened(d arrow.ArrayData, n, from, to int) []byte {
	out := make([]byte, n*to)
	src := d.Buffers()[1].Bytes()
	for i := range n {
		copy(out[i*to:], src[i*from:(i+1)*from])
	}
	return out
}

// days returns n DATE64, in ms, as days.
func days(d arrow.ArrayData, n int) []byte {
	const msOfDay = 24 * 60 * 60 * 1000
	out := make([]byte, 4*n)
	src := d.Buffers()[1].Bytes()
	for i := range n {
		ms := int64(binary.LittleEndian.Uint64(src[8*i:]))
		day := ms / msOfDay
		if ms%msOfDay < 0 {
			day--
		}
		binary.LittleEndian.PutUint32(out[4*i:], uint32(int32(day)))
	}
	return out
}
