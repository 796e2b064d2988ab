package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every server, whatever is installed
)

// TimeUnit is how long an automatic partition lasts.
type TimeUnit string

// The time units.
const (
	Hour    TimeUnit = "HOUR"
	Day     TimeUnit = "DAY"
	Month   TimeUnit = "MONTH"
	Quarter TimeUnit = "QUARTER"
	Year    TimeUnit = "YEAR"
)

const (
	monthsPerQuarter = 3
	dateFormat       = "yyyy-MM-dd"
)

// Format returns the time format that u has when none is given.
func (u TimeUnit) Format() string {
	switch u {
	case Hour:
		return "yyyyMMddHH"
	case Month:
		return "yyyyMM"
	case Quarter:
		return "yyyyQ"
	case Year:
		return "yyyy"
	default:
		return "yyyyMMdd"
	}
}

// letters are the parts that a time format of u is made of, in order.
func (u TimeUnit) letters() string {
	switch u {
	case Hour:
		return "yMdH"
	case Month:
		return "yM"
	case Quarter:
		return "yQ"
	case Year:
		return "y"
	default:
		return "yMd"
	}
}

// add returns a time in the unit n units after the one that holds t, or before it
// when n is negative, in t's zone. Hours are true hours, so that a day with a
// change of the clock has 23 or 25 of them.
func (u TimeUnit) add(t time.Time, n int) time.Time {
	const noon = 12 // far from any change of the clock
	switch u {
	case Hour:
		return t.Add(time.Duration(n) * time.Hour)
	case Month:
		return time.Date(t.Year(), t.Month()+time.Month(n), 1, noon, 0, 0, 0, t.Location())
	case Quarter:
		return time.Date(t.Year(), t.Month()+time.Month(monthsPerQuarter*n)-(t.Month()-1)%monthsPerQuarter, 1, noon, 0, 0, 0, t.Location())
	case Year:
		return time.Date(t.Year()+n, time.January, 1, noon, 0, 0, 0, t.Location())
	default:
		return time.Date(t.Year(), t.Month(), t.Day()+n, noon, 0, 0, 0, t.Location())
	}
}

// TimeFormat writes the time unit of a time as text of one width, so that texts
// sort as times do. Make it with ParseTimeFormat.
type TimeFormat struct {
	pattern string
	parts   []formatPart
}

// formatPart is a number of so many digits, or a literal when letter is 0.
type formatPart struct {
	letter byte
	width  int
	text   string
}

var formatWidths = map[byte]int{'y': 4, 'M': 2, 'd': 2, 'H': 2, 'Q': 1}

// ParseTimeFormat reads a pattern of yyyy, MM, dd, HH and Q, from the largest to
// the smallest and down to unit, each once, with '-' or '_' or text in single
// quotes between them. Quoted text may have ASCII letters, digits, '-' and '_'.
func ParseTimeFormat(pattern string, unit TimeUnit) (TimeFormat, error) {
	f := TimeFormat{pattern: pattern}
	if len(pattern) > MaxNameLength {
		return f, fmt.Errorf("it is longer than %d characters", MaxNameLength)
	}
	if strings.HasPrefix(strings.TrimLeft(pattern, "'"), reservedPrefix) {
		return f, fmt.Errorf("it starts with %q, which is reserved for internal objects", reservedPrefix)
	}
	letters := ""
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch width := formatWidths[c]; {
		case width > 0:
			if !strings.HasPrefix(pattern[i:], strings.Repeat(string(c), width)) ||
				i+width < len(pattern) && pattern[i+width] == c {
				return f, fmt.Errorf("expected %q at character %d", strings.Repeat(string(c), width), i+1)
			}
			f.parts = append(f.parts, formatPart{letter: c, width: width})
			letters += string(c)
			i += width
		case c == '\'':
			text, _, closed := strings.Cut(pattern[i+1:], "'")
			if !closed || text == "" || strings.ContainsFunc(text, func(r rune) bool { return !isNameRune(r) }) {
				return f, fmt.Errorf("expected text of ASCII letters, digits, '-' and '_' and a closing quote at character %d", i+1)
			}
			f.parts = append(f.parts, formatPart{text: text})
			i += len(text) + 2
		case c == '-' || c == '_':
			f.parts = append(f.parts, formatPart{text: string(c)})
			i++
		default:
			return f, fmt.Errorf("character %d, %q, is none of yyyy, MM, dd, HH, Q, '-', '_' and text in single quotes", i+1, c)
		}
	}
	if letters != unit.letters() {
		return f, fmt.Errorf("for the time unit %s it needs %s in this order, as in %s", unit, spell(unit.letters()), unit.Format())
	}
	return f, nil
}

func spell(letters string) string {
	parts := make([]string, len(letters))
	for i := range letters {
		parts[i] = strings.Repeat(letters[i:i+1], formatWidths[letters[i]])
	}
	return strings.Join(parts, ", ")
}

// String returns the pattern.
func (f TimeFormat) String() string { return f.pattern }

// Format writes t in its own zone. Years outside 0 to 9999 are written wider.
func (f TimeFormat) Format(t time.Time) string {
	var b strings.Builder
	for _, p := range f.parts {
		if p.letter == 0 {
			b.WriteString(p.text)
			continue
		}
		fmt.Fprintf(&b, "%0*d", p.width, timePart(t, p.letter))
	}
	return b.String()
}

func timePart(t time.Time, letter byte) int {
	switch letter {
	case 'y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'd':
		return t.Day()
	case 'H':
		return t.Hour()
	default:
		return (int(t.Month())-1)/monthsPerQuarter + 1
	}
}

// Check reports whether text is a time that Format could have written.
func (f TimeFormat) Check(text string) error {
	value := map[byte]int{'M': 1, 'd': 1}
	rest := text
	for _, p := range f.parts {
		if p.letter == 0 {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, p.text); !ok {
				return fmt.Errorf("%q is not in the form %s", shorten(text), f.pattern)
			}
			continue
		}
		if len(rest) < p.width || strings.Trim(rest[:p.width], "0123456789") != "" {
			return fmt.Errorf("%q is not in the form %s", shorten(text), f.pattern)
		}
		value[p.letter], _ = strconv.Atoi(rest[:p.width])
		rest = rest[p.width:]
	}
	if rest != "" {
		return fmt.Errorf("%q is not in the form %s", shorten(text), f.pattern)
	}
	if q, ok := value['Q']; ok {
		value['M'] = (q-1)*monthsPerQuarter + 1
	}
	t := time.Date(value['y'], time.Month(value['M']), value['d'], value['H'], 0, 0, 0, time.UTC)
	if f.Format(t) != text {
		return fmt.Errorf("%q is in the form %s but is no time that exists", shorten(text), f.pattern)
	}
	return nil
}

// loadZone returns a zone by its IANA name or its offset from UTC, "+02:00".
func loadZone(name string) (*time.Location, error) {
	if name == "Z" {
		return time.UTC, nil
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, fmt.Errorf("expected an offset such as +02:00")
		}
		_, seconds := t.Zone()
		return time.FixedZone(name, seconds), nil
	}
	if name == "" || name == "Local" { // the server's zone must not matter
		return nil, fmt.Errorf("expected a zone such as UTC, Europe/Berlin or +02:00")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone; expected one such as UTC, Europe/Berlin or +02:00")
	}
	return zone, nil
}
