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
		key := t.Fields[0]
		key.Type.Nullable = false // Validate says so; arrow panics otherwise
		return arrow.MapOfFields(key.Arrow(), t.Fields[1].Arrow())
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

// FromArrow returns the columns whose Arrow form is s, with the ids that its
// metadata gives, 0 where it gives none. Extension types count as what they are
// stored as; any time zone makes a TIMESTAMP_LTZ.
//
// It fails with INVALID_SCHEMA, the column named and in the fact `column`, for
// types that no column has: dictionary, run-end, view, union, large and unsigned
// types, 16-bit floats, durations, intervals, decimals of other than 128 bits,
// fixed-size lists. See Like for columns that can take them by a cast.
func FromArrow(s *arrow.Schema) ([]Field, error) {
	return fieldsFromArrow("", s.Fields(), 1, func(dt arrow.DataType) arrow.DataType { return dt })
}

// Like returns columns, without ids, that can hold the values of s once they are
// cast to the columns' Arrow types: it takes all that FromArrow takes, and large,
// view, dictionary and run-end types, unsigned integers (UINT64 as DECIMAL(20, 0)),
// 16-bit floats, DATE64, small decimals, fixed-size lists. It fails as FromArrow
// does for the rest.
func Like(s *arrow.Schema) ([]Field, error) {
	out, err := fieldsFromArrow("", s.Fields(), 1, castTarget)
	clearIDs(out)
	return out, err
}

func clearIDs(fields []Field) {
	for i := range fields {
		fields[i].ID = 0
		clearIDs(fields[i].Type.Fields)
	}
}

// castTarget returns the nearest type that holds every value of dt and that
// columns have, or dt itself. Nested types are left to the caller.
func castTarget(dt arrow.DataType) arrow.DataType {
	switch dt := dt.(type) {
	case *arrow.DictionaryType:
		return castTarget(dt.ValueType)
	case *arrow.RunEndEncodedType:
		return castTarget(dt.Encoded())
	case *arrow.FixedSizeListType:
		return arrow.ListOfField(dt.ElemField())
	case *arrow.LargeListType:
		return arrow.ListOfField(dt.ElemField())
	case *arrow.ListViewType:
		return arrow.ListOfField(dt.ElemField())
	case *arrow.LargeListViewType:
		return arrow.ListOfField(dt.ElemField())
	case *arrow.Decimal32Type:
		return &arrow.Decimal128Type{Precision: dt.Precision, Scale: dt.Scale}
	case *arrow.Decimal64Type:
		return &arrow.Decimal128Type{Precision: dt.Precision, Scale: dt.Scale}
	}
	if to, ok := castTargets[dt.ID()]; ok {
		return to
	}
	return dt
}

// uint64Digits is the number of digits of the largest 64-bit integer.
const uint64Digits = 20

var castTargets = map[arrow.Type]arrow.DataType{
	arrow.UINT8: arrow.PrimitiveTypes.Int16, arrow.UINT16: arrow.PrimitiveTypes.Int32, arrow.UINT32: arrow.PrimitiveTypes.Int64,
	arrow.UINT64:  &arrow.Decimal128Type{Precision: uint64Digits},
	arrow.FLOAT16: arrow.PrimitiveTypes.Float32, arrow.DATE64: arrow.FixedWidthTypes.Date32,
	arrow.LARGE_STRING: arrow.BinaryTypes.String, arrow.STRING_VIEW: arrow.BinaryTypes.String,
	arrow.LARGE_BINARY: arrow.BinaryTypes.Binary, arrow.BINARY_VIEW: arrow.BinaryTypes.Binary,
}

// fieldsFromArrow turns fields into columns; path is what their names follow, and
// replace gives the type that stands for one.
func fieldsFromArrow(path string, fields []arrow.Field, depth int, replace func(arrow.DataType) arrow.DataType) ([]Field, error) {
	out := make([]Field, len(fields))
	for i, f := range fields {
		t, err := typeFromArrow(path+f.Name, f.Type, depth, replace)
		if err != nil {
			return nil, err
		}
		t.Nullable = f.Nullable
		out[i] = Field{Name: f.Name, Type: t}
		if id, ok := FieldIDOf(f); ok {
			out[i].ID = id
		}
	}
	return out, nil
}

