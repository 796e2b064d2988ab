package filter

import (
	"strings"
	"unicode/utf8"
)

// like is a compiled LIKE pattern: % stands for any text, _ for one character.
type like struct {
	// parts are the runs between the %s, in order; a part matches as many
	// bytes as its pieces say.
	parts []likePart
	// prefix is the text that every match starts with.
	prefix string
}

// likePart is a run of characters, where any is set for a _.
type likePart struct {
	text string
	// any[i] tells that the character that starts at text[i] is a _; nil when there is none.
	any []bool
	// chars counts the characters.
	chars int
}

// maxFloating bounds the characters of a part with a _ that is searched for: each
// place of a text is compared with all of them.
const maxFloating = 128

// floating is the length in characters of the longest part with a _ that is
// searched for.
func (l *like) floating() int {
	longest := 0
	for i := 1; i < len(l.parts)-1; i++ {
		if l.parts[i].any != nil {
			longest = max(longest, l.parts[i].chars)
		}
	}
	return longest
}

// compileLike compiles a pattern; escape is 0 when there is none. It returns
// false when the pattern ends with the escape character or escapes another
// character than %, _ and itself.
func compileLike(pattern string, escape rune) (*like, bool) {
	l := &like{}
	part := likePart{}
	escaped := false
	plain := true
	for _, r := range pattern {
		switch {
		case escaped:
			if r != '%' && r != '_' && r != escape {
				return nil, false
			}
			part.add(r, false)
			escaped = false
		case escape != 0 && r == escape:
			escaped = true
			continue
		case r == '%':
			l.parts = append(l.parts, part)
			part = likePart{}
			plain = false
			continue
		default:
			part.add(r, r == '_')
			plain = plain && r != '_'
		}
		if plain {
			l.prefix += string(r)
		}
	}
	l.parts = append(l.parts, part)
	return l, !escaped
}

func (p *likePart) add(r rune, wild bool) {
	if wild && p.any == nil {
		p.any = make([]bool, len(p.text), len(p.text)+1)
	}
	p.text += string(r)
	p.chars++
	if p.any != nil {
		for len(p.any) < len(p.text) {
			p.any = append(p.any, wild)
		}
	}
}

// matchAt returns how many bytes of s, from its start, the part matches.
func (p *likePart) matchAt(s string) (int, bool) {
	if p.any == nil {
		return len(p.text), strings.HasPrefix(s, p.text)
	}
	at := 0
	for i := 0; i < len(p.text); {
		_, size := utf8.DecodeRuneInString(p.text[i:])
		if at >= len(s) {
			return 0, false
		}
		if p.any[i] {
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		} else {
			if !strings.HasPrefix(s[at:], p.text[i:i+size]) {
				return 0, false
			}
			at += size
		}
		i += size
	}
	return at, true
}

// find returns the end of the first place in s where the part matches.
func (p *likePart) find(s string) (int, bool) {
	if p.any == nil {
		i := strings.Index(s, p.text)
		return i + len(p.text), i >= 0
	}
	for at := 0; ; {
		if n, ok := p.matchAt(s[at:]); ok {
			return at + n, true
		}
		if at >= len(s) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
}

// matchEnd reports whether the part matches exactly the end of s.
func (p *likePart) matchEnd(s string) bool {
	if p.any == nil {
		return strings.HasSuffix(s, p.text)
	}
	at := len(s)
	for range p.chars {
		if at == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	n, ok := p.matchAt(s[at:])
	return ok && n == len(s)-at
}

// match reports whether s matches the whole pattern.
func (l *like) match(s string) bool {
	n, ok := l.parts[0].matchAt(s)
	if !ok {
		return false
	}
	s = s[n:]
	if len(l.parts) == 1 {
		return s == ""
	}
	for _, part := range l.parts[1 : len(l.parts)-1] {
		n, ok := part.find(s)
		if !ok {
			return false
		}
		s = s[n:]
	}
	return l.parts[len(l.parts)-1].matchEnd(s)
}
