package rowcodec

import (
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Reader reads the rows of Arrow batches of one schema into Go values of one
// type: a struct with column tags, or map[string]any. It is safe for concurrent use.
type Reader struct {
	steps []readStep
	names []string
}

type readStep struct {
	column int
	name   string
	offset uintptr
	get    getter
}

// getter reads value i of a into what p points to.
type getter func(a arrow.Array, i int, p unsafe.Pointer) error

// NewReader compiles a reader of batches with the schema into t. Columns that a
// struct has no field for are skipped. It fails with UNKNOWN_COLUMN for a field
// without column and INVALID_ARGUMENT for types that do not go together.
func NewReader(s *arrow.Schema, t reflect.Type) (*Reader, error) {
	r := &Reader{}
	if t == rowMapType {
		for _, f := range s.Fields() {
			r.names = append(r.names, f.Name)
		}
		return r, nil
	}
	if t.Kind() != reflect.Struct {
		return nil, errcode.New(errcode.InvalidArgument, nil, "rows can be read into structs and map[string]any, not into %s", t)
	}
	fields, err := TaggedFields(t)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		at := s.FieldIndices(f.Name)
		if len(at) == 0 {
			return nil, errcode.New(errcode.UnknownColumn, nil, "field %s of %s: the rows have no column %q", f.GoName, t, f.Name).With("column", f.Name)
		}
		get, err := newGetter(f.Name, s.Field(at[0]).Type, f.Type)
		if err != nil {
			return nil, err
		}
		r.steps = append(r.steps, readStep{at[0], f.Name, f.Offset, get})
	}
	return r, nil
}

// Read reads row i of rec into what p points to, a value of the reader's type.
func (r *Reader) Read(rec arrow.RecordBatch, i int, p unsafe.Pointer) error {
	if r.names != nil {
		m := make(map[string]any, len(r.names))
		for c, name := range r.names {
			m[name] = Value(rec.Column(c), i)
		}
		*(*map[string]any)(p) = m
		return nil
	}
	for k := range r.steps {
		s := &r.steps[k]
		if err := s.get(rec.Column(s.column), i, unsafe.Add(p, s.offset)); err != nil {
			return err
		}
	}
	return nil
}

// Value returns value i of a in its Go form; nil for null.
func Value(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int8:
		return a.Value(i)
	case *array.Int16:
		return a.Value(i)
	case *array.Int32:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Float32:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.String:
		return strings.Clone(a.Value(i))
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Date32, *array.Timestamp:
		return timeAt(a, i)
	case *array.Time32, *array.Time64:
		return durationAt(a, i)
	case *array.List:
		from, to := a.ValueOffsets(i)
		out := make([]any, 0, to-from)
		for j := from; j < to; j++ {
			out = append(out, Value(a.ListValues(), int(j)))
		}
		return out
	case *array.Map:
		from, to := a.ValueOffsets(i)
		out := make(map[any]any, to-from)
		for j := int(from); j < int(to); j++ {
			out[mapKey(Value(a.Keys(), j))] = Value(a.Items(), j)
		}
		return out
	case *array.Struct:
		t := a.DataType().(*arrow.StructType)
		out := make(map[string]any, t.NumFields())
		for f := range t.NumFields() {
			out[t.Field(f).Name] = Value(a.Field(f), i)
		}
		return out
	case interface{ Value(i int) []byte }:
		return append([]byte{}, a.Value(i)...)
	}
	return a.ValueStr(i)
}

// mapKey makes a value usable as the key of a Go map: bytes become a string.
func mapKey(v any) any {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	if v != nil && !reflect.TypeOf(v).Comparable() {
		return nil
	}
	return v
}

func timeAt(a arrow.Array, i int) time.Time {
	switch a := a.(type) {
	case *array.Date32:
		return time.Unix(int64(a.Value(i))*secondsPerDay, 0).UTC()
	case *array.Timestamp:
		per := int64(time.Second / a.DataType().(*arrow.TimestampType).Unit.Multiplier())
		seconds := floorDiv(int64(a.Value(i)), per)
		return time.Unix(seconds, (int64(a.Value(i))-seconds*per)*(1e9/per)).UTC()
	}
	return time.Time{}
}

func durationAt(a arrow.Array, i int) time.Duration {
	switch a := a.(type) {
	case *array.Time32:
		return time.Duration(a.Value(i)) * a.DataType().(*arrow.Time32Type).Unit.Multiplier()
	case *array.Time64:
		return time.Duration(a.Value(i)) * a.DataType().(*arrow.Time64Type).Unit.Multiplier()
	}
	return 0
}

func noRead(name string, from arrow.DataType, to reflect.Type) error {
	return errcode.New(errcode.InvalidArgument, nil, "column %s of Arrow type %s cannot be read into a Go %s", name, from, to).With("column", name)
}

