package merge

import (
	"errors"
	"fmt"
	"math/bits"
)

// Bitmaps are in the portable format of Roaring bitmaps,
// https://github.com/RoaringBitmap/RoaringFormatSpec, with 32 or 64 bits. Its parts
// are containers of the values that share the upper 16 of 32 bits:
//
//	cookie | size | flags | size * (key u16, cardinality-1 u16) | size * offset u32 | containers
//
// The cookie 12346 has the size behind it in 4 bytes and no flags. The cookie 12347
// has size-1 in its upper half and behind it a bit a container that says whether
// it is one of runs; then offsets are left out below 4 containers. An array has up
// to 4096 values in 2 bytes each, a run container the number of runs and for each
// its first value and its length-1, a bitset has 8 KiB.
//
// A bitmap of 64 bits is a u64 count and that many pairs of the upper 32 bits and a
// bitmap of the lower ones, ascending.
const (
	cookieArrays = 12346
	cookieRuns   = 12347
	// maxContainers is the most that a bitmap of 32 bits has.
	maxContainers = 1 << 16
	// maxArray is the most values that an array has.
	maxArray = 4096
	// bitsetBytes is the size of a bitset.
	bitsetBytes = 8 << 10
	// minOffsets is the number of containers from which on there are offsets
	// beside runs.
	minOffsets = 4
	// minBitmap is the size of the smallest bitmap of 32 bits.
	minBitmap = 8
)

// form is how a container is encoded.
type form uint8

const (
	array form = iota
	runs
	bitset
)

// container is a part of a bitmap.
type container struct {
	key  uint16
	form form
	// cardinality is the number of values, 1 to 65536.
	cardinality int
	// data is the container's encoding; that of runs has their number in front.
	data []byte
}

var (
	errCut    = errors.New("it is cut short")
	errBehind = errors.New("there are bytes behind it")
)

// parseBitmap appends the containers of a bitmap of 32 bits at the start of b to
// dst and returns the rest of b. The containers alias b; their values are not
// looked at.
func parseBitmap(dst []container, b []byte) (all []container, rest []byte, err error) {
	if len(b) < 4 {
		return dst, nil, errCut
	}
	whole := b
	cookie := le.Uint32(b)
	b = b[4:]
	var size int
	var flags []byte
	switch {
	case cookie == cookieArrays:
		if len(b) < 4 {
			return dst, nil, errCut
		}
		if le.Uint32(b) > maxContainers {
			return dst, nil, fmt.Errorf("it says to have %d containers", le.Uint32(b))
		}
		size, b = int(le.Uint32(b)), b[4:]
	case cookie&0xffff == cookieRuns:
		size = int(cookie>>16) + 1
		if n := (size + 7) / 8; len(b) < n {
			return dst, nil, errCut
		} else {
			flags, b = b[:n], b[n:]
		}
	default:
		return dst, nil, fmt.Errorf("its first 4 bytes are %d, none of the format's", cookie)
	}
	if len(b) < 4*size {
		return dst, nil, errCut
	}
	head := b[:4*size]
	b = b[4*size:]
	var offsets []byte
	if flags == nil || size >= minOffsets {
		if len(b) < 4*size {
			return dst, nil, errCut
		}
		offsets, b = b[:4*size], b[4*size:]
	}
	return parseContainers(dst, whole, head, flags, offsets, b)
}

// parseContainers reads the containers that head, flags and offsets tell of; b is
// what lies behind those in whole.
func parseContainers(dst []container, whole, head, flags, offsets, b []byte) ([]container, []byte, error) {
	before := -1
	for i := range len(head) / 4 {
		c := container{key: le.Uint16(head[4*i:]), cardinality: int(le.Uint16(head[4*i+2:])) + 1}
		if int(c.key) <= before {
			return dst, nil, fmt.Errorf("container %d has the key %d after %d", i, c.key, before)
		}
		before = int(c.key)
		if at := len(whole) - len(b); offsets != nil && int64(le.Uint32(offsets[4*i:])) != int64(at) {
			return dst, nil, fmt.Errorf("container %d is said to start at %d and starts at %d", i, le.Uint32(offsets[4*i:]), at)
		}
		var n int
		switch {
		case flags != nil && flags[i/8]>>(i%8)&1 != 0:
			if len(b) < 2 {
				return dst, nil, errCut
			}
			c.form, n = runs, 2+4*int(le.Uint16(b))
		case c.cardinality <= maxArray:
			c.form, n = array, 2*c.cardinality
		default:
			c.form, n = bitset, bitsetBytes
		}
		if len(b) < n {
			return dst, nil, errCut
		}
		c.data, b = b[:n:n], b[n:]
		dst = append(dst, c)
	}
	return dst, b, nil
}

