package schema

import (
	"slices"
	"strconv"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// FromProto returns the schema of a message and shares nothing with it. A schema
// with id 0 is a request: it is made by New. Any other must be Valid.
//
// It fails with INVALID_SCHEMA.
func FromProto(m *flussv1.Schema) (*Schema, error) {
	if m == nil {
		return nil, errcode.New(errcode.InvalidSchema, nil, "the schema is missing")
	}
	columns, err := FieldsFromProto(m.GetColumns())
	if err != nil {
		return nil, err
	}
	if m.GetId() == 0 {
		return New(columns, m.GetPrimaryKey())
	}
	s := &Schema{
		ID:             ids.SchemaID(m.GetId()),
		Columns:        columns,
		PrimaryKey:     slices.Clone(m.GetPrimaryKey()),
		HighestFieldID: ids.FieldID(m.GetHighestFieldId()),
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// Proto returns s as a message that shares nothing with it.
func (s *Schema) Proto() *flussv1.Schema {
	return &flussv1.Schema{
		Id:             int32(s.ID),
		Columns:        FieldsProto(s.Columns),
		PrimaryKey:     slices.Clone(s.PrimaryKey),
		HighestFieldId: int32(s.HighestFieldID),
	}
}

// FieldsFromProto returns the fields of messages; ids may be 0. It checks types
// and their depth, not names.
func FieldsFromProto(m []*flussv1.Field) ([]Field, error) { return fieldsFromProto(m, 1) }

// FieldFromProto returns the field of a message as FieldsFromProto does.
func FieldFromProto(m *flussv1.Field) (Field, error) {
	fields, err := fieldsFromProto([]*flussv1.Field{m}, 1)
	if err != nil {
		return Field{}, err
	}
	return fields[0], nil
}

// TypeFromProto returns the type of a message, checked.
func TypeFromProto(m *flussv1.DataType) (Type, error) {
	f, err := FieldFromProto(&flussv1.Field{Name: "type", Type: m})
	return f.Type, err
}

func fieldsFromProto(m []*flussv1.Field, depth int) ([]Field, error) {
	if len(m) == 0 {
		return nil, nil
	}
	if depth > MaxDepth {
		return nil, errcode.New(errcode.InvalidSchema, nil, "field %q is nested more than %d types deep",
			m[0].GetName(), MaxDepth)
	}
	out := make([]Field, len(m))
	for i, f := range m {
		t := f.GetType()
		if t == nil {
			return nil, errcode.New(errcode.InvalidSchema, nil, "field %q has no type", f.GetName())
		}
		nested, err := fieldsFromProto(t.GetFields(), depth+1)
		if err != nil {
			return nil, err
		}
		kind := t.GetKind()
		if kind < flussv1.TypeKind_TYPE_KIND_BOOLEAN || kind > flussv1.TypeKind_TYPE_KIND_ROW {
			return nil, errcode.New(errcode.InvalidSchema, nil, "field %q has the unknown type kind %d", f.GetName(), kind)
		}
		out[i] = Field{ID: ids.FieldID(f.GetId()), Name: f.GetName(), Comment: f.GetComment()}
		out[i].Type = canonical(Type{
			Kind: Kind(kind), Nullable: t.GetNullable(), Length: int(t.GetLength()), //nolint:gosec // 1 to 19
			Precision: int(t.GetPrecision()), Scale: int(t.GetScale()), Fields: nested,
		})
		if bad := out[i].Type.parameterFault(); bad != "" {
			return nil, errcode.New(errcode.InvalidSchema, nil, "field %s: %s", strconv.Quote(f.GetName()), bad)
		}
	}
	return out, nil
}

// canonical clears the parameters that t's kind does not have, so that equal types
// compare equal.
func canonical(t Type) Type {
	if t.Kind != Char && t.Kind != Binary {
		t.Length = 0
	}
	if t.Kind != Decimal {
		t.Scale = 0
		if t.Kind != Time && t.Kind != Timestamp && t.Kind != TimestampLTZ {
			t.Precision = 0
		}
	}
	if !t.Kind.Nested() {
		t.Fields = nil
	}
	return t
}

// FieldsProto returns fields as messages that share nothing with them.
func FieldsProto(fields []Field) []*flussv1.Field {
	if len(fields) == 0 {
		return nil
	}
	out := make([]*flussv1.Field, len(fields))
	for i := range fields {
		out[i] = fields[i].Proto()
	}
	return out
}

// Proto returns f as a message that shares nothing with it.
func (f Field) Proto() *flussv1.Field {
	return &flussv1.Field{Id: int32(f.ID), Name: f.Name, Type: f.Type.Proto(), Comment: f.Comment}
}

// Proto returns t as a message that shares nothing with it.
func (t Type) Proto() *flussv1.DataType {
	return &flussv1.DataType{
		Kind: flussv1.TypeKind(t.Kind), Nullable: t.Nullable,
		Length: int32(t.Length), Precision: int32(t.Precision), Scale: int32(t.Scale), //nolint:gosec // bounded by validate
		Fields: FieldsProto(t.Fields),
	}
}
