package schema

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Limits of types. They bound what a hostile schema can cost.
const (
	// MaxPrecision is the largest p of DECIMAL(p, s).
	MaxPrecision = 38
	// MaxFraction is the largest p of TIME, TIMESTAMP and TIMESTAMP_LTZ.
	MaxFraction = 9
	// MaxLength is the largest n of CHAR(n), in characters.
	MaxLength = math.MaxInt32
	// MaxBinary is the largest n of BINARY(n), in bytes: a row must fit in a batch.
	MaxBinary = 1 << 20
	// MaxDepth is how deep types may be nested; a scalar column has depth 1.
	MaxDepth = 32
)

// The precisions that SQL text without one means.
const (
	defaultDecimalPrecision   = 10
	defaultTimestampPrecision = 6
)

// The names of the fields of ARRAY and MAP.
const (
	ElementName = "element"
	KeyName     = "key"
	ValueName   = "value"
)

var kindNames = [...]string{
	Boolean: "BOOLEAN", TinyInt: "TINYINT", SmallInt: "SMALLINT", Int: "INT", BigInt: "BIGINT",
	Float: "FLOAT", Double: "DOUBLE", Char: "CHAR", String: "STRING", Decimal: "DECIMAL", Date: "DATE",
	Time: "TIME", Timestamp: "TIMESTAMP", TimestampLTZ: "TIMESTAMP_LTZ", Binary: "BINARY", Bytes: "BYTES",
	Array: "ARRAY", Map: "MAP", Row: "ROW",
}

// String returns the kind's name in SQL, such as "BIGINT".
func (k Kind) String() string {
	if k.valid() {
		return kindNames[k]
	}
	return "KIND(" + strconv.Itoa(int(k)) + ")"
}

func (k Kind) valid() bool { return k >= Boolean && k <= Row }

// Nested reports whether values of the kind hold other values: ARRAY, MAP, ROW.
func (k Kind) Nested() bool { return k == Array || k == Map || k == Row }

// Of returns the nullable type of a kind that takes no parameters, or takes them
// with SQL's defaults: CHAR(1), BINARY(1), DECIMAL(10, 0), TIME(0), TIMESTAMP(6),
// TIMESTAMP_LTZ(6). For ARRAY, MAP and ROW set Fields.
func Of(k Kind) Type {
	t := Type{Kind: k, Nullable: true}
	switch k { //nolint:exhaustive // the others have no parameters
	case Char, Binary:
		t.Length = 1
	case Decimal:
		t.Precision = defaultDecimalPrecision
	case Timestamp, TimestampLTZ:
		t.Precision = defaultTimestampPrecision
	}
	return t
}

// ArrayOf returns the nullable type ARRAY<element>.
func ArrayOf(element Type) Type {
	return Type{Kind: Array, Nullable: true, Fields: []Field{{Name: ElementName, Type: element}}}
}

// MapOf returns the nullable type MAP<key, value>; the key is made NOT NULL.
func MapOf(key, value Type) Type {
	return Type{Kind: Map, Nullable: true, Fields: []Field{
		{Name: KeyName, Type: key.NotNull()}, {Name: ValueName, Type: value},
	}}
}

// RowOf returns the nullable type ROW<fields...>; it keeps fields.
func RowOf(fields ...Field) Type { return Type{Kind: Row, Nullable: true, Fields: fields} }

// NotNull returns t without nulls.
func (t Type) NotNull() Type {
	t.Nullable = false
	return t
}

// Equal reports whether t and o are the same type: parameters, nullability and
// the names and types of nested fields. Field ids and comments do not count.
func (t Type) Equal(o Type) bool {
	return t.Nullable == o.Nullable && t.sameButNull(o) &&
		slices.EqualFunc(t.Fields, o.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Type.Equal(b.Type)
		})
}

// sameButNull compares kind and parameters only.
func (t Type) sameButNull(o Type) bool {
	return t.Kind == o.Kind && t.Length == o.Length && t.Precision == o.Precision && t.Scale == o.Scale
}

// CanWiden reports whether a column may change from one type to the other while
// every value that is stored stays readable: the integers upward, FLOAT to DOUBLE,
// a DECIMAL to more precision with the same scale, CHAR to a longer one or to
// STRING, BINARY to BYTES, and NOT NULL to nullable. Nested types may only become
// nullable, at any depth. A type widens to itself.
func CanWiden(from, to Type) bool {
	if from.Nullable && !to.Nullable {
		return false
	}
	if from.sameButNull(to) {
		return slices.EqualFunc(from.Fields, to.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Type.sameButNull(b.Type) && CanWiden(a.Type, b.Type)
		})
	}
	switch from.Kind { //nolint:exhaustive // the others do not widen
	case TinyInt, SmallInt, Int:
		return to.Kind > from.Kind && to.Kind <= BigInt
	case Float:
		return to.Kind == Double
	case Decimal:
		return to.Kind == Decimal && to.Scale == from.Scale && to.Precision >= from.Precision
	case Char:
		return to.Kind == String || to.Kind == Char && to.Length >= from.Length
	case Binary:
		return to.Kind == Bytes
	default:
		return false
	}
}

