package row

import "github.com/fluss-go/fluss/server/invariants"

// Builder assembles one row at a time. It is not safe for concurrent use.
type Builder struct {
	format *Format
	// head is the row up to its variable area; end offsets are not set in it.
	head []byte
	// spans are where the values of the columns lie in arena, if they are of
	// variable length and not null.
	spans []valueSpan
	arena []byte
}

type valueSpan struct{ from, to int }

// NewBuilder returns a builder of rows of f, all columns null.
func (f *Format) NewBuilder() *Builder {
	b := &Builder{format: f, head: make([]byte, len(f.blank)), spans: make([]valueSpan, len(f.tuple.places))}
	b.Reset()
	return b
}

// Reset makes all columns null.
func (b *Builder) Reset() {
	copy(b.head, b.format.blank)
	b.arena = b.arena[:0]
}

// SetNull makes column c null.
func (b *Builder) SetNull(c int) {
	p := &b.format.tuple.places[c]
	b.head[p.nullAt] |= p.nullMask
	if p.width > 0 {
		clear(b.head[p.at : p.at+p.width])
	}
}

// Set gives column c the value v, which is copied, instead of what it had. An
// empty v is an empty text, never null, even when it is nil. v must have the form
// that the package comment describes, and the width of a column of fixed width.
func (b *Builder) Set(c int, v []byte) {
	p := &b.format.tuple.places[c]
	b.head[p.nullAt] &^= p.nullMask
	if p.width > 0 {
		invariants.Check(len(v) == p.width, "column %q takes values of %d bytes, not of %d", p.name, p.width, len(v))
		copy(b.head[p.at:p.at+p.width], v)
		return
	}
	from := len(b.arena)
	b.arena = append(b.arena, v...)
	b.spans[c] = valueSpan{from, len(b.arena)}
}

// Copy gives column c the value, or the null, that it has in r, a row of the same
// format that Check lets pass.
func (b *Builder) Copy(r []byte, c int) {
	p := &b.format.tuple.places[c]
	if p.null(r) {
		b.SetNull(c)
		return
	}
	b.Set(c, b.format.tuple.value(p, r))
}

// Append appends the row to dst and returns the longer dst. The builder keeps its
// values until Reset.
func (b *Builder) Append(dst []byte) []byte {
	t := b.format.tuple
	base := len(dst)
	dst = append(dst, b.head...)
	area := len(dst)
	for _, i := range t.variable {
		p := &t.places[i]
		if !p.null(b.head) {
			s := b.spans[i]
			dst = append(dst, b.arena[s.from:s.to]...)
		}
		le.PutUint32(dst[base+p.at:], uint32(len(dst)-area))
	}
	return dst
}
