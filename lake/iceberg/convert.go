package iceberg

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/schema"
)

// convert returns the values of a as those of the type to, which holds the same kind
// of values in another form: a wider or narrower integer, a time in other units, or
// fields of a row in another order, by their field ids. Times are cut to coarser units
// towards the past. An integer that does not fit is an error. The caller releases
// the result.
func convert(a arrow.Array, to arrow.DataType) (arrow.Array, error) {
	return convertSeen(a, to, func(int) bool { return true })
}

// sight reports whether a value is that of a row. What is below a null row, or between
// lists, may be anything, and is no error.
type sight func(i int) bool

func convertSeen(a arrow.Array, to arrow.DataType, seen sight) (arrow.Array, error) {
	if arrow.TypeEqual(a.DataType(), to, arrow.CheckMetadata()) {
		a.Retain()
		return a, nil
	}
	switch to := to.(type) {
	case *arrow.ListType:
		return convertList(a, to, seen)
	case *arrow.MapType:
		return convertMap(a, to, seen)
	case *arrow.StructType:
		return convertStruct(a, to, seen)
	}
	from, isInt := integers(a)
	if isInt {
		return convertIntegers(a, from, to, seen)
	}
	if f, ok := a.(*array.Float32); ok && to.ID() == arrow.FLOAT64 {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		defer b.Release()
		b.Reserve(f.Len())
		for i := range f.Len() {
			if f.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
			} else {
				b.UnsafeAppend(float64(f.Value(i)))
			}
		}
		return b.NewArray(), nil
	}
	if sameLayout(a.DataType(), to) {
		return retyped(a, to), nil
	}
	if b, ok := a.(*array.FixedSizeBinary); ok && to.ID() == arrow.BINARY {
		out := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		defer out.Release()
		for i := range b.Len() {
			if b.IsNull(i) {
				out.AppendNull()
			} else {
				out.Append(b.Value(i))
			}
		}
		return out.NewArray(), nil
	}
	if fixed, ok := to.(*arrow.FixedSizeBinaryType); ok {
		return convertFixed(a, fixed, seen)
	}
	return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
}

// convertFixed returns bytes as those of one length.
func convertFixed(a arrow.Array, to *arrow.FixedSizeBinaryType, seen sight) (arrow.Array, error) {
	from, ok := a.(*array.Binary)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	b := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, to)
	defer b.Release()
	b.Reserve(from.Len())
	for i := range from.Len() {
		switch {
		case from.IsNull(i):
			b.AppendNull()
		case from.ValueLen(i) == to.ByteWidth:
			b.Append(from.Value(i))
		case !seen(i):
			b.Append(make([]byte, to.ByteWidth))
		default:
			return nil, &RowError{Row: int64(i), err: fmt.Errorf("%d bytes are no value of %s", from.ValueLen(i), to)}
		}
	}
	return b.NewArray(), nil
}

// sameLayout reports whether values of one type are those of the other as they are: text and
// bytes, decimals of more digits.
func sameLayout(a, b arrow.DataType) bool {
	text := func(t arrow.DataType) bool { return t.ID() == arrow.STRING || t.ID() == arrow.BINARY }
	if text(a) && text(b) {
		return true
	}
	from, ok := a.(*arrow.Decimal128Type)
	to, ok2 := b.(*arrow.Decimal128Type)
	if ok && ok2 {
		return from.Scale == to.Scale && from.Precision <= to.Precision
	}
	return a.ID() == b.ID() && a.ID() != arrow.FIXED_SIZE_BINARY
}

