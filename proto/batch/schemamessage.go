package batch

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// The limits of a schema message, so that no few bytes make a large schema: the
// tables of a flatbuffer may be shared.
const (
	maxSchemaFields = 2 * schema.MaxFields
	maxSchemaDepth  = 64
	// schemaTextFactor bounds the bytes of names and metadata by those of the message.
	schemaTextFactor = 4
	schemaTextSlack  = 4096
)

// schemaReader reads a Schema flatbuffer within limits.
type schemaReader struct {
	fields int
	text   int // bytes of text that may still be read
}

// ParseSchemaMessage reads an Arrow IPC schema message, hostile bytes that a
// Flight client sent as the first FlightData.data_header: a Message flatbuffer
// without the IPC stream's length prefix. Types that only Arrow knows come back
// as they are; schema.FromArrow tells which of them a table can have.
//
// It fails with INVALID_SCHEMA, and with UNSUPPORTED (column) for dictionaries,
// views, unions, run ends and big-endian data.
func ParseSchemaMessage(header []byte) (*arrow.Schema, error) {
	s, err := parseSchema(header)
	if err == nil {
		return s, nil
	}
	e := errcode.From(err)
	switch e.Code {
	case errcode.Unsupported, errcode.InvalidSchema:
		return nil, e
	default:
		return nil, errcode.New(errcode.InvalidSchema, err, "the schema is no Arrow IPC schema message (it is malformed or cut short)")
	}
}

func parseSchema(header []byte) (*arrow.Schema, error) {
	t, _, err := message(header, headerSchema)
	if err != nil {
		return nil, err
	}
	endian, err := t.number(0, 2, 0)
	if err != nil {
		return nil, err
	}
	if endian != 0 {
		return nil, errcode.New(errcode.Unsupported, nil, "the data are big-endian; send little-endian ones")
	}
	r := schemaReader{text: schemaTextFactor*len(header) + schemaTextSlack}
	fields, err := r.readFields(&t, 1, "", 0)
	if err != nil {
		return nil, err
	}
	meta, err := r.metadata(&t, 2)
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema(fields, &meta), nil
}

