package rowio

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// First returns rec with the column of that name first, or as it is when there
// is none. The caller releases what is returned; rec stays the caller's.
func First(rec arrow.RecordBatch, name string) arrow.RecordBatch {
	at := indexOf(rec.Schema(), name)
	if at <= 0 {
		rec.Retain()
		return rec
	}
	return array.NewRecordBatch(FirstField(rec.Schema(), name), toFront(rec.Columns(), at), rec.NumRows())
}

// FirstField returns s with the field of that name first, or s when there is none.
func FirstField(s *arrow.Schema, name string) *arrow.Schema {
	at := indexOf(s, name)
	if at <= 0 {
		return s
	}
	metadata := s.Metadata()
	return arrow.NewSchema(toFront(s.Fields(), at), &metadata)
}

// Project returns the columns of rec that have the names, in that order; the
// first that is missing is returned as well. The caller releases the record.
func Project(rec arrow.RecordBatch, names []string) (out arrow.RecordBatch, missing string) {
	fields := make([]arrow.Field, len(names))
	columns := make([]arrow.Array, len(names))
	for i, name := range names {
		at := indexOf(rec.Schema(), name)
		if at < 0 {
			return nil, name
		}
		fields[i], columns[i] = rec.Schema().Field(at), rec.Column(at)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rec.NumRows()), ""
}

// indexOf is where a column is; -1 when there is none.
func indexOf(s *arrow.Schema, name string) int {
	return slices.IndexFunc(s.Fields(), func(f arrow.Field) bool { return f.Name == name })
}

// toFront returns a copy of s with item at first.
func toFront[T any](s []T, at int) []T {
	return append(append([]T{s[at]}, s[:at]...), s[at+1:]...)
}
