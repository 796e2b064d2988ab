package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// bounds are the smallest and the largest value of a column, as stored.
type bounds struct {
	min, max       []byte
	minCut, maxCut bool
	// buf holds bounds of fixed width.
	buf [32]byte
}

// of finds the bounds of a column of rows values from its pieces; false when no
// value has a place in an order.
func (b *bounds) of(l *nodeLayout, pieces []piece, rows int, nulls bool) bool {
	var valid validBits
	valid.rows = rows
	if nulls {
		valid.bits, valid.shift = pieces[0].src, int(pieces[0].shift)
	}
	src := pieces[1].src
	switch l.stat {
	case statBool:
		return b.bools(&pieces[1], &valid)
	case statInt8:
		lo, hi, ok := intBounds[int8](src, &valid)
		return b.fixed(1, uint64(lo), uint64(hi), ok)
	case statInt16:
		lo, hi, ok := intBounds[int16](src, &valid)
		return b.fixed(2, uint64(lo), uint64(hi), ok)
	case statInt32:
		lo, hi, ok := intBounds[int32](src, &valid)
		return b.fixed(4, uint64(lo), uint64(hi), ok)
	case statInt64:
		lo, hi, ok := intBounds[int64](src, &valid)
		return b.fixed(8, uint64(lo), uint64(hi), ok)
	case statFloat32:
		lo, hi, ok := floatBounds[float32](src, &valid)
		return b.fixed(4, uint64(math.Float32bits(lo)), uint64(math.Float32bits(hi)), ok)
	case statFloat64:
		lo, hi, ok := floatBounds[float64](src, &valid)
		return b.fixed(8, math.Float64bits(lo), math.Float64bits(hi), ok)
	case statDecimal:
		return b.decimals(src, &valid)
	case statText, statBytes:
		return b.texts(l, pieces, &valid)
	default:
		return false
	}
}

func (b *bounds) fixed(width int, lo, hi uint64, ok bool) bool {
	binary.LittleEndian.PutUint64(b.buf[:], lo)
	binary.LittleEndian.PutUint64(b.buf[16:], hi)
	b.min, b.max = b.buf[:width:width], b.buf[16:16+width]
	b.minCut, b.maxCut = false, false
	return ok
}

// validBits tells which rows are not null.
type validBits struct {
	bits  []byte // nil when all are valid
	shift int
	rows  int
}

// word returns the bits of the rows [i, i+64), zero past the end.
func (v *validBits) word(i int) uint64 {
	n := min(64, v.rows-i)
	at := v.shift + i
	w := uint64(0)
	if b := v.bits[at/8:]; len(b) >= 9 {
		w = binary.LittleEndian.Uint64(b)>>(at%8) | uint64(b[8])<<(64-at%8)
	} else {
		var tmp [16]byte
		copy(tmp[:], b)
		w = binary.LittleEndian.Uint64(tmp[:])>>(at%8) | uint64(tmp[8])<<(64-at%8)
	}
	if n < 64 {
		w &= 1<<n - 1
	}
	return w
}

// runs calls f for ranges [from, to) of valid rows that cover all of them.
func (v *validBits) runs(f func(from, to int)) {
	if v.bits == nil {
		f(0, v.rows)
		return
	}
	for i := 0; i < v.rows; i += 64 {
		w := v.word(i)
		if w == math.MaxUint64 {
			f(i, i+64)
			continue
		}
		for w != 0 {
			from := bits.TrailingZeros64(w)
			n := bits.TrailingZeros64(^(w >> from))
			f(i+from, i+from+n)
			if from+n >= 64 {
				break
			}
			w &= math.MaxUint64 << (from + n)
		}
	}
}

// aligned returns b at an address that is a multiple of to, a copy if need be.
func aligned(b []byte, to uintptr) []byte {
	if len(b) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%to == 0 {
		return b
	}
	words := make([]uint64, (len(b)+7)/8)
	out := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
	copy(out, b)
	return out
}

func intBounds[T int8 | int16 | int32 | int64](src []byte, valid *validBits) (lo, hi T, ok bool) {
	var zero T
	values := castSlice[T](aligned(src, unsafe.Sizeof(zero)))
	if valid.bits == nil {
		lo, hi = intRange(values)
		return lo, hi, true
	}
	first := true
	valid.runs(func(from, to int) {
		a, b := intRange(values[from:to])
		if first {
			lo, hi, first = a, b, false
		}
		lo, hi = min(lo, a), max(hi, b)
	})
	return lo, hi, !first
}

// intRange returns the smallest and largest of at least one value.
func intRange[T int8 | int16 | int32 | int64](v []T) (lo, hi T) {
	lo, hi = v[0], v[0]
	lo1, hi1 := lo, hi
	for len(v) >= 4 {
		a, b, c, d := v[0], v[1], v[2], v[3]
		lo, hi = min(lo, a, c), max(hi, a, c)
		lo1, hi1 = min(lo1, b, d), max(hi1, b, d)
		v = v[4:]
	}
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return min(lo, lo1), max(hi, hi1)
}

func floatBounds[T float32 | float64](src []byte, valid *validBits) (lo, hi T, ok bool) {
	var zero T
	values := castSlice[T](aligned(src, unsafe.Sizeof(zero)))
	lo, hi = T(math.Inf(1)), T(math.Inf(-1))
	valid.runs(func(from, to int) {
		a, b := lo, hi
		for _, x := range values[from:to] { // a NaN is neither less nor greater
			if x < a {
				a = x
			}
			if x > b {
				b = x
			}
		}
		lo, hi = a, b
	})
	return lo, hi, lo <= hi
}