// check checks what parseBitmap does not look at: the values.
func (c *container) check() error {
	n := 0
	switch c.form {
	case array:
		before := -1
		for i := 0; i < len(c.data); i += 2 {
			v := int(le.Uint16(c.data[i:]))
			if v <= before {
				return fmt.Errorf("the container of the key %d has the value %d after %d", c.key, v, before)
			}
			before = v
		}
		return nil // as many as its cardinality
	case runs:
		before := -1
		for i := 2; i < len(c.data); i += 4 {
			first := int(le.Uint16(c.data[i:]))
			last := first + int(le.Uint16(c.data[i+2:]))
			if first <= before || last > 0xffff {
				return fmt.Errorf("the container of the key %d has a run from %d to %d after %d", c.key, first, last, before)
			}
			n += last - first + 1
			before = last
		}
	case bitset:
		for i := 0; i < len(c.data); i += 8 {
			n += bits.OnesCount64(le.Uint64(c.data[i:]))
		}
	}
	if n != c.cardinality {
		return fmt.Errorf("the container of the key %d has %d values, it says %d", c.key, n, c.cardinality)
	}
	return nil
}

// words is a container as a bit a value.
type words [bitsetBytes / 8]uint64

// add sets the bits of c, which may be damaged.
func (w *words) add(c *container) {
	switch c.form {
	case array:
		for i := 0; i < len(c.data); i += 2 {
			v := le.Uint16(c.data[i:])
			w[v/64] |= 1 << (v % 64)
		}
	case runs:
		for i := 2; i < len(c.data); i += 4 {
			first := int(le.Uint16(c.data[i:]))
			w.addRun(first, min(first+int(le.Uint16(c.data[i+2:])), 0xffff))
		}
	case bitset:
		for i := range w {
			w[i] |= le.Uint64(c.data[8*i:])
		}
	}
}

// addRun sets the bits from first to last, both included.
func (w *words) addRun(first, last int) {
	for v := first; v <= last; {
		end := min(last, v|63)
		w[v/64] |= (1<<(end-v+1) - 1) << (v % 64)
		v = end + 1
	}
}

// measure returns the numbers of values and of runs.
func (w *words) measure() (cardinality, count int) {
	var carry uint64
	for _, x := range w {
		cardinality += bits.OnesCount64(x)
		count += bits.OnesCount64(x &^ (x<<1 | carry))
		carry = x >> 63
	}
	return cardinality, count
}

// appendTo appends the shortest encoding of w, which has values, to dst.
func (w *words) appendTo(dst []byte) ([]byte, form, int) {
	cardinality, count := w.measure()
	f := shortest(cardinality, count)
	switch f {
	case array:
		for i, x := range w {
			for ; x != 0; x &= x - 1 {
				dst = le.AppendUint16(dst, uint16(64*i+bits.TrailingZeros64(x))) //nolint:gosec // below 65536
			}
		}
	case runs:
		dst = w.appendRuns(le.AppendUint16(dst, uint16(count))) //nolint:gosec // 32768 at most
	case bitset:
		for _, x := range w {
			dst = le.AppendUint64(dst, x)
		}
	}
	return dst, f, cardinality
}

// shortest returns the form that takes the fewest bytes; runs only if they are
// shorter than the other.
func shortest(cardinality, count int) form {
	f, n := array, 2*cardinality
	if cardinality > maxArray {
		f, n = bitset, bitsetBytes
	}
	if 2+4*count < n {
		return runs
	}
	return f
}

func (w *words) appendRuns(dst []byte) []byte {
	first := -1 // of the run that is open
	for i, x := range w {
		base := 64 * i
		for at := 0; at < 64; {
			if first < 0 {
				n := bits.TrailingZeros64(x >> at)
				if at += n; at >= 64 {
					break
				}
				first = base + at
			}
			n := bits.TrailingZeros64(^(x >> at)) // zeros come in from above
			if at += n; at >= 64 {
				break
			}
			dst = appendRun(dst, first, base+at-1)
			first = -1
		}
	}
	if first >= 0 {
		dst = appendRun(dst, first, 0xffff)
	}
	return dst
}

func appendRun(dst []byte, first, last int) []byte {
	return le.AppendUint16(le.AppendUint16(dst, uint16(first)), uint16(last-first)) //nolint:gosec // below 65536
}
