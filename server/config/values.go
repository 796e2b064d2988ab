package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Bytes is a size. Its text has a unit of 1024: "64MiB"; KB, MB and GB are
// understood as KiB, MiB and GiB, a bare number as bytes.
type Bytes int64

// Units of Bytes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	TiB Bytes = 1 << 40
)

var byteUnits = []struct {
	name string
	size Bytes
}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

// String returns the size in the largest unit that it is a multiple of.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

var errBytes = errors.New("want a size like 256MiB, 1GiB or 1048576")

// ParseBytes reads a size as Bytes describes it.
func ParseBytes(text string) (Bytes, error) {
	digits := strings.TrimSpace(text)
	unit := Bytes(1)
	if i := strings.IndexFunc(digits, unicode.IsLetter); i >= 0 {
		switch strings.ToLower(digits[i:]) {
		case "b":
		case "k", "kb", "kib":
			unit = KiB
		case "m", "mb", "mib":
			unit = MiB
		case "g", "gb", "gib":
			unit = GiB
		case "t", "tb", "tib":
			unit = TiB
		default:
			return 0, fmt.Errorf("%q: %w", text, errBytes)
		}
		digits = strings.TrimSpace(digits[:i])
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("%q: %w", text, errBytes)
	}
	return Bytes(n) * unit, nil
}

const day = 24 * time.Hour

// FormatDuration returns d as ParseDuration reads it: "7d", "10m", "1h30m0s".
func FormatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return d.String()
}

// ParseDuration reads a duration like "10m", "500ms", "1h30m", "7d" or "7 d".
func ParseDuration(text string) (time.Duration, error) {
	compact := strings.ReplaceAll(strings.TrimSpace(text), " ", "")
	compact = strings.ReplaceAll(compact, "min", "m")
	if days, ok := strings.CutSuffix(compact, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		if err != nil || n < 0 || n > int64(math.MaxInt64/day) {
			return 0, fmt.Errorf("%q: want a duration like 500ms, 10m, 3h or 7d", text)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(compact)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q: want a duration like 500ms, 10m, 3h or 7d", text)
	}
	return d, nil
}
