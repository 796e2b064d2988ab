package rowcodec

import (
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Tag is the key of the struct tags that name columns.
const Tag = "fluss"

// setter appends the value at p to c. On failure c may keep kids' values of an
// unfinished value; the builder undoes them.
type setter func(c *Column, p unsafe.Pointer) error

// plan appends structs of one type to the columns of one shape.
type plan struct {
	steps []step
	// absent are the columns that the struct has no field for.
	absent []int
}

type step struct {
	column int
	// path leads to the field by its struct's offset and, for embedded pointers, not at all.
	offset uintptr
	set    setter
}

// planCache holds plans and setters by Go type.
type planCache struct{ rows, values sync.Map }

type valueKey struct {
	shape *shape
	typ   reflect.Type
}

// Append appends a row: a struct or pointer to one, whose fields have the tag
// `fluss:"column"`, or a map[string]any. A row that fails leaves the builder as
// it was. It fails with INVALID_BATCH for values that do not fit, UNKNOWN_COLUMN
// for names that the table does not have, and INVALID_ARGUMENT for Go types that
// cannot be rows.
func (b *Builder) Append(row any) error {
	if m, ok := row.(map[string]any); ok {
		return b.appendMap(m)
	}
	v := reflect.ValueOf(row)
	switch {
	case v.Kind() == reflect.Struct:
		return b.appendValue(row)
	case v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Kind() != reflect.Struct:
		return badRow(row)
	}
	return b.appendStruct(v.Type().Elem(), v.UnsafePointer())
}

// appendValue appends a struct that is not addressable: the interface points to it.
func (b *Builder) appendValue(row any) error {
	return b.appendStruct(reflect.TypeOf(row), dataOf(&row))
}

func badRow(row any) error {
	return errcode.New(errcode.InvalidArgument, nil, "a row must be a struct, a pointer to one, or a map[string]any, not %T", row)
}

// dataOf returns the pointer to the struct that is in the interface. Structs
// that consist of one pointer are kept in the interface itself.
func dataOf(row *any) unsafe.Pointer {
	t := reflect.TypeOf(*row)
	word := (*[2]unsafe.Pointer)(unsafe.Pointer(row))
	if pointerShaped(t) {
		return unsafe.Pointer(&word[1])
	}
	return word[1]
}

// pointerShaped tells whether an interface holds values of t directly.
func pointerShaped(t reflect.Type) bool {
	switch t.Kind() { //nolint:exhaustive // the others are not
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Struct:
		return t.NumField() == 1 && pointerShaped(t.Field(0).Type)
	case reflect.Array:
		return t.Len() == 1 && pointerShaped(t.Elem())
	}
	return false
}

func (b *Builder) appendStruct(t reflect.Type, p unsafe.Pointer) error {
	plan, err := b.shape.plan(t)
	if err != nil {
		return err
	}
	for i := range plan.steps {
		s := &plan.steps[i]
		if err = s.set(&b.columns[s.column], unsafe.Add(p, s.offset)); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	for _, i := range plan.absent {
		if err = b.columns[i].addNull(); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	b.rows++
	return nil
}

func (b *Builder) appendMap(m map[string]any) error {
	found := 0
	for i := range b.columns {
		c := &b.columns[i]
		v, ok := m[c.field.Name]
		if ok {
			found++
		}
		if err := b.shape.addAny(c, v); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	if found < len(m) {
		if err := b.shape.checkOthers(m); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	b.rows++
	return nil
}

// checkOthers judges the values of columns that the shape does not have.
func (s *Shape) checkOthers(m map[string]any) error {
	for name, v := range m {
		if _, ok := s.byName[name]; ok {
			continue
		}
		if err := s.given(name, v == nil); err != nil {
			return err
		}
	}
	return nil
}

// Names lists the columns for an error text.
func (s *Shape) Names() string {
	all := make([]int, len(s.columns))
	for i := range all {
		all[i] = i
	}
	return s.names(all)
}

func (s *Shape) names(columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = s.columns[c].field.Name
	}
	return strings.Join(names, ", ")
}

// plan returns the compiled plan of a struct type.
func (s *Shape) plan(t reflect.Type) (*plan, error) {
	if p, ok := s.plans.rows.Load(t); ok {
		return p.(*plan), nil
	}
	p := &plan{}
	fields, err := TaggedFields(t)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for _, f := range fields {
		i, ok := s.byName[f.Name]
		if !ok && s.others[f.Name] != 0 {
			continue
		}
		if !ok {
			return nil, errcode.New(errcode.UnknownColumn, nil, "field %s of %s: the table has no column %q; it has %s",
				f.GoName, t, f.Name, s.Names()).With("column", f.Name)
		}
		set, err := s.setter(s.columns[i], f.Type)
		if err != nil {
			return nil, err
		}
		seen[i] = true
		p.steps = append(p.steps, step{column: i, offset: f.Offset, set: set})
	}
	for i := range s.columns {
		if !seen[i] {
			p.absent = append(p.absent, i)
		}
	}
	slices.SortFunc(p.steps, func(a, b step) int { return a.column - b.column })
	s.plans.rows.Store(t, p)
	return p, nil
}

// TaggedField is a struct field with the tag of a column.
type TaggedField struct {
	// Name is the column's, GoName the field's.
	Name, GoName string
	// Offset is from the start of the outermost struct.
	Offset uintptr
	Type   reflect.Type
}

// TaggedFields lists the fields of t that name a column, those of embedded
// structs included. It fails with INVALID_ARGUMENT when there is none, when one
// is not exported, or when two name the same column.
func TaggedFields(t reflect.Type) ([]TaggedField, error) {
	var out []TaggedField
	if err := collectTagged(t, 0, &out); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%s has no field with a tag like `fluss:\"column\"`", t)
	}
	for i := range out {
		for j := range i {
			if out[i].Name == out[j].Name {
				return nil, errcode.New(errcode.InvalidArgument, nil, "%s: the fields %s and %s name the same column %q", t, out[j].GoName, out[i].GoName, out[i].Name)
			}
		}
	}
	return out, nil
}

func collectTagged(t reflect.Type, base uintptr, out *[]TaggedField) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, tagged := f.Tag.Lookup(Tag)
		switch {
		case name == "-":
		case tagged && !f.IsExported():
			return errcode.New(errcode.InvalidArgument, nil, "field %s of %s has a fluss tag and is not exported", f.Name, t)
		case tagged:
			*out = append(*out, TaggedField{Name: name, GoName: f.Name, Offset: base + f.Offset, Type: f.Type})
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if err := collectTagged(f.Type, base+f.Offset, out); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[decimal128.Num]()
	rowMapType   = reflect.TypeFor[map[string]any]()
)

// setter compiles how values of t get into a column.
func (s *Shape) setter(col *shape, t reflect.Type) (setter, error) {
	key := valueKey{col, t}
	if f, ok := s.plans.values.Load(key); ok {
		return f.(setter), nil
	}
	f, err := s.compile(col, t)
	if err == nil {
		s.plans.values.Store(key, f)
	}
	return f, err
}

func mismatch(col *shape, t reflect.Type) error {
	return errcode.New(errcode.InvalidArgument, nil, "column %s %s cannot hold a Go %s", col.path, col.field.Type, t).With("column", col.path)
}

func (s *Shape) compile(col *shape, t reflect.Type) (setter, error) {
	switch t {
	case timeType:
		return timeSetter(col, t)
	case durationType:
		if col.field.Type.Kind != schema.Time {
			return nil, mismatch(col, t)
		}
		return func(c *Column, p unsafe.Pointer) error { return c.addDuration(*(*time.Duration)(p)) }, nil
	case decimalType:
		if col.field.Type.Kind != schema.Decimal {
			return nil, mismatch(col, t)
		}
		return func(c *Column, p unsafe.Pointer) error {
			return c.addDecimal(*(*decimal128.Num)(p), c.field.Type.Scale)
		}, nil
	}
	switch t.Kind() { //nolint:exhaustive // the others cannot be values
	case reflect.Pointer:
		inner, err := s.setter(col, t.Elem())
		if err != nil {
			return nil, err
		}
		return func(c *Column, p unsafe.Pointer) error {
			if v := *(*unsafe.Pointer)(p); v != nil {
				return inner(c, v)
			}
			return c.addNull()
		}, nil
	case reflect.Interface:
		return func(c *Column, p unsafe.Pointer) error {
			return s.addAny(c, reflect.NewAt(t, p).Elem().Interface())
		}, nil
	case reflect.Struct:
		return s.structSetter(col, t)
	case reflect.Slice, reflect.Array:
		return s.listSetter(col, t)
	case reflect.Map:
		return s.mapSetter(col, t)
	}
	return scalarSetter(col, t)
}

func timeSetter(col *shape, t reflect.Type) (setter, error) {
	switch col.field.Type.Kind { //nolint:exhaustive // the others hold no times
	case schema.Date, schema.Timestamp, schema.TimestampLTZ:
		return func(c *Column, p unsafe.Pointer) error { return c.addTime(*(*time.Time)(p)) }, nil
	}
	return nil, mismatch(col, t)
}

func scalarSetter(col *shape, t reflect.Type) (setter, error) {
	kind := col.field.Type.Kind
	integral := kind == schema.Decimal || kind >= schema.TinyInt && kind <= schema.BigInt
	fractional := kind == schema.Float || kind == schema.Double
	textual := kind == schema.Char || kind == schema.String || kind == schema.Decimal
	switch k := t.Kind(); {
	case k == reflect.Bool && kind == schema.Boolean:
		return func(c *Column, p unsafe.Pointer) error { return c.addBool(*(*bool)(p)) }, nil
	case k >= reflect.Int && k <= reflect.Int64 && integral:
		return intSetter(col, t)
	case k >= reflect.Uint && k <= reflect.Uint64 && integral:
		return uintSetter(t), nil
	case k == reflect.Float64 && fractional:
		return func(c *Column, p unsafe.Pointer) error { return c.addFloat(*(*float64)(p)) }, nil
	case k == reflect.Float32 && fractional:
		return func(c *Column, p unsafe.Pointer) error { return c.addFloat(float64(*(*float32)(p))) }, nil
	case k == reflect.String && textual:
		return func(c *Column, p unsafe.Pointer) error { return c.addString(*(*string)(p)) }, nil
	}
	return nil, mismatch(col, t)
}

// intSetter needs no range check where the Go type is as wide as the column.
func intSetter(col *shape, t reflect.Type) (setter, error) {
	switch {
	case t.Size() == 8 && col.field.Type.Kind == schema.BigInt:
		return func(c *Column, p unsafe.Pointer) error {
			c.data = binary.LittleEndian.AppendUint64(c.data, *(*uint64)(p))
			c.done()
			return nil
		}, nil
	case t.Size() == 4 && col.field.Type.Kind == schema.Int:
		return func(c *Column, p unsafe.Pointer) error {
			c.data = binary.LittleEndian.AppendUint32(c.data, *(*uint32)(p))
			c.done()
			return nil
		}, nil
	}
	switch t.Size() {
	case 1:
		return func(c *Column, p unsafe.Pointer) error { return c.addInt(int64(*(*int8)(p))) }, nil
	case 2:
		return func(c *Column, p unsafe.Pointer) error { return c.addInt(int64(*(*int16)(p))) }, nil
	case 4:
		return func(c *Column, p unsafe.Pointer) error { return c.addInt(int64(*(*int32)(p))) }, nil
	}
	return func(c *Column, p unsafe.Pointer) error { return c.addInt(*(*int64)(p)) }, nil
}

func uintSetter(t reflect.Type) setter {
	switch t.Size() {
	case 1:
		return func(c *Column, p unsafe.Pointer) error { return c.addUint(uint64(*(*uint8)(p))) }
	case 2:
		return func(c *Column, p unsafe.Pointer) error { return c.addUint(uint64(*(*uint16)(p))) }
	case 4:
		return func(c *Column, p unsafe.Pointer) error { return c.addUint(uint64(*(*uint32)(p))) }
	}
	return func(c *Column, p unsafe.Pointer) error { return c.addUint(*(*uint64)(p)) }
}
