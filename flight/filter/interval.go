package filter

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

// Low returns the lower end, as keys.EncodeValue takes the value; false when there
// is none. open tells that the value itself is not part of the interval.
func (i Interval) Low() (v any, open, ok bool) { return i.low.native(i.kind) }

// High returns the upper end as Low does the lower one.
func (i Interval) High() (v any, open, ok bool) { return i.high.native(i.kind) }

// Single reports whether the interval has one value.
func (i Interval) Single() bool {
	return i.low != nil && i.high != nil && !i.low.open && !i.high.open && i.low.value.order(i.high.value, i.kind) == 0
}

func (l *limit) native(kind valueKind) (v any, open, ok bool) {
	if l == nil {
		return nil, false, false
	}
	if kind == boolKind {
		return l.value.number != 0, l.open, true
	}
	return l.value.key(kind), l.open, true
}
