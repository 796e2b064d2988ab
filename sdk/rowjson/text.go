package rowjson

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// TextBuilder collects rows whose values are texts, as of CSV, in the forms that
// AppendText writes. It is not safe for concurrent use.
type TextBuilder struct{ builder *rowcodec.Builder }

// NewTextBuilder returns an empty builder of rows with the columns.
func NewTextBuilder(columns []schema.Field) *TextBuilder {
	return &TextBuilder{rowcodec.NewBuilder(rowcodec.NewShape(columns))}
}

// Append adds a row of one text for each column, in order; where null(i) is true
// it is a null. A row that fails adds nothing; row, its number, is named in the
// error with the column: INVALID_BATCH.
func (t *TextBuilder) Append(row int, texts []string, null func(i int) bool) error {
	err := t.builder.AppendTexts(texts, null)
	if err == nil {
		return nil
	}
	e := errcode.From(err)
	out := errcode.New(e.Code, nil, "row %d: %s", row, e.Message)
	for name, value := range e.Facts {
		_ = out.With(name, value)
	}
	return out.With("row", row)
}

// Rows is the number of rows, Bytes their size.
func (t *TextBuilder) Rows() int { return t.builder.Rows() }

// Bytes is the size of the rows before compression.
func (t *TextBuilder) Bytes() int { return t.builder.Bytes() }

// Record returns the rows as a batch that is valid until the builder is next changed.
func (t *TextBuilder) Record() arrow.RecordBatch { return t.builder.Record() }

// Reset drops the rows and keeps the memory.
func (t *TextBuilder) Reset() { t.builder.Reset() }
