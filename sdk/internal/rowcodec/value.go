package rowcodec

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// bad says that a value does not fit the column.
func (c *Column) bad(format string, args ...any) error {
	return errcode.New(errcode.InvalidBatch, nil, "column "+c.path+" "+c.field.Type.String()+": "+format, args...).With("column", c.path)
}

// cannot says that values of a Go form do not go into the column at all.
func (c *Column) cannot(what string) error { return c.bad("cannot hold a Go %s", what) }

func (c *Column) addBool(v bool) error {
	if c.field.Type.Kind != schema.Boolean {
		return c.cannot("bool")
	}
	c.data = appendBit(c.data, c.n, v)
	c.done()
	return nil
}

func (c *Column) addInt(v int64) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the others hold no integers
	case schema.TinyInt:
		if v != int64(int8(v)) { //nolint:gosec // the check
			return c.bad("%d is out of range", v)
		}
		c.data = append(c.data, byte(v)) //nolint:gosec // checked
	case schema.SmallInt:
		if v != int64(int16(v)) { //nolint:gosec // the check
			return c.bad("%d is out of range", v)
		}
		c.data = binary.LittleEndian.AppendUint16(c.data, uint16(v)) //nolint:gosec // checked
	case schema.Int:
		if v != int64(int32(v)) { //nolint:gosec // the check
			return c.bad("%d is out of range", v)
		}
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(v)) //nolint:gosec // checked
	case schema.BigInt:
		c.data = binary.LittleEndian.AppendUint64(c.data, uint64(v)) //nolint:gosec // same bits
	case schema.Decimal:
		return c.addDecimal(decimal128.FromI64(v), 0)
	case schema.Double:
		if v > 1<<53 || v < -1<<53 {
			return c.bad("%d would lose digits", v)
		}
		return c.addFloat(float64(v))
	case schema.Float:
		if v > 1<<24 || v < -1<<24 {
			return c.bad("%d would lose digits", v)
		}
		return c.addFloat(float64(v))
	default:
		return c.cannot("integer")
	}
	c.done()
	return nil
}

func (c *Column) addUint(v uint64) error {
	if v > math.MaxInt64 {
		if c.field.Type.Kind == schema.Decimal {
			return c.addDecimal(decimal128.FromU64(v), 0)
		}
		return c.bad("%d is out of range", v)
	}
	return c.addInt(int64(v))
}

func (c *Column) addFloat(v float64) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the others hold no floats
	case schema.Double:
		c.data = binary.LittleEndian.AppendUint64(c.data, math.Float64bits(v))
	case schema.Float:
		f := float32(v)
		if math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
			return c.bad("%g is out of range", v)
		}
		c.data = binary.LittleEndian.AppendUint32(c.data, math.Float32bits(f))
	default:
		return c.cannot("float")
	}
	c.done()
	return nil
}

// addString appends a string, or a decimal from its text.
func (c *Column) addString(v string) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the others hold no strings
	case schema.String:
	case schema.Char:
		if len(v) > c.field.Type.Length && utf8.RuneCountInString(v) > c.field.Type.Length {
			return c.bad("%q is longer than %d characters", clip(v), c.field.Type.Length)
		}
	case schema.Decimal:
		return c.addDecimalText(v)
	default:
		return c.cannot("string")
	}
	if !utf8.ValidString(v) {
		return c.bad("%q is not valid UTF-8", clip(v))
	}
	if err := c.grow(len(c.data), len(v)); err != nil {
		return err
	}
	c.data = append(c.data, v...)
	c.offsets = append(c.offsets, int32(len(c.data))) //nolint:gosec // checked by grow
	c.done()
	return nil
}

func (c *Column) addBytes(v []byte) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the others hold no bytes
	case schema.Bytes:
		if err := c.grow(len(c.data), len(v)); err != nil {
			return err
		}
		c.data = append(c.data, v...)
		c.offsets = append(c.offsets, int32(len(c.data))) //nolint:gosec // checked by grow
	case schema.Binary:
		if len(v) != c.width {
			return c.bad("the value has %d bytes, want %d", len(v), c.width)
		}
		c.data = append(c.data, v...)
	default:
		return c.cannot("[]byte")
	}
	c.done()
	return nil
}

