package rowcodec

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// caster returns a function that appends value i of a, which is not null. It
// fails with INVALID_BATCH when the types do not go together.
func (c *Column) caster(a arrow.Array) (func(i int) error, error) {
	kind := c.field.Type.Kind
	switch a := a.(type) {
	case *array.Dictionary:
		return c.dictionaryCaster(a)
	case *array.RunEndEncoded:
		inner, err := c.caster(a.Values())
		if err != nil {
			return nil, err
		}
		return func(i int) error {
			at := a.GetPhysicalIndex(i)
			if a.Values().IsNull(at) {
				return c.addNull()
			}
			return inner(at)
		}, nil
	case *array.Null:
		return func(int) error { return c.addNull() }, nil
	case array.ExtensionArray:
		return c.caster(a.Storage())
	case *array.Struct:
		if kind == schema.Row {
			return c.structCaster(a)
		}
	case *array.Map:
		if kind == schema.Map {
			return c.mapCaster(a)
		}
	case array.ListLike:
		if kind == schema.Array {
			return c.listCaster(a)
		}
	}
	if add := c.scalarCaster(a); add != nil {
		return add, nil
	}
	return nil, errcode.New(errcode.InvalidBatch, nil, "column %s %s cannot take an Arrow %s", c.path, c.field.Type, a.DataType()).With("column", c.path)
}

func (c *Column) dictionaryCaster(a *array.Dictionary) (func(i int) error, error) {
	inner, err := c.caster(a.Dictionary())
	if err != nil {
		return nil, err
	}
	return func(i int) error {
		at := a.GetValueIndex(i)
		if a.Dictionary().IsNull(at) {
			return c.addNull()
		}
		return inner(at)
	}, nil
}

func (c *Column) structCaster(a *array.Struct) (func(i int) error, error) {
	t := a.DataType().(*arrow.StructType)
	kids := make([]func(i int) error, len(c.kids))
	used := 0
	for k := range c.kids {
		at, ok := t.FieldIdx(c.kids[k].field.Name)
		if !ok {
			continue
		}
		used++
		field, kid := a.Field(at), &c.kids[k]
		add, err := kid.caster(field)
		if err != nil {
			return nil, err
		}
		kids[k] = func(i int) error {
			if field.IsNull(i) {
				return kid.addNull()
			}
			return add(i)
		}
	}
	if used < t.NumFields() {
		return nil, errcode.New(errcode.UnknownColumn, nil, "the Arrow %s has fields that column %s %s does not", t, c.path, c.field.Type).With("column", c.path)
	}
	return func(i int) error {
		for k := range kids {
			var err error
			if kids[k] == nil {
				err = c.kids[k].addNull()
			} else {
				err = kids[k](i)
			}
			if err != nil {
				return err
			}
		}
		c.done()
		return nil
	}, nil
}

func (c *Column) listCaster(a array.ListLike) (func(i int) error, error) {
	if _, err := c.kids[0].caster(a.ListValues()); err != nil {
		return nil, err
	}
	return func(i int) error {
		from, to := a.ValueOffsets(i)
		if err := c.grow(c.kids[0].n, int(to-from)); err != nil {
			return err
		}
		if err := c.kids[0].appendArray(a.ListValues(), int(from), int(to)); err != nil {
			return err
		}
		c.closeList()
		return nil
	}, nil
}

func (c *Column) mapCaster(a *array.Map) (func(i int) error, error) {
	for k, values := range []arrow.Array{a.Keys(), a.Items()} {
		if _, err := c.kids[k].caster(values); err != nil {
			return nil, err
		}
	}
	return func(i int) error {
		from, to := a.ValueOffsets(i)
		if err := c.kids[0].appendArray(a.Keys(), int(from), int(to)); err != nil {
			return err
		}
		if err := c.kids[1].appendArray(a.Items(), int(from), int(to)); err != nil {
			return err
		}
		c.closeList()
		return nil
	}, nil
}

// ints returns a reader of integers, or nil.
func ints(a arrow.Array) func(i int) int64 {
	switch a := a.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int64:
		return a.Value
	case *array.Uint8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint32:
		return func(i int) int64 { return int64(a.Value(i)) }
	}
	return nil
}

