package filter

import (
	"cmp"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/fluss-go/fluss/proto/schema"
)

// valueKind is how the values of a column are compared.
type valueKind uint8

const (
	// noKind values are not compared: ARRAY, MAP, ROW.
	noKind valueKind = iota
	boolKind
	intKind
	floatKind
	doubleKind
	decimalKind
	// temporalKind values are whole numbers of a unit.
	temporalKind
	textKind
	bytesKind
)

func kindOf(t schema.Type) valueKind {
	switch t.Kind {
	case schema.Boolean:
		return boolKind
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt:
		return intKind
	case schema.Float:
		return floatKind
	case schema.Double:
		return doubleKind
	case schema.Decimal:
		return decimalKind
	case schema.Date, schema.Time, schema.Timestamp, schema.TimestampLTZ:
		return temporalKind
	case schema.Char, schema.String:
		return textKind
	case schema.Binary, schema.Bytes:
		return bytesKind
	case schema.Array, schema.Map, schema.Row:
	}
	return noKind
}

// value is a constant; which field counts is said by the kind.
type value struct {
	// number is a bool (0, 1), an int or a temporal.
	number  int64
	float   float64
	decimal decimal128.Num
	// text is a text or bytes.
	text string
}

// key returns the value as a key of member.set.
func (v value) key(k valueKind) any {
	switch k {
	case boolKind, intKind, temporalKind:
		return v.number
	case floatKind, doubleKind:
		return v.float
	case decimalKind:
		return v.decimal
	case textKind, bytesKind:
		return v.text
	case noKind:
	}
	return nil
}

// order compares two values of a kind.
func (v value) order(o value, k valueKind) int {
	switch k {
	case boolKind, intKind, temporalKind:
		return cmp.Compare(v.number, o.number)
	case floatKind, doubleKind:
		switch {
		case v.float < o.float:
			return -1
		case v.float > o.float:
			return 1
		}
		return 0
	case decimalKind:
		return v.decimal.Cmp(o.decimal)
	case textKind, bytesKind:
		return cmp.Compare(v.text, o.text)
	case noKind:
	}
	return 0
}
