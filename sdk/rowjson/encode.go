package rowjson

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Encoder writes rows of batches of one schema. It is safe for concurrent use.
type Encoder struct {
	// names are the columns' names as JSON, with colon and the comma before.
	names [][]byte
}

// NewEncoder returns an encoder of rows with the schema's columns.
func NewEncoder(s *arrow.Schema) *Encoder {
	e := &Encoder{}
	for i, f := range s.Fields() {
		var b []byte
		if i > 0 {
			b = append(b, ',')
		}
		e.names = append(e.names, append(appendString(b, f.Name), ':'))
	}
	return e
}

// AppendRow appends row i of rec to dst as one JSON object without line end.
func (e *Encoder) AppendRow(dst []byte, rec arrow.RecordBatch, i int) []byte {
	dst = append(dst, '{')
	for c, name := range e.names {
		dst = append(dst, name...)
		dst = AppendValue(dst, rec.Column(c), i)
	}
	return append(dst, '}')
}

// AppendValue appends value i of a to dst as JSON.
func AppendValue(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.String:
		return appendString(dst, a.Value(i))
	case *array.List:
		from, to := a.ValueOffsets(i)
		dst = append(dst, '[')
		for j := int(from); j < int(to); j++ {
			if j > int(from) {
				dst = append(dst, ',')
			}
			dst = AppendValue(dst, a.ListValues(), j)
		}
		return append(dst, ']')
	case *array.Map:
		return appendMap(dst, a, i)
	case *array.Struct:
		t := a.DataType().(*arrow.StructType)
		dst = append(dst, '{')
		for f := range t.NumFields() {
			if f > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, t.Field(f).Name), ':')
			dst = AppendValue(dst, a.Field(f), i)
		}
		return append(dst, '}')
	case *array.Boolean, *array.Int8, *array.Int16, *array.Int32, *array.Int64:
		return AppendText(dst, a, i)
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendFloat(dst, a.Value(i), 64)
	}
	// Digits, ISO 8601 and base64 need no escapes.
	dst = append(dst, '"')
	return append(AppendText(dst, a, i), '"')
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		dst = append(dst, '"')
		return append(appendFloatText(dst, v, bits), '"')
	}
	return appendFloatText(dst, v, bits)
}

func appendFloatText(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}

func appendMap(dst []byte, a *array.Map, i int) []byte {
	from, to := a.ValueOffsets(i)
	dst = append(dst, '{')
	for j := int(from); j < int(to); j++ {
		if j > int(from) {
			dst = append(dst, ',')
		}
		dst = appendString(dst, string(AppendText(nil, a.Keys(), j)))
		dst = append(dst, ':')
		dst = AppendValue(dst, a.Items(), j)
	}
	return append(dst, '}')
}

// AppendText appends value i of a to dst as plain text, as for CSV: like JSON but
// without quotes, strings as they are, and nothing for null. Nested values are JSON.
func AppendText(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return dst
	}
	switch a := a.(type) {
	case *array.String:
		return append(dst, a.Value(i)...)
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Int8:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int16:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Float32:
		return appendFloatText(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendFloatText(dst, a.Value(i), 64)
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)...)
	case *array.Date32:
		const secondsPerDay = 24 * 60 * 60
		return time.Unix(int64(a.Value(i))*secondsPerDay, 0).UTC().AppendFormat(dst, "2006-01-02")
	case *array.Time32:
		return appendClock(dst, time.Duration(a.Value(i))*a.DataType().(*arrow.Time32Type).Unit.Multiplier())
	case *array.Time64:
		return appendClock(dst, time.Duration(a.Value(i))*a.DataType().(*arrow.Time64Type).Unit.Multiplier())
	case *array.Timestamp:
		return appendTimestamp(dst, a, i)
	case *array.List, *array.Map, *array.Struct:
		return AppendValue(dst, a, i)
	case interface{ Value(i int) []byte }:
		return base64.StdEncoding.AppendEncode(dst, a.Value(i))
	}
	return append(dst, a.ValueStr(i)...)
}

func appendClock(dst []byte, d time.Duration) []byte {
	return time.Unix(0, int64(d)).UTC().AppendFormat(dst, "15:04:05.999999999")
}

func appendTimestamp(dst []byte, a *array.Timestamp, i int) []byte {
	t := a.DataType().(*arrow.TimestampType)
	per := int64(time.Second / t.Unit.Multiplier())
	v := int64(a.Value(i))
	seconds, rest := v/per, v%per
	if rest < 0 {
		seconds, rest = seconds-1, rest+per
	}
	layout := "2006-01-02T15:04:05.999999999"
	if t.TimeZone != "" {
		layout += "Z07:00"
	}
	return time.Unix(seconds, rest*int64(t.Unit.Multiplier())).UTC().AppendFormat(dst, layout)
}

// appendString appends s as a JSON string. <, > and & are not escaped.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if ch := s[i]; ch < ' ' || ch == '"' || ch == '\\' || ch >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