// retyped is a under another type with the same layout.
func retyped(a arrow.Array, to arrow.DataType) arrow.Array {
	d := a.Data()
	data := array.NewData(to, d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

// withChildren is a under another type with other children.
func withChildren(a arrow.Array, to arrow.DataType, children ...arrow.Array) arrow.Array {
	d := a.Data()
	datas := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		datas[i] = c.Data()
	}
	data := array.NewData(to, d.Len(), d.Buffers(), datas, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

func convertList(a arrow.Array, to *arrow.ListType, seen sight) (arrow.Array, error) {
	l, ok := a.(*array.List)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	values, err := convertSeen(l.ListValues(), to.Elem(), within(l, seen))
	if err != nil {
		return nil, rowOf(l, err)
	}
	defer values.Release()
	return withChildren(a, to, values), nil
}

// listAt returns the list that a value is in; false when it is in none.
func listAt(l array.ListLike, value int64) (int, bool) {
	i := sort.Search(l.Len(), func(i int) bool { _, to := l.ValueOffsets(i); return to > value })
	if i == l.Len() {
		return 0, false
	}
	from, _ := l.ValueOffsets(i)
	return i, from <= value
}

// within is the sight of the values of lists.
func within(l array.ListLike, seen sight) sight {
	return func(value int) bool {
		i, ok := listAt(l, int64(value))
		return ok && l.IsValid(i) && seen(i)
	}
}

// rowOf makes the row of an error that of the list in which the value is.
func rowOf(l array.ListLike, err error) error {
	if e, ok := errors.AsType[*RowError](err); ok {
		i, _ := listAt(l, e.Row)
		e.Row = int64(i)
	}
	return err
}

func convertMap(a arrow.Array, to *arrow.MapType, seen sight) (arrow.Array, error) {
	m, ok := a.(*array.Map)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	entries, ok := m.ListValues().(*array.Struct)
	if !ok || entries.NumField() != 2 {
		return nil, fmt.Errorf("%s has not two columns of entries", a.DataType())
	}
	var pair [2]arrow.Array
	for i, t := range []arrow.DataType{to.KeyType(), to.ItemType()} {
		c, err := convertSeen(entries.Field(i), t, within(m, seen))
		if err != nil {
			return nil, rowOf(m, err)
		}
		defer c.Release()
		pair[i] = c
	}
	d := entries.Data()
	data := array.NewData(to.Elem(), d.Len(), d.Buffers(), []arrow.ArrayData{pair[0].Data(), pair[1].Data()}, d.NullN(), 0)
	defer data.Release()
	both := array.MakeFromData(data)
	defer both.Release()
	return withChildren(a, to, both), nil
}

// convertStruct finds the fields by their ids; those that are not there are null.
func convertStruct(a arrow.Array, to *arrow.StructType, seen sight) (arrow.Array, error) {
	s, ok := a.(*array.Struct)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	from, ok := a.DataType().(*arrow.StructType)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	byID := map[int]int{}
	for i, f := range from.Fields() {
		if id, ok := fieldID(f); ok {
			byID[id] = i
		}
	}
	children := make([]arrow.Array, to.NumFields())
	defer func() {
		for _, c := range children {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, f := range to.Fields() {
		id, ok := fieldID(f)
		at, there := byID[id]
		if !ok {
			return nil, fmt.Errorf("field %s of %s has no id", f.Name, to)
		}
		if !there {
			children[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, s.Len())
			continue
		}
		c, err := convertSeen(s.Field(at), f.Type, func(i int) bool { return s.IsValid(i) && seen(i) })
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		children[i] = c
	}
	d := s.Data()
	if d.Offset() == 0 {
		return withChildren(a, to, children...), nil
	}
	// Field has cut the children, so the validity must be cut as well.
	valid := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer valid.Release()
	for i := range s.Len() {
		if s.IsNull(i) {
			valid.AppendNull()
		} else {
			valid.Append(true)
		}
	}
	flags := valid.NewArray()
	defer flags.Release()
	datas := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		datas[i] = c.Data()
	}
	data := array.NewData(to, s.Len(), flags.Data().Buffers()[:1], datas, s.NullN(), 0)
	defer data.Release()
	return array.MakeFromData(data), nil
}

// integers returns what reads the values of an array of integers, dates or times.
func integers(a arrow.Array) (func(i int) int64, bool) {
	switch a := a.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	case *array.Int64:
		return a.Value, true
	case *array.Time32:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	case *array.Time64:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	case *array.Timestamp:
		return func(i int) int64 { return int64(a.Value(i)) }, true
	}
	return nil, false
}

// unit is what 1 stands for in a type of times. A plain integer that has a time's values has microseconds.
func unit(t arrow.DataType) time.Duration {
	if u, ok := t.(arrow.TemporalWithUnit); ok {
		return u.TimeUnit().Multiplier()
	}
	return time.Microsecond
}

func convertIntegers(a arrow.Array, from func(int) int64, to arrow.DataType, seen sight) (arrow.Array, error) {
	_, fromTime := a.DataType().(arrow.TemporalWithUnit)
	_, toTime := to.(arrow.TemporalWithUnit)
	mul, div := int64(1), int64(1)
	if fromTime || toTime {
		if f, t := unit(a.DataType()), unit(to); f >= t {
			mul = int64(f / t)
		} else {
			div = int64(t / f)
		}
	}
	b := array.NewBuilder(memory.DefaultAllocator, to)
	defer b.Release()
	b.Reserve(a.Len())
	put, ok := appender(b)
	if !ok {
		return nil, fmt.Errorf("values of %s cannot be those of %s", a.DataType(), to)
	}
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
			continue
		}
		v := from(i)
		out := v * mul
		overflow := mul != 1 && out/mul != v
		if overflow {
			out = 0
		}
		if (!put(floorDiv(out, div)) || overflow) && seen(i) {
			return nil, &RowError{Row: int64(i), err: fmt.Errorf("%d of %s is out of the range of %s", v, a.DataType(), to)}
		}
	}
	return b.NewArray(), nil
}

func floorDiv(v, d int64) int64 {
	q := v / d
	if v%d < 0 {
		q--
	}
	return q
}

// appender returns what appends an integer to a builder, unless it does not fit.
func appender(b array.Builder) (func(int64) bool, bool) {
	switch b := b.(type) {
	case *array.Int8Builder:
		return func(v int64) bool { b.Append(int8(v)); return int64(int8(v)) == v }, true
	case *array.Int16Builder:
		return func(v int64) bool { b.Append(int16(v)); return int64(int16(v)) == v }, true
	case *array.Int32Builder:
		return func(v int64) bool { b.Append(int32(v)); return int64(int32(v)) == v }, true
	case *array.Int64Builder:
		return func(v int64) bool { b.Append(v); return true }, true
	case *array.Time32Builder:
		return func(v int64) bool { b.Append(arrow.Time32(v)); return int64(arrow.Time32(v)) == v }, true
	case *array.Time64Builder:
		return func(v int64) bool { b.Append(arrow.Time64(v)); return true }, true
	case *array.TimestampBuilder:
		return func(v int64) bool { b.Append(arrow.Timestamp(v)); return true }, true
	}
	return nil, false
}

// fieldID returns the field id of an Arrow field; false when it has none.
func fieldID(f arrow.Field) (int, bool) {
	text, ok := f.Metadata.GetValue(schema.FieldIDKey)
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(text)
	return id, err == nil
}