// String returns t as SQL text that ParseType reads back: "DECIMAL(15, 2) NOT NULL",
// "ROW<a INT, b ARRAY<STRING>>". Field ids are not part of it.
func (t Type) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t Type) write(b *strings.Builder) {
	b.WriteString(t.Kind.String())
	switch t.Kind { //nolint:exhaustive // the others have no parameters
	case Char, Binary:
		b.WriteString("(" + strconv.Itoa(t.Length) + ")")
	case Decimal:
		b.WriteString("(" + strconv.Itoa(t.Precision) + ", " + strconv.Itoa(t.Scale) + ")")
	case Time, Timestamp, TimestampLTZ:
		b.WriteString("(" + strconv.Itoa(t.Precision) + ")")
	case Array, Map, Row:
		t.writeFields(b)
	}
	if !t.Nullable {
		b.WriteString(" NOT NULL")
	}
}

func (t Type) writeFields(b *strings.Builder) {
	b.WriteByte('<')
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.Kind == Row {
			f.write(b)
		} else {
			f.Type.write(b)
		}
	}
	b.WriteByte('>')
}

// String returns f as SQL text: "a INT NOT NULL COMMENT 'x'".
func (f Field) String() string {
	var b strings.Builder
	f.write(&b)
	return b.String()
}

func (f Field) write(b *strings.Builder) {
	b.WriteString(QuoteName(f.Name))
	b.WriteByte(' ')
	f.Type.write(b)
	if f.Comment != "" {
		b.WriteString(" COMMENT '" + strings.ReplaceAll(f.Comment, "'", "''") + "'")
	}
}

// QuoteName returns a column's name as SQL text: as it is when it is made of
// letters, digits and underscores and does not start with a digit, else in
// backticks.
func QuoteName(name string) string {
	if isPlainName(name) {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// validate checks the type of the column or nested field named path.
func (t Type) validate(path string, depth int) error {
	if depth > MaxDepth {
		return errcode.New(errcode.InvalidSchema, nil, "column %s is nested more than %d types deep", path, MaxDepth)
	}
	if !t.Kind.valid() {
		return errcode.New(errcode.InvalidSchema, nil, "column %s has the unknown type kind %d", path, t.Kind)
	}
	if bad := t.parameterFault(); bad != "" {
		return errcode.New(errcode.InvalidSchema, nil, "column %s: %s", path, bad)
	}
	if !t.Kind.Nested() {
		return nil
	}
	if t.Kind == Map && t.Fields[0].Type.Nullable {
		return errcode.New(errcode.InvalidSchema, nil, "column %s: the key of a MAP must be NOT NULL", path)
	}
	seen := make(map[string]bool, len(t.Fields))
	for i, f := range t.Fields {
		if err := validateName("nested field", path+"."+f.Name, f.Name); err != nil {
			return err
		}
		if seen[f.Name] {
			return errcode.New(errcode.InvalidSchema, nil, "column %s has two fields named %q", path, f.Name)
		}
		seen[f.Name] = true
		if err := t.Fields[i].Type.validate(path+"."+f.Name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// parameterFault tells what is wrong with t's own parameters, not those of its
// fields; "" when nothing is.
func (t Type) parameterFault() string {
	switch t.Kind { //nolint:exhaustive // the others have no parameters
	case Char:
		return outside("the length of CHAR", t.Length, 1, MaxLength)
	case Binary:
		return outside("the length of BINARY", t.Length, 1, MaxBinary)
	case Decimal:
		if s := outside("the precision of DECIMAL", t.Precision, 1, MaxPrecision); s != "" {
			return s
		}
		return outside("the scale of DECIMAL("+strconv.Itoa(t.Precision)+", s)", t.Scale, 0, t.Precision)
	case Time, Timestamp, TimestampLTZ:
		return outside("the precision of "+t.Kind.String(), t.Precision, 0, MaxFraction)
	case Array:
		if len(t.Fields) != 1 || t.Fields[0].Name != ElementName {
			return `an ARRAY has exactly one field, named "element"`
		}
	case Map:
		if len(t.Fields) != 2 || t.Fields[0].Name != KeyName || t.Fields[1].Name != ValueName {
			return `a MAP has exactly two fields, named "key" and "value"`
		}
	case Row:
		if len(t.Fields) == 0 {
			return "a ROW needs at least one field"
		}
	}
	return ""
}

func outside(what string, n, low, high int) string {
	if n >= low && n <= high {
		return ""
	}
	return what + " must be " + strconv.Itoa(low) + " to " + strconv.Itoa(high) + ", not " + strconv.Itoa(n)
}