// addDecimal appends v·10^-scale. It fails when digits would be lost.
func (c *Column) addDecimal(v decimal128.Num, scale int) error {
	t := c.field.Type
	if t.Kind != schema.Decimal {
		return c.cannot("decimal")
	}
	if d := t.Scale - scale; d != 0 {
		scaled, err := v.Rescale(int32(scale), int32(t.Scale)) //nolint:gosec // 0 to 38
		if err != nil {
			return c.bad("%s does not fit", v.ToString(int32(scale))) //nolint:gosec // 0 to 38
		}
		v = scaled
	}
	if !v.FitsInPrecision(int32(t.Precision)) { //nolint:gosec // 1 to 38
		return c.bad("%s does not fit", v.ToString(int32(t.Scale))) //nolint:gosec // 0 to 38
	}
	c.data = binary.LittleEndian.AppendUint64(c.data, v.LowBits())
	c.data = binary.LittleEndian.AppendUint64(c.data, uint64(v.HighBits())) //nolint:gosec // same bits
	c.done()
	return nil
}

// perSecond are the units of a second by the power of ten.
var perSecond = [...]int64{0: 1, 3: 1e3, 6: 1e6, 9: 1e9}

// pow10 are the powers of ten up to nanoseconds in a second.
var pow10 = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// cutNanos cuts the digits below the column's precision off.
func (c *Column) cutNanos(ns int64) int64 {
	step := pow10[9-c.field.Type.Precision]
	return ns - ns%step
}

const secondsPerDay = 24 * 60 * 60

func (c *Column) addTime(v time.Time) error {
	switch c.field.Type.Kind { //nolint:exhaustive // the others hold no times
	case schema.TimestampLTZ:
		return c.addInstant(v.Unix(), int64(v.Nanosecond()))
	case schema.Timestamp:
		_, shift := v.Zone()
		return c.addInstant(v.Unix()+int64(shift), int64(v.Nanosecond()))
	case schema.Date:
		_, shift := v.Zone()
		return c.addDays(floorDiv(v.Unix()+int64(shift), secondsPerDay))
	default:
		return c.cannot("time.Time")
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (c *Column) addDays(days int64) error {
	if days != int64(int32(days)) { //nolint:gosec // the check
		return c.bad("the date is out of range")
	}
	c.data = binary.LittleEndian.AppendUint32(c.data, uint32(days)) //nolint:gosec // checked
	c.done()
	return nil
}

// addInstant appends the timestamp of seconds since 1970 and ns, 0 to 999,999,999.
func (c *Column) addInstant(seconds, ns int64) error {
	unit := perSecond[c.unit]
	// One unit of headroom, so that the fraction cannot overflow either.
	if limit := math.MaxInt64/unit - 1; seconds > limit || seconds < -limit {
		return c.bad("the time is out of range")
	}
	v := seconds*unit + c.cutNanos(ns)/(1e9/unit)
	c.data = binary.LittleEndian.AppendUint64(c.data, uint64(v)) //nolint:gosec // same bits
	c.done()
	return nil
}

func (c *Column) addDuration(v time.Duration) error {
	if c.field.Type.Kind != schema.Time {
		return c.cannot("time.Duration")
	}
	if v < 0 || v >= 24*time.Hour {
		return c.bad("%v is no time of a day", v)
	}
	n := c.cutNanos(int64(v)) / (1e9 / perSecond[c.unit])
	if c.width == 4 {
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(n)) //nolint:gosec // below a day in ms
	} else {
		c.data = binary.LittleEndian.AppendUint64(c.data, uint64(n)) //nolint:gosec // not negative
	}
	c.done()
	return nil
}

// clip shortens a value for an error text.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