func (b *bounds) bools(values *piece, valid *validBits) bool {
	v := validBits{bits: values.src, shift: int(values.shift), rows: valid.rows}
	var anyTrue, anyFalse bool
	if valid.bits == nil {
		set := bitutil.CountSetBits(values.src, v.shift, v.rows)
		anyTrue, anyFalse = set > 0, set < v.rows
	} else {
		for i := 0; i < v.rows; i += 64 {
			w, ok := v.word(i), valid.word(i)
			anyTrue = anyTrue || w&ok != 0
			anyFalse = anyFalse || ^w&ok != 0
		}
	}
	var lo, hi uint64 = 1, 0
	if anyFalse {
		lo = 0
	}
	if anyTrue {
		hi = 1
	}
	return b.fixed(1, lo, hi, anyTrue || anyFalse)
}

func (b *bounds) decimals(src []byte, valid *validBits) bool {
	const width = 16
	le := binary.LittleEndian
	lo, hi := -1, -1
	less := func(i, j int) bool {
		x, y := src[i*width:i*width+width], src[j*width:j*width+width]
		if a, b := int64(le.Uint64(x[8:])), int64(le.Uint64(y[8:])); a != b {
			return a < b
		}
		return le.Uint64(x) < le.Uint64(y)
	}
	valid.runs(func(from, to int) {
		if lo < 0 {
			lo, hi = from, from
		}
		for i := from; i < to; i++ {
			if less(i, lo) {
				lo = i
			} else if less(hi, i) {
				hi = i
			}
		}
	})
	if lo < 0 {
		return false
	}
	copy(b.buf[:width], src[lo*width:])
	copy(b.buf[width:], src[hi*width:])
	b.min, b.max = b.buf[:width:width], b.buf[width:]
	b.minCut, b.maxCut = false, false
	return true
}

// extreme is the smallest or the largest of the texts seen, with the keys of its
// first 8 bytes and of the next 8: most texts are told apart by a key.
type extreme struct {
	s     []byte
	k, k2 uint64
}

// before reports whether a comes before b in the order of texts.
func (a *extreme) before(b *extreme) bool {
	switch {
	case a.k != b.k:
		return a.k < b.k
	case a.k2 != b.k2:
		return a.k2 < b.k2
	case len(a.s) == len(b.s) && len(a.s) <= 16:
		return false
	default:
		return bytes.Compare(a.s, b.s) < 0
	}
}

// extremes are the smallest and largest of the texts seen.
type extremes struct {
	lo, hi extreme
	seen   bool
}

// add takes in the text data[from:to], whose key is given.
func (x *extremes) add(data []byte, from, to int, key uint64) {
	s := extreme{data[from:to], key, keyOf(data, min(from+8, to), to)}
	if !x.seen {
		*x = extremes{s, s, true}
		return
	}
	if s.before(&x.lo) {
		x.lo = s
	} else if x.hi.before(&s) {
		x.hi = s
	}
}

// keyOf returns the first 8 bytes of data[from:to] as a number, zeros where there
// are fewer: texts are ordered as their numbers unless these are equal.
func keyOf(data []byte, from, to int) uint64 {
	n := to - from
	if from+8 <= len(data) {
		key := binary.BigEndian.Uint64(data[from:])
		if n < 8 {
			key &= ^(uint64(math.MaxUint64) >> (8 * n))
		}
		return key
	}
	var tmp [8]byte
	copy(tmp[:], data[from:to])
	return binary.BigEndian.Uint64(tmp[:])
}

func (b *bounds) texts(l *nodeLayout, pieces []piece, valid *validBits) bool {
	var x extremes
	if l.form == formFixed {
		data := pieces[1].src
		valid.runs(func(from, to int) {
			for i := from; i < to; i++ {
				x.add(data, i*l.width, (i+1)*l.width, keyOf(data, i*l.width, (i+1)*l.width))
			}
		})
	} else {
		offsets, data := pieces[1].src, pieces[2].src
		base := int(pieces[1].shift)
		valid.runs(func(from, to int) { x.addRun(offsets[4*from:4*(to+1)], data, base) })
	}
	b.min, b.minCut = cut(x.lo.s, l.text)
	b.max, b.maxCut = cut(x.hi.s, l.text)
	return x.seen
}

// addRun takes in the texts between consecutive offsets less base.
func (x *extremes) addRun(offsets, data []byte, base int) {
	le := binary.LittleEndian
	begin := int(int32(le.Uint32(offsets))) - base
	for offsets = offsets[4:]; len(offsets) >= 4; offsets = offsets[4:] {
		end := int(int32(le.Uint32(offsets))) - base
		if key := keyOf(data, begin, end); key <= x.lo.k || key >= x.hi.k {
			x.add(data, begin, end, key)
		}
		begin = end
	}
}

// cut returns the first maxStatBytes of s, whole characters if it is a text.
func cut(s []byte, text bool) ([]byte, bool) {
	if len(s) <= maxStatBytes {
		return s, false
	}
	n := maxStatBytes
	for text && n > maxStatBytes-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}
