package project

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Accepts reports whether a column of the type column can take values of given,
// as they are or widened. Whether values may be null is not looked at.
func Accepts(column, given schema.Type) bool {
	isText := func(k schema.Kind) bool { return k == schema.Char || k == schema.String }
	switch {
	case isText(column.Kind) && isText(given.Kind):
		return true
	case column.Kind != given.Kind:
		return convertible(given, column) && !sameForm(given, column)
	case !convertible(given, column):
		return false
	}
	switch column.Kind { //nolint:exhaustive // the others have no parameters
	case schema.Decimal:
		return column.Scale == given.Scale && column.Precision >= given.Precision
	case schema.Time, schema.Timestamp, schema.TimestampLTZ:
		return schema.TimeUnit(column.Precision) == schema.TimeUnit(given.Precision)
	case schema.Binary:
		return column.Length == given.Length
	}
	for i := range column.Fields {
		if !Accepts(column.Fields[i].Type, given.Fields[i].Type) || column.Kind == schema.Row && column.Fields[i].Name != given.Fields[i].Name {
			return false
		}
	}
	return true
}

// Conform returns the columns of rec, which are given, as the columns table:
// column i is rec's column sources[i], which Accepts has taken, or null for -1.
// s is the Arrow schema of table. The result shares rec's memory and keeps it.
func Conform(rec arrow.RecordBatch, given, table []schema.Field, sources []int, s *arrow.Schema) (arrow.RecordBatch, error) {
	n := int(rec.NumRows())
	columns := make([]arrow.Array, 0, len(table))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, source := range sources {
		if source == missing {
			columns = append(columns, array.MakeFromData(nullArray(table[i].Type, n)))
			continue
		}
		data, ok := widened(rec.Column(source).Data(), given[source].Type, table[i].Type)
		if !ok {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q cannot take the values sent for it", table[i].Name)
		}
		data = retyped(data, table[i].Type.Arrow())
		columns = append(columns, array.MakeFromData(data))
		data.Release()
	}
	return array.NewRecordBatch(s, columns, rec.NumRows()), nil
}

// retyped returns d under the type t, which lies in memory in the same way. The
// result is the caller's to release.
func retyped(d arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return array.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	}
	var children []arrow.ArrayData
	for i, f := range nested.Fields() {
		child := retyped(d.Children()[i], f.Type)
		defer child.Release() // the new parent keeps it
		children = append(children, child)
	}
	return array.NewData(t, d.Len(), d.Buffers(), children, d.NullN(), d.Offset())
}