// newGetter compiles how values of an Arrow type are read into a Go type.
func newGetter(name string, from arrow.DataType, to reflect.Type) (getter, error) {
	switch {
	case to.Kind() == reflect.Pointer:
		inner, err := newGetter(name, from, to.Elem())
		if err != nil {
			return nil, err
		}
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			if a.IsNull(i) {
				*(*unsafe.Pointer)(p) = nil
				return nil
			}
			v := reflect.New(to.Elem())
			reflect.NewAt(to, p).Elem().Set(v)
			return inner(a, i, v.UnsafePointer())
		}, nil
	case to.Kind() == reflect.Interface && to.NumMethod() == 0:
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*any)(p) = Value(a, i)
			return nil
		}, nil
	case to.Kind() == reflect.Struct && to != timeType && to != decimalType && nullable(to):
		inner, err := newGetter(name, from, to.Field(0).Type)
		if err != nil {
			return nil, err
		}
		value, valid := to.Field(0).Offset, to.Field(1).Offset
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			reflect.NewAt(to, p).Elem().SetZero()
			if a.IsNull(i) {
				return nil
			}
			*(*bool)(unsafe.Add(p, valid)) = true
			return inner(a, i, unsafe.Add(p, value))
		}, nil
	}
	inner, err := plainGetter(name, from, to)
	if err != nil {
		return nil, err
	}
	holdsNull := to.Kind() == reflect.Slice || to.Kind() == reflect.Map
	return func(a arrow.Array, i int, p unsafe.Pointer) error {
		if a.NullN() == 0 || !a.IsNull(i) {
			return inner(a, i, p)
		}
		if holdsNull {
			reflect.NewAt(to, p).Elem().SetZero()
			return nil
		}
		return errcode.New(errcode.InvalidArgument, nil, "column %s is null in a row and a Go %s cannot be: use *%s or sql.Null[%s]", name, to, to, to).With("column", name)
	}, nil
}

func plainGetter(name string, from arrow.DataType, to reflect.Type) (getter, error) {
	if g := scalarGetter(from, to); g != nil {
		return g, nil
	}
	switch t := from.(type) {
	case *arrow.ListType:
		if to.Kind() == reflect.Slice {
			return listGetter(name, t, to)
		}
	case *arrow.MapType:
		if to.Kind() == reflect.Map {
			return mapGetter(name, t, to)
		}
	case *arrow.StructType:
		if to.Kind() == reflect.Struct || to == rowMapType {
			return rowGetter(name, t, to)
		}
	}
	return nil, noRead(name, from, to)
}

// wideInts tells, by the Arrow type, how many bytes an integer has.
var wideInts = map[arrow.Type]uintptr{arrow.INT8: 1, arrow.INT16: 2, arrow.INT32: 4, arrow.INT64: 8}

func scalarGetter(from arrow.DataType, to reflect.Type) getter {
	id := from.ID()
	switch to {
	case timeType:
		if id == arrow.DATE32 || id == arrow.TIMESTAMP {
			return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*time.Time)(p) = timeAt(a, i); return nil }
		}
		return nil
	case durationType:
		if id == arrow.TIME32 || id == arrow.TIME64 {
			return func(a arrow.Array, i int, p unsafe.Pointer) error {
				*(*time.Duration)(p) = durationAt(a, i)
				return nil
			}
		}
		return nil
	case decimalType:
		if id == arrow.DECIMAL128 {
			return func(a arrow.Array, i int, p unsafe.Pointer) error {
				*(*decimal128.Num)(p) = a.(*array.Decimal128).Value(i)
				return nil
			}
		}
		return nil
	}
	switch k := to.Kind(); {
	case k == reflect.Bool && id == arrow.BOOL:
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*bool)(p) = a.(*array.Boolean).Value(i)
			return nil
		}
	case k == reflect.String && id == arrow.STRING:
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*string)(p) = strings.Clone(a.(*array.String).Value(i))
			return nil
		}
	case k == reflect.String && id == arrow.DECIMAL128:
		scale := from.(*arrow.Decimal128Type).Scale
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*string)(p) = a.(*array.Decimal128).Value(i).ToString(scale)
			return nil
		}
	case k == reflect.Float64 && (id == arrow.FLOAT64 || id == arrow.FLOAT32):
		return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*float64)(p) = floatAt(a, i); return nil }
	case k == reflect.Float32 && id == arrow.FLOAT32:
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*float32)(p) = a.(*array.Float32).Value(i)
			return nil
		}
	case k >= reflect.Int && k <= reflect.Int64 && wideInts[id] != 0 && wideInts[id] <= to.Size():
		return intGetter(to.Size())
	case k == reflect.Slice && to.Elem().Kind() == reflect.Uint8 && (id == arrow.BINARY || id == arrow.FIXED_SIZE_BINARY):
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*[]byte)(p) = append([]byte{}, bytesAt(a, i)...)
			return nil
		}
	case k == reflect.Array && to.Elem().Kind() == reflect.Uint8 && id == arrow.FIXED_SIZE_BINARY && from.(*arrow.FixedSizeBinaryType).ByteWidth == to.Len():
		n := to.Len()
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			copy(unsafe.Slice((*byte)(p), n), bytesAt(a, i))
			return nil
		}
	}
	return nil
}

