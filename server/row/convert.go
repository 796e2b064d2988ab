package row

import (
	"math"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// op is how a value becomes one of the same or of a wider type.
type op uint8

const (
	// opNull: there is no value.
	opNull op = iota
	opBool
	op1
	op2
	op4
	op8
	op16
	op1to2
	op1to4
	op1to8
	op2to4
	op2to8
	op4to8
	opFloatToDouble
	// opBytes are texts and bytes.
	opBytes
	// opBinary are bytes of fixed number: in a row like others, in Arrow one after the other.
	opBinary
	// opNested are ARRAY, MAP and ROW, of the same encoding on both sides.
	opNested
)

// convert returns how values of the type from become such of to; false when they
// do not. Nullability does not count.
func convert(from, to schema.Type) (op, bool) {
	if !schema.CanWiden(withoutNulls(from), withoutNulls(to)) {
		return opNull, false
	}
	if from.Kind == schema.Float && to.Kind == schema.Double {
		return opFloatToDouble, true
	}
	a, b := newNode(from), newNode(to)
	switch a.kind {
	case kindBool:
		return opBool, true
	case kindFixed:
		o, ok := fixedOps[[2]int{a.width, b.width}]
		return o, ok
	case kindBytes:
		return opBytes, true
	case kindBinary:
		return opBinary, true
	default:
		return opNested, true
	}
}

var fixedOps = map[[2]int]op{
	{1, 1}: op1, {2, 2}: op2, {4, 4}: op4, {8, 8}: op8, {16, 16}: op16,
	{1, 2}: op1to2, {1, 4}: op1to4, {1, 8}: op1to8, {2, 4}: op2to4, {2, 8}: op2to8, {4, 8}: op4to8,
}

// withoutNulls returns t as NOT NULL at every depth.
func withoutNulls(t schema.Type) schema.Type {
	t.Nullable = false
	if len(t.Fields) > 0 {
		fields := make([]schema.Field, len(t.Fields))
		for i := range t.Fields {
			fields[i] = t.Fields[i]
			fields[i].Type = withoutNulls(t.Fields[i].Type)
		}
		t.Fields = fields
	}
	return t
}

// fixed writes the value of fixed width at the start of src to dst.
func (o op) fixed(dst, src []byte) {
	switch o {
	case opBool, op1:
		dst[0] = src[0]
	case op2:
		le.PutUint16(dst, le.Uint16(src))
	case op4:
		le.PutUint32(dst, le.Uint32(src))
	case op8:
		le.PutUint64(dst, le.Uint64(src))
	case op16:
		le.PutUint64(dst[8:], le.Uint64(src[8:]))
		le.PutUint64(dst, le.Uint64(src))
	case op1to2:
		le.PutUint16(dst, uint16(int8(src[0])))
	case op1to4:
		le.PutUint32(dst, uint32(int8(src[0])))
	case op1to8:
		le.PutUint64(dst, uint64(int8(src[0])))
	case op2to4:
		le.PutUint32(dst, uint32(int16(le.Uint16(src))))
	case op2to8:
		le.PutUint64(dst, uint64(int16(le.Uint16(src))))
	case op4to8:
		le.PutUint64(dst, uint64(int32(le.Uint32(src))))
	case opFloatToDouble:
		le.PutUint64(dst, math.Float64bits(float64(math.Float32frombits(le.Uint32(src)))))
	default:
	}
}

// placesByID returns the places of fields by their ids.
func placesByID(fields []schema.Field) map[ids.FieldID]int {
	out := make(map[ids.FieldID]int, len(fields))
	for i := range fields {
		if fields[i].ID > 0 {
			out[fields[i].ID] = i
		}
	}
	return out
}
