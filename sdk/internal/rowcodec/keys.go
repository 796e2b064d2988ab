package rowcodec

import (
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Keys appends rows of which only some columns, the key, are given: in the
// others it puts nulls, NOT NULL or not. It is safe for concurrent use.
type Keys struct {
	shape *Shape
	// columns are the places of the key's columns, in the order of the key, sorted
	// the same in that of the shape, rest those of the others.
	columns, sorted, rest []int
	plans                 sync.Map // of *plan by reflect.Type
}

// NewKeys returns the keys of rows of the shape, whose columns at the places are
// the key, in its order.
func NewKeys(s *Shape, columns []int) *Keys {
	k := &Keys{shape: s, columns: columns, sorted: slices.Sorted(slices.Values(columns))}
	for i := range s.columns {
		if !slices.Contains(columns, i) {
			k.rest = append(k.rest, i)
		}
	}
	return k
}

// Append appends the row with a key to b, a builder of the shape: a struct or
// pointer to one with column tags, a map[string]any, or the values as an []any in
// the order of the key. Fields and entries that are not of the key are not looked
// at. A key that fails leaves the builder as it was: INVALID_BATCH for values that
// do not fit, INVALID_ARGUMENT for a column that is missing and Go types that
// cannot be keys.
func (k *Keys) Append(b *Builder, key any) error {
	err := k.append(b, key)
	if err != nil {
		b.Truncate(b.rows)
		return err
	}
	for _, i := range k.rest {
		b.columns[i].putNull()
	}
	b.rows++
	return nil
}

func (k *Keys) append(b *Builder, key any) error {
	switch key := key.(type) {
	case []any:
		return k.appendValues(b, key)
	case map[string]any:
		return k.appendMap(b, key)
	}
	v := reflect.ValueOf(key)
	switch {
	case v.Kind() == reflect.Struct:
		return k.appendStruct(b, v.Type(), dataOf(&key))
	case v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Kind() != reflect.Struct:
		return errcode.New(errcode.InvalidArgument, nil, "a key must be a struct, a pointer to one, a map[string]any or an sdk.Key, not %T", key)
	}
	return k.appendStruct(b, v.Type().Elem(), v.UnsafePointer())
}

func (k *Keys) appendValues(b *Builder, values []any) error {
	if len(values) != len(k.columns) {
		return errcode.New(errcode.InvalidArgument, nil, "the key has %d values; it takes %d: %s", len(values), len(k.columns), k.Names())
	}
	for i, c := range k.columns {
		if err := k.shape.addAny(&b.columns[c], values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) appendMap(b *Builder, m map[string]any) error {
	for _, i := range k.columns {
		c := &b.columns[i]
		v, ok := m[c.field.Name]
		if !ok {
			return k.missing("the key", c.field.Name)
		}
		if err := k.shape.addAny(c, v); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) appendStruct(b *Builder, t reflect.Type, p unsafe.Pointer) error {
	plan, err := k.plan(t)
	if err != nil {
		return err
	}
	for i := range plan.steps {
		s := &plan.steps[i]
		if err := s.set(&b.columns[s.column], unsafe.Add(p, s.offset)); err != nil {
			return err
		}
	}
	return nil
}

// plan returns the compiled plan of a struct type.
func (k *Keys) plan(t reflect.Type) (*plan, error) {
	if p, ok := k.plans.Load(t); ok {
		return p.(*plan), nil
	}
	fields, err := TaggedFields(t)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	for _, c := range k.columns {
		col := k.shape.columns[c]
		at := slices.IndexFunc(fields, func(f TaggedField) bool { return f.Name == col.field.Name })
		if at < 0 {
			return nil, k.missing(t.String(), col.field.Name)
		}
		set, err := k.shape.setter(col, fields[at].Type)
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, step{column: c, offset: fields[at].Offset, set: set})
	}
	k.plans.Store(t, p)
	return p, nil
}

func (k *Keys) missing(what, column string) error {
	return errcode.New(errcode.InvalidArgument, nil, "%s does not have the column %q; the columns of the key are %s", what, column, k.Names()).With("column", column)
}

// Names lists the columns of the key for an error text.
func (k *Keys) Names() string { return k.shape.names(k.columns) }

// Conform returns the key's columns of rec in the order of the shape: matched by
// name and cast where types differ. Other columns are not looked at. The result is the caller's
// to release. It fails with INVALID_ARGUMENT for a column that is missing, and
// with INVALID_BATCH for values that do not fit and for nulls.
func (k *Keys) Conform(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, len(k.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	fields := make([]arrow.Field, len(k.columns))
	for i, at := range k.sorted {
		col := k.shape.columns[at]
		fields[i] = k.shape.arrow.Field(at)
		found := rec.Schema().FieldIndices(col.field.Name)
		switch {
		case len(found) == 0:
			return nil, k.missing("the batch", col.field.Name)
		case len(found) > 1:
			return nil, errcode.New(errcode.InvalidBatch, nil, "the batch has two columns %q", col.field.Name).With("column", col.field.Name)
		}
		c, err := k.shape.conformColumn(col, fields[i].Type, rec.Column(found[0]))
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rec.NumRows()), nil
}

// AppendRecord appends the rows with the keys in rec, which came from Conform, to b.
func (k *Keys) AppendRecord(b *Builder, rec arrow.RecordBatch) error {
	n := int(rec.NumRows())
	for i, at := range k.sorted {
		if err := b.columns[at].appendArray(rec.Column(i), 0, n); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	for _, i := range k.rest {
		for range n {
			b.columns[i].putNull()
		}
	}
	b.rows += n
	return nil
}
