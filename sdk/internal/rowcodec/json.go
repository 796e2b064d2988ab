package rowcodec

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// AppendJSON appends the row in text, one JSON object, and nothing but white
// space after it. Columns that it does not have become null. Numbers keep all
// their digits; strings hold decimals and integers too, times as ISO 8601, and
// bytes as base64; a MAP is an object. A row that fails leaves the builder as it
// was; it fails with INVALID_BATCH and UNKNOWN_COLUMN, naming the column.
func (b *Builder) AppendJSON(text []byte) error {
	p := jsonParser{text: text, shape: b.shape}
	err := p.row(b)
	if err == nil {
		if p.space(); p.at < len(text) {
			err = p.syntax("end of line")
		}
	}
	if err != nil {
		b.Truncate(b.rows)
		return err
	}
	b.rows++
	return nil
}

type jsonParser struct {
	text  []byte
	at    int
	shape *Shape
	// scratch holds a string whose escapes were resolved.
	scratch []byte
}

func (p *jsonParser) syntax(want string) error {
	if p.at >= len(p.text) {
		return errcode.New(errcode.InvalidBatch, nil, "the JSON ends where %s is expected", want)
	}
	return errcode.New(errcode.InvalidBatch, nil, "bad JSON at byte %d: %q where %s is expected", p.at+1, clip(string(p.text[p.at:])), want)
}

