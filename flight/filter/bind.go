package filter

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/fluss-go/fluss/proto/schema"
)

// binder turns a parsed filter into nodes that know their columns and types.
type binder struct {
	columns []schema.Field
	used    map[int]bool
}

func (b *binder) or(t *orText) (node, error) {
	terms := make([]node, 0, len(t.Terms))
	for _, and := range t.Terms {
		n, err := b.and(and)
		if err != nil {
			return nil, err
		}
		terms = append(terms, n)
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return &orNode{terms}, nil
}

func (b *binder) and(t *andText) (node, error) {
	terms := make([]node, 0, len(t.Terms))
	for _, not := range t.Terms {
		n, err := b.not(not)
		if err != nil {
			return nil, err
		}
		terms = append(terms, n)
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return &andNode{terms}, nil
}

func (b *binder) not(t *notText) (node, error) {
	if t.Not == nil {
		if t.Test.Group != nil {
			return b.or(t.Test.Group)
		}
		return b.test(t.Test.Test)
	}
	n, err := b.not(t.Not)
	return &notNode{n}, err
}

// column returns the place of the column that text names.
func (b *binder) column(t *columnText) (int, error) {
	name := t.Name
	if name[0] == '"' || name[0] == '`' {
		name = unquote(name)
	}
	for i := range b.columns {
		if b.columns[i].Name == name {
			b.used[i] = true
			return i, nil
		}
	}
	if slices.Contains(schema.ReservedColumns(), name) {
		return 0, invalid(t.Pos, "%s is a system column, and these cannot be filtered: filter columns of the table, and choose places with a start and an end", cut(name))
	}
	var known []string
	for i := range b.columns {
		if strings.EqualFold(b.columns[i].Name, name) {
			return 0, invalid(t.Pos, "there is no column %s, but one %q", cut(name), b.columns[i].Name)
		}
		known = append(known, b.columns[i].Name)
	}
	if len(known) > 30 {
		known = append(known[:30], "...")
	}
	return 0, invalid(t.Pos, "there is no column %s: the table has %s", cut(name), strings.Join(known, ", "))
}

func (b *binder) test(t *testText) (node, error) {
	switch {
	case t.Compare != nil:
		return b.compare(t.Left, t.Compare.Op, t.Compare.Right)
	case t.Is != nil:
		return b.is(t.Left, t.Is)
	case t.Set != nil:
		n, err := b.set(t.Left, t.Set)
		if err != nil {
			return nil, err
		}
		if t.Set.Not {
			n = &notNode{n}
		}
		return n, nil
	}
	if t.Left.Column == nil {
		switch l := t.Left.Literal; strings.ToUpper(l.Keyword) {
		case "TRUE":
			return &always{-1, yes}, nil
		case "FALSE":
			return &always{-1, no}, nil
		case "NULL":
			return &always{-1, unknown}, nil
		default:
			return nil, invalid(l.Pos, "%s is no condition: compare it with a column", l.shape())
		}
	}
	i, err := b.column(t.Left.Column)
	if err != nil {
		return nil, err
	}
	if b.columns[i].Type.Kind != schema.Boolean {
		return nil, invalid(t.Left.Column.Pos, "column %s is %s and no condition by itself: compare it", b.columns[i].Name, b.columns[i].Type)
	}
	return &compare{i, boolKind, eq, value{number: 1}}, nil
}

func (b *binder) compare(left *operandText, sign string, right *operandText) (node, error) {
	o := ops[sign]
	switch {
	case left.Column != nil && right.Column != nil:
		return b.pair(left.Column, o, right.Column)
	case left.Column != nil:
		i, err := b.column(left.Column)
		if err != nil {
			return nil, err
		}
		return b.constant(i, o, right.Literal)
	case right.Column != nil:
		i, err := b.column(right.Column)
		if err != nil {
			return nil, err
		}
		return b.constant(i, o.mirrored(), left.Literal)
	}
	return nil, invalid(left.Literal.Pos, "two constants are compared: compare a column with one")
}

func (b *binder) pair(left *columnText, o op, right *columnText) (node, error) {
	l, err := b.column(left)
	if err != nil {
		return nil, err
	}
	r, err := b.column(right)
	if err != nil {
		return nil, err
	}
	lt, rt := b.columns[l].Type, b.columns[r].Type
	kind := kindOf(lt)
	same := lt.Kind == rt.Kind && (kind != temporalKind || unitOf(lt.Precision) == unitOf(rt.Precision) || lt.Kind == schema.Date) &&
		(kind != decimalKind || lt.Scale == rt.Scale)
	if kind != temporalKind && kind != decimalKind {
		same = kind == kindOf(rt)
	}
	if !same || kind == noKind {
		return nil, invalid(right.Pos, "columns of the types %s and %s cannot be compared", lt, rt)
	}
	return &pair{l, r, kind, o}, nil
}

func (b *binder) is(left *operandText, t *isText) (node, error) {
	if left.Column == nil {
		return nil, invalid(left.Literal.Pos, "IS needs a column before it")
	}
	i, err := b.column(left.Column)
	if err != nil {
		return nil, err
	}
	var n node = &isNull{i}
	if !strings.EqualFold(t.Value, "NULL") {
		if b.columns[i].Type.Kind != schema.Boolean {
			return nil, invalid(left.Column.Pos, "column %s is %s: IS TRUE and IS FALSE are for BOOLEAN", b.columns[i].Name, b.columns[i].Type)
		}
		wanted := value{number: 0}
		if strings.EqualFold(t.Value, "TRUE") {
			wanted.number = 1
		}
		n = &andNode{[]node{&notNode{&isNull{i}}, &compare{i, boolKind, eq, wanted}}}
	}
	if t.Not {
		n = &notNode{n}
	}
	return n, nil
}

// set binds IN, BETWEEN and LIKE, without a NOT before them.
func (b *binder) set(left *operandText, t *setText) (node, error) {
	if t.Between != nil {
		low, err := b.compare(left, ">=", t.Between.Low)
		if err != nil {
			return nil, err
		}
		high, err := b.compare(left, "<=", t.Between.High)
		return &andNode{[]node{low, high}}, err
	}
	if left.Column == nil {
		return nil, invalid(left.Literal.Pos, "IN and LIKE need a column before them")
	}
	i, err := b.column(left.Column)
	if err != nil {
		return nil, err
	}
	if t.Like != nil {
		return b.like(i, left.Column.Pos, t.Like)
	}
	m := &member{column: i, kind: kindOf(b.columns[i].Type), set: map[any]struct{}{}}
	for _, l := range t.In {
		n, err := b.constant(i, eq, l)
		if err != nil {
			return nil, err
		}
		switch n := n.(type) {
		case *compare:
			m.values = append(m.values, n.value)
			m.set[n.value.key(m.kind)] = struct{}{}
		case *always:
			m.hasNull = m.hasNull || n.value == unknown // else it equals no value of the column
		}
	}
	return m, nil
}

func (b *binder) like(i int, pos lexer.Position, t *likeText) (node, error) {
	if kindOf(b.columns[i].Type) != textKind {
		return nil, invalid(pos, "LIKE is for texts, but column %s is %s", b.columns[i].Name, b.columns[i].Type)
	}
	if t.Pattern.isNull() {
		return &always{-1, unknown}, nil
	}
	if t.Pattern.String == "" {
		return nil, invalid(t.Pattern.Pos, "%s follows LIKE: write a pattern like 'A%%'", t.Pattern.shape())
	}
	var escape rune
	if t.Escape != nil {
		text := ""
		if t.Escape.String != "" {
			text = unquote(t.Escape.String)
		}
		if utf8.RuneCountInString(text) != 1 {
			return nil, invalid(t.Escape.Pos, "ESCAPE needs one character, like '!'")
		}
		escape, _ = utf8.DecodeRuneInString(text)
	}
	pattern, ok := compileLike(unquote(t.Pattern.String), escape)
	if !ok {
		return nil, invalid(t.Pattern.Pos, "the escape character must be followed by %%, _ or itself")
	}
	if pattern.floating() > maxFloating {
		return nil, invalid(t.Pattern.Pos, "a run of characters with _ that stands between two %% may have %d characters", maxFloating)
	}
	return &matches{i, pattern}, nil
}

// constant binds the comparison of a column with a literal.
func (b *binder) constant(i int, o op, l *literal) (node, error) {
	f := b.columns[i]
	kind := kindOf(f.Type)
	if kind == noKind {
		return nil, invalid(l.Pos, "column %s is %s: only IS NULL and IS NOT NULL are for it", f.Name, f.Type)
	}
	if l.isNull() {
		return &always{-1, unknown}, nil
	}
	switch kind {
	case boolKind:
		switch strings.ToUpper(l.Keyword) {
		case "TRUE":
			return &compare{i, kind, o, value{number: 1}}, nil
		case "FALSE":
			return &compare{i, kind, o, value{number: 0}}, nil
		}
		return nil, mismatch(f, l, "TRUE or FALSE")
	case textKind:
		if l.String == "" {
			return nil, mismatch(f, l, "a text in single quotes")
		}
		return &compare{i, kind, o, value{text: unquote(l.String)}}, nil
	case bytesKind:
		if l.Hex == "" {
			return nil, mismatch(f, l, "bytes in hex, X'0AFF'")
		}
		v, err := l.bytes()
		return &compare{i, kind, o, value{text: string(v)}}, err
	case floatKind, doubleKind:
		if l.Number == "" {
			return nil, mismatch(f, l, "a number")
		}
		bits := 64
		if kind == floatKind {
			bits = 32
		}
		return &compare{i, kind, o, value{float: l.float(bits)}}, nil
	case intKind, decimalKind, temporalKind, noKind:
	}
	return b.ordered(i, kind, o, l)
}

func mismatch(f schema.Field, l *literal, want string) error {
	return invalid(l.Pos, "%s is compared with column %s, which is %s: write %s", l.shape(), f.Name, f.Type, want)
}

// ordered binds the comparison with a literal of a column that is stored as
// whole numbers: the literal may lie between two of them or outside their range.
func (b *binder) ordered(i int, kind valueKind, o op, l *literal) (node, error) {
	f := b.columns[i]
	var p place
	var err error
	switch {
	case kind == temporalKind:
		p, err = l.temporal(f.Type)
	case l.Number == "":
		err = mismatch(f, l, "a number")
	default:
		p, err = l.number(f.Type.Scale)
	}
	if err != nil {
		return nil, err
	}
	if !p.exact {
		switch o {
		case eq:
			return &always{i, no}, nil
		case ne:
			return &always{i, yes}, nil
		case ge:
			o = gt
		case lt:
			o = le
		case le, gt:
		}
	}
	low, high := rangeOf(f.Type)
	switch {
	case p.floor.Cmp(low) < 0:
		return &always{i, truthOf(o.holds(1))}, nil
	case p.floor.Cmp(high) > 0:
		return &always{i, truthOf(o.holds(-1))}, nil
	case kind == decimalKind:
		return &compare{i, kind, o, value{decimal: decimal128.FromBigInt(p.floor)}}, nil
	}
	return &compare{i, kind, o, value{number: p.floor.Int64()}}, nil
}

// rangeOf returns the smallest and the largest whole number that the type's
// values are stored as.
func rangeOf(t schema.Type) (low, high *big.Int) {
	bits := 64
	switch t.Kind { //nolint:exhaustive // those stored as whole numbers
	case schema.TinyInt:
		bits = 8
	case schema.SmallInt:
		bits = 16
	case schema.Int, schema.Date:
		bits = 32
	case schema.Time:
		if t.Precision <= 3 {
			bits = 32
		}
	case schema.Decimal:
		bits = 128
	}
	if bits == 64 {
		return big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	}
	high = new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	low = new(big.Int).Neg(high)
	return low, high.Sub(high, big.NewInt(1))
}
