package rowio

import (
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

// oneRow is a source of a single row.
type oneRow struct {
	build *rowjson.TextBuilder
	given bool
}

// OneRow returns a source of one row, whose values are texts for the columns, in
// the forms that CSV has. A text that does not fit fails with INVALID_BATCH,
// naming the column.
func OneRow(columns []schema.Field, texts []string) (Source, error) {
	s := &oneRow{build: rowjson.NewTextBuilder(columns)}
	if err := s.build.Append(1, texts, func(int) bool { return false }); err != nil {
		e := errcode.From(err)
		e.Message = strings.TrimPrefix(e.Message, "row 1: ") // there is but one
		return nil, e
	}
	return s, nil
}

func (s *oneRow) Next() (arrow.RecordBatch, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return s.build.Record(), nil
}

func (s *oneRow) Progress() (done, total int64) { return 0, 0 }
func (s *oneRow) Close() error                  { return nil }
