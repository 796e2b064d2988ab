package rowcodec

import (
	"encoding/base64"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/schema"
)

// addDecimalText appends a decimal written like "-12.340", "12" or "1.5e3". It
// fails when digits would be lost.
func (c *Column) addDecimalText(text string) error {
	v, scale, ok := parseDecimal(text)
	if !ok {
		return c.bad("%q is no decimal number", clip(text))
	}
	// Trailing zeros after the point are no digits that could be lost.
	for scale > c.field.Type.Scale {
		q, r := divMod10(v)
		if r != 0 {
			return c.bad("%s has more than %d digits after the point", clip(text), c.field.Type.Scale)
		}
		v, scale = q, scale-1
	}
	for scale < 0 {
		v, ok = mulAdd10(v, 0)
		if !ok {
			return c.bad("%s does not fit", clip(text))
		}
		scale++
	}
	num := decimal128.New(int64(v.hi), v.lo) //nolint:gosec // parseDecimal keeps the sign bit free
	if v.negative {
		num = num.Negate()
	}
	if c.field.Type.Kind == schema.Decimal && scale > 38 {
		return c.bad("%s does not fit", clip(text))
	}
	return c.addDecimal(num, scale)
}

// magnitude is an unsigned 127-bit number with a sign.
type magnitude struct {
	hi, lo   uint64
	negative bool
}

func mulAdd10(v magnitude, digit uint64) (magnitude, bool) {
	hi, lo := bits.Mul64(v.lo, 10)
	over, top := bits.Mul64(v.hi, 10)
	lo, carry := bits.Add64(lo, digit, 0)
	hi, carry = bits.Add64(hi, top, carry)
	if over != 0 || carry != 0 || hi>>63 != 0 {
		return v, false
	}
	return magnitude{hi, lo, v.negative}, true
}

func divMod10(v magnitude) (magnitude, uint64) {
	hi, r := v.hi/10, v.hi%10
	lo, r := bits.Div64(r, v.lo, 10)
	return magnitude{hi, lo, v.negative}, r
}

// maxExponent bounds the exponent of a decimal's text.
const maxExponent = 80

// parseDecimal returns the digits of text as a number and how many of them are
// after the point; negative for a positive exponent.
func parseDecimal(text string) (v magnitude, scale int, ok bool) {
	s := text
	if s != "" && (s[0] == '-' || s[0] == '+') {
		v.negative, s = s[0] == '-', s[1:]
	}
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return v, 0, false
		}
		s, exponent = s[:i], e
	}
	digits, point := 0, false
	for _, ch := range []byte(s) {
		switch {
		case ch == '.' && !point:
			point = true
			continue
		case ch < '0' || ch > '9':
			return v, 0, false
		}
		if v, ok = mulAdd10(v, uint64(ch-'0')); !ok {
			return v, 0, false
		}
		digits++
		if point {
			scale++
		}
	}
	return v, scale - exponent, digits > 0
}

// addText appends a value from its text: numbers as decimal digits, times as ISO
// 8601, bytes as base64. It is what JSON strings and CSV fields go through.
func (c *Column) addText(text string) error {
	switch c.field.Type.Kind { //nolint:exhaustive // nested types have no text
	case schema.Char, schema.String:
		return c.addString(text)
	case schema.Decimal:
		return c.addDecimalText(text)
	case schema.Boolean:
		switch strings.ToLower(text) {
		case "true":
			return c.addBool(true)
		case "false":
			return c.addBool(false)
		}
		return c.bad("%q is neither true nor false", clip(text))
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt:
		return c.addIntText(text)
	case schema.Float, schema.Double:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return c.bad("%q is no number", clip(text))
		}
		return c.addFloat(v)
	case schema.Date, schema.Timestamp, schema.TimestampLTZ, schema.Time:
		return c.addTimeText(text)
	case schema.Binary, schema.Bytes:
		return c.addBase64(text)
	}
	return c.bad("%q is no value of this type", clip(text))
}

func (c *Column) addIntText(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return c.addInt(v)
	}
	// 3.0 and 1e3 are whole numbers too.
	m, scale, ok := parseDecimal(text)
	if !ok {
		return c.bad("%q is no whole number, or out of range", clip(text))
	}
	for ; scale > 0; scale-- {
		q, r := divMod10(m)
		if r != 0 {
			return c.bad("%s is no whole number", clip(text))
		}
		m = q
	}
	for ; scale < 0 && ok; scale++ {
		m, ok = mulAdd10(m, 0)
	}
	if !ok || m.hi != 0 || m.lo>>63 != 0 {
		return c.bad("%s is out of range", clip(text))
	}
	v = int64(m.lo) //nolint:gosec // checked
	if m.negative {
		v = -v
	}
	return c.addInt(v)
}

// The layouts of times that are understood. Go takes a fraction of a second after any.
var (
	localLayouts = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}
	zonedLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05 Z07:00"}
	clockLayouts = []string{"15:04:05", "15:04"}
)

func parseLayouts(text string, layouts []string) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (c *Column) addTimeText(text string) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the caller's four
	case schema.Date:
		t, err := time.Parse("2006-01-02", text)
		if err != nil {
			return c.bad("%q is no date like 2026-11-22", clip(text))
		}
		return c.addTime(t)
	case schema.Time:
		t, ok := parseLayouts(text, clockLayouts)
		if !ok {
			return c.bad("%q is no time like 10:30:00", clip(text))
		}
		if c.tooFine(t) {
			return c.badFraction(text)
		}
		return c.addDuration(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute +
			time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond()))
	case schema.Timestamp:
		t, ok := parseLayouts(text, localLayouts)
		if !ok {
			return c.bad("%q is no time like 2026-11-22T10:30:00 (without zone)", clip(text))
		}
		if c.tooFine(t) {
			return c.badFraction(text)
		}
		return c.addTime(t)
	}
	t, ok := parseLayouts(text, zonedLayouts)
	if !ok {
		return c.bad("%q is no time like 2026-11-22T10:30:00Z (with zone)", clip(text))
	}
	if c.tooFine(t) {
		return c.badFraction(text)
	}
	return c.addTime(t)
}

// addBase64 appends bytes from standard base64, padded or not.
func (c *Column) addBase64(text string) error {
	v, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return c.bad("%q is no base64", clip(text))
	}
	return c.addBytes(v)
}

// tooFine reports whether t has digits of a second that the column does not keep.
func (c *Column) tooFine(t time.Time) bool {
	unit := 1
	for range schema.MaxFraction - c.field.Type.Precision {
		unit *= 10
	}
	return t.Nanosecond()%unit != 0
}

func (c *Column) badFraction(text string) error {
	return c.bad("%q has more digits of a second than the %d that the column keeps", clip(text), c.field.Type.Precision)
}
