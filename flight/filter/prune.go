package filter

import (
	"reflect"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Bounds is what is known about a column's values in one batch.
type Bounds struct {
	// Nulls counts the null values; negative when it is not known.
	Nulls int64
	// Min and Max bound the values that are not null (and not NaN): a bool, any
	// integer type (also for temporal values, in their unit), float32 or
	// float64, decimal128.Num, string or []byte; nil when they are not known.
	// Of a text either may be only the start.
	Min, Max any
	// MaxPrefix tells that Max is only the start of the largest text.
	MaxPrefix bool
}

// MayMatch reports whether a batch of rows rows may have one for which f is
// true. bounds returns what is known of a column; false when nothing is.
func (f *Filter) MayMatch(rows int64, bounds func(column int) (Bounds, bool)) bool {
	s := summary{rows: rows, bounds: bounds}
	return f.root.outcomes(&s)&mayYes != 0
}

// outcome is the set of values that the rows of a batch may have.
type outcome uint8

const (
	mayNo outcome = 1 << iota
	mayUnknown
	mayYes
	mayAll = mayNo | mayUnknown | mayYes
)

// outcomesOf are the outcomes by truth.
var outcomesOf = [...]outcome{no: mayNo, unknown: mayUnknown, yes: mayYes}

// summary is what is known of a batch.
type summary struct {
	rows   int64
	bounds func(column int) (Bounds, bool)
}

// column returns the bounds of a column and whether it has values, and nulls.
func (s *summary) column(i int) (b Bounds, values, nulls bool) {
	b, ok := s.bounds(i)
	if !ok || b.Nulls < 0 {
		b.Nulls = -1
		if !ok {
			b.Min, b.Max = nil, nil
		}
		return b, true, true
	}
	return b, b.Nulls < s.rows, b.Nulls > 0
}

func (n *andNode) outcomes(s *summary) outcome {
	all := mayYes
	for _, t := range n.terms {
		all = combine(all, t.outcomes(s), func(a, b truth) truth { return min(a, b) })
	}
	return all
}

func (n *orNode) outcomes(s *summary) outcome {
	all := mayNo
	for _, t := range n.terms {
		all = combine(all, t.outcomes(s), func(a, b truth) truth { return max(a, b) })
	}
	return all
}

// combine returns what f may give of a value from each set.
func combine(a, b outcome, f func(a, b truth) truth) outcome {
	var out outcome
	for x := no; x <= yes; x++ {
		for y := no; y <= yes; y++ {
			if a&outcomesOf[x] != 0 && b&outcomesOf[y] != 0 {
				out |= outcomesOf[f(x, y)]
			}
		}
	}
	return out
}

func (n *notNode) outcomes(s *summary) outcome {
	o := n.term.outcomes(s)
	out := o & mayUnknown
	if o&mayNo != 0 {
		out |= mayYes
	}
	if o&mayYes != 0 {
		out |= mayNo
	}
	return out
}

func (n *isNull) outcomes(s *summary) outcome {
	_, values, nulls := s.column(n.column)
	return maybe(nulls, mayYes) | maybe(values, mayNo)
}

func maybe(is bool, o outcome) outcome {
	if is {
		return o
	}
	return 0
}

func (n *always) outcomes(s *summary) outcome {
	if n.column < 0 {
		return outcomesOf[n.value]
	}
	_, values, nulls := s.column(n.column)
	return maybe(nulls, mayUnknown) | maybe(values, outcomesOf[n.value])
}

func (n *compare) outcomes(s *summary) outcome {
	b, values, nulls := s.column(n.column)
	out := maybe(nulls, mayUnknown)
	if !values {
		return out
	}
	less, equal, greater := b.sides(n.kind, n.value)
	for _, side := range []struct {
		may   bool
		order int
	}{{less, -1}, {equal, 0}, {greater, 1}} {
		if side.may {
			out |= outcomesOf[truthOf(n.op.holds(side.order))]
		}
	}
	if n.kind == floatKind || n.kind == doubleKind { // a NaN is in no bounds and unequal to all
		out |= outcomesOf[truthOf(n.op == ne)]
	}
	return out
}

// sides tells whether the batch may have values less than, equal to and greater than v.
func (b *Bounds) sides(k valueKind, v value) (less, equal, greater bool) {
	least, hasLeast := valueOf(b.Min, k)
	most, hasMost := valueOf(b.Max, k)
	less, equal, greater = true, true, true
	if hasLeast {
		// A cut text is less than, or equal to, the one it was cut from.
		c := least.order(v, k)
		less = c < 0
		equal = equal && c <= 0
	}
	if hasMost {
		c := most.order(v, k)
		if b.MaxPrefix && strings.HasPrefix(v.text, most.text) {
			c = 1 // anything may follow the prefix
		}
		greater = c > 0
		equal = equal && c >= 0
	}
	return less, equal, greater
}

// valueOf returns a bound as a value; false when it is none of the kind.
func valueOf(bound any, k valueKind) (value, bool) {
	switch x := bound.(type) {
	case nil:
		return value{}, false
	case bool:
		v := value{}
		if x {
			v.number = 1
		}
		return v, k == boolKind
	case int64:
		return value{number: x}, k == intKind || k == temporalKind
	case float64:
		return value{float: x}, (k == floatKind || k == doubleKind) && x == x //nolint:gocritic // not for NaN
	case decimal128.Num:
		return value{decimal: x}, k == decimalKind
	case string:
		return value{text: x}, k == textKind || k == bytesKind
	case []byte:
		return value{text: string(x)}, k == textKind || k == bytesKind
	}
	v := reflect.ValueOf(bound)
	switch {
	case v.CanInt():
		return value{number: v.Int()}, k == intKind || k == temporalKind
	case v.CanFloat():
		return value{float: v.Float()}, (k == floatKind || k == doubleKind) && v.Float() == v.Float() //nolint:gocritic // not for NaN
	}
	return value{}, false
}

func (n *member) outcomes(s *summary) outcome {
	b, values, nulls := s.column(n.column)
	out := maybe(nulls, mayUnknown)
	if !values {
		return out
	}
	other := outcomesOf[no]
	if n.hasNull {
		other = mayUnknown
	}
	out |= other
	for _, v := range n.values {
		if _, equal, _ := b.sides(n.kind, v); equal {
			return out | mayYes
		}
	}
	return out
}

func (n *matches) outcomes(s *summary) outcome {
	b, values, nulls := s.column(n.column)
	out := maybe(nulls, mayUnknown)
	if !values {
		return out
	}
	out |= mayNo
	prefix := n.pattern.prefix
	least, hasLeast := valueOf(b.Min, textKind)
	most, hasMost := valueOf(b.Max, textKind)
	// All texts with the prefix are below the least one, or above the largest.
	below := hasLeast && prefix < least.text && !strings.HasPrefix(least.text, prefix)
	above := hasMost && prefix > most.text && !(b.MaxPrefix && strings.HasPrefix(prefix, most.text))
	if below || above {
		return out
	}
	return out | mayYes
}

func (n *pair) outcomes(*summary) outcome { return mayAll }
