package filter

import (
	"cmp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Evaluator runs a filter on batches and reuses its memory between them. It is
// not safe for concurrent use.
type Evaluator struct {
	filter *Filter
	rows   int
	column func(i int) arrow.Array
	free   [][]truth
	// stop tells whether nobody wants the result any more.
	stop func() bool
}

// NewEvaluator returns an evaluator of f. Select gives up soon after stop returns
// true, and its result is then worth nothing; nil means never.
func (f *Filter) NewEvaluator(stop func() bool) *Evaluator {
	if stop == nil {
		stop = func() bool { return false }
	}
	return &Evaluator{filter: f, stop: stop}
}

// Select appends to dst the numbers of the rows for which the filter is true,
// ascending. column returns a column of f.Columns(), by its index in the
// table, as an array of the table's type with rows values.
func (e *Evaluator) Select(dst []int32, rows int, column func(i int) arrow.Array) []int32 {
	e.rows, e.column = rows, column
	out := e.take()
	e.filter.root.eval(e, out)
	for i, t := range out {
		if t == yes {
			dst = append(dst, int32(i))
		}
	}
	e.give(out)
	e.column = nil
	return dst
}

// take returns scratch for one value a row.
func (e *Evaluator) take() []truth {
	if n := len(e.free); n > 0 {
		b := e.free[n-1]
		e.free = e.free[:n-1]
		if cap(b) >= e.rows {
			return b[:e.rows]
		}
	}
	return make([]truth, e.rows)
}

func (e *Evaluator) give(b []truth) { e.free = append(e.free, b) }

func (n *andNode) eval(e *Evaluator, out []truth) {
	n.terms[0].eval(e, out)
	scratch := e.take()
	defer e.give(scratch)
	for _, t := range n.terms[1:] {
		if e.stop() {
			return
		}
		t.eval(e, scratch)
		for i := range out {
			out[i] = min(out[i], scratch[i])
		}
	}
}

func (n *orNode) eval(e *Evaluator, out []truth) {
	n.terms[0].eval(e, out)
	scratch := e.take()
	defer e.give(scratch)
	for _, t := range n.terms[1:] {
		if e.stop() {
			return
		}
		t.eval(e, scratch)
		for i := range out {
			out[i] = max(out[i], scratch[i])
		}
	}
}

func (n *notNode) eval(e *Evaluator, out []truth) {
	n.term.eval(e, out)
	for i := range out {
		out[i] = yes - out[i]
	}
}

func (n *isNull) eval(e *Evaluator, out []truth) {
	fill(out, no)
	a := e.column(n.column)
	if a.NullN() == 0 {
		return
	}
	for i := range out {
		out[i] = truthOf(a.IsNull(i))
	}
}

func (n *always) eval(e *Evaluator, out []truth) {
	fill(out, n.value)
	if n.column >= 0 {
		nulls(e.column(n.column), out)
	}
}

func fill(out []truth, t truth) {
	for i := range out {
		out[i] = t
	}
}

// nulls sets the rows to unknown where a is null.
func nulls(a arrow.Array, out []truth) {
	if a.NullN() == 0 {
		return
	}
	for i := range out {
		if a.IsNull(i) {
			out[i] = unknown
		}
	}
}

func (n *compare) eval(e *Evaluator, out []truth) {
	a := e.column(n.column)
	switch a := a.(type) {
	case *array.Boolean:
		for i := range out {
			out[i] = truthOf(n.op.holds(cmp.Compare(number(a.Value(i)), n.value.number)))
		}
	case *array.String:
		texts(out, a.Value, n.op, n.value.text)
	case *array.Binary:
		texts(out, a.ValueString, n.op, n.value.text)
	case *array.FixedSizeBinary:
		texts(out, func(i int) string { return string(a.Value(i)) }, n.op, n.value.text)
	case *array.Decimal128:
		for i, v := range a.Values() {
			out[i] = truthOf(n.op.holds(v.Cmp(n.value.decimal)))
		}
	default:
		n.evalNumbers(a, out)
	}
	nulls(a, out)
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (n *compare) evalNumbers(a arrow.Array, out []truth) {
	switch a.DataType().(arrow.FixedWidthDataType).BitWidth() {
	case 8:
		numbers(out, values[int8](a), n.op, int8(n.value.number))
	case 16:
		numbers(out, values[int16](a), n.op, int16(n.value.number))
	case 32:
		if n.kind == floatKind {
			numbers(out, values[float32](a), n.op, float32(n.value.float))
			return
		}
		numbers(out, values[int32](a), n.op, int32(n.value.number))
	default:
		if n.kind == doubleKind {
			numbers(out, values[float64](a), n.op, n.value.float)
			return
		}
		numbers(out, values[int64](a), n.op, n.value.number)
	}
}

// plain are the Go types that fixed-width values are read as.
type plain interface {
	int8 | int16 | int32 | int64 | float32 | float64
}

// values returns the values of a fixed-width array.
func values[T plain](a arrow.Array) []T {
	data := a.Data()
	if data.Len() == 0 {
		return nil
	}
	return arrow.GetData[T](data.Buffers()[1].Bytes())[data.Offset() : data.Offset()+data.Len()]
}

func numbers[T plain](out []truth, vs []T, o op, c T) {
	out = out[:len(vs)]
	switch o {
	case eq:
		for i, v := range vs {
			out[i] = truthOf(v == c)
		}
	case ne:
		for i, v := range vs {
			out[i] = truthOf(v != c)
		}
	case lt:
		for i, v := range vs {
			out[i] = truthOf(v < c)
		}
	case le:
		for i, v := range vs {
			out[i] = truthOf(v <= c)
		}
	case gt:
		for i, v := range vs {
			out[i] = truthOf(v > c)
		}
	case ge:
		for i, v := range vs {
			out[i] = truthOf(v >= c)
		}
	}
}

func texts(out []truth, at func(i int) string, o op, c string) {
	if o == eq || o == ne {
		for i := range out {
			out[i] = truthOf((at(i) == c) == (o == eq))
		}
		return
	}
	for i := range out {
		out[i] = truthOf(o.holds(strings.Compare(at(i), c)))
	}
}

func (n *member) eval(e *Evaluator, out []truth) {
	a := e.column(n.column)
	other := no
	if n.hasNull {
		other = unknown
	}
	at := reader(a, n.kind)
	for i := range out {
		if a.IsNull(i) {
			out[i] = unknown
			continue
		}
		out[i] = other
		if _, ok := n.set[at(i).key(n.kind)]; ok {
			out[i] = yes
		}
	}
}

// reader returns a function that reads a value of a, which must not be null.
func reader(a arrow.Array, k valueKind) func(i int) value {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) value { return value{number: number(a.Value(i))} }
	case *array.String:
		return func(i int) value { return value{text: a.Value(i)} }
	case *array.Binary:
		return func(i int) value { return value{text: a.ValueString(i)} }
	case *array.FixedSizeBinary:
		return func(i int) value { return value{text: string(a.Value(i))} }
	case *array.Decimal128:
		return func(i int) value { return value{decimal: a.Value(i)} }
	}
	switch a.DataType().(arrow.FixedWidthDataType).BitWidth() {
	case 8:
		vs := values[int8](a)
		return func(i int) value { return value{number: int64(vs[i])} }
	case 16:
		vs := values[int16](a)
		return func(i int) value { return value{number: int64(vs[i])} }
	case 32:
		if k == floatKind {
			vs := values[float32](a)
			return func(i int) value { return value{float: float64(vs[i])} }
		}
		vs := values[int32](a)
		return func(i int) value { return value{number: int64(vs[i])} }
	}
	if k == doubleKind {
		vs := values[float64](a)
		return func(i int) value { return value{float: vs[i]} }
	}
	vs := values[int64](a)
	return func(i int) value { return value{number: vs[i]} }
}

func (n *matches) eval(e *Evaluator, out []truth) {
	a := e.column(n.column)
	s, ok := a.(*array.String)
	if !ok {
		fill(out, unknown)
		return
	}
	for i := range out {
		if e.stop() { // a text may be long
			return
		}
		if a.IsNull(i) {
			out[i] = unknown
			continue
		}
		out[i] = truthOf(n.pattern.match(s.Value(i)))
	}
}

func (n *pair) eval(e *Evaluator, out []truth) {
	l, r := e.column(n.left), e.column(n.right)
	left, right := reader(l, n.kind), reader(r, n.kind)
	for i := range out {
		if l.IsNull(i) || r.IsNull(i) {
			out[i] = unknown
			continue
		}
		a, b := left(i), right(i)
		if a.float != a.float || b.float != b.float { //nolint:gocritic // a NaN is unequal to all
			out[i] = truthOf(n.op == ne)
			continue
		}
		out[i] = truthOf(n.op.holds(a.order(b, n.kind)))
	}
}
