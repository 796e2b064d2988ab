// Package rowjson reads and writes rows as JSON, one object a line.
//
// Nothing is lost on the way: DECIMAL values are strings ("12.30"; numbers are
// read too, with all their digits), 64-bit integers are exact, DATE, TIME and
// TIMESTAMP are ISO 8601 ("2026-11-22", "10:30:00", "2026-11-22T10:30:00.5",
// TIMESTAMP_LTZ with zone: "2026-11-22T10:30:00Z"), bytes are standard base64,
// floats that JSON does not know are "NaN", "Infinity" and "-Infinity". ARRAY is
// an array, ROW an object, MAP an object whose names are the keys as text.
package rowjson

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// MaxLineBytes is the longest line that is read.
const MaxLineBytes = 16 << 20

// Decoder reads rows of JSON, one object a line; empty lines are skipped. It is
// not safe for concurrent use.
type Decoder struct {
	in      *bufio.Reader
	builder *rowcodec.Builder
	line    int
	long    []byte
	// failed is the error that the next call returns, after the rows before it.
	failed error
}

// NewDecoder returns a decoder of rows with the columns.
func NewDecoder(r io.Reader, columns []schema.Field) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(r, 256<<10), builder: rowcodec.NewBuilder(rowcodec.NewShape(columns))}
}

// Next returns the next rows as a batch, at most maxRows and about maxBytes. It
// waits for one row, and adds those whose lines have been read already: so rows
// that come slowly are returned as they come. The batch need not be released and
// is valid until the next call. At the end it returns io.EOF; a bad row fails, after
// the rows before it, with INVALID_BATCH or UNKNOWN_COLUMN, naming line and column.
func (d *Decoder) Next(maxRows, maxBytes int) (arrow.RecordBatch, error) {
	d.builder.Reset()
	for d.failed == nil && d.builder.Rows() < maxRows && d.builder.Bytes() < maxBytes {
		if d.builder.Rows() > 0 && !d.lineWaits() {
			break
		}
		line, err := d.readLine()
		if len(bytes.TrimSpace(line)) > 0 {
			if rowErr := d.builder.AppendJSON(line); rowErr != nil {
				err = d.inLine(rowErr)
			}
		}
		d.failed = err
	}
	if d.builder.Rows() > 0 {
		return d.builder.Record(), nil
	}
	return nil, d.failed
}

// Line is the number of the last line that was read, from 1.
func (d *Decoder) Line() int { return d.line }

// lineWaits tells whether a whole line can be read without waiting.
func (d *Decoder) lineWaits() bool {
	b, _ := d.in.Peek(d.in.Buffered())
	return bytes.IndexByte(b, '\n') >= 0
}

// readLine returns the next line, valid until the next call, and io.EOF with the last.
func (d *Decoder) readLine() ([]byte, error) {
	d.line++
	line, err := d.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, readError(err)
	}
	d.long = append(d.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(d.long) > MaxLineBytes {
			return nil, errcode.New(errcode.RecordTooLarge, nil, "line %d is longer than %d MiB", d.line, MaxLineBytes>>20).With("row", d.line)
		}
		line, err = d.in.ReadSlice('\n')
		d.long = append(d.long, line...)
	}
	return d.long, readError(err)
}

func readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return errcode.New(errcode.InvalidArgument, err, "the rows cannot be read")
}

func (d *Decoder) inLine(err error) error {
	e := errcode.From(err)
	out := errcode.New(e.Code, nil, "line %d: %s", d.line, e.Message)
	for name, value := range e.Facts {
		_ = out.With(name, value)
	}
	return out.With("row", d.line)
}
