// Package schema is the model of a table's columns: types, field ids, versions,
// their SQL text, their Arrow form, and how one version may become the next.
package schema

import (
	"github.com/fluss-go/fluss/proto/ids"
)

// Kind is the kind of a type.
type Kind uint8

// The kinds, named as in SQL. The numbers are those of fluss.v1.TypeKind.
const (
	Boolean      Kind = 1
	TinyInt      Kind = 2
	SmallInt     Kind = 3
	Int          Kind = 4
	BigInt       Kind = 5
	Float        Kind = 6
	Double       Kind = 7
	Char         Kind = 8
	String       Kind = 9
	Decimal      Kind = 10
	Date         Kind = 11
	Time         Kind = 12
	Timestamp    Kind = 13
	TimestampLTZ Kind = 14
	Binary       Kind = 15
	Bytes        Kind = 16
	Array        Kind = 17
	Map          Kind = 18
	Row          Kind = 19
)

// Type is the type of a column or of a field nested in one.
type Type struct {
	Kind     Kind
	Nullable bool
	// Length is n of CHAR(n) in characters and of BINARY(n) in bytes.
	Length int
	// Precision is p of DECIMAL(p, s), 1 to 38, and of TIME, TIMESTAMP and
	// TIMESTAMP_LTZ, 0 to 9 digits of a second.
	Precision int
	// Scale is s of DECIMAL(p, s).
	Scale int
	// Fields are those of a ROW in order; "element" of an ARRAY; "key" and
	// "value" of a MAP.
	Fields []Field
}

// Field is a column, or a field nested in one.
type Field struct {
	ID      ids.FieldID
	Name    string
	Type    Type
	Comment string
}

// Schema is one version of a table's columns. It is not changed once made.
type Schema struct {
	ID      ids.SchemaID
	Columns []Field
	// PrimaryKey names the key's columns in key order; empty for a log table.
	PrimaryKey []string
	// HighestFieldID is the highest id ever used in the table.
	HighestFieldID ids.FieldID
}

// Index returns the place of the column called name; false when there is none.
func (s *Schema) Index(name string) (int, bool) {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// IndexByID returns the place of the column with the id; false when there is none.
func (s *Schema) IndexByID(id ids.FieldID) (int, bool) {
	for i := range s.Columns {
		if s.Columns[i].ID == id {
			return i, true
		}
	}
	return 0, false
}
