package filter

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/fluss-go/fluss/proto/schema"
)

// Bounds of a number in a filter, well above what any column holds.
const (
	maxDigits   = 400
	maxExponent = 400
)

// shape names what a literal is, for messages.
func (l *literal) shape() string {
	switch {
	case l.Type != "":
		return "a " + strings.ToUpper(l.Type)
	case l.Number != "":
		return "a number"
	case l.String != "":
		return "a text"
	case l.Hex != "":
		return "bytes"
	case strings.EqualFold(l.Keyword, "NULL"):
		return "NULL"
	}
	return "a truth value"
}

func (l *literal) isNull() bool { return strings.EqualFold(l.Keyword, "NULL") }

// unquote drops the quotes around a token and the doubling of those inside.
func unquote(token string) string {
	quote := token[:1]
	return strings.ReplaceAll(token[1:len(token)-1], quote+quote, quote)
}

// place is where a literal lies among the whole numbers that a column's values
// are stored as: at floor, or, when not exact, between floor and the next.
type place struct {
	floor *big.Int
	exact bool
}

// number returns the place of the literal times 10^scale.
func (l *literal) number(scale int) (place, error) {
	mantissa, exponent := l.Number, 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		e, err := strconv.Atoi(mantissa[i+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return place{}, invalid(l.Pos, "the number %s has too large an exponent", cut(l.Number))
		}
		mantissa, exponent = mantissa[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) > maxDigits {
		return place{}, invalid(l.Pos, "the number %s has more than %d digits", cut(l.Number), maxDigits)
	}
	v, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return place{}, invalid(l.Pos, "%s is no number", cut(l.Number))
	}
	if l.Sign == "-" {
		v.Neg(v)
	}
	return scaled(v, exponent-len(fraction)+scale), nil
}

// scaled returns the place of v times 10^e.
func scaled(v *big.Int, e int) place {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e, -e))), nil)
	if e >= 0 {
		return place{v.Mul(v, power), true}
	}
	floor, rest := new(big.Int).DivMod(v, power, new(big.Int))
	return place{floor, rest.Sign() == 0}
}

// float returns the nearest value of a FLOAT (32 bits) or DOUBLE (64).
func (l *literal) float(bits int) float64 {
	v, _ := strconv.ParseFloat(l.Sign+l.Number, bits) // out of range is an infinity, as it should be
	return v
}

func (l *literal) bytes() ([]byte, error) {
	b, err := hex.DecodeString(l.Hex[2 : len(l.Hex)-1])
	if err != nil {
		return nil, invalid(l.Pos, "%s is no run of pairs of hex digits", cut(l.Hex))
	}
	return b, nil
}

// temporal returns the place of the literal in units of the type t, which is a
// DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ.
func (l *literal) temporal(t schema.Type) (place, error) {
	token := l.String
	if l.Type != "" {
		token = l.Typed
		if kind := typedKinds[strings.ToUpper(l.Type)]; kind != t.Kind && !timestamps(kind, t.Kind) && !(kind == schema.Date && timestamps(t.Kind, t.Kind)) {
			return place{}, invalid(l.Pos, "a %s is compared with a column of type %s", strings.ToUpper(l.Type), t)
		}
	}
	if token == "" {
		return place{}, invalid(l.Pos, "%s is compared with a column of type %s: write %s", l.shape(), t, example(t.Kind))
	}
	text := unquote(token)
	for _, layout := range layouts[t.Kind] {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t.Kind == schema.Time {
			at = at.AddDate(1970, 0, 0) // parsed as a time of 1 January 0
		}
		return inUnit(at, t), nil
	}
	return place{}, invalid(l.Pos, "%s is no value of %s: write %s", cut(text), t, example(t.Kind))
}

var typedKinds = map[string]schema.Kind{
	"DATE": schema.Date, "TIME": schema.Time, "TIMESTAMP": schema.Timestamp, "TIMESTAMP_LTZ": schema.TimestampLTZ,
}

// timestamps reports whether both kinds are points in time.
func timestamps(a, b schema.Kind) bool {
	is := func(k schema.Kind) bool { return k == schema.Timestamp || k == schema.TimestampLTZ }
	return is(a) && is(b)
}

// layouts are the forms of a value per kind; fractions of a second are taken after any "05".
var layouts = map[schema.Kind][]string{
	schema.Date:      {"2006-01-02"},
	schema.Time:      {"15:04:05", "15:04"},
	schema.Timestamp: {"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"},
	schema.TimestampLTZ: {
		"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00",
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	},
}

func example(k schema.Kind) string {
	switch k { //nolint:exhaustive // the temporal kinds
	case schema.Date:
		return "'2026-11-22'"
	case schema.Time:
		return "'10:30:00'"
	case schema.TimestampLTZ:
		return "'2026-11-22T10:00:00Z' (without a zone it is UTC)"
	}
	return "'2026-11-22 10:00:00' (without a zone)"
}

// inUnit returns the place of a time in the unit that the type is stored in.
func inUnit(at time.Time, t schema.Type) place {
	nanos := new(big.Int).Mul(big.NewInt(at.Unix()), big.NewInt(int64(time.Second)))
	nanos.Add(nanos, big.NewInt(int64(at.Nanosecond())))
	unit := 24 * time.Hour
	if t.Kind != schema.Date {
		unit = unitOf(t.Precision)
	}
	floor, rest := new(big.Int).DivMod(nanos, big.NewInt(int64(unit)), new(big.Int))
	return place{floor, rest.Sign() == 0}
}

// unitOf is the unit that a type with the precision is stored in.
func unitOf(precision int) time.Duration { return schema.TimeUnit(precision).Multiplier() }
