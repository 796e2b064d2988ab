package rowcodec

import (
	"encoding/json"
	"reflect"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// nullable tells whether t is a struct like sql.Null[T]: a value and then
// «Valid bool», and nothing else.
func nullable(t reflect.Type) bool {
	return t.NumField() == 2 && t.Field(1).Name == "Valid" && t.Field(1).Type.Kind() == reflect.Bool && t.Field(0).Tag.Get(Tag) == ""
}

func (s *Shape) structSetter(col *shape, t reflect.Type) (setter, error) {
	if nullable(t) {
		inner, err := s.setter(col, t.Field(0).Type)
		if err != nil {
			return nil, err
		}
		value, valid := t.Field(0).Offset, t.Field(1).Offset
		return func(c *Column, p unsafe.Pointer) error {
			if *(*bool)(unsafe.Add(p, valid)) {
				return inner(c, unsafe.Add(p, value))
			}
			return c.addNull()
		}, nil
	}
	if col.field.Type.Kind != schema.Row {
		return nil, mismatch(col, t)
	}
	fields, err := TaggedFields(t)
	if err != nil {
		return nil, err
	}
	type part struct {
		offset uintptr
		set    setter
	}
	parts := make([]part, len(col.kids))
	used := 0
	for i, k := range col.kids {
		for _, f := range fields {
			if f.Name != k.field.Name {
				continue
			}
			set, err := s.setter(k, f.Type)
			if err != nil {
				return nil, err
			}
			parts[i] = part{f.Offset, set}
			used++
		}
	}
	if used < len(fields) {
		return nil, errcode.New(errcode.UnknownColumn, nil, "%s has fields that column %s %s does not", t, col.path, col.field.Type).With("column", col.path)
	}
	return func(c *Column, p unsafe.Pointer) error {
		for i := range parts {
			if parts[i].set == nil {
				if err := c.kids[i].addNull(); err != nil {
					return err
				}
				continue
			}
			if err := parts[i].set(&c.kids[i], unsafe.Add(p, parts[i].offset)); err != nil {
				return err
			}
		}
		c.done()
		return nil
	}, nil
}

func (s *Shape) listSetter(col *shape, t reflect.Type) (setter, error) {
	kind := col.field.Type.Kind
	if t.Elem().Kind() == reflect.Uint8 && (kind == schema.Bytes || kind == schema.Binary) {
		if t.Kind() == reflect.Slice {
			return func(c *Column, p unsafe.Pointer) error {
				if v := *(*[]byte)(p); v != nil {
					return c.addBytes(v)
				}
				return c.addNull()
			}, nil
		}
		n := t.Len()
		return func(c *Column, p unsafe.Pointer) error { return c.addBytes(unsafe.Slice((*byte)(p), n)) }, nil
	}
	if kind != schema.Array {
		return nil, mismatch(col, t)
	}
	elem, err := s.setter(col.kids[0], t.Elem())
	if err != nil {
		return nil, err
	}
	size := t.Elem().Size()
	add := func(c *Column, p unsafe.Pointer, n int) error {
		if err := c.grow(c.kids[0].n, n); err != nil {
			return err
		}
		for i := range n {
			if err := elem(&c.kids[0], unsafe.Add(p, uintptr(i)*size)); err != nil { //nolint:gosec // not negative
				return err
			}
		}
		c.closeList()
		return nil
	}
	if t.Kind() == reflect.Array {
		n := t.Len()
		return func(c *Column, p unsafe.Pointer) error { return add(c, p, n) }, nil
	}
	return func(c *Column, p unsafe.Pointer) error {
		v := *(*[]struct{})(p)
		if v == nil {
			return c.addNull()
		}
		return add(c, unsafe.Pointer(unsafe.SliceData(v)), len(v))
	}, nil
}

func (s *Shape) mapSetter(col *shape, t reflect.Type) (setter, error) {
	if t == rowMapType && col.field.Type.Kind == schema.Row {
		return func(c *Column, p unsafe.Pointer) error { return s.addRowMap(c, *(*map[string]any)(p)) }, nil
	}
	if col.field.Type.Kind != schema.Map {
		return nil, mismatch(col, t)
	}
	key, err := s.setter(col.kids[0], t.Key())
	if err != nil {
		return nil, err
	}
	value, err := s.setter(col.kids[1], t.Elem())
	if err != nil {
		return nil, err
	}
	return func(c *Column, p unsafe.Pointer) error {
		m := reflect.NewAt(t, p).Elem()
		if m.IsNil() {
			return c.addNull()
		}
		if err := c.grow(c.kids[0].n, m.Len()); err != nil {
			return err
		}
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		for it := m.MapRange(); it.Next(); {
			k.Elem().SetIterKey(it)
			v.Elem().SetIterValue(it)
			if err := key(&c.kids[0], k.UnsafePointer()); err != nil {
				return err
			}
			if err := value(&c.kids[1], v.UnsafePointer()); err != nil {
				return err
			}
		}
		c.closeList()
		return nil
	}, nil
}

func (s *Shape) addRowMap(c *Column, m map[string]any) error {
	if m == nil {
		return c.addNull()
	}
	found := 0
	for i := range c.kids {
		v, ok := m[c.kids[i].field.Name]
		if ok {
			found++
		}
		if err := s.addAny(&c.kids[i], v); err != nil {
			return err
		}
	}
	if found < len(m) {
		return errcode.New(errcode.UnknownColumn, nil, "the value has fields that column %s %s does not", c.path, c.field.Type).With("column", c.path)
	}
	c.done()
	return nil
}

// addAny appends a value of any Go form; nil is null.
func (s *Shape) addAny(c *Column, v any) error {
	switch v := v.(type) {
	case nil:
		return c.addNull()
	case bool:
		return c.addBool(v)
	case int:
		return c.addInt(int64(v))
	case int8:
		return c.addInt(int64(v))
	case int16:
		return c.addInt(int64(v))
	case int32:
		return c.addInt(int64(v))
	case int64:
		return c.addInt(v)
	case uint64:
		return c.addUint(v)
	case float32:
		return c.addFloat(float64(v))
	case float64:
		return c.addFloat(v)
	case string:
		return c.addString(v)
	case time.Time:
		return c.addTime(v)
	case time.Duration:
		return c.addDuration(v)
	case decimal128.Num:
		return c.addDecimal(v, c.field.Type.Scale)
	case json.Number:
		return c.addText(v.String())
	case []byte:
		if v != nil && c.field.Type.Kind != schema.Array {
			return c.addBytes(v)
		}
	case map[string]any:
		if c.field.Type.Kind == schema.Row {
			return s.addRowMap(c, v)
		}
	}
	set, err := s.setter(c.shape, reflect.TypeOf(v))
	if err != nil {
		return err
	}
	return set(c, dataOf(&v))
}
