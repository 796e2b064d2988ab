package schema

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted // a name in backticks or double quotes
	tokenString // text in single quotes
	tokenNumber
	tokenPunct
)

// token is a piece of the text; at is where it starts, in bytes.
type token struct {
	kind tokenKind
	text string // without quotes
	at   int
}

// shown is the token as an error message shows it.
func (t token) shown() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the text"
	case tokenString:
		return "'" + t.text + "'"
	default:
		return `"` + t.text + `"`
	}
}

func isPlainName(name string) bool {
	for i, r := range name {
		if !isNameRune(r, i == 0) {
			return false
		}
	}
	return name != ""
}

func isNameRune(r rune, first bool) bool {
	return r == '_' || unicode.IsLetter(r) || !first && unicode.IsDigit(r)
}

// lex returns the tokens of text, the last of them tokenEnd.
func lex(text string) ([]token, error) {
	var out []token
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, syntaxError(text, at, "the text is not UTF-8")
		case unicode.IsSpace(r):
			at += size
		case r == '\'' || r == '"' || r == '`':
			body, end := unquote(text, at)
			if end < 0 {
				return nil, syntaxError(text, at, "the quote %c is not closed", r)
			}
			kind := tokenQuoted
			if r == '\'' {
				kind = tokenString
			}
			out = append(out, token{kind, body, at})
			at = end
		case strings.ContainsRune("<>(),", r):
			out = append(out, token{tokenPunct, string(r), at})
			at += size
		default:
			kind, end := word(text, at)
			if end == at {
				return nil, syntaxError(text, at, "unexpected character %q; names with it go in backticks", r)
			}
			out = append(out, token{kind, text[at:end], at})
			at = end
		}
	}
	return append(out, token{kind: tokenEnd, at: len(text)}), nil
}

// unquote returns the text inside the quotes that open at at, and the place after
// them; -1 when they do not close. A doubled quote stands for one.
func unquote(text string, at int) (body string, end int) {
	quote := text[at]
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		if text[i] != quote {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return b.String(), i + 1
	}
	return "", -1
}

// word returns the end of the name or number that starts at at.
func word(text string, at int) (tokenKind, int) {
	kind, end := tokenWord, at
	for i, r := range text[at:] {
		if i == 0 && r >= '0' && r <= '9' {
			kind = tokenNumber
		}
		if !isNameRune(r, i == 0 && kind == tokenWord) {
			break
		}
		end = at + i + utf8.RuneLen(r)
	}
	return kind, end
}

func syntaxError(text string, at int, format string, args ...any) error {
	e := errcode.New(errcode.InvalidSchema, nil, format, args...)
	column := utf8.RuneCountInString(text[:at]) + 1
	e.Message = "at character " + strconv.Itoa(column) + " of " + excerpt(text) + ": " + e.Message
	return e.With("position", column)
}

// excerpt quotes text, cut when it is long.
func excerpt(text string) string {
	const longest = 120
	if len(text) <= longest {
		return strconv.Quote(text)
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut] + "…")
}
