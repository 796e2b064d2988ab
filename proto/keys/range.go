package keys

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// After returns the first key above all keys that begin with prefix, nil when
// there is none. [prefix, After(prefix)) is the range of the keys that begin with
// it. The result does not alias prefix.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != math.MaxUint8 {
			out := append([]byte(nil), prefix[:i+1]...)
			out[i]++
			return out
		}
	}
	return nil
}

// EncodeValue appends what a key has for v, a value of a column of the type t; the
// values of the first columns of a key after each other are a prefix of keys. The
// Go type of v goes by the kind of t:
//
//   - BOOLEAN: bool;
//   - TINYINT to BIGINT: int64, in the range of the type;
//   - DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ: int64, in the unit that Arrow stores
//     the type in: days, or what schema.TimeUnit says of the precision;
//   - FLOAT, DOUBLE: float64, for FLOAT one that a float32 holds exactly;
//   - DECIMAL: decimal128.Num, the unscaled value at the column's scale;
//   - CHAR, STRING, BINARY, BYTES: string or []byte.
//
// It fails with INVALID_ARGUMENT when v is none of these, and dst is as before.
func EncodeValue(dst []byte, t schema.Type, v any) ([]byte, error) {
	switch v := v.(type) {
	case bool:
		if t.Kind == schema.Boolean {
			return append(dst, boolByte(v)), nil
		}
	case int64:
		if out, ok := appendInt(dst, t, v); ok {
			return out, nil
		}
	case float64:
		if t.Kind == schema.Double {
			return binary.BigEndian.AppendUint64(dst, doubleBits(v)), nil
		}
		if narrow := float32(v); t.Kind == schema.Float && (float64(narrow) == v || math.IsNaN(v)) {
			return binary.BigEndian.AppendUint32(dst, floatBits(narrow)), nil
		}
	case decimal128.Num:
		if t.Kind == schema.Decimal {
			return appendDecimal(dst, v), nil
		}
	case string:
		if isBlob(t) {
			return escapeText(dst, v), nil
		}
	case []byte:
		if isBlob(t) {
			return escapeBytes(dst, v), nil
		}
	}
	return dst, errcode.New(errcode.InvalidArgument, nil, "%v (%T) is no value of a key column of the type %s", v, v, t)
}

func isBlob(t schema.Type) bool {
	return t.Kind == schema.Char || t.Kind == schema.String || t.Kind == schema.Binary || t.Kind == schema.Bytes
}

// appendInt appends v in the width of t; false when it does not fit, or t is none
// that is stored as a whole number.
func appendInt(dst []byte, t schema.Type, v int64) ([]byte, bool) {
	switch t.Kind {
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt, schema.Date, schema.Time, schema.Timestamp, schema.TimestampLTZ:
	default:
		return dst, false
	}
	const byteBits = 8
	bits := byteBits * keyWidth(t)
	if low := int64(-1) << (bits - 1); v < low || v > ^low {
		return dst, false
	}
	flipped := uint64(v) ^ 1<<(bits-1)
	for bits -= byteBits; bits >= 0; bits -= byteBits {
		dst = append(dst, byte(flipped>>bits))
	}
	return dst, true
}
