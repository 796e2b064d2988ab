package rowio

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

// Sink writes rows. It is not safe for concurrent use.
type Sink interface {
	// Write writes the rows of a batch, which stays the caller's.
	Write(rec arrow.RecordBatch) error
	// Flush makes what was written visible, as far as the format can.
	Flush() error
	// Close ends the output and flushes it. It does not close the writer below.
	Close() error
}

// NewSink returns a sink of rows of the schema in the format.
func NewSink(w io.Writer, f Format, s *arrow.Schema) (Sink, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	switch f {
	case Table:
		return newTable(out, s), nil
	case JSON:
		return &jsonSink{out: out, e: rowjson.NewEncoder(s)}, nil
	case CSV:
		return newCSVSink(out, s), nil
	case Arrow:
		return &arrowSink{out: out, w: ipc.NewWriter(out, ipc.WithSchema(s))}, nil
	case Parquet:
		props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd))
		p, err := pqarrow.NewFileWriter(s, out, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
		if err != nil {
			return nil, errcode.New(errcode.Unsupported, err, "these columns cannot be written as Parquet")
		}
		return &parquetSink{out: out, w: p}, nil
	}
	return nil, errcode.New(errcode.InvalidArgument, nil, "the format %q cannot be written", f)
}

type jsonSink struct {
	out  *bufio.Writer
	e    *rowjson.Encoder
	line []byte
}

func (s *jsonSink) Write(rec arrow.RecordBatch) error {
	for i := range int(rec.NumRows()) {
		s.line = append(s.e.AppendRow(s.line[:0], rec, i), '\n')
		if _, err := s.out.Write(s.line); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonSink) Flush() error { return s.out.Flush() }
func (s *jsonSink) Close() error { return s.out.Flush() }

type csvSink struct {
	out  *bufio.Writer
	line []byte
	text []byte
}

func newCSVSink(out *bufio.Writer, s *arrow.Schema) *csvSink {
	c := &csvSink{out: out}
	for i, f := range s.Fields() {
		c.cell(i, []byte(f.Name), false)
	}
	c.line = append(c.line, '\n')
	_, _ = out.Write(c.line) // bufio keeps the error for the next write
	return c
}

// cell adds a value to the line; an empty text is quoted, since nothing is a null.
func (s *csvSink) cell(i int, text []byte, null bool) {
	if i > 0 {
		s.line = append(s.line, ',')
	}
	switch {
	case null:
	case len(text) == 0 || strings.ContainsAny(string(text), ",\"\r\n"):
		s.line = append(s.line, '"')
		for _, b := range text {
			if b == '"' {
				s.line = append(s.line, '"')
			}
			s.line = append(s.line, b)
		}
		s.line = append(s.line, '"')
	default:
		s.line = append(s.line, text...)
	}
}

func (s *csvSink) Write(rec arrow.RecordBatch) error {
	for i := range int(rec.NumRows()) {
		s.line = s.line[:0]
		for c := range int(rec.NumCols()) {
			col := rec.Column(c)
			s.text = rowjson.AppendText(s.text[:0], col, i)
			s.cell(c, s.text, col.IsNull(i))
		}
		s.line = append(s.line, '\n')
		if _, err := s.out.Write(s.line); err != nil {
			return err
		}
	}
	return nil
}

func (s *csvSink) Flush() error { return s.out.Flush() }
func (s *csvSink) Close() error { return s.out.Flush() }

type arrowSink struct {
	out *bufio.Writer
	w   *ipc.Writer
}

func (s *arrowSink) Write(rec arrow.RecordBatch) error { return s.w.Write(rec) }
func (s *arrowSink) Flush() error                      { return s.out.Flush() }
func (s *arrowSink) Close() error                      { return errors.Join(s.w.Close(), s.out.Flush()) }

type parquetSink struct {
	out *bufio.Writer
	w   *pqarrow.FileWriter
}

func (s *parquetSink) Write(rec arrow.RecordBatch) error { return s.w.WriteBuffered(rec) }
func (s *parquetSink) Flush() error                      { return nil }
func (s *parquetSink) Close() error                      { return errors.Join(s.w.Close(), s.out.Flush()) }
