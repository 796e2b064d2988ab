package rowio

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

// nestedCSV reads CSV of a table that has ARRAY, MAP or ROW columns, whose values
// are JSON: each record is turned into a line of JSON, and that is decoded.
type nestedCSV struct {
	*csvSource
	d *rowjson.Decoder
	// line is the rest of the line being handed to the decoder.
	line []byte
}

func newNestedCSV(s *csvSource) *nestedCSV {
	n := &nestedCSV{csvSource: s}
	n.d = rowjson.NewDecoder(n, s.columns)
	return n
}

// Next implements Source.
func (n *nestedCSV) Next() (arrow.RecordBatch, error) {
	rec, err := n.d.Next(maxRows, maxBytes)
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return rec, err
	case n.failed != nil && !errors.Is(n.failed, io.EOF):
		return nil, n.failed // what the decoder calls a failed read
	}
	e := errcode.From(err)
	e.Message = strings.Replace(e.Message, "line ", "row ", 1) // a line a row
	return nil, e
}

// Read gives the decoder the next record as a line of JSON.
func (n *nestedCSV) Read(p []byte) (int, error) {
	if len(n.line) == 0 {
		if n.failed = n.record(); n.failed != nil {
			return 0, n.failed
		}
		if n.failed = n.encode(); n.failed != nil {
			return 0, n.failed
		}
	}
	c := copy(p, n.line)
	n.line = n.line[c:]
	return c, nil
}

func (n *nestedCSV) encode() error {
	line := append(n.line[:0], '{')
	for i, c := range n.columns {
		if i > 0 {
			line = append(line, ',')
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		line = append(append(line, name...), ':')
		switch {
		case n.nulls[i]:
			line = append(line, "null"...)
		case c.Type.Kind.Nested():
			if !json.Valid([]byte(n.texts[i])) {
				return errcode.New(errcode.InvalidBatch, nil, "row %d: column %s: the value is no JSON", n.rows, c).With("row", n.rows).With("column", c.Name)
			}
			line = append(line, strings.ReplaceAll(n.texts[i], "\n", " ")...)
		default:
			text, err := json.Marshal(n.texts[i])
			if err != nil {
				return err
			}
			line = append(line, text...)
		}
	}
	n.line = append(line, "}\n"...)
	return nil
}
