package batch

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
)

// work is what checking and decoding a batch need besides the batch; it is
// pooled.
type work struct {
	meta Meta
	// data has the content of each buffer, decompressed; nil when it has none or
	// was not asked for. size is its size all the same.
	data [][]byte
	size []int64
	// frames are the compressed buffers that are to be decompressed; nil for others.
	frames [][]byte
	// slab holds what was decompressed.
	slab []byte
	// plain is the sum of the sizes, each aligned.
	plain int64
	// masks are the validity bitmaps of the structs around what is being checked.
	masks [][]byte
}

var works = sync.Pool{New: func() any { return new(work) }}

// maxKeptSlab bounds the memory that stays with a pooled work.
const maxKeptSlab = 1 << 20

func (w *work) free() {
	clear(w.data)
	clear(w.frames)
	if cap(w.slab) > maxKeptSlab {
		w.slab = nil
	}
	clear(w.masks[:cap(w.masks)])
	works.Put(w)
}

// wanted says which buffers are decompressed: those of the roles that are set.
type wanted uint8

const (
	wantStructure wanted = 1<<roleValidity | 1<<roleOffsets
	wantAll       wanted = 1<<roleValidity | 1<<roleOffsets | 1<<roleText | 1<<roleValues
)

// split finds the content of each buffer of the body, as w.meta says, and what is to
// be decompressed, and returns how much memory decompress takes. The sum of the
// sizes, w.plain, must not be above limit.
func (w *work) split(l *Layout, body []byte, want wanted, limit int64) (slab int64, err error) {
	n := len(w.meta.Buffers)
	w.data, w.size, w.frames = grown(w.data, n), grown(w.size, n), grown(w.frames, n)
	w.plain = 0
	for i, r := range w.meta.Buffers {
		b := body[r.Off : r.Off+r.Len : r.Off+r.Len]
		if w.meta.Codec == None || r.Len == 0 {
			w.data[i], w.size[i] = b, r.Len
			w.plain += align(r.Len)
			continue
		}
		if r.Len < prefixBytes {
			return 0, invalid("compressed buffer %d has %d bytes, fewer than its length takes", i, r.Len)
		}
		size := int64(binary.LittleEndian.Uint64(b))
		b = b[prefixBytes:]
		switch {
		case size == plainPrefix:
			w.data[i], w.size[i] = b, int64(len(b))
		case size < 0 || size > maxEncoded:
			return 0, invalid("compressed buffer %d says it has %d bytes when decompressed", i, size)
		default:
			w.size[i] = size
			if want>>l.roles[i]&1 != 0 && size > 0 {
				w.frames[i] = b
				slab += align(size)
			}
		}
		w.plain += align(w.size[i])
	}
	if w.plain > limit {
		return 0, errcode.New(errcode.RecordTooLarge, nil, "the batch has %d bytes when decompressed, the limit is %d; send fewer rows at a time",
			w.plain, limit).With("bytes", w.plain).With("limit", limit)
	}
	return slab, nil
}

// decompress fills data from frames; slab is what split returned.
func (w *work) decompress(slab int64) error {
	if slab == 0 {
		return nil
	}
	if int64(cap(w.slab)) < slab {
		w.slab = make([]byte, slab) // the caller may have another one
	}
	at := int64(0)
	for i, frame := range w.frames {
		if frame == nil {
			continue
		}
		out := w.slab[:slab][at : at+w.size[i] : at+w.size[i]]
		if !decompress(w.meta.Codec, out, frame) {
			return invalid("buffer %d does not decompress as %s to the %d bytes that it says it has", i, w.meta.Codec, w.size[i])
		}
		w.data[i] = out
		at += align(w.size[i])
	}
	return nil
}

// grown returns s with n zero elements.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// checker checks the content of a batch against its layout. What it has let
// pass, no reader of Arrow data can be led outside of buffers by.
type checker struct {
	*work
	// content: look at every value; if not, only at sizes and last offsets.
	content bool
	text    bool // and at UTF-8
	// budget is what converting lists of fixed size may take, in bytes: their
	// number is not bounded by the bytes that they come in.
	budget int64
	nodeAt int
	bufAt  int
}

func (c *checker) check(l *Layout) error {
	if len(c.meta.Nodes) != l.nodes || len(c.meta.Buffers) != len(l.roles) {
		return invalid("the batch has %d nodes and %d buffers, the columns of its schema make %d and %d: it is of another schema",
			len(c.meta.Nodes), len(c.meta.Buffers), l.nodes, len(l.roles))
	}
	for i := range l.columns {
		col := &l.columns[i]
		c.masks = c.masks[:0]
		if err := c.node(&col.nodeLayout, c.meta.Rows, true); err != nil {
			return err
		}
	}
	return nil
}

