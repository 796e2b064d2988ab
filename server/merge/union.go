package merge

import (
	"cmp"
	"fmt"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
)

// union unites bitmaps and has the memory that this takes. What it makes is never
// much longer than both bitmaps together, whatever they say about themselves.
type union struct {
	// left, right and both are containers of the bitmaps at hand and of their union.
	left, right, both []container
	words             words
	// made are the encodings of containers that are in neither.
	made []byte
	// out is the union.
	out []byte
}

// maxKeptContainers is how many containers memory is kept for.
const maxKeptContainers = 4096

// shrink lets go of memory that only large bitmaps need.
func (u *union) shrink() {
	if cap(u.made) > keepScratch {
		u.made = nil
	}
	if cap(u.out) > keepScratch {
		u.out = nil
	}
	if cap(u.left)+cap(u.right)+cap(u.both) > 3*maxKeptContainers {
		u.left, u.right, u.both = nil, nil, nil
	}
}

// writesBitmaps returns the columns of bitmaps that s writes.
func (s *Session) writesBitmaps() []int {
	var out []int
	for i := range s.m.columns {
		if s.m.columns[i].aggregate.width > 0 && (s.targets == nil || s.targets[i]) {
			out = append(out, i)
		}
	}
	return out
}

// checkBitmaps fails with INVALID_BATCH(column) when a bitmap of written is none.
func (s *Session) checkBitmaps(written []byte) error {
	for _, i := range s.bitmaps {
		v := s.m.format.Value(written, i)
		if v == nil {
			continue
		}
		c := &s.m.columns[i]
		if err := s.sets.check(v, c.aggregate.width); err != nil {
			return c.refuse("what is written for %s is no serialized Roaring bitmap of %d bits: %v",
				c.aggregate.function, c.aggregate.width, err)
		}
	}
	return nil
}

// unite is the fold of rbm32 and rbm64.
func unite(s *Session, c *column, old, written []byte) ([]byte, error) {
	var err error
	if c.aggregate.function == table.RBM64 {
		err = s.sets.unite64(old, written)
	} else {
		var restOld, rest []byte
		s.sets.out = s.sets.out[:0]
		restOld, rest, err = s.sets.unite32(old, written)
		if err == nil && len(restOld)+len(rest) > 0 {
			err = errBehind
		}
	}
	if err != nil { // what is written was checked
		return nil, errcode.New(errcode.Corrupt, err, "a stored row is damaged: column %q is no bitmap", c.name).With("column", c.name)
	}
	return s.sets.out, nil
}

// check fails when b is no bitmap of width bits.
func (u *union) check(b []byte, width int) error {
	count := uint64(1)
	if width == 64 {
		var err error
		if count, b, err = countOf(b); err != nil {
			return err
		}
	}
	before := int64(-1)
	for range count {
		if width == 64 {
			high, rest, err := keyOf(b, before)
			if err != nil {
				return err
			}
			before, b = int64(high), rest
		}
		var err error
		if u.left, b, err = parseBitmap(u.left[:0], b); err != nil {
			return err
		}
		for i := range u.left {
			if err := u.left[i].check(); err != nil {
				return err
			}
		}
	}
	if len(b) > 0 {
		return errBehind
	}
	return nil
}

// countOf reads the number of bitmaps in one of 64 bits.
func countOf(b []byte) (uint64, []byte, error) {
	if len(b) < 8 {
		return 0, nil, errCut
	}
	n := le.Uint64(b)
	if n > uint64(len(b)-8)/(4+minBitmap) {
		return 0, nil, fmt.Errorf("it says to have %d parts, in %d bytes", n, len(b))
	}
	return n, b[8:], nil
}

// keyOf reads the upper 32 bits of a part of a bitmap of 64 bits.
func keyOf(b []byte, before int64) (uint32, []byte, error) {
	if len(b) < 4 {
		return 0, nil, errCut
	}
	high := le.Uint32(b)
	if int64(high) <= before {
		return 0, nil, fmt.Errorf("its part %d comes after %d", high, before)
	}
	return high, b[4:], nil
}

// part is one of the bitmaps in one of 64 bits.
type part struct {
	high uint32
	// data starts with the part's bitmap.
	data []byte
	// left is the number of parts from this one on.
	left uint64
}

// open reads the key of the next part, which starts b.
func open(b []byte, left uint64, before int64) (part, error) {
	if left == 0 {
		if len(b) > 0 {
			return part{}, errBehind
		}
		return part{}, nil
	}
	high, rest, err := keyOf(b, before)
	return part{high, rest, left}, err
}

// next moves on to the part behind p, which starts rest.
func (p *part) next(rest []byte) (err error) {
	*p, err = open(rest, p.left-1, int64(p.high))
	return err
}

