package row

// Check reports what is wrong with r as a row of f, at any depth: CORRUPT(column).
// A row that it lets pass is the only encoding of its values: null columns have
// no bytes but zeros. It does not look at nullability and UTF-8.
func (f *Format) Check(r []byte) error {
	if err := f.frame(r); err != nil {
		return err
	}
	if bad, what := f.tuple.check(r); what != "" {
		if bad == nil {
			return corrupt("%s", what)
		}
		return corruptColumn(bad.name, "%s", what)
	}
	return nil
}

// What is wrong with a value.
const (
	faultShort     = "ends before its values do"
	faultBits      = "has bits in its bitmap behind the last value"
	faultNull      = "is null and has a value all the same"
	faultBool      = "is a BOOLEAN and neither 0 nor 1"
	faultBinary    = "has another number of bytes than its type"
	faultOffsets   = "has end offsets that go down or beyond the end"
	faultRest      = "has bytes behind its last value"
	faultKey       = "is a MAP and has a null key"
	faultKeyLength = "is a MAP and its keys end outside of it"
)

// check returns what is wrong with b, which has t.end bytes at least, and at
// which place, nil for none; "" when nothing is.
func (t *tuple) check(b []byte) (*place, string) {
	if extraBits(b[t.bitmap:t.fixed], len(t.places)) {
		return nil, faultBits
	}
	for i := range t.places {
		p := &t.places[i]
		if p.width == 0 {
			continue
		}
		if what := p.checkFixed(t.value(p, b), p.null(b)); what != "" {
			return p, what
		}
	}
	area, last := b[t.end:], 0
	for _, i := range t.variable {
		p := &t.places[i]
		from, to := p.span(b)
		if to < from || to > len(area) {
			return p, faultOffsets
		}
		last = to
		if p.null(b) {
			if from != to {
				return p, faultNull
			}
		} else if what := p.checkVariable(area[from:to]); what != "" {
			return p, what
		}
	}
	if last != len(area) {
		return nil, faultRest
	}
	return nil, ""
}

// checkFixed checks a value of fixed width.
func (n *node) checkFixed(v []byte, null bool) string {
	switch {
	case null && !allZero(v):
		return faultNull
	case n.kind == kindBool && v[0] > 1:
		return faultBool
	default:
		return ""
	}
}

// checkVariable checks a value of variable length that is not null, from hostile
// bytes.
func (n *node) checkVariable(v []byte) string {
	switch n.kind {
	case kindBinary:
		if len(v) != n.size {
			return faultBinary
		}
		return ""
	case kindArray:
		if len(v) < offsetWidth {
			return faultShort
		}
		return n.children[0].checkVector(v[offsetWidth:], int(le.Uint32(v)))
	case kindMap:
		return n.checkMap(v)
	case kindRow:
		if len(v) < n.row.end {
			return faultShort
		}
		_, what := n.row.check(v)
		return what
	default:
		return ""
	}
}

func (n *node) checkMap(v []byte) string {
	if len(v) < 2*offsetWidth {
		return faultShort
	}
	count, keys := int(le.Uint32(v)), int(le.Uint32(v[offsetWidth:]))
	v = v[2*offsetWidth:]
	if keys > len(v) {
		return faultKeyLength
	}
	if what := n.children[0].checkVector(v[:keys], count); what != "" {
		return what
	}
	if hasBits(v[:keys], count) {
		return faultKey
	}
	return n.children[1].checkVector(v[keys:], count)
}

// checkVector checks the encoding of count values of n.
func (n *node) checkVector(v []byte, count int) string {
	width := n.width
	if width == 0 {
		width = offsetWidth
	}
	bitmap := (count + 7) / 8
	if len(v) < bitmap+count*width {
		return faultShort
	}
	nulls, v := v[:bitmap], v[bitmap:]
	if extraBits(nulls, count) {
		return faultBits
	}
	area, from := v[count*width:], 0
	for i := range count {
		null := bit(nulls, i)
		if n.width > 0 {
			if what := n.checkFixed(v[i*width:][:width], null); what != "" {
				return what
			}
			continue
		}
		to := int(le.Uint32(v[i*width:]))
		switch {
		case to < from || to > len(area):
			return faultOffsets
		case null && to != from:
			return faultNull
		}
		if !null {
			if what := n.checkVariable(area[from:to]); what != "" {
				return what
			}
		}
		from = to
	}
	if from != len(area) {
		return faultRest
	}
	return ""
}

// extraBits reports whether b, a bitmap of n bits, has one set behind them.
func extraBits(b []byte, n int) bool { return n%8 != 0 && b[n/8]>>(n%8) != 0 }

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
