package iceberg

import (
	"slices"

	"github.com/apache/iceberg-go"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// The system columns, which every table of the lake has behind its own. Their field
// ids are above all that a table can get, and below those that Iceberg keeps for itself.
const (
	BucketColumn    = "__bucket"
	OffsetColumn    = "__offset"
	TimestampColumn = "__timestamp"

	bucketField    ids.FieldID = 2_000_000_001
	offsetField    ids.FieldID = 2_000_000_002
	timestampField ids.FieldID = 2_000_000_003
)

// systemColumns are those of the lake: where a row is in the log, and when it was committed.
func systemColumns() []schema.Field {
	timestamp := schema.Of(schema.TimestampLTZ)
	timestamp.Precision = 3
	return []schema.Field{
		{ID: bucketField, Name: BucketColumn, Type: schema.Of(schema.Int)},
		{ID: offsetField, Name: OffsetColumn, Type: schema.Of(schema.BigInt)},
		{ID: timestampField, Name: TimestampColumn, Type: timestamp},
	}
}

// types maps types of Fluss to those of Iceberg.
type types struct {
	// exact writes TIME and timestamps below a microsecond as such, which some
	// engines cannot read, and not as numbers and microseconds.
	exact bool
}

// schema returns the Iceberg schema of a table: its columns under their field ids
// and the system columns, all optional but the primary key.
func (m types) schema(s *schema.Schema) (*iceberg.Schema, error) {
	fields := make([]iceberg.NestedField, 0, len(s.Columns)+3)
	identifiers := []int{}
	for _, c := range slices.Concat(s.Columns, systemColumns()) {
		if slices.ContainsFunc(systemColumns(), func(f schema.Field) bool { return f.Name == c.Name && f.ID != c.ID }) {
			return nil, errcode.New(errcode.Unsupported, nil, "column %q has the name of a column that the lake adds: rename it", c.Name).With("column", c.Name)
		}
		key := slices.Contains(s.PrimaryKey, c.Name)
		if key {
			identifiers = append(identifiers, int(c.ID))
		}
		fields = append(fields, m.field(c, key))
	}
	if slices.ContainsFunc(s.Columns, func(c schema.Field) bool {
		return (c.Type.Kind == schema.Float || c.Type.Kind == schema.Double) && slices.Contains(s.PrimaryKey, c.Name)
	}) {
		identifiers = []int{} // Iceberg does not take these as identifiers
	}
	return iceberg.NewSchemaWithIdentifiers(0, identifiers, fields...), nil
}

func (m types) field(f schema.Field, required bool) iceberg.NestedField {
	return iceberg.NestedField{ID: int(f.ID), Name: f.Name, Type: m.of(f.Type), Required: required, Doc: f.Comment}
}

// of returns the Iceberg type that has the values of t.
func (m types) of(t schema.Type) iceberg.Type {
	const micros = 6
	switch t.Kind {
	case schema.Boolean:
		return iceberg.PrimitiveTypes.Bool
	case schema.TinyInt, schema.SmallInt, schema.Int:
		return iceberg.PrimitiveTypes.Int32
	case schema.BigInt:
		return iceberg.PrimitiveTypes.Int64
	case schema.Float:
		return iceberg.PrimitiveTypes.Float32
	case schema.Double:
		return iceberg.PrimitiveTypes.Float64
	case schema.Char, schema.String:
		return iceberg.PrimitiveTypes.String
	case schema.Decimal:
		return iceberg.DecimalTypeOf(t.Precision, t.Scale)
	case schema.Date:
		return iceberg.PrimitiveTypes.Date
	case schema.Time:
		if m.exact {
			return iceberg.PrimitiveTypes.Time
		}
		return iceberg.PrimitiveTypes.Int64
	case schema.Timestamp:
		if m.exact && t.Precision > micros {
			return iceberg.TimestampNsType{}
		}
		return iceberg.PrimitiveTypes.Timestamp
	case schema.TimestampLTZ:
		if m.exact && t.Precision > micros {
			return iceberg.TimestampTzNsType{}
		}
		return iceberg.PrimitiveTypes.TimestampTz
	case schema.Array:
		e := t.Fields[0]
		return &iceberg.ListType{ElementID: int(e.ID), Element: m.of(e.Type)}
	case schema.Map:
		k, v := t.Fields[0], t.Fields[1]
		return &iceberg.MapType{KeyID: int(k.ID), KeyType: m.of(k.Type), ValueID: int(v.ID), ValueType: m.of(v.Type)}
	case schema.Row:
		fields := make([]iceberg.NestedField, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = m.field(f, false)
		}
		return &iceberg.StructType{FieldList: fields}
	default: // schema.Binary, schema.Bytes: a column may become the other, as fixed may not become binary
		return iceberg.PrimitiveTypes.Binary
	}
}
