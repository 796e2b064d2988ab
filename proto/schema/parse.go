package schema

import (
	"math"
	"strconv"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
)

// ParseType returns the type that SQL text describes, nullable unless it ends in
// NOT NULL. VARCHAR and VARBINARY, of any length, are STRING and BYTES; INTEGER,
// DEC, NUMERIC, DOUBLE PRECISION and TIMESTAMP(p) WITH LOCAL TIME ZONE are known
// too. Words are in any case.
//
// It fails with INVALID_SCHEMA, the position and what was expected named.
func ParseType(text string) (Type, error) {
	p, err := newParser(text)
	if err != nil {
		return Type{}, err
	}
	t, err := p.typ(1)
	if err != nil {
		return Type{}, err
	}
	if p.peek().kind != tokenEnd {
		return Type{}, p.expected("NOT NULL or the end")
	}
	return t, nil
}

// ParseColumns returns the columns that a list such as
// "a INT NOT NULL COMMENT 'x', b STRING" describes, with ids 0. Names are plain
// words or stand in backticks or double quotes.
//
// It fails with INVALID_SCHEMA, the position and what was expected named. It does
// not check what New checks.
func ParseColumns(text string) ([]Field, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	fields, err := p.fields(1)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEnd {
		return nil, p.expected(`"," or the end after the column`)
	}
	return fields, nil
}

// parser is a recursive descent over tokens:
//
//	fields = field { "," field }
//	field  = name type [ [ "COMMENT" ] string ]
//	type   = kind [ parameters ] [ [ "NOT" ] "NULL" ]
type parser struct {
	text   string
	tokens []token // the last is tokenEnd
}

func newParser(text string) (*parser, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	return &parser{text: text, tokens: tokens}, nil
}

func (p *parser) peek() token { return p.tokens[0] }

// next takes a token; the end is never taken.
func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// words takes the words when all of them come next.
func (p *parser) words(words ...string) bool {
	for i, w := range words {
		if i >= len(p.tokens) || p.tokens[i].kind != tokenWord || !strings.EqualFold(p.tokens[i].text, w) {
			return false
		}
	}
	p.tokens = p.tokens[len(words):]
	return true
}

func (p *parser) punct(s string) bool {
	if t := p.peek(); t.kind != tokenPunct || t.text != s {
		return false
	}
	p.next()
	return true
}

func (p *parser) expected(what string) error {
	t := p.peek()
	return syntaxError(p.text, t.at, "expected %s, found %s", what, t.shown())
}

func (p *parser) fields(depth int) ([]Field, error) {
	var out []Field
	for {
		f, err := p.field(depth)
		if err != nil {
			return nil, err
		}
		if out = append(out, f); len(out) > MaxFields {
			return nil, errcode.New(errcode.InvalidSchema, nil, "more than %d columns", MaxFields)
		}
		if !p.punct(",") {
			return out, nil
		}
	}
}

func (p *parser) field(depth int) (Field, error) {
	at := p.peek().at
	if p.words("PRIMARY", "KEY") {
		return Field{}, syntaxError(p.text, at, "the primary key is not part of the list of columns; name it separately, on the command line with --primary-key")
	}
	name := p.peek()
	if name.kind != tokenWord && name.kind != tokenQuoted {
		return Field{}, p.expected("the name of a column")
	}
	p.next()
	t, err := p.typ(depth)
	if err != nil {
		return Field{}, err
	}
	if at := p.peek().at; p.words("PRIMARY", "KEY") {
		return Field{}, syntaxError(p.text, at, "the primary key is not said with its column; name it separately, on the command line with --primary-key %s", name.text)
	}
	f := Field{Name: name.text, Type: t}
	if named := p.words("COMMENT"); named && p.peek().kind != tokenString {
		return Field{}, p.expected("a comment in single quotes")
	}
	if p.peek().kind == tokenString {
		f.Comment = p.next().text
	}
	return f, nil
}

var kindWords = map[string]Kind{
	"BOOL": Boolean, "INTEGER": Int, "DEC": Decimal, "NUMERIC": Decimal, "VARCHAR": String, "VARBINARY": Bytes,
}

// typeWords are the names suggested for a misspelt type.
var typeWords []string

func init() {
	for k := Boolean; k <= Row; k++ {
		kindWords[k.String()] = k
		typeWords = append(typeWords, k.String())
	}
}