var scalarFromArrow = map[arrow.Type]Kind{
	arrow.BOOL: Boolean, arrow.INT8: TinyInt, arrow.INT16: SmallInt, arrow.INT32: Int, arrow.INT64: BigInt,
	arrow.FLOAT32: Float, arrow.FLOAT64: Double, arrow.STRING: String, arrow.DATE32: Date, arrow.BINARY: Bytes,
}

// unitDigits is the precision that a column of an Arrow time unit gets.
var unitDigits = map[arrow.TimeUnit]int{
	arrow.Second: secondDigits, arrow.Millisecond: milliDigits, arrow.Microsecond: microDigits, arrow.Nanosecond: MaxFraction,
}

func typeFromArrow(path string, given arrow.DataType, depth int, replace func(arrow.DataType) arrow.DataType) (Type, error) {
	if depth > MaxDepth {
		return Type{}, errcode.New(errcode.InvalidSchema, nil, "column %q is nested more than %d types deep", path, MaxDepth).
			With("column", path)
	}
	t := Type{Nullable: true}
	var nested []arrow.Field
	switch dt := replace(given).(type) {
	case *arrow.Decimal128Type:
		t.Kind, t.Precision, t.Scale = Decimal, int(dt.Precision), int(dt.Scale)
	case *arrow.Time32Type:
		t.Kind, t.Precision = Time, unitDigits[dt.Unit]
	case *arrow.Time64Type:
		t.Kind, t.Precision = Time, unitDigits[dt.Unit]
	case *arrow.TimestampType:
		t.Kind, t.Precision = Timestamp, unitDigits[dt.Unit]
		if dt.TimeZone != "" {
			t.Kind = TimestampLTZ
		}
	case *arrow.FixedSizeBinaryType:
		t.Kind, t.Length = Binary, dt.ByteWidth
	case *arrow.MapType: // before lists: it is one
		t.Kind, nested = Map, []arrow.Field{dt.KeyField(), dt.ItemField()}
		nested[0].Name, nested[1].Name, nested[0].Nullable = KeyName, ValueName, false
	case *arrow.ListType:
		t.Kind, nested = Array, []arrow.Field{dt.ElemField()}
		nested[0].Name = ElementName
	case *arrow.StructType:
		t.Kind, nested = Row, dt.Fields()
	case arrow.ExtensionType:
		return typeFromArrow(path, dt.StorageType(), depth+1, replace)
	default:
		kind, ok := scalarFromArrow[dt.ID()]
		if !ok {
			return Type{}, unsupportedArrow(path, given)
		}
		return Of(kind), nil
	}
	if len(nested) > 0 {
		var err error
		if t.Fields, err = fieldsFromArrow(path+".", nested, depth+1, replace); err != nil {
			return Type{}, err
		}
	}
	if bad := t.parameterFault(); bad != "" {
		return Type{}, errcode.New(errcode.InvalidSchema, nil, "column %q has the Arrow type %s: %s", path, given, bad).With("column", path)
	}
	return t, nil
}

func unsupportedArrow(path string, dt arrow.DataType) error {
	hint := "choose another type"
	switch to := castTarget(dt); {
	case dt.ID() == arrow.DICTIONARY || dt.ID() == arrow.RUN_END_ENCODED:
		hint = "decode it to its values first"
	case dt.ID() == arrow.UINT64:
		hint = "cast it to int64, or to decimal(20, 0)"
	case dt.ID() == arrow.DURATION:
		hint = "cast it to int64"
	case dt.ID() == arrow.DECIMAL256:
		hint = "cast it to decimal128"
	case to.ID() != dt.ID():
		hint = "cast it to " + to.String()
	}
	return errcode.New(errcode.InvalidSchema, nil, "column %q has the Arrow type %s, which no column of a table has; %s", path, dt, hint).
		With("column", path)
}

// FieldIDOf returns the field id in an Arrow field's metadata; false when it has none.
func FieldIDOf(f arrow.Field) (ids.FieldID, bool) {
	text, ok := f.Metadata.GetValue(FieldIDKey)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id < 1 {
		return 0, false
	}
	return ids.FieldID(id), true
}
