package schema

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// FieldIDKey is the key of an Arrow field's metadata that holds its field id,
// as Parquet and Iceberg tools know it.
const FieldIDKey = "PARQUET:field_id"

// The largest precisions that fit Arrow's second, millisecond and microsecond units.
const (
	secondDigits = 0
	milliDigits  = 3
	microDigits  = 6
)

// TimeUnit returns the Arrow unit that holds p digits of a second: s for 0, ms
// up to 3, us up to 6, else ns.
func TimeUnit(p int) arrow.TimeUnit {
	switch {
	case p <= secondDigits:
		return arrow.Second
	case p <= milliDigits:
		return arrow.Millisecond
	case p <= microDigits:
		return arrow.Microsecond
	default:
		return arrow.Nanosecond
	}
}

// Arrow returns the Arrow type that holds values of t. Nullability is not part
// of an Arrow type; Field.Arrow carries it.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean
	case TinyInt:
		return arrow.PrimitiveTypes.Int8
	case SmallInt:
		return arrow.PrimitiveTypes.Int16
	case Int:
		return arrow.PrimitiveTypes.Int32
	case BigInt:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float32
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Char, String:
		return arrow.BinaryTypes.String
	case Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Time:
		return arrowTime(t.Precision)
	case Timestamp:
		return &arrow.TimestampType{Unit: TimeUnit(t.Precision)}
	case TimestampLTZ:
		return &arrow.TimestampType{Unit: TimeUnit(t.Precision), TimeZone: "UTC"}
	case Binary:
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Length}
	case Bytes:
		return arrow.BinaryTypes.Binary
	case Array:
		return arrow.ListOfField(t.Fields[0].Arrow())
	case Map:
		return arrow.MapOfFields(t.Fields[0].Arrow(), t.Fields[1].Arrow())
	case Row:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Arrow()
		}
		return arrow.StructOf(fields...)
	default:
		return arrow.Null
	}
}

func arrowTime(p int) arrow.DataType {
	switch unit := TimeUnit(p); unit {
	case arrow.Second, arrow.Millisecond:
		return &arrow.Time32Type{Unit: unit}
	default:
		return &arrow.Time64Type{Unit: unit}
	}
}

// Arrow returns the Arrow field: name, type, nullability, and the field id in
// its metadata when it has one.
func (f Field) Arrow() arrow.Field {
	field := arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: f.Type.Nullable}
	if f.ID > 0 {
		field.Metadata = arrow.NewMetadata([]string{FieldIDKey}, []string{strconv.Itoa(int(f.ID))})
	}
	return field
}

// ArrowFields returns the Arrow schema of fields, in order.
func ArrowFields(fields []Field) *arrow.Schema {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = f.Arrow()
	}
	return arrow.NewSchema(out, nil)
}

// Arrow returns the Arrow schema of the columns, in order.
func (s *Schema) Arrow() *arrow.Schema { return ArrowFields(s.Columns) }

// FromArrow returns columns that hold what an Arrow schema describes. Field ids
// are 0, whatever the metadata says: a table gives its own. It fails with
// INVALID_SCHEMA, naming the column, for a type that no column can have.
func FromArrow(s *arrow.Schema) ([]Field, error) {
	fields := make([]Field, s.NumFields())
	for i, f := range s.Fields() {
		field, err := fieldFromArrow(f, f.Name)
		if err != nil {
			return nil, err
		}
		fields[i] = field
	}
	return fields, nil
}

func fieldFromArrow(f arrow.Field, path string) (Field, error) {
	t, err := typeFromArrow(f.Type, path)
	if err != nil {
		return Field{}, err
	}
	t.Nullable = f.Nullable
	return Field{Name: f.Name, Type: t}, nil
}

func typeFromArrow(dt arrow.DataType, path string) (Type, error) {
	if t, ok := scalarFromArrow(dt); ok {
		return t, nil
	}
	switch dt := dt.(type) {
	case *arrow.MapType:
		key, err := fieldFromArrow(dt.KeyField(), path+"."+KeyName)
		if err != nil {
			return Type{}, err
		}
		value, err := fieldFromArrow(dt.ItemField(), path+"."+ValueName)
		if err != nil {
			return Type{}, err
		}
		key.Name, value.Name, key.Type.Nullable = KeyName, ValueName, false
		return Type{Kind: Map, Fields: []Field{key, value}}, nil
	case *arrow.ListType:
		return arrayFromArrow(dt.ElemField(), path)
	case *arrow.LargeListType:
		return arrayFromArrow(dt.ElemField(), path)
	case *arrow.FixedSizeListType:
		return arrayFromArrow(dt.ElemField(), path)
	case *arrow.StructType:
		fields := make([]Field, dt.NumFields())
		for i, f := range dt.Fields() {
			field, err := fieldFromArrow(f, path+"."+f.Name)
			if err != nil {
				return Type{}, err
			}
			fields[i] = field
		}
		return Type{Kind: Row, Fields: fields}, nil
	default:
		return Type{}, errcode.New(errcode.InvalidSchema, nil,
			"column %s has the Arrow type %s, which no column of a table can have: cast it before writing", path, dt).With("column", path)
	}
}

func arrayFromArrow(element arrow.Field, path string) (Type, error) {
	field, err := fieldFromArrow(element, path+"."+ElementName)
	if err != nil {
		return Type{}, err
	}
	field.Name = ElementName
	return Type{Kind: Array, Fields: []Field{field}}, nil
}

// unitDigits is the precision that a column of an Arrow time unit gets.
var unitDigits = map[arrow.TimeUnit]int{
	arrow.Second: secondDigits, arrow.Millisecond: milliDigits, arrow.Microsecond: microDigits, arrow.Nanosecond: 9,
}

func scalarFromArrow(dt arrow.DataType) (Type, bool) {
	switch dt := dt.(type) {
	case *arrow.Decimal128Type:
		return Type{Kind: Decimal, Precision: int(dt.Precision), Scale: int(dt.Scale)}, true
	case *arrow.Time32Type:
		return Type{Kind: Time, Precision: unitDigits[dt.Unit]}, true
	case *arrow.Time64Type:
		return Type{Kind: Time, Precision: unitDigits[dt.Unit]}, true
	case *arrow.TimestampType:
		kind := Timestamp
		if dt.TimeZone != "" {
			kind = TimestampLTZ
		}
		return Type{Kind: kind, Precision: unitDigits[dt.Unit]}, true
	case *arrow.FixedSizeBinaryType:
		return Type{Kind: Binary, Length: dt.ByteWidth}, true
	}
	kind, ok := simpleKinds[dt.ID()]
	return Type{Kind: kind}, ok
}

var simpleKinds = map[arrow.Type]Kind{
	arrow.BOOL: Boolean, arrow.INT8: TinyInt, arrow.INT16: SmallInt, arrow.INT32: Int, arrow.INT64: BigInt,
	arrow.UINT8: SmallInt, arrow.UINT16: Int, arrow.UINT32: BigInt,
	arrow.FLOAT32: Float, arrow.FLOAT64: Double, arrow.STRING: String, arrow.LARGE_STRING: String,
	arrow.BINARY: Bytes, arrow.LARGE_BINARY: Bytes, arrow.DATE32: Date, arrow.DATE64: Date,
}

// FieldIDOf returns the field id in an Arrow field's metadata; false when it has none.
func FieldIDOf(f arrow.Field) (ids.FieldID, bool) {
	i := f.Metadata.FindKey(FieldIDKey)
	if i < 0 {
		return 0, false
	}
	id, err := strconv.ParseInt(f.Metadata.Values()[i], 10, 32)
	return ids.FieldID(id), err == nil
}
