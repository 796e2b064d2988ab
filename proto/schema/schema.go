// Package schema is the model of a table's columns: types, field ids, versions,
// their SQL text, their Arrow form, and how one version may become the next.
package schema

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
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

// The system columns that reads can ask for, and the names kept for the lake and
// for changelogs. No column of a table may have one of these names.
const (
	ColumnBucket          = "__bucket"
	ColumnOffset          = "__offset"
	ColumnTimestamp       = "__timestamp"
	ColumnChangeType      = "__change_type"
	ColumnLogOffset       = "_log_offset"
	ColumnCommitTimestamp = "_commit_timestamp"
)

var reserved = []string{
	ColumnBucket, ColumnOffset, ColumnTimestamp, ColumnChangeType, ColumnLogOffset, ColumnCommitTimestamp,
	"_change_type", // of the $changelog tables that Flink users know
}

// ReservedColumns returns the names that no column of a table may have; the slice
// is the caller's.
func ReservedColumns() []string { return slices.Clone(reserved) }

// Limits of a schema.
const (
	// MaxFields is how many columns and nested fields a schema may have in all.
	MaxFields = 5000
	// MaxNameLength is the longest name of a column, in bytes.
	MaxNameLength = 200
)

// firstID is the id of a table's first schema version.
const firstID ids.SchemaID = 1

// New returns the first version of a table's schema: id 1, field ids given anew
// from 1, each column before the fields nested in it. Columns of the primary key
// are made NOT NULL, as in SQL. The arguments are copied.
//
// It fails with INVALID_SCHEMA as Validate does.
func New(columns []Field, primaryKey []string) (*Schema, error) {
	s := &Schema{ID: firstID, Columns: cloneFields(columns), PrimaryKey: slices.Clone(primaryKey)}
	for i := range s.Columns {
		if slices.Contains(primaryKey, s.Columns[i].Name) {
			s.Columns[i].Type.Nullable = false
		}
	}
	if err := s.validateShape(); err != nil {
		return nil, err
	}
	s.HighestFieldID = number(s.Columns, 0)
	return s, nil
}

// number gives ids from last+1 on, depth first, and returns the last one given.
func number(fields []Field, last ids.FieldID) ids.FieldID {
	for i := range fields {
		last++
		fields[i].ID = last
		last = number(fields[i].Type.Fields, last)
	}
	return last
}

func cloneFields(fields []Field) []Field {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Type.Fields = cloneFields(out[i].Type.Fields)
	}
	return out
}

// Validate reports the first fault as INVALID_SCHEMA with the column named: no
// columns, too many, bad or doubled or reserved names, bad type parameters,
// missing or doubled field ids, a primary key that names no column, an ARRAY, MAP
// or ROW column, or a nullable one.
func (s *Schema) Validate() error {
	if s.ID < firstID {
		return errcode.New(errcode.InvalidSchema, nil, "the schema id must be 1 or more, not %d", s.ID)
	}
	if err := s.validateShape(); err != nil {
		return err
	}
	return validateIDs(s.Columns, s.HighestFieldID, make(map[ids.FieldID]string, len(s.Columns)))
}

func validateIDs(fields []Field, highest ids.FieldID, seen map[ids.FieldID]string) error {
	for i := range fields {
		f := &fields[i]
		if f.ID < 1 || f.ID > highest {
			return errcode.New(errcode.InvalidSchema, nil,
				"field %q has the id %d, outside 1 to %d, the highest ever used", f.Name, f.ID, highest)
		}
		if other, ok := seen[f.ID]; ok {
			return errcode.New(errcode.InvalidSchema, nil, "fields %q and %q have the same id %d", other, f.Name, f.ID)
		}
		seen[f.ID] = f.Name
		if err := validateIDs(f.Type.Fields, highest, seen); err != nil {
			return err
		}
	}
	return nil
}