func floatAt(a arrow.Array, i int) float64 {
	if f, ok := a.(*array.Float32); ok {
		return float64(f.Value(i))
	}
	return a.(*array.Float64).Value(i)
}

func bytesAt(a arrow.Array, i int) []byte { return a.(interface{ Value(i int) []byte }).Value(i) }

func intAt(a arrow.Array, i int) int64 {
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i)
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int8:
		return int64(a.Value(i))
	}
	return 0
}

// intGetter reads into an integer of size bytes; the value fits.
func intGetter(size uintptr) getter {
	switch size {
	case 1:
		return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*int8)(p) = int8(intAt(a, i)); return nil } //nolint:gosec // fits
	case 2:
		return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*int16)(p) = int16(intAt(a, i)); return nil } //nolint:gosec // fits
	case 4:
		return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*int32)(p) = int32(intAt(a, i)); return nil } //nolint:gosec // fits
	}
	return func(a arrow.Array, i int, p unsafe.Pointer) error { *(*int64)(p) = intAt(a, i); return nil }
}

func listGetter(name string, t *arrow.ListType, to reflect.Type) (getter, error) {
	elem, err := newGetter(name+".element", t.Elem(), to.Elem())
	if err != nil {
		return nil, err
	}
	size := to.Elem().Size()
	return func(a arrow.Array, i int, p unsafe.Pointer) error {
		l := a.(*array.List)
		from, to64 := l.ValueOffsets(i)
		n := int(to64 - from)
		out := reflect.MakeSlice(to, n, n)
		base := out.UnsafePointer()
		for j := range n {
			if err := elem(l.ListValues(), int(from)+j, unsafe.Add(base, uintptr(j)*size)); err != nil { //nolint:gosec // not negative
				return err
			}
		}
		reflect.NewAt(to, p).Elem().Set(out)
		return nil
	}, nil
}

func mapGetter(name string, t *arrow.MapType, to reflect.Type) (getter, error) {
	key, err := newGetter(name+".key", t.KeyType(), to.Key())
	if err != nil {
		return nil, err
	}
	value, err := newGetter(name+".value", t.ItemType(), to.Elem())
	if err != nil {
		return nil, err
	}
	return func(a arrow.Array, i int, p unsafe.Pointer) error {
		m := a.(*array.Map)
		from, end := m.ValueOffsets(i)
		out := reflect.MakeMapWithSize(to, int(end-from))
		for j := int(from); j < int(end); j++ {
			k, v := reflect.New(to.Key()), reflect.New(to.Elem())
			if err := key(m.Keys(), j, k.UnsafePointer()); err != nil {
				return err
			}
			if err := value(m.Items(), j, v.UnsafePointer()); err != nil {
				return err
			}
			out.SetMapIndex(k.Elem(), v.Elem())
		}
		reflect.NewAt(to, p).Elem().Set(out)
		return nil
	}, nil
}

func rowGetter(name string, t *arrow.StructType, to reflect.Type) (getter, error) {
	if to == rowMapType {
		return func(a arrow.Array, i int, p unsafe.Pointer) error {
			*(*map[string]any)(p), _ = Value(a, i).(map[string]any)
			return nil
		}, nil
	}
	fields, err := TaggedFields(to)
	if err != nil {
		return nil, err
	}
	steps := make([]readStep, 0, len(fields))
	for _, f := range fields {
		at, ok := t.FieldIdx(f.Name)
		if !ok {
			return nil, errcode.New(errcode.UnknownColumn, nil, "field %s of %s: column %s has no field %q", f.GoName, to, name, f.Name).With("column", name)
		}
		get, err := newGetter(name+"."+f.Name, t.Field(at).Type, f.Type)
		if err != nil {
			return nil, err
		}
		steps = append(steps, readStep{at, f.Name, f.Offset, get})
	}
	return func(a arrow.Array, i int, p unsafe.Pointer) error {
		s := a.(*array.Struct)
		for k := range steps {
			if err := steps[k].get(s.Field(steps[k].column), i, unsafe.Add(p, steps[k].offset)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
