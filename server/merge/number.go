package merge

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/schema"
)

// fold makes one value of two.
type fold = func(s *Session, c *column, old, written []byte) ([]byte, error)

// arithmetic returns the fold for a numeric kind, nil for any other.
func arithmetic(k schema.Kind, integer func(a, b int64) (int64, bool), float func(a, b float64) float64,
	decimal func(c *column, a, b decimal128.Num) (decimal128.Num, bool),
) fold {
	switch k { //nolint:exhaustive // the others are no numbers
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt:
		return func(s *Session, c *column, old, written []byte) ([]byte, error) {
			a, b := intOf(old), intOf(written)
			r, ok := integer(a, b)
			if !ok || !fitsInt(r, len(old)) {
				return nil, c.overflow(strconv.FormatInt(a, 10), strconv.FormatInt(b, 10))
			}
			return s.putInt(r, len(old)), nil
		}
	case schema.Float, schema.Double:
		return func(s *Session, _ *column, old, written []byte) ([]byte, error) {
			return s.putFloat(float(floatOf(old), floatOf(written)), len(old)), nil
		}
	case schema.Decimal:
		return func(s *Session, c *column, old, written []byte) ([]byte, error) {
			a, b := decimalOf(old), decimalOf(written)
			r, ok := decimal(c, a, b)
			if !ok || !r.FitsInPrecision(int32(c.typ.Precision)) { //nolint:gosec // 38 at most
				scale := int32(c.typ.Scale) //nolint:gosec // as above
				return nil, c.overflow(a.ToString(scale), b.ToString(scale))
			}
			return s.putDecimal(r), nil
		}
	default:
		return nil
	}
}

func (c *column) overflow(old, written string) error {
	return c.refuse("the %s of %s and %s does not fit %s", c.aggregate.function, old, written, c.typ)
}

func sumInt(a, b int64) (int64, bool) {
	r := a + b
	return r, (a < 0) != (b < 0) || (r < 0) == (a < 0)
}

func multiplyInt(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 { // its magnitude has no sign to lose
		return a * b, a == 0 || b == 0 || a == 1 || b == 1
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	if high != 0 || low > math.MaxInt64 && !(negative && low == 1<<63) {
		return 0, false
	}
	return a * b, true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-a)
	}
	return uint64(a)
}

// Sums and products of FLOAT are rounded once, to its 24 bits: a float64 has more
// than twice as many, so that rounding to it first changes nothing.
func sumFloat(a, b float64) float64      { return a + b }
func multiplyFloat(a, b float64) float64 { return a * b }

func sumDecimal(_ *column, a, b decimal128.Num) (decimal128.Num, bool) {
	low, carry := bits.Add64(a.LowBits(), b.LowBits(), 0)
	high := a.HighBits() + b.HighBits() + int64(carry) //nolint:gosec // 0 or 1
	overflowed := (a.HighBits() < 0) == (b.HighBits() < 0) && (high < 0) != (a.HighBits() < 0)
	return decimal128.New(high, low), !overflowed
}

// multiplyDecimal rounds what lies behind the scale to the nearest, and halves away from zero.
func multiplyDecimal(c *column, a, b decimal128.Num) (decimal128.Num, bool) {
	product := new(big.Int).Mul(a.BigInt(), b.BigInt())
	unit := decimal128.GetScaleMultiplier(c.typ.Scale).BigInt()
	rest := new(big.Int)
	product.QuoRem(product, unit, rest)
	if rest.CmpAbs(new(big.Int).Rsh(new(big.Int).Add(unit, big.NewInt(1)), 1)) >= 0 && rest.Sign() != 0 {
		product.Add(product, big.NewInt(int64(rest.Sign())))
	}
	if product.BitLen() > 127 {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(product), true
}

// count counts one more value, whatever it is.
func count(s *Session, c *column, old, _ []byte) ([]byte, error) {
	n := intOf(old)
	if n == math.MaxInt64 || !fitsInt(n+1, len(old)) {
		return nil, c.refuse("the %s of %d and one more does not fit %s", c.aggregate.function, n, c.typ)
	}
	return s.putInt(n+1, len(old)), nil
}

// countFirst is the count of one value.
func countFirst(s *Session, written []byte, i int) []byte {
	return s.putInt(1, len(s.m.format.Value(written, i)))
}

// intOf reads an integer, or a date or time, of 1, 2, 4 or 8 bytes.
func intOf(v []byte) int64 {
	switch len(v) {
	case 1:
		return int64(int8(v[0])) //nolint:gosec // the sign is in it
	case 2:
		return int64(int16(le.Uint16(v))) //nolint:gosec // as above
	case 4:
		return int64(int32(le.Uint32(v))) //nolint:gosec // as above
	default:
		return int64(le.Uint64(v)) //nolint:gosec // as above
	}
}

// fitsInt reports whether an integer of so many bytes holds v.
func fitsInt(v int64, width int) bool {
	unused := 64 - 8*width
	return v<<unused>>unused == v
}

func (s *Session) putInt(v int64, width int) []byte {
	le.PutUint64(s.number[:], uint64(v)) //nolint:gosec // bits are bits
	return s.number[:width]
}

func floatOf(v []byte) float64 {
	if len(v) == 4 {
		return float64(math.Float32frombits(le.Uint32(v)))
	}
	return math.Float64frombits(le.Uint64(v))
}

// putFloat writes v, all NaNs alike: which one comes out of a sum is up to the
// processor.
func (s *Session) putFloat(v float64, width int) []byte {
	if v != v {
		v = math.NaN()
	}
	if width == 4 {
		le.PutUint32(s.number[:], math.Float32bits(float32(v)))
	} else {
		le.PutUint64(s.number[:], math.Float64bits(v))
	}
	return s.number[:width]
}

func decimalOf(v []byte) decimal128.Num {
	return decimal128.New(int64(le.Uint64(v[8:])), le.Uint64(v)) //nolint:gosec // bits are bits
}

func (s *Session) putDecimal(n decimal128.Num) []byte {
	le.PutUint64(s.number[:], n.LowBits())
	le.PutUint64(s.number[8:], uint64(n.HighBits())) //nolint:gosec // bits are bits
	return s.number[:]
}