// validateShape checks all but the ids.
func (s *Schema) validateShape() error {
	if len(s.Columns) == 0 {
		return errcode.New(errcode.InvalidSchema, nil, "a table needs at least one column")
	}
	if n := countFields(s.Columns, 0); n > MaxFields {
		return errcode.New(errcode.InvalidSchema, nil, "the schema has more than %d columns and nested fields", MaxFields)
	}
	seen := make(map[string]bool, len(s.Columns))
	for i := range s.Columns {
		c := &s.Columns[i]
		if err := validateColumnName(c.Name); err != nil {
			return err
		}
		if seen[c.Name] {
			return errcode.New(errcode.InvalidSchema, nil, "two columns are named %q; give one another name", c.Name)
		}
		seen[c.Name] = true
		if err := c.Type.validate(strconv.Quote(c.Name), 1); err != nil {
			return err
		}
	}
	return s.validateKey()
}

// countFields stops soon after MaxFields.
func countFields(fields []Field, n int) int {
	for i := range fields {
		if n++; n > MaxFields {
			return n
		}
		n = countFields(fields[i].Type.Fields, n)
	}
	return n
}

func (s *Schema) validateKey() error {
	for i, name := range s.PrimaryKey {
		at, ok := s.Index(name)
		if !ok {
			return errcode.New(errcode.InvalidSchema, nil, "the primary key names %q, which is no column%s",
				name, Suggest(name, s.Names()))
		}
		if slices.Contains(s.PrimaryKey[:i], name) {
			return errcode.New(errcode.InvalidSchema, nil, "the primary key names %q twice", name)
		}
		t := s.Columns[at].Type
		if t.Kind.Nested() {
			return errcode.New(errcode.InvalidSchema, nil, "column %q is %s; ARRAY, MAP and ROW cannot be in the primary key",
				name, t)
		}
		if t.Nullable {
			return errcode.New(errcode.InvalidSchema, nil, "column %q is in the primary key and must be NOT NULL", name)
		}
	}
	return nil
}

func validateColumnName(name string) error {
	if slices.Contains(reserved, name) {
		return errcode.New(errcode.InvalidSchema, nil, "column name %q is reserved; choose another one", name)
	}
	return validateName("column", name, name)
}

func validateName(kind, path, name string) error {
	switch {
	case name == "":
		return errcode.New(errcode.InvalidSchema, nil, "a %s has no name", kind)
	case len(name) > MaxNameLength:
		return errcode.New(errcode.InvalidSchema, nil, "the name of %s %q is longer than %d bytes", kind, path, MaxNameLength)
	case !utf8.ValidString(name):
		return errcode.New(errcode.InvalidSchema, nil, "the name of %s %q is not UTF-8", kind, path)
	case strings.ContainsFunc(name, unicode.IsControl):
		return errcode.New(errcode.InvalidSchema, nil, "the name of %s %q has a control character", kind, path)
	default:
		return nil
	}
}

// Names returns the names of the columns in order; the slice is the caller's.
func (s *Schema) Names() []string {
	out := make([]string, len(s.Columns))
	for i := range s.Columns {
		out[i] = s.Columns[i].Name
	}
	return out
}

// Column returns the column called name, or UNKNOWN_COLUMN with a suggestion.
func (s *Schema) Column(name string) (Field, error) {
	if i, ok := s.Index(name); ok {
		return s.Columns[i], nil
	}
	const most = 30 // of a wide table not all are told
	names := s.Names()
	known := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		known += ", ..."
	}
	return Field{}, errcode.New(errcode.UnknownColumn, nil, "there is no column %q: the table has %s%s", name, known, Suggest(name, names))
}

// Equal reports whether both say the same: ids, names, types, comments, key.
func (s *Schema) Equal(o *Schema) bool {
	return s.ID == o.ID && s.HighestFieldID == o.HighestFieldID &&
		slices.Equal(s.PrimaryKey, o.PrimaryKey) && slices.EqualFunc(s.Columns, o.Columns, equalFields)
}

func equalFields(a, b Field) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Comment == b.Comment && a.Type.Nullable == b.Type.Nullable &&
		a.Type.sameButNull(b.Type) && slices.EqualFunc(a.Type.Fields, b.Type.Fields, equalFields)
}
