package project

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/fluss-go/fluss/proto/schema"
)

// sameForm reports whether values of the two types lie in memory in the same
// way, as they do when a CHAR became a STRING or a DECIMAL more precise.
func sameForm(from, to schema.Type) bool {
	ff, fw := formOf(from)
	tf, tw := formOf(to)
	if ff != tf || fw != tw || len(from.Fields) != len(to.Fields) {
		return false
	}
	for i := range from.Fields {
		if !sameForm(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}

// widened returns the values of d, of the type from, in the form of the type
// to, which from was widened to; false when it cannot become that.
func widened(d arrow.ArrayData, from, to schema.Type) (arrow.ArrayData, bool) {
	if sameForm(from, to) {
		return d, true
	}
	switch {
	case from.Kind == schema.Float && to.Kind == schema.Double:
		return rebuilt(d, to, 8, func(i int, dst []byte) {
			v := math.Float32frombits(binary.LittleEndian.Uint32(d.Buffers()[1].Bytes()[i*4:]))
			binary.LittleEndian.PutUint64(dst, math.Float64bits(float64(v)))
		}), true
	case isInt(from.Kind) && isInt(to.Kind):
		_, fw := formOf(from)
		_, tw := formOf(to)
		if fw > tw {
			return nil, false
		}
		src := d.Buffers()[1].Bytes()
		return rebuilt(d, to, tw, func(i int, dst []byte) { putInt(dst, intAt(src, i, fw)) }), true
	case from.Kind == schema.Binary && to.Kind == schema.Bytes:
		return variableFromFixed(d, from.Length), true
	case from.Kind == to.Kind && len(from.Fields) == len(to.Fields) && len(from.Fields) > 0:
		return widenedChildren(d, from, to)
	}
	return nil, false
}

func isInt(k schema.Kind) bool { return k >= schema.TinyInt && k <= schema.BigInt }

// intAt returns value i of src, a run of little-endian integers of width bytes.
func intAt(src []byte, i, width int) int64 {
	switch width {
	case 1:
		return int64(int8(src[i]))
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(src[i*2:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(src[i*4:])))
	}
	return int64(binary.LittleEndian.Uint64(src[i*8:]))
}

// putInt writes v into all of dst, little-endian.
func putInt(dst []byte, v int64) {
	for i := range dst {
		dst[i] = byte(v >> (8 * i))
	}
}

// rebuilt returns d with values of width bytes each that put writes; put gets
// the place of the value counted from the start of the buffer.
func rebuilt(d arrow.ArrayData, to schema.Type, width int, put func(i int, dst []byte)) arrow.ArrayData {
	end := d.Offset() + d.Len()
	values := make([]byte, end*width)
	for i := d.Offset(); i < end; i++ {
		put(i, values[i*width:(i+1)*width])
	}
	return array.NewData(to.Arrow(), d.Len(), []*memory.Buffer{d.Buffers()[0], memory.NewBufferBytes(values)}, nil, d.NullN(), d.Offset())
}

// variableFromFixed returns d, of values of width bytes, as values between offsets.
func variableFromFixed(d arrow.ArrayData, width int) arrow.ArrayData {
	end := d.Offset() + d.Len()
	offsets := make([]byte, 0, (end+1)*4)
	for i := range end + 1 {
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(i*width))
	}
	buffers := []*memory.Buffer{d.Buffers()[0], memory.NewBufferBytes(offsets), d.Buffers()[1]}
	return array.NewData(arrow.BinaryTypes.Binary, d.Len(), buffers, nil, d.NullN(), d.Offset())
}

// widenedChildren returns d with its children widened.
func widenedChildren(d arrow.ArrayData, from, to schema.Type) (arrow.ArrayData, bool) {
	if from.Kind == schema.Map {
		child, ok := widenedChildren(d.Children()[0], entries(from), entries(to))
		if !ok {
			return nil, false
		}
		return array.NewData(to.Arrow(), d.Len(), d.Buffers(), []arrow.ArrayData{child}, d.NullN(), d.Offset()), true
	}
	children := make([]arrow.ArrayData, len(from.Fields))
	for i := range from.Fields {
		child, ok := widened(d.Children()[i], from.Fields[i].Type, to.Fields[i].Type)
		if !ok {
			return nil, false
		}
		children[i] = child
	}
	// The type of entries is never asked for: only the top's is.
	return array.NewData(d.DataType(), d.Len(), d.Buffers(), children, d.NullN(), d.Offset()), true
}
