package keys

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// separator stands between the values of a partition's name.
const separator = '$'

// partitionColumn writes the text of one partition column.
type partitionColumn struct {
	field schema.Field
	arr   arrow.Array
	// layout is the form of a time, unit the number of its units in a second,
	// excess how many units a digit too many of a second has: a multiple of it fits.
	layout string
	unit   int64
	excess int64
}

// PartitionNames returns the name of each row's partition: the texts of the
// partition columns called partitionKeys, in that order, with '$' between them,
// in the canonical form of proto/table. Rows of one partition mostly share one
// string. rec has the Arrow schema of s.
//
// It fails with INVALID_PARTITION (column) for a null, an empty text, a text with
// a '$' in it, a number that is not finite, and a time with more digits of a
// second than the column's type; whether a text makes a good name, the server
// tells when the partition is created.
func PartitionNames(s *schema.Schema, partitionKeys []string, rec arrow.RecordBatch) ([]string, error) {
	cols := make([]partitionColumn, len(partitionKeys))
	for i, name := range partitionKeys {
		f, err := s.Column(name)
		if err != nil {
			return nil, err
		}
		at, _ := s.Index(name)
		if at >= int(rec.NumCols()) {
			return nil, errcode.New(errcode.InvalidBatch, nil, "the record batch has no column %q", name).With("column", name)
		}
		cols[i] = newPartitionColumn(f, rec.Column(at))
	}
	names := make([]string, rec.NumRows())
	known := map[string]string{}
	var buf []byte
	for row := range names {
		buf = buf[:0]
		for i := range cols {
			if i > 0 {
				buf = append(buf, separator)
			}
			var fault string
			if buf, fault = cols[i].text(buf, row); fault != "" {
				return nil, errcode.New(errcode.InvalidPartition, nil, "partition column %q of row %d %s", cols[i].field.Name, row, fault).
					With("column", cols[i].field.Name)
			}
		}
		if row > 0 && names[row-1] == string(buf) {
			names[row] = names[row-1]
			continue
		}
		name, ok := known[string(buf)]
		if !ok {
			name = string(buf)
			known[name] = name
		}
		names[row] = name
	}
	return names, nil
}

func newPartitionColumn(f schema.Field, arr arrow.Array) partitionColumn {
	c := partitionColumn{field: f, arr: arr}
	switch f.Type.Kind { //nolint:exhaustive // the others are no times
	case schema.Date:
		c.layout = time.DateOnly
	case schema.Time:
		c.layout = time.TimeOnly
	case schema.Timestamp:
		c.layout = "2006-01-02T15:04:05"
	case schema.TimestampLTZ:
		c.layout = "2006-01-02T15:04:05Z"
	default:
		return c
	}
	if f.Type.Kind == schema.Date {
		return c
	}
	p := f.Type.Precision
	digits := map[arrow.TimeUnit]int{arrow.Second: 0, arrow.Millisecond: 3, arrow.Microsecond: 6, arrow.Nanosecond: 9}[schema.TimeUnit(p)]
	c.unit, c.excess = pow10(digits), pow10(digits-p)
	if p > 0 {
		c.layout = strings.Replace(c.layout, ":05", ":05."+strings.Repeat("0", p), 1)
	}
	return c
}

func pow10(n int) int64 {
	out := int64(1)
	for range n {
		out *= 10
	}
	return out
}

// text appends the text of the column's value in a row, or tells what is wrong with it.
func (c *partitionColumn) text(dst []byte, row int) (out []byte, fault string) {
	if c.arr.IsNull(row) {
		return dst, "is null; a partition value cannot be"
	}
	switch a := c.arr.(type) {
	case *array.String:
		return appendText(dst, a.Value(row))
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(row)), ""
	case *array.Int8:
		return strconv.AppendInt(dst, int64(a.Value(row)), 10), ""
	case *array.Int16:
		return strconv.AppendInt(dst, int64(a.Value(row)), 10), ""
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(row)), 10), ""
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(row), 10), ""
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(row)), 32)
	case *array.Float64:
		return appendFloat(dst, a.Value(row), 64)
	case *array.Binary:
		return appendHex(dst, a.Value(row))
	case *array.FixedSizeBinary:
		return appendHex(dst, a.Value(row))
	case *array.Date32:
		return time.Unix(int64(a.Value(row))*secondsOfDay, 0).UTC().AppendFormat(dst, c.layout), ""
	case *array.Time32:
		return c.appendTime(dst, int64(a.Value(row)))
	case *array.Time64:
		return c.appendTime(dst, int64(a.Value(row)))
	case *array.Timestamp:
		return c.appendTime(dst, int64(a.Value(row)))
	default:
		return dst, "is of the type " + c.field.Type.String() + ", which no partition column can have"
	}
}

const secondsOfDay = 24 * 60 * 60

func appendText(dst []byte, s string) ([]byte, string) {
	if s == "" {
		return dst, "is empty; a partition value needs a character"
	}
	if strings.IndexByte(s, separator) >= 0 {
		return dst, "has a '$' in it; a partition value cannot"
	}
	return append(dst, s...), ""
}

func appendFloat(dst []byte, v float64, bits int) ([]byte, string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst, "is not finite; a partition value must be"
	}
	return strconv.AppendFloat(dst, v+0, 'g', -1, bits), "" // -0 + 0 is 0, which it equals as a key
}

func appendHex(dst, v []byte) ([]byte, string) {
	if len(v) == 0 {
		return dst, "is empty; a partition value needs a byte"
	}
	return hex.AppendEncode(dst, v), ""
}

func (c *partitionColumn) appendTime(dst []byte, v int64) ([]byte, string) {
	if c.unit == 0 || v%c.excess != 0 {
		return dst, "has more digits of a second than its type " + c.field.Type.String()
	}
	second, rest := v/c.unit, v%c.unit
	if rest < 0 {
		second, rest = second-1, rest+c.unit
	}
	return time.Unix(second, rest*(1e9/c.unit)).UTC().AppendFormat(dst, c.layout), ""
}
