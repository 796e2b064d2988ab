package keys

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// PartitionNames returns the name of the partition that each row of rec belongs
// to: the values of the partition columns called names, in their canonical text
// (table.CanonicalValue), joined. rec has the columns of s, in order. It fails with
// INVALID_PARTITION for a null, which names the row, and UNKNOWN_COLUMN. Whether a
// text may name a partition is decided where the partition is created.
func PartitionNames(s *schema.Schema, names []string, rec arrow.RecordBatch) ([]string, error) {
	texts := make([]func(i int) string, len(names))
	columns := make([]arrow.Array, len(names))
	for k, name := range names {
		c, ok := s.Index(name)
		if !ok || c >= int(rec.NumCols()) {
			return nil, errcode.New(errcode.UnknownColumn, nil, "partition column %q is not in the schema", name).With("column", name)
		}
		columns[k] = rec.Column(c)
		if texts[k] = textOf(columns[k], s.Columns[c].Type); texts[k] == nil {
			return nil, errcode.New(errcode.InvalidPartition, nil, "column %q of type %s cannot be a partition column",
				name, s.Columns[c].Type).With("column", name)
		}
	}
	out := make([]string, rec.NumRows())
	values := make([]string, len(names))
	for i := range out {
		for k := range names {
			if columns[k].IsNull(i) {
				return nil, errcode.New(errcode.InvalidPartition, nil, "row %d: partition column %q is null: a row needs a value there",
					i, names[k]).With("column", names[k])
			}
			values[k] = texts[k](i)
		}
		out[i] = table.PartitionName(values)
	}
	return out, nil
}

// textOf returns the canonical text of a's value i, which is not null; nil when
// the type cannot be a partition column's.
func textOf(a arrow.Array, t schema.Type) func(i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value
	case *array.Boolean:
		return func(i int) string { return strconv.FormatBool(a.Value(i)) }
	case *array.Int8:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }
	case *array.Int16:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }
	case *array.Int32:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }
	case *array.Int64:
		return func(i int) string { return strconv.FormatInt(a.Value(i), 10) }
	case *array.Float32:
		return func(i int) string { return strconv.FormatFloat(float64(a.Value(i)), 'g', -1, 32) }
	case *array.Float64:
		return func(i int) string { return strconv.FormatFloat(a.Value(i), 'g', -1, 64) }
	case *array.Binary:
		return func(i int) string { return hex.EncodeToString(a.Value(i)) }
	case *array.FixedSizeBinary:
		return func(i int) string { return hex.EncodeToString(a.Value(i)) }
	case *array.Date32:
		return func(i int) string { return a.Value(i).ToTime().Format(time.DateOnly) }
	default:
		return textOfTime(a, t)
	}
}

func textOfTime(a arrow.Array, t schema.Type) func(i int) string {
	fraction := ""
	if t.Precision > 0 {
		fraction = "." + strings.Repeat("0", t.Precision)
	}
	switch a := a.(type) {
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return func(i int) string { return a.Value(i).ToTime(unit).UTC().Format("15:04:05" + fraction) }
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return func(i int) string { return a.Value(i).ToTime(unit).UTC().Format("15:04:05" + fraction) }
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		layout := "2006-01-02T15:04:05" + fraction
		if t.Kind == schema.TimestampLTZ {
			layout += "Z07:00"
		}
		return func(i int) string { return a.Value(i).ToTime(unit).UTC().Format(layout) }
	default:
		return nil
	}
}