func (p *jsonParser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

// take skips white space and then the character ch if it comes next.
func (p *jsonParser) take(ch byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ch {
		p.at++
		return true
	}
	return false
}

// word skips the literal w if it comes next.
func (p *jsonParser) word(w string) bool {
	if bytes.HasPrefix(p.text[p.at:], []byte(w)) {
		p.at += len(w)
		return true
	}
	return false
}

// members reads an object, calling f at the value of each member.
func (p *jsonParser) members(f func(name string) error) error {
	if !p.take('{') {
		return p.syntax("an object")
	}
	if p.take('}') {
		return nil
	}
	for {
		p.space()
		name, err := p.str()
		if err != nil {
			return err
		}
		if !p.take(':') {
			return p.syntax("':'")
		}
		if err = f(name); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take('}') {
			return nil
		}
		return p.syntax("',' or '}'")
	}
}

func (p *jsonParser) row(b *Builder) error {
	err := p.members(func(name string) error {
		i, ok := p.shape.byName[name]
		if !ok {
			return errcode.New(errcode.UnknownColumn, nil, "the table has no column %q; it has %s", name, p.shape.Names()).With("column", name)
		}
		c := &b.columns[i]
		if c.n > b.rows {
			return c.bad("it is given twice")
		}
		return p.value(c)
	})
	if err != nil {
		return err
	}
	for i := range b.columns {
		if b.columns[i].n == b.rows {
			if err := b.columns[i].addMissing(); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads any value into a column.
func (p *jsonParser) value(c *Column) error {
	p.space()
	if p.at >= len(p.text) {
		return p.syntax("a value")
	}
	kind := c.field.Type.Kind
	switch ch := p.text[p.at]; {
	case ch == 'n' && p.word("null"):
		return c.addNull()
	case ch == 't' && p.word("true"):
		return c.addBool(true)
	case ch == 'f' && p.word("false"):
		return c.addBool(false)
	case ch == '"':
		s, err := p.str()
		if err != nil {
			return err
		}
		return c.addText(s)
	case ch == '-' || ch >= '0' && ch <= '9':
		return p.number(c)
	case ch == '[' && kind == schema.Array:
		return p.list(c)
	case ch == '{' && kind == schema.Row:
		return p.fields(c)
	case ch == '{' && kind == schema.Map:
		return p.entries(c)
	case ch == '[':
		return c.bad("cannot hold a JSON array")
	case ch == '{':
		return c.bad("cannot hold a JSON object")
	}
	return p.syntax("a value")
}

func (p *jsonParser) number(c *Column) error {
	from := p.at
	for p.at < len(p.text) {
		ch := p.text[p.at]
		if ch >= '0' && ch <= '9' || ch == '-' || ch == '+' || ch == '.' || ch == 'e' || ch == 'E' {
			p.at++
			continue
		}
		break
	}
	k := c.field.Type.Kind
	if k < schema.TinyInt || k > schema.Double && k != schema.Decimal {
		return c.bad("cannot hold the JSON number %s", clip(string(p.text[from:p.at])))
	}
	return c.addText(unsafe.String(&p.text[from], p.at-from))
}

func (p *jsonParser) list(c *Column) error {
	p.at++
	if p.take(']') {
		c.closeList()
		return nil
	}
	for {
		if err := p.value(&c.kids[0]); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take(']') {
			c.closeList()
			return nil
		}
		return p.syntax("',' or ']'")
	}
}

func (p *jsonParser) fields(c *Column) error {
	n := c.n
	err := p.members(func(name string) error {
		for i := range c.kids {
			if k := &c.kids[i]; k.field.Name == name {
				if k.n > n {
					return k.bad("it is given twice")
				}
				return p.value(k)
			}
		}
		return errcode.New(errcode.UnknownColumn, nil, "column %s %s has no field %q", c.path, c.field.Type, name).With("column", c.path)
	})
	if err != nil {
		return err
	}
	for i := range c.kids {
		if c.kids[i].n == n {
			if err := c.kids[i].addMissing(); err != nil {
				return err
			}
		}
	}
	c.done()
	return nil
}

func (p *jsonParser) entries(c *Column) error {
	err := p.members(func(name string) error {
		if err := c.kids[0].addText(name); err != nil {
			return err
		}
		return p.value(&c.kids[1])
	})
	if err == nil {
		c.closeList()
	}
	return err
}

// str reads a string, valid until the next one is read.
func (p *jsonParser) str() (string, error) {
	if p.at >= len(p.text) || p.text[p.at] != '"' {
		return "", p.syntax("a string")
	}
	p.at++
	from := p.at
	for i := from; i < len(p.text); i++ {
		switch ch := p.text[i]; {
		case ch == '"':
			p.at = i + 1
			return unsafe.String(unsafe.SliceData(p.text[from:]), i-from), nil
		case ch == '\\':
			return p.escaped(from, i)
		case ch < ' ':
			p.at = i
			return "", p.syntax("an escaped control character")
		}
	}
	p.at = len(p.text)
	return "", p.syntax("'\"'")
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the rest of a string that has an escape at i.
func (p *jsonParser) escaped(from, i int) (string, error) {
	out := append(p.scratch[:0], p.text[from:i]...)
	for i < len(p.text) {
		ch := p.text[i]
		switch {
		case ch == '"':
			p.at, p.scratch = i+1, out
			return unsafe.String(unsafe.SliceData(out), len(out)), nil
		case ch < ' ':
			p.at = i
			return "", p.syntax("an escaped control character")
		case ch != '\\':
			out = append(out, ch)
			i++
			continue
		}
		p.at = i
		if i+1 >= len(p.text) {
			break
		}
		if e := escapes[p.text[i+1]]; e != 0 {
			out = append(out, e)
			i += 2
			continue
		}
		r, n := p.unicode(i)
		if n == 0 {
			return "", p.syntax("an escape")
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	p.at = len(p.text)
	return "", p.syntax("'\"'")
}

// unicode reads \uXXXX, or two of them that are a surrogate pair, at i; its length is 0 when it is none.
func (p *jsonParser) unicode(i int) (rune, int) {
	r, ok := p.hex4(i)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := p.hex4(i + 6); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func (p *jsonParser) hex4(i int) (rune, bool) {
	if i+6 > len(p.text) || p.text[i] != '\\' || p.text[i+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.text[i+2:i+6]), 16, 16)
	return rune(v), err == nil //nolint:gosec // 16 bits
}
