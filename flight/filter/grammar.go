// Package filter is the row filter of scans: the text that a ticket's "filter"
// and the CLI's --where take.
//
//	delay > 60 AND (carrier IN ('LH', 'OS') OR origin LIKE 'V%') AND NOT cancelled
//
// Parse binds a text to a table's columns. The result tells from a batch's
// statistics whether any of its rows can match (MayMatch), and picks the rows
// that do (Evaluator.Select), by SQL's three-valued logic: a row is taken when
// the filter is true, not when it is false or unknown. A statistic never makes
// a matching row disappear; the tests compare both on random data.
package filter

import (
	"errors"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
	"github.com/fluss-go/fluss/proto/errcode"
)

// Bounds of a filter: it comes from strangers and the parser recurses.
const (
	maxBytes  = 64 << 10
	maxDepth  = 100
	maxTokens = 20_000
)

// Quoted tokens keep their quotes, so that a column called "and" is no keyword.
var tokens = lexer.MustSimple([]lexer.SimpleRule{
	{Name: "Space", Pattern: `\s+`},
	{Name: "Hex", Pattern: `[xX]'[^']*'`},
	{Name: "String", Pattern: `'(?:''|[^'])*'`},
	{Name: "Quoted", Pattern: "\"(?:\"\"|[^\"])+\"|`(?:``|[^`])+`"},
	{Name: "Number", Pattern: `(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?`},
	{Name: "Keyword", Pattern: `(?i)(?:AND|OR|NOT|IN|BETWEEN|IS|NULL|LIKE|ESCAPE|TRUE|FALSE)\b`},
	{Name: "Ident", Pattern: `[\p{L}_][\p{L}\p{N}_$]*`},
	{Name: "Op", Pattern: `<>|!=|<=|>=|==|=|<|>`},
	{Name: "Punct", Pattern: `[(),+\-]`},
})

var grammar = participle.MustBuild[orText](
	participle.Lexer(tokens),
	participle.Elide("Space"),
	participle.CaseInsensitive("Keyword", "Ident"),
	participle.UseLookahead(2),
)

type orText struct {
	Terms []*andText `parser:"@@ ( 'OR' @@ )*"`
}

type andText struct {
	Terms []*notText `parser:"@@ ( 'AND' @@ )*"`
}

type notText struct {
	Not  *notText       `parser:"  'NOT' @@"`
	Test *predicateText `parser:"| @@"`
}

type predicateText struct {
	Group *orText   `parser:"  '(' @@ ')'"`
	Test  *testText `parser:"| @@"`
}

type testText struct {
	Left    *operandText `parser:"@@"`
	Compare *compareText `parser:"( @@"`
	Is      *isText      `parser:"| 'IS' @@"`
	Set     *setText     `parser:"| @@ )?"`
}

type compareText struct {
	Op    string       `parser:"@Op"`
	Right *operandText `parser:"@@"`
}

type isText struct {
	Not   bool   `parser:"@'NOT'?"`
	Value string `parser:"@( 'NULL' | 'TRUE' | 'FALSE' )"`
}

type setText struct {
	Not     bool         `parser:"@'NOT'?"`
	In      []*literal   `parser:"( 'IN' '(' @@ ( ',' @@ )* ')'"`
	Between *betweenText `parser:"| 'BETWEEN' @@"`
	Like    *likeText    `parser:"| 'LIKE' @@ )"`
}

type betweenText struct {
	Low  *operandText `parser:"@@"`
	High *operandText `parser:"'AND' @@"`
}

type likeText struct {
	Pattern *literal `parser:"@@"`
	Escape  *literal `parser:"( 'ESCAPE' @@ )?"`
}

type operandText struct {
	Literal *literal    `parser:"  @@"`
	Column  *columnText `parser:"| @@"`
}

type columnText struct {
	Pos  lexer.Position
	Name string `parser:"@( Ident | Quoted )"`
}

// literal is a constant as it was written.
type literal struct {
	Pos     lexer.Position
	Type    string `parser:"(   @( 'DATE' | 'TIME' | 'TIMESTAMP' | 'TIMESTAMP_LTZ' )"`
	Typed   string `parser:"    @String"`
	Sign    string `parser:"  | @( '+' | '-' )?"`
	Number  string `parser:"    @Number"`
	String  string `parser:"  | @String"`
	Hex     string `parser:"  | @Hex"`
	Keyword string `parser:"  | @( 'NULL' | 'TRUE' | 'FALSE' ) )"`
}

// parseText returns the tree of text; errors are InvalidFilter with the fact position.
func parseText(text string) (*orText, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errcode.New(errcode.InvalidFilter, nil, "the filter is empty: leave it out to get all rows")
	}
	if len(text) > maxBytes {
		return nil, errcode.New(errcode.InvalidFilter, nil, "a filter of %d bytes: at most %d are taken", len(text), maxBytes)
	}
	if err := checkDepth(text); err != nil {
		return nil, err
	}
	tree, err := grammar.ParseString("", text)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	return tree, nil
}

// checkDepth refuses what would make the parser recurse too deep.
func checkDepth(text string) error {
	lex, err := tokens.LexString("", text)
	if err != nil {
		return syntaxError(text, err)
	}
	symbols := tokens.Symbols()
	keyword := symbols["Keyword"]
	space := symbols["Space"]
	depth, nots, count := 0, 0, 0
	for {
		t, err := lex.Next()
		if err != nil {
			return syntaxError(text, err)
		}
		switch {
		case t.EOF():
			return nil
		case t.Type == space:
			continue
		case t.Value == "(":
			depth++
		case t.Value == ")":
			depth--
		}
		if t.Type == keyword && strings.EqualFold(t.Value, "NOT") {
			nots++
		} else if t.Value != "(" {
			nots = 0
		}
		count++
		if depth+nots > maxDepth || count > maxTokens {
			return invalid(t.Pos, "the filter is too large from here on: at most %d levels and %d words", maxDepth, maxTokens)
		}
	}
}

const hint = "a filter looks like: delay > 60 AND carrier IN ('LH', 'OS') AND name LIKE 'A%' AND gate IS NOT NULL"

func syntaxError(text string, err error) error {
	var at participle.Error
	if !errors.As(err, &at) {
		return errcode.New(errcode.InvalidFilter, err, "the filter cannot be read; %s", hint)
	}
	near := text[min(at.Position().Offset, len(text)):]
	switch {
	case near == "":
		return invalid(at.Position(), "the filter ends too early; %s", hint)
	case near[0] == '\'':
		return invalid(at.Position(), "a text does not end or does not belong here: %s; %s", cut(near), hint)
	case near[0] == '"' || near[0] == '`':
		return invalid(at.Position(), "a column name does not end or does not belong here: %s; %s", cut(near), hint)
	}
	return invalid(at.Position(), "%s does not belong here; %s", cut(near), hint)
}

// cut returns the start of a text for a message.
func cut(s string) string {
	const most = 20
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return "«" + strings.ToValidUTF8(s, "?") + "»"
}

// invalid returns an InvalidFilter error about the text at pos.
func invalid(pos lexer.Position, format string, args ...any) error {
	args = append(args, pos.Column)
	return errcode.New(errcode.InvalidFilter, nil, format+" (at character %d of the filter)", args...).With("position", pos.Column)
}