func (p *parser) typ(depth int) (Type, error) {
	word := p.peek()
	if depth > MaxDepth {
		return Type{}, syntaxError(p.text, word.at, "types are nested more than %d deep", MaxDepth)
	}
	if word.kind != tokenWord {
		return Type{}, p.expected("a type such as INT or STRING")
	}
	name := strings.ToUpper(word.text)
	kind, ok := kindWords[name]
	if !ok {
		return Type{}, syntaxError(p.text, word.at, "unknown type %q%s; the types are %s", word.text,
			Suggest(word.text, typeWords), strings.Join(typeWords, ", "))
	}
	p.next()
	t := Of(kind)
	err := p.parameters(&t, name, depth)
	if err != nil {
		return Type{}, err
	}
	if bad := t.parameterFault(); bad != "" {
		return Type{}, syntaxError(p.text, word.at, "%s", bad)
	}
	switch {
	case p.words("NOT", "NULL"):
		t.Nullable = false
	case p.words("NULL"):
	case p.words("NOT"):
		return Type{}, p.expected("NULL after NOT")
	}
	return t, nil
}

func (p *parser) parameters(t *Type, name string, depth int) error {
	switch t.Kind { //nolint:exhaustive // the others have no parameters
	case Char, Binary:
		return p.numbers(&t.Length, nil)
	case String, Bytes:
		if strings.HasPrefix(name, "VAR") {
			var ignored int
			return p.numbers(&ignored, nil)
		}
	case Double:
		p.words("PRECISION")
	case Decimal:
		return p.numbers(&t.Precision, &t.Scale)
	case Time:
		if err := p.numbers(&t.Precision, nil); err != nil {
			return err
		}
		p.words("WITHOUT", "TIME", "ZONE")
	case TimestampLTZ:
		return p.numbers(&t.Precision, nil)
	case Timestamp:
		return p.timestamp(t)
	case Array, Map, Row:
		return p.nested(t, depth)
	}
	return nil
}

func (p *parser) timestamp(t *Type) error {
	if err := p.numbers(&t.Precision, nil); err != nil {
		return err
	}
	at := p.peek().at
	switch {
	case p.words("WITH", "LOCAL", "TIME", "ZONE"):
		t.Kind = TimestampLTZ
	case p.words("WITHOUT", "TIME", "ZONE"):
	case p.words("WITH"):
		return syntaxError(p.text, at, "only WITH LOCAL TIME ZONE is known; write TIMESTAMP_LTZ(%d)", t.Precision)
	}
	return nil
}

// numbers takes "(a)" or, when b is not nil, "(a, b)" too. It takes nothing and
// changes nothing when no parenthesis comes next. When b is left out it is 0.
func (p *parser) numbers(a, b *int) error {
	if !p.punct("(") {
		return nil
	}
	if err := p.number(a); err != nil {
		return err
	}
	if b != nil && p.punct(",") {
		if err := p.number(b); err != nil {
			return err
		}
	}
	if !p.punct(")") {
		return p.expected(`")"`)
	}
	return nil
}

func (p *parser) number(out *int) error {
	t := p.peek()
	n, err := strconv.ParseInt(t.text, 10, 64)
	if t.kind != tokenNumber || err != nil || n > math.MaxInt32 {
		return p.expected("a whole number")
	}
	p.next()
	*out = int(n)
	return nil
}

func (p *parser) nested(t *Type, depth int) error {
	closing := ">"
	switch {
	case p.punct("<"):
	case t.Kind == Row && p.punct("("):
		closing = ")"
	default:
		return p.expected(map[Kind]string{
			Array: `"<" and a type, as in ARRAY<INT>`, Map: `"<" and two types, as in MAP<STRING, INT>`,
			Row: `"<" and fields, as in ROW<a INT, b STRING>`,
		}[t.Kind])
	}
	var err error
	if t.Kind == Row {
		t.Fields, err = p.fields(depth + 1)
	} else {
		t.Fields, err = p.elements(t.Kind, depth+1)
	}
	if err != nil {
		return err
	}
	if !p.punct(closing) {
		return p.expected(strconv.Quote(closing))
	}
	return nil
}

// elements takes the types inside ARRAY<> and MAP<>.
func (p *parser) elements(kind Kind, depth int) ([]Field, error) {
	first, err := p.typ(depth)
	if err != nil {
		return nil, err
	}
	if kind == Array {
		return ArrayOf(first).Fields, nil
	}
	if !p.punct(",") {
		return nil, p.expected(`"," and the type of the values`)
	}
	second, err := p.typ(depth)
	if err != nil {
		return nil, err
	}
	return MapOf(first, second).Fields, nil
}
