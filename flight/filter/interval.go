package filter

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/fluss-go/fluss/proto/schema"
)

// Interval is a range that holds every value of one column for which a filter
// can be true. The zero value is all values.
type Interval struct {
	low, high *limit
	kind      valueKind
}

// limit is an end of an interval; open when the value itself is not part of it.
type limit struct {
	value value
	open  bool
}

// Interval returns what the comparisons of the column with constants that f
// joins by AND leave of its values.
func (f *Filter) Interval(column int) Interval {
	var i Interval
	i.narrow(f.root, column)
	return i
}

func (i *Interval) narrow(n node, column int) {
	switch n := n.(type) {
	case *andNode:
		for _, t := range n.terms {
			i.narrow(t, column)
		}
	case *compare:
		if n.column != column {
			return
		}
		i.kind = n.kind
		if n.op == eq || n.op == gt || n.op == ge {
			i.raise(limit{n.value, n.op == gt})
		}
		if n.op == eq || n.op == lt || n.op == le {
			i.lower(limit{n.value, n.op == lt})
		}
	case *member:
		if n.column != column || len(n.values) == 0 {
			return
		}
		i.kind = n.kind
		least, most := n.values[0], n.values[0]
		for _, v := range n.values[1:] {
			if v.order(least, n.kind) < 0 {
				least = v
			}
			if v.order(most, n.kind) > 0 {
				most = v
			}
		}
		i.raise(limit{value: least})
		i.lower(limit{value: most})
	}
}

// raise narrows i to the values from l on.
func (i *Interval) raise(l limit) {
	if i.low != nil {
		if c := l.value.order(i.low.value, i.kind); c < 0 || c == 0 && !l.open {
			return
		}
	}
	i.low = &l
}

// lower narrows i to the values up to l.
func (i *Interval) lower(l limit) {
	if i.high != nil {
		if c := l.value.order(i.high.value, i.kind); c > 0 || c == 0 && !l.open {
			return
		}
	}
	i.high = &l
}

// Low returns the lower end; false when there is none. open tells that the value
// itself is not part of the interval. The value is one of type t, the column's,
// in an array of length 1, which the caller releases.
func (i Interval) Low(t schema.Type) (v arrow.Array, open, ok bool) { return i.low.array(t, i.kind) }

// High returns the upper end as Low does the lower one.
func (i Interval) High(t schema.Type) (v arrow.Array, open, ok bool) { return i.high.array(t, i.kind) }

// Single reports whether the interval has one value.
func (i Interval) Single() bool {
	return i.low != nil && i.high != nil && !i.low.open && !i.high.open && i.low.value.order(i.high.value, i.kind) == 0
}

func (l *limit) array(t schema.Type, kind valueKind) (v arrow.Array, open, ok bool) {
	if l == nil || kindOf(t) != kind {
		return nil, false, false
	}
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	defer b.Release()
	return appended(b, l.value), l.open, true
}

// appended returns the array of b with the one value v.
func appended(b array.Builder, v value) arrow.Array {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.number != 0)
	case *array.Int8Builder:
		b.Append(int8(v.number))
	case *array.Int16Builder:
		b.Append(int16(v.number))
	case *array.Int32Builder:
		b.Append(int32(v.number))
	case *array.Int64Builder:
		b.Append(v.number)
	case *array.Float32Builder:
		b.Append(float32(v.float))
	case *array.Float64Builder:
		b.Append(v.float)
	case *array.StringBuilder:
		b.Append(v.text)
	case *array.BinaryBuilder:
		b.Append([]byte(v.text))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(v.text))
	case *array.Decimal128Builder:
		b.Append(v.decimal)
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.number))
	case *array.Time32Builder:
		b.Append(arrow.Time32(v.number))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.number))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.number))
	}
	return b.NewArray()
}