// unite64 makes out the union of two bitmaps of 64 bits.
func (u *union) unite64(a, b []byte) error {
	countA, a, err := countOf(a)
	if err != nil {
		return err
	}
	countB, b, err := countOf(b)
	if err != nil {
		return err
	}
	x, err := open(a, countA, -1)
	if err != nil {
		return err
	}
	y, err := open(b, countB, -1)
	if err != nil {
		return err
	}
	u.out = le.AppendUint64(u.out[:0], 0)
	n := uint64(0)
	for ; x.left > 0 || y.left > 0; n++ {
		switch {
		case y.left == 0 || x.left > 0 && x.high < y.high:
			err = u.take(&x)
		case x.left == 0 || y.high < x.high:
			err = u.take(&y)
		default:
			err = u.takeBoth(&x, &y)
		}
		if err != nil {
			return err
		}
	}
	le.PutUint64(u.out, n)
	return nil
}

// take copies a part to out.
func (u *union) take(p *part) error {
	var rest []byte
	var err error
	if u.left, rest, err = parseBitmap(u.left[:0], p.data); err != nil {
		return err
	}
	u.out = append(le.AppendUint32(u.out, p.high), p.data[:len(p.data)-len(rest)]...)
	return p.next(rest)
}

// takeBoth appends the union of two parts of the same key to out.
func (u *union) takeBoth(x, y *part) error {
	u.out = le.AppendUint32(u.out, x.high)
	restX, restY, err := u.unite32(x.data, y.data)
	if err != nil {
		return err
	}
	if err := x.next(restX); err != nil {
		return err
	}
	return y.next(restY)
}

// unite32 appends the union of the bitmaps of 32 bits at the start of a and b to
// out, and returns what lies behind them.
func (u *union) unite32(a, b []byte) (restA, restB []byte, err error) {
	if u.left, restA, err = parseBitmap(u.left[:0], a); err != nil {
		return nil, nil, err
	}
	if u.right, restB, err = parseBitmap(u.right[:0], b); err != nil {
		return nil, nil, err
	}
	u.both, u.made = u.both[:0], u.made[:0]
	x, y := u.left, u.right
	for len(x) > 0 && len(y) > 0 {
		switch cmp.Compare(x[0].key, y[0].key) {
		case -1:
			u.both, x = append(u.both, x[0]), x[1:]
		case +1:
			u.both, y = append(u.both, y[0]), y[1:]
		default:
			u.both = append(u.both, u.merge(&x[0], &y[0]))
			x, y = x[1:], y[1:]
		}
	}
	u.both = append(append(u.both, x...), y...)
	u.appendBitmap()
	return restA, restB, nil
}

// merge returns the union of two containers of the same key.
func (u *union) merge(a, b *container) container {
	if a.form == array && b.form == array && a.cardinality+b.cardinality <= maxArray {
		return u.mergeArrays(a, b)
	}
	clear(u.words[:])
	u.words.add(a)
	u.words.add(b)
	from := len(u.made)
	var f form
	var n int
	u.made, f, n = u.words.appendTo(u.made)
	return container{key: a.key, form: f, cardinality: n, data: u.made[from:len(u.made):len(u.made)]}
}

// mergeArrays is merge of two arrays that make a third.
func (u *union) mergeArrays(a, b *container) container {
	from := len(u.made)
	x, y := a.data, b.data
	for len(x) > 0 && len(y) > 0 {
		v, w := le.Uint16(x), le.Uint16(y)
		u.made = le.AppendUint16(u.made, min(v, w))
		if v <= w {
			x = x[2:]
		}
		if w <= v {
			y = y[2:]
		}
	}
	u.made = append(append(u.made, x...), y...)
	data := u.made[from:len(u.made):len(u.made)]
	return container{key: a.key, form: array, cardinality: len(data) / 2, data: data}
}

// appendBitmap appends the bitmap of the containers both to out.
func (u *union) appendBitmap() {
	base, size := len(u.out), len(u.both)
	withRuns := false
	for i := range u.both {
		withRuns = withRuns || u.both[i].form == runs
	}
	if withRuns {
		u.out = le.AppendUint32(u.out, cookieRuns|uint32(size-1)<<16) //nolint:gosec // 65536 at most
		flags := len(u.out)
		u.out = append(u.out, make([]byte, (size+7)/8)...)
		for i := range u.both {
			if u.both[i].form == runs {
				u.out[flags+i/8] |= 1 << (i % 8)
			}
		}
	} else {
		u.out = le.AppendUint32(le.AppendUint32(u.out, cookieArrays), uint32(size)) //nolint:gosec // as above
	}
	for i := range u.both {
		u.out = le.AppendUint16(u.out, u.both[i].key)
		u.out = le.AppendUint16(u.out, uint16(u.both[i].cardinality-1)) //nolint:gosec // 65536 at most
	}
	if !withRuns || size >= minOffsets {
		at := len(u.out) - base + 4*size
		for i := range u.both {
			u.out = le.AppendUint32(u.out, uint32(at)) //nolint:gosec // a row is below 2 GiB
			at += len(u.both[i].data)
		}
	}
	for i := range u.both {
		u.out = append(u.out, u.both[i].data...)
	}
}