// scalarCaster returns nil when the types do not go together.
func (c *Column) scalarCaster(a arrow.Array) func(i int) error {
	kind := c.field.Type.Kind
	if read := ints(a); read != nil {
		if kind >= schema.TinyInt && kind <= schema.Double || kind == schema.Decimal {
			return func(i int) error { return c.addInt(read(i)) }
		}
		return nil
	}
	textual := kind == schema.Char || kind == schema.String
	binary := kind == schema.Binary || kind == schema.Bytes
	switch a := a.(type) {
	case *array.Boolean:
		if kind == schema.Boolean {
			return func(i int) error { return c.addBool(a.Value(i)) }
		}
	case *array.Uint64:
		if kind == schema.BigInt || kind == schema.Decimal {
			return func(i int) error { return c.addUint(a.Value(i)) }
		}
	case *array.Float32:
		if kind == schema.Float || kind == schema.Double {
			return func(i int) error { return c.addFloat(float64(a.Value(i))) }
		}
	case *array.Float64:
		if kind == schema.Double || kind == schema.Float {
			return func(i int) error { return c.addExactFloat(a.Value(i)) }
		}
	case *array.Float16:
		if kind == schema.Float || kind == schema.Double {
			return func(i int) error { return c.addFloat(float64(a.Value(i).Float32())) }
		}
	case array.StringLike:
		if textual {
			return func(i int) error { return c.addString(a.Value(i)) }
		}
	case *array.FixedSizeBinary:
		if binary {
			return func(i int) error { return c.addBytes(a.Value(i)) }
		}
	case interface{ Value(i int) []byte }: // Binary, LargeBinary, BinaryView
		if binary {
			return func(i int) error { return c.addBytes(a.Value(i)) }
		}
	default:
		return c.numericCaster(a)
	}
	return nil
}

// addExactFloat refuses what a FLOAT column would change.
func (c *Column) addExactFloat(v float64) error {
	if c.field.Type.Kind == schema.Float && v == v && float64(float32(v)) != v { //nolint:gocritic // v == v is «not NaN»
		return c.bad("%v would lose digits", v)
	}
	return c.addFloat(v)
}

// numericCaster handles decimals, dates and times.
func (c *Column) numericCaster(a arrow.Array) func(i int) error {
	kind := c.field.Type.Kind
	switch a := a.(type) {
	case *array.Decimal128:
		if kind == schema.Decimal {
			scale := int(a.DataType().(*arrow.Decimal128Type).Scale)
			return func(i int) error { return c.addDecimal(a.Value(i), scale) }
		}
	case *array.Decimal32, *array.Decimal64, *array.Decimal256:
		if kind == schema.Decimal {
			return func(i int) error { return c.addDecimalText(a.ValueStr(i)) }
		}
	case *array.Date32:
		if kind == schema.Date {
			return func(i int) error { return c.addDays(int64(a.Value(i))) }
		}
	case *array.Date64:
		if kind == schema.Date {
			return func(i int) error { return c.addDays(floorDiv(int64(a.Value(i)), secondsPerDay*1000)) }
		}
	case *array.Time32:
		if kind == schema.Time {
			unit := a.DataType().(*arrow.Time32Type).Unit.Multiplier()
			return func(i int) error { return c.addDuration(time.Duration(a.Value(i)) * unit) }
		}
	case *array.Time64:
		if kind == schema.Time {
			unit := a.DataType().(*arrow.Time64Type).Unit.Multiplier()
			return func(i int) error { return c.addDuration(time.Duration(a.Value(i)) * unit) }
		}
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		// A zone makes it an instant. Without one it is taken for a clock reading,
		// and as UTC where the column holds instants.
		if kind == schema.Timestamp && t.TimeZone == "" || kind == schema.TimestampLTZ {
			per := int64(time.Second / t.Unit.Multiplier())
			return func(i int) error {
				v := int64(a.Value(i))
				seconds := floorDiv(v, per)
				return c.addInstant(seconds, (v-seconds*per)*(1e9/per))
			}
		}
	}
	return nil
}