// readFields reads a vector of fields; path names the field that they are of.
func (r *schemaReader) readFields(t *fbTable, slot int, path string, depth int) ([]arrow.Field, error) {
	at, n, err := t.vector(slot, fbOffset)
	if err != nil {
		return nil, err
	}
	if r.fields += n; r.fields > maxSchemaFields || depth > maxSchemaDepth {
		return nil, errcode.New(errcode.InvalidSchema, nil, "the schema has more than %d fields, or they are nested deeper than %d",
			maxSchemaFields, maxSchemaDepth)
	}
	out := make([]arrow.Field, n)
	for i := range out {
		f, err := t.element(at, i)
		if err != nil {
			return nil, err
		}
		if out[i], err = r.field(&f, path, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *schemaReader) field(t *fbTable, path string, depth int) (arrow.Field, error) {
	name, err := r.string(t, 0)
	if err != nil {
		return arrow.Field{}, err
	}
	if path != "" {
		path += "."
	}
	path += name
	if r.text -= len(path); r.text < 0 {
		return arrow.Field{}, errFlatbuffer
	}
	nullable, err := t.number(1, 1, 0)
	if err != nil {
		return arrow.Field{}, err
	}
	if _, encoded, err := t.table(4); err != nil || encoded {
		if err == nil {
			err = unsupportedColumn(path, "is dictionary-encoded; decode it before sending")
		}
		return arrow.Field{}, err
	}
	children, err := r.readFields(t, 5, path, depth+1)
	if err != nil {
		return arrow.Field{}, err
	}
	dt, err := r.dataType(t, children, path)
	if err != nil {
		return arrow.Field{}, err
	}
	meta, err := r.metadata(t, 6)
	return arrow.Field{Name: name, Type: dt, Nullable: nullable != 0, Metadata: meta}, err
}

func unsupportedColumn(path, what string) error {
	return errcode.New(errcode.Unsupported, nil, "column %q %s", path, what).With("column", path)
}

func (r *schemaReader) string(t *fbTable, slot int) (string, error) {
	b, err := t.text(slot)
	if err != nil {
		return "", err
	}
	if r.text -= len(b); r.text < 0 || !utf8.Valid(b) {
		return "", errFlatbuffer
	}
	return string(b), nil
}

func (r *schemaReader) metadata(t *fbTable, slot int) (arrow.Metadata, error) {
	at, n, err := t.vector(slot, fbOffset)
	if err != nil || n == 0 {
		return arrow.Metadata{}, err
	}
	// Each pair takes 8 bytes at least, shared ones too.
	if r.text -= 8 * n; r.text < 0 {
		return arrow.Metadata{}, errFlatbuffer
	}
	keys, values := make([]string, n), make([]string, n)
	for i := range n {
		pair, err := t.element(at, i)
		if err != nil {
			return arrow.Metadata{}, err
		}
		if keys[i], err = r.string(&pair, 0); err != nil {
			return arrow.Metadata{}, err
		}
		if values[i], err = r.string(&pair, 1); err != nil {
			return arrow.Metadata{}, err
		}
	}
	return arrow.NewMetadata(keys, values), nil
}

// The members of the flatbuffer union Type that are read (Schema.fbs).
const (
	typeNull        = 1
	typeInt         = 2
	typeFloat       = 3
	typeBinary      = 4
	typeUtf8        = 5
	typeBool        = 6
	typeDecimal     = 7
	typeDate        = 8
	typeTime        = 9
	typeTimestamp   = 10
	typeInterval    = 11
	typeList        = 12
	typeStruct      = 13
	typeUnion       = 14
	typeFixedBinary = 15
	typeFixedList   = 16
	typeMap         = 17
	typeDuration    = 18
	typeLargeBinary = 19
	typeLargeUtf8   = 20
	typeLargeList   = 21
)

var plainTypes = map[int64]arrow.DataType{
	typeNull: arrow.Null, typeBinary: arrow.BinaryTypes.Binary, typeUtf8: arrow.BinaryTypes.String,
	typeBool: arrow.FixedWidthTypes.Boolean, typeLargeBinary: arrow.BinaryTypes.LargeBinary,
	typeLargeUtf8: arrow.BinaryTypes.LargeString,
}

var unsupportedTypes = map[int64]string{
	typeInterval: "an interval", typeUnion: "a union", 22: "run-end encoded", 23: "a binary view", 24: "a string view",
	25: "a list view", 26: "a large list view",
}

// dataType reads the type of a field, members 2 and 3 of its table.
func (r *schemaReader) dataType(t *fbTable, children []arrow.Field, path string) (arrow.DataType, error) {
	kind, err := t.number(2, 1, 0)
	if err != nil {
		return nil, err
	}
	if dt, ok := plainTypes[kind]; ok {
		return dt, nil
	}
	if what, ok := unsupportedTypes[kind]; ok {
		return nil, unsupportedColumn(path, "is "+what+"; cast it before sending")
	}
	u, ok, err := t.table(3)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errFlatbuffer
	}
	switch kind {
	case typeList, typeLargeList, typeFixedList, typeStruct, typeMap:
		return nestedType(kind, &u, children, path)
	default:
		return r.scalarType(kind, &u, path)
	}
}

func nestedType(kind int64, u *fbTable, children []arrow.Field, path string) (arrow.DataType, error) {
	if kind == typeStruct {
		return arrow.StructOf(children...), nil
	}
	if len(children) != 1 {
		return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is a list or map with %d children", path, len(children)).With("column", path)
	}
	switch kind {
	case typeList:
		return arrow.ListOfField(children[0]), nil
	case typeLargeList:
		return arrow.LargeListOfField(children[0]), nil
	case typeFixedList:
		n, err := u.number(0, 4, 0)
		if err != nil || n < 1 {
			return nil, errFlatbuffer
		}
		return arrow.FixedSizeListOfField(int32(n), children[0]), nil
	default:
		sorted, err := u.number(0, 1, 0)
		entries, ok := children[0].Type.(*arrow.StructType)
		if err != nil || !ok || entries.NumFields() != 2 {
			return nil, errcode.New(errcode.InvalidSchema, err, "column %q is a map whose child is no pair of key and value", path).With("column", path)
		}
		key := entries.Field(0)
		key.Nullable = false // Arrow for Go knows no other key, and batches with null keys are refused
		m := arrow.MapOfFields(key, entries.Field(1))
		m.KeysSorted = sorted != 0
		return m, nil
	}
}

// numbers reads the integer members of a type: width and default of each.
func numbers(u *fbTable, members ...[2]int64) (out [3]int64, err error) {
	for slot, m := range members {
		if out[slot], err = u.number(slot, int(m[0]), m[1]); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r *schemaReader) scalarType(kind int64, u *fbTable, path string) (arrow.DataType, error) {
	var n [3]int64
	var err error
	dt := arrow.DataType(nil)
	switch kind {
	case typeInt:
		n, err = numbers(u, [2]int64{4}, [2]int64{1})
		dt = intTypes[[2]int64{n[0], n[1]}]
	case typeFloat:
		if n, err = numbers(u, [2]int64{2}); n[0] >= 0 && n[0] < int64(len(floatTypes)) {
			dt = floatTypes[n[0]]
		}
	case typeDecimal:
		n, err = numbers(u, [2]int64{4}, [2]int64{4}, [2]int64{4, 128})
		dt = decimalType(n)
	case typeDate:
		if n, err = numbers(u, [2]int64{2, 1}); n[0] >= 0 && n[0] < int64(len(dateTypes)) {
			dt = dateTypes[n[0]]
		}
	case typeTime:
		n, err = numbers(u, [2]int64{2, 1}, [2]int64{4, 32})
		dt = timeType(n)
	case typeTimestamp:
		if n, err = numbers(u, [2]int64{2}); err == nil && n[0] >= 0 && n[0] <= int64(arrow.Nanosecond) {
			var zone string
			zone, err = r.string(u, 1)
			dt = &arrow.TimestampType{Unit: arrow.TimeUnit(n[0]), TimeZone: zone}
		}
	case typeFixedBinary:
		if n, err = numbers(u, [2]int64{4}); n[0] >= 0 {
			dt = &arrow.FixedSizeBinaryType{ByteWidth: int(n[0])}
		}
	case typeDuration:
		if n, err = numbers(u, [2]int64{2, 1}); n[0] >= 0 && n[0] <= int64(arrow.Nanosecond) {
			dt = &arrow.DurationType{Unit: arrow.TimeUnit(n[0])}
		}
	}
	if err == nil && dt == nil {
		err = errcode.New(errcode.InvalidSchema, nil, "column %q has an Arrow type that is not known", path).With("column", path)
	}
	return dt, err
}

var intTypes = map[[2]int64]arrow.DataType{
	{8, 1}: arrow.PrimitiveTypes.Int8, {16, 1}: arrow.PrimitiveTypes.Int16,
	{32, 1}: arrow.PrimitiveTypes.Int32, {64, 1}: arrow.PrimitiveTypes.Int64,
	{8, 0}: arrow.PrimitiveTypes.Uint8, {16, 0}: arrow.PrimitiveTypes.Uint16,
	{32, 0}: arrow.PrimitiveTypes.Uint32, {64, 0}: arrow.PrimitiveTypes.Uint64,
}

var floatTypes = []arrow.DataType{arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64}

var dateTypes = []arrow.DataType{arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64}

func decimalType(n [3]int64) arrow.DataType {
	switch n[2] {
	case 32:
		return &arrow.Decimal32Type{Precision: int32(n[0]), Scale: int32(n[1])}
	case 64:
		return &arrow.Decimal64Type{Precision: int32(n[0]), Scale: int32(n[1])}
	case 128:
		return &arrow.Decimal128Type{Precision: int32(n[0]), Scale: int32(n[1])}
	case 256:
		return &arrow.Decimal256Type{Precision: int32(n[0]), Scale: int32(n[1])}
	default:
		return nil
	}
}

func timeType(n [3]int64) arrow.DataType {
	unit := arrow.TimeUnit(n[0])
	switch {
	case n[1] == 32 && (unit == arrow.Second || unit == arrow.Millisecond):
		return &arrow.Time32Type{Unit: unit}
	case n[1] == 64 && (unit == arrow.Microsecond || unit == arrow.Nanosecond):
		return &arrow.Time64Type{Unit: unit}
	default:
		return nil
	}
}

// isLittleEndian is false on machines that this package is not made for.
var isLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func init() {
	if !isLittleEndian {
		panic("proto/batch needs a little-endian machine")
	}
}
