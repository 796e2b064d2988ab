package merge

import (
	"bytes"
	"cmp"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// choice says where the merged value of a column comes from.
type choice uint8

const (
	takeOld choice = iota
	takeWritten
	// takeFirst: aggregate.first makes it of the written value.
	takeFirst
	// takeBoth: aggregate.fold makes it of both values, neither of them null.
	takeBoth
)

// nulls is which of two values are null: bit 0 the old one, bit 1 the written one.
const (
	oldNull     = 1
	writtenNull = 2
)

// aggregate is an aggregate function of a column.
type aggregate struct {
	function table.AggregateFunction
	// choices are by nulls.
	choices [4]choice
	// fold returns the value made of two, which may alias them or the session's
	// memory.
	fold fold
	// first returns the value that the first written one makes; nil when it is
	// taken as it is.
	first     func(s *Session, written []byte, i int) []byte
	delimiter string
	// width is that of a bitmap's values in bits, 0 for other functions.
	width int
}

func (a *aggregate) pick(old, written bool) choice {
	at := 0
	if old {
		at |= oldNull
	}
	if written {
		at |= writtenNull
	}
	return a.choices[at]
}

// The choices by nulls: none null, the old one, the written one, both.
var (
	alwaysOld      = [4]choice{takeOld, takeOld, takeOld, takeOld}
	alwaysWritten  = [4]choice{takeWritten, takeWritten, takeWritten, takeWritten}
	lastNonNull    = [4]choice{takeWritten, takeWritten, takeOld, takeOld}
	firstNonNull   = [4]choice{takeOld, takeWritten, takeOld, takeOld}
	foldNonNull    = [4]choice{takeBoth, takeWritten, takeOld, takeOld}
	countedNonNull = [4]choice{takeBoth, takeFirst, takeOld, takeOld}
)

// compileAggregates finds the function of each column.
func (m *Merger) compileAggregates(info *table.Info) error {
	given, err := info.Descriptor.Aggregations()
	if err != nil {
		return m.unusable("%v", err)
	}
	for i := range m.columns {
		c := &m.columns[i]
		a, ok := given[c.name]
		switch {
		case c.key || i == m.auto:
			c.aggregate.choices = alwaysOld
			continue
		case !ok:
			a = table.DefaultAggregate()
		}
		c.aggregate.function, c.aggregate.delimiter = a.Function, a.Delimiter
		if !c.compile() {
			return m.unusable("column %q is %s, which the function %s does not take", c.name, c.typ, a.Function)
		}
		m.firsts = m.firsts || c.aggregate.first != nil
	}
	return nil
}

// compile fills in c.aggregate by its function; false when it does not take the
// column's type.
func (c *column) compile() bool {
	a := &c.aggregate
	a.choices = foldNonNull
	switch a.function {
	case table.LastValue:
		a.choices = alwaysWritten
	case table.LastValueIgnoreNulls:
		a.choices = lastNonNull
	case table.FirstValue:
		a.choices = alwaysOld
	case table.FirstValueIgnoreNulls:
		a.choices = firstNonNull
	case table.Sum:
		a.fold = arithmetic(c.typ.Kind, sumInt, sumFloat, sumDecimal)
	case table.Product:
		a.fold = arithmetic(c.typ.Kind, multiplyInt, multiplyFloat, multiplyDecimal)
	case table.Max:
		a.fold = extreme(c.typ, +1)
	case table.Min:
		a.fold = extreme(c.typ, -1)
	case table.BoolAnd, table.BoolOr:
		a.fold = logical(c.typ, a.function == table.BoolAnd)
	case table.ListAgg:
		if c.typ.Kind == schema.String || c.typ.Kind == schema.Char {
			a.fold = list
		}
	case table.RBM32, table.RBM64:
		if a.width = 32; a.function == table.RBM64 {
			a.width = 64
		}
		if c.typ.Kind == schema.Bytes {
			a.fold = unite
		}
	case table.Count:
		a.choices = countedNonNull
		if c.typ.Kind == schema.Int || c.typ.Kind == schema.BigInt {
			a.fold, a.first = count, countFirst
		}
	default:
		return false
	}
	return a.choices[0] != takeBoth || a.fold != nil
}

// refuse says that a function cannot take what was written to c.
func (c *column) refuse(format string, args ...any) error {
	return errcode.New(errcode.InvalidBatch, nil, "column %q: "+format, append([]any{c.name}, args...)...).With("column", c.name)
}

// list appends written behind the delimiter.
func list(s *Session, c *column, old, written []byte) ([]byte, error) {
	s.text = append(append(append(s.text[:0], old...), c.aggregate.delimiter...), written...)
	if c.typ.Kind == schema.Char && utf8.RuneCount(s.text) > c.typ.Length {
		return nil, c.refuse("%s of %d characters and %d more does not fit %s",
			c.aggregate.function, utf8.RuneCount(old), utf8.RuneCount(written)+utf8.RuneCountInString(c.aggregate.delimiter), c.typ)
	}
	return s.text, nil
}

// logical folds booleans by AND, else by OR.
func logical(t schema.Type, and bool) fold {
	if t.Kind != schema.Boolean {
		return nil
	}
	return func(_ *Session, _ *column, old, written []byte) ([]byte, error) {
		if (old[0] != 0) == and {
			return written, nil
		}
		return old, nil
	}
}

// extreme keeps the larger value for sign +1, the smaller one for -1, and the old
// one of equal ones.
func extreme(t schema.Type, sign int) fold {
	compare := comparison(t)
	if compare == nil {
		return nil
	}
	return func(_ *Session, _ *column, old, written []byte) ([]byte, error) {
		if compare(written, old) == sign {
			return written, nil
		}
		return old, nil
	}
}

// comparison returns how values of the type compare, as -1, 0 and 1; nil when they
// have no order. NaN is above every other number and equal to itself; zeros of
// both signs are equal; texts compare byte by byte.
func comparison(t schema.Type) func(a, b []byte) int {
	switch t.Kind {
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt, schema.Date, schema.Time, schema.Timestamp, schema.TimestampLTZ:
		return func(a, b []byte) int { return cmp.Compare(intOf(a), intOf(b)) }
	case schema.Float, schema.Double:
		return func(a, b []byte) int { return -cmp.Compare(-floatOf(a), -floatOf(b)) }
	case schema.Decimal:
		return func(a, b []byte) int { return decimalOf(a).Cmp(decimalOf(b)) }
	case schema.Char, schema.String:
		return bytes.Compare
	case schema.Boolean, schema.Binary, schema.Bytes, schema.Array, schema.Map, schema.Row:
	}
	return nil
}