// node checks the next node and its children. It must have length values, or at
// least as many if not exact.
func (c *checker) node(l *nodeLayout, length int64, exact bool) error {
	n := c.meta.Nodes[c.nodeAt]
	c.nodeAt++
	b := c.bufAt
	c.bufAt += l.form.buffers()
	switch {
	case n.Length < length || exact && n.Length != length:
		return columnError(l.path, "has %d values, it must have %d", n.Length, length)
	case n.Length > maxEncoded:
		return columnError(l.path, "has %d values, the limit is %d", n.Length, maxEncoded)
	case n.Nulls < 0 || n.Nulls > n.Length:
		return columnError(l.path, "has %d nulls among %d values", n.Nulls, n.Length)
	}
	if err := c.validity(l, n, b); err != nil {
		return err
	}
	switch l.form {
	case formBits:
		return c.atLeast(l, b+1, (n.Length+7)/8)
	case formFixed:
		return c.atLeast(l, b+1, n.Length*int64(l.width))
	case formVariable:
		return c.variable(l, n.Length, b)
	case formList:
		_, last, err := c.offsets(l, n.Length, b+1, maxEncoded)
		if err != nil {
			return err
		}
		return c.items(l, last, false)
	case formFixedList:
		if c.budget -= 4 * n.Length; c.budget < 0 {
			return columnError(l.path, "has %d lists, too many", n.Length)
		}
		return c.items(l, n.Length*int64(l.size), true)
	default:
		return c.children(l, n, b)
	}
}

// items checks the child of a list.
func (c *checker) items(l *nodeLayout, length int64, exact bool) error {
	masks := c.masks
	c.masks = c.masks[len(c.masks):] // nulls of what is around the list say nothing about its values
	defer func() { c.masks = masks }()
	return c.node(&l.children[0], length, exact)
}

func (c *checker) children(l *nodeLayout, n Node, b int) error {
	if n.Nulls > 0 {
		c.masks = append(c.masks, c.data[b])
		defer func() { c.masks = c.masks[:len(c.masks)-1] }()
	}
	for i := range l.children {
		if err := c.node(&l.children[i], n.Length, true); err != nil {
			return err
		}
	}
	return nil
}

// atLeast checks that buffer b has n bytes.
func (c *checker) atLeast(l *nodeLayout, b int, n int64) error {
	if c.size[b] < n {
		return columnError(l.path, "has a buffer of %d bytes where its values take %d", c.size[b], n)
	}
	return nil
}

// validity checks the bitmap of a node, buffer b.
func (c *checker) validity(l *nodeLayout, n Node, b int) error {
	if c.size[b] > 0 || n.Nulls > 0 {
		if err := c.atLeast(l, b, (n.Length+7)/8); err != nil {
			return err
		}
	}
	if n.Nulls > 0 && !l.nullable && len(c.masks) == 0 {
		if first := firstClear(c.data[b], int(n.Length)); c.content && int64(first) < n.Length {
			return columnError(l.path, "is NOT NULL and %d values are null, the first is number %d, counted from 0", n.Nulls, first)
		}
		return columnError(l.path, "is NOT NULL and %d values are null", n.Nulls)
	}
	if c.size[b] == 0 || !c.content {
		return nil
	}
	if set := countBits(c.data[b], int(n.Length)); int64(set) != n.Length-n.Nulls {
		return columnError(l.path, "says %d of %d values are null, its bitmap says %d", n.Nulls, n.Length, n.Length-int64(set))
	}
	if n.Nulls > 0 && !l.nullable && !hidden(c.data[b], c.masks, int(n.Length)) {
		return columnError(l.path, "is NOT NULL and has a null in a row that is not null")
	}
	return nil
}

// firstClear returns the place of the first bit that is not set among the first n
// of b; n when there is none.
func firstClear(b []byte, n int) int {
	for i := range min(n, 8*len(b)) {
		if b[i/8]&(1<<(i%8)) == 0 {
			return i
		}
	}
	return n
}

