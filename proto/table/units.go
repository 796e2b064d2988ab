package table

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const day = 24 * time.Hour

// durationUnits are the units' names, as Flink has them.
var durationUnits = map[string]time.Duration{
	"ns": 1, "nano": 1, "nanos": 1, "nanosecond": 1, "nanoseconds": 1,
	"us": time.Microsecond, "µs": time.Microsecond, "micro": time.Microsecond, "micros": time.Microsecond,
	"microsecond": time.Microsecond, "microseconds": time.Microsecond,
	"": time.Millisecond, "ms": time.Millisecond, "milli": time.Millisecond, "millis": time.Millisecond,
	"millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day, "w": 7 * day, "week": 7 * day, "weeks": 7 * day,
}

// ParseDuration reads "7d", "10min", "3 h", "500ms", several in a row ("1h 30min")
// and ISO 8601 ("P7D", "PT10M", "PT0.5S"). A number without a unit is in
// milliseconds, as in Flink. Negative ones are refused; a day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	s := strings.TrimSpace(strings.ToLower(text))
	if rest, ok := strings.CutPrefix(s, "p"); ok {
		return parseISODuration(text, rest)
	}
	var total time.Duration
	for first := true; first || s != ""; first = false {
		number, unit, rest := nextMeasure(s)
		scale, ok := durationUnits[unit]
		if number == "" || !ok || unit == "" && (!first || rest != "") {
			return 0, fmt.Errorf("expected a duration such as 7d, 10min, 500ms or PT1H")
		}
		part, err := scaled(number, int64(scale))
		if err != nil {
			return 0, fmt.Errorf("the duration %w", err)
		}
		if total += time.Duration(part); total < 0 {
			return 0, fmt.Errorf("the duration is too long")
		}
		s = rest
	}
	return total, nil
}

func parseISODuration(text, s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not an ISO 8601 duration such as P7D or PT1H30M", shorten(text))
	order := []struct {
		letter string
		scale  time.Duration
		clock  bool
	}{{"w", 7 * day, false}, {"d", day, false}, {"h", time.Hour, true}, {"m", time.Minute, true}, {"s", time.Second, true}}
	var total time.Duration
	at, clock, parts := 0, false, 0
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "t"); ok && !clock {
			if s, clock = rest, true; s == "" {
				return 0, bad
			}
			continue
		}
		number, _, _ := nextMeasure(s)
		rest := s[len(number):]
		for at < len(order) && (!strings.HasPrefix(rest, order[at].letter) || order[at].clock != clock) {
			at++
		}
		if number == "" || at == len(order) {
			return 0, bad
		}
		part, err := scaled(number, int64(order[at].scale))
		if err != nil {
			return 0, fmt.Errorf("the duration %w", err)
		}
		if total += time.Duration(part); total < 0 {
			return 0, fmt.Errorf("the duration is too long")
		}
		s = rest[1:]
		at++
		parts++
	}
	if parts == 0 {
		return 0, bad
	}
	return total, nil
}

// nextMeasure splits "10 min 3 s" into "10", "min" and "3 s".
func nextMeasure(s string) (number, unit, rest string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	number = s[:i]
	s = strings.TrimLeft(s[i:], " ")
	end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(s)
	}
	return number, s[:end], strings.TrimLeft(s[end:], " ")
}

// scaled returns number, which may have a fraction, times scale.
func scaled(number string, scale int64) (int64, error) {
	const longest = 32 // digits
	if len(number) > longest {
		return 0, fmt.Errorf("is too long")
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("has a bad number %q", number)
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	if !r.IsInt() {
		return 0, fmt.Errorf("%s is finer than its unit allows", number)
	}
	if !r.Num().IsInt64() {
		return 0, fmt.Errorf("is too long")
	}
	return r.Num().Int64(), nil
}

// FormatDuration returns d in the largest unit that holds it whole, such as "7d" or
// "90s"; ParseDuration reads it back.
func FormatDuration(d time.Duration) string {
	for _, u := range []struct {
		name  string
		scale time.Duration
	}{{"d", day}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}} {
		if d != 0 && d%u.scale == 0 {
			return strconv.FormatInt(int64(d/u.scale), 10) + u.name
		}
	}
	if d == 0 {
		return "0ms"
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}

var sizeUnits = map[string]int64{
	"": 1, "b": 1, "byte": 1, "bytes": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
}

// ParseSize reads a number of bytes: "128mb", "64 KiB", "1g", "4096". A unit is
// 1024 times the one before it, however it is written.
func ParseSize(text string) (int64, error) {
	number, unit, rest := nextMeasure(strings.TrimSpace(strings.ToLower(text)))
	scale, ok := sizeUnits[unit]
	if number == "" || !ok || rest != "" {
		return 0, fmt.Errorf("expected a size such as 128mb, 64kb or 4096")
	}
	n, err := scaled(number, scale)
	if err != nil {
		return 0, fmt.Errorf("the size %w", err)
	}
	return n, nil
}

// FormatSize returns n in the largest unit that holds it whole, such as "128mb".
func FormatSize(n int64) string {
	for _, u := range []string{"tb", "gb", "mb", "kb"} {
		if n != 0 && n != math.MinInt64 && n%sizeUnits[u] == 0 {
			return strconv.FormatInt(n/sizeUnits[u], 10) + u
		}
	}
	return strconv.FormatInt(n, 10) + "b"
}