// countBits counts the bits that are set among the first n of b.
func countBits(b []byte, n int) (set int) {
	for ; n >= 64; n -= 64 {
		set += bits.OnesCount64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	for ; n >= 8; n -= 8 {
		set += bits.OnesCount8(b[0])
		b = b[1:]
	}
	if n > 0 {
		set += bits.OnesCount8(b[0] & (1<<n - 1))
	}
	return set
}

// hidden reports whether each of the first n bits that is clear in valid is
// clear in one of the masks.
func hidden(valid []byte, masks [][]byte, n int) bool {
	for i := 0; i < n; i += 8 {
		bad := ^valid[i/8]
		for _, m := range masks {
			bad &= m[i/8]
		}
		if n-i < 8 {
			bad &= 1<<(n-i) - 1
		}
		if bad != 0 {
			return false
		}
	}
	return true
}

// offsets checks buffer b, the offsets of n values into something of the size
// limit, and returns the first and the last of them.
func (c *checker) offsets(l *nodeLayout, n int64, b int, limit int64) (first, last int64, err error) {
	if n == 0 && c.size[b] == 0 {
		return 0, 0, nil
	}
	if l.wide {
		return c.wideOffsets(l, n, b, limit)
	}
	if err := c.atLeast(l, b, 4*(n+1)); err != nil {
		return 0, 0, err
	}
	data := c.data[b][:4*(n+1)]
	first = int64(int32(binary.LittleEndian.Uint32(data)))
	last = int64(int32(binary.LittleEndian.Uint32(data[4*n:])))
	if first < 0 || last < first || last > limit {
		return 0, 0, columnError(l.path, "has offsets from %d to %d into %d bytes or values", first, last, limit)
	}
	if c.content && !ascending(data) {
		return 0, 0, columnError(l.path, "has offsets that go down")
	}
	return first, last, nil
}

// wideOffsets is offsets for those of 8 bytes.
func (c *checker) wideOffsets(l *nodeLayout, n int64, b int, limit int64) (first, last int64, err error) {
	if err := c.atLeast(l, b, 8*(n+1)); err != nil {
		return 0, 0, err
	}
	data := c.data[b][:8*(n+1)]
	le := binary.LittleEndian
	first, last = int64(le.Uint64(data)), int64(le.Uint64(data[8*n:]))
	for prev := first; len(data) > 0; data = data[8:] {
		next := int64(le.Uint64(data))
		if next < prev {
			return 0, 0, columnError(l.path, "has offsets that go down")
		}
		prev = next
	}
	if first < 0 || last > min(limit, maxEncoded) {
		return 0, 0, columnError(l.path, "has offsets from %d to %d into %d bytes or values", first, last, limit)
	}
	return first, last, nil
}

// ascending reports whether int32 offsets never go down. It does not branch on
// them, for they are many.
func ascending(b []byte) bool {
	le := binary.LittleEndian
	prev := int64(int32(le.Uint32(b)))
	b = b[4:]
	var signs int64
	for len(b) >= 16 {
		x, y := le.Uint64(b), le.Uint64(b[8:])
		v0, v1 := int64(int32(uint32(x))), int64(x)>>32
		v2, v3 := int64(int32(uint32(y))), int64(y)>>32
		signs |= (v0 - prev) | (v1 - v0) | (v2 - v1) | (v3 - v2)
		prev = v3
		b = b[16:]
	}
	for len(b) >= 4 {
		v := int64(int32(le.Uint32(b)))
		signs |= v - prev
		prev = v
		b = b[4:]
	}
	return signs >= 0
}

// variable checks the offsets and the bytes of n texts, buffers b+1 and b+2.
func (c *checker) variable(l *nodeLayout, n int64, b int) error {
	first, last, err := c.offsets(l, n, b+1, c.size[b+2])
	if err != nil || !l.text || !c.text || first == last || c.data[b+2] == nil {
		return err
	}
	data := c.data[b+2]
	if isASCII(data[first:last]) {
		return nil
	}
	if !utf8.Valid(data[first:last]) || !onStarts(c.data[b+1], int(n), l.wide, data, last) {
		return columnError(l.path, "has text that is not UTF-8")
	}
	return nil
}

func isASCII(b []byte) bool {
	le := binary.LittleEndian
	const high = 0x8080808080808080
	for len(b) >= 32 {
		if (le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:]))&high != 0 {
			return false
		}
		b = b[32:]
	}
	for _, x := range b {
		if x >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// onStarts reports whether none of the first n offsets that is below last points
// into the middle of a character.
func onStarts(offsets []byte, n int, wide bool, data []byte, last int64) bool {
	le := binary.LittleEndian
	for i := range n {
		var at int64
		if wide {
			at = int64(le.Uint64(offsets[8*i:]))
		} else {
			at = int64(int32(le.Uint32(offsets[4*i:])))
		}
		if at < last && !utf8.RuneStart(data[at]) {
			return false
		}
	}
	return true
}
