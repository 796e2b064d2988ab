package rowio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

// cell is one value of a CSV record. What is not quoted and empty is a null,
// what is quoted and empty the empty string: encoding/csv cannot tell the two.
type cell struct {
	text   string
	quoted bool
}

// maxRecordBytes bounds one CSV record, so that a lost quote does not eat the memory.
const maxRecordBytes = 16 << 20

// csvReader reads RFC 4180 records: commas, quotes doubled inside quotes, lines
// that end in \n or \r\n, quoted values that span lines.
type csvReader struct {
	in    *bufio.Reader
	line  int
	cells []cell
	// emptyIsNull tells that an empty line is a record: of a single column that may be null.
	emptyIsNull bool
}

// next returns the next record, valid until the next call, and the line it
// starts on. Empty lines are skipped unless they are records. At the end it
// returns io.EOF.
func (r *csvReader) next() (cells []cell, line int, err error) {
	for {
		text, err := r.record()
		if err != nil {
			return nil, r.line, err
		}
		line = r.line - bytes.Count(text, []byte{'\n'}) + 1
		if text = bytes.TrimRight(text, "\r\n"); len(text) > 0 || r.emptyIsNull {
			cells, err = r.split(text, line)
			return cells, line, err
		}
	}
}

// record reads whole lines until all quotes are closed.
func (r *csvReader) record() ([]byte, error) {
	var record []byte
	quotes := 0
	for {
		part, err := r.in.ReadSlice('\n')
		record = append(record, part...)
		quotes += bytes.Count(part, []byte{'"'})
		if len(record) > maxRecordBytes {
			return nil, errcode.New(errcode.InvalidBatch, nil, "line %d: the record is longer than %d MiB; is a quote not closed?", r.line+1, maxRecordBytes>>20)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			if len(record) == 0 {
				return nil, io.EOF
			}
			if quotes%2 != 0 {
				return nil, errcode.New(errcode.InvalidBatch, nil, "line %d: a quote is not closed", r.line+1)
			}
			r.line += max(1, bytes.Count(record, []byte{'\n'}))
			return append(record, '\n'), nil
		case err != nil:
			return nil, errcode.New(errcode.InvalidArgument, err, "the rows cannot be read")
		case quotes%2 == 0:
			r.line += bytes.Count(record, []byte{'\n'})
			return record, nil
		}
	}
}

func (r *csvReader) split(text []byte, line int) ([]cell, error) {
	r.cells = r.cells[:0]
	for {
		var c cell
		var rest []byte
		if len(text) > 0 && text[0] == '"' {
			value, after, ok := unquote(text[1:])
			if !ok || len(after) > 0 && after[0] != ',' {
				return nil, errcode.New(errcode.InvalidBatch, nil, "line %d, value %d: text after the closing quote; want a comma", line, len(r.cells)+1)
			}
			c, rest = cell{value, true}, after
		} else {
			at := bytes.IndexByte(text, ',')
			if at < 0 {
				at = len(text)
			}
			if bytes.IndexByte(text[:at], '"') >= 0 {
				return nil, errcode.New(errcode.InvalidBatch, nil, "line %d, value %d: a quote inside a value that does not start with one", line, len(r.cells)+1)
			}
			c, rest = cell{string(text[:at]), false}, text[at:]
		}
		r.cells = append(r.cells, c)
		if len(rest) == 0 {
			return r.cells, nil
		}
		text = rest[1:]
	}
}

// unquote reads up to the closing quote.
func unquote(text []byte) (value string, rest []byte, ok bool) {
	var b strings.Builder
	for {
		at := bytes.IndexByte(text, '"')
		if at < 0 {
			return "", nil, false
		}
		b.Write(text[:at])
		text = text[at+1:]
		if len(text) == 0 || text[0] != '"' {
			return b.String(), text, true
		}
		b.WriteByte('"')
		text = text[1:]
	}
}

// csvSource reads CSV into the table's columns.
type csvSource struct {
	*counted
	r       csvReader
	build   *rowjson.TextBuilder
	columns []schema.Field
	null    string
	// place[i] is the column that value i of a record goes to.
	place []int
	texts []string
	nulls []bool
	rows  int
	// line is where the last row starts.
	line int
	// failed is what the next call returns, after the rows before it.
	failed error
}

func newCSV(in *counted, path string, o Options) (Source, error) {
	s, err := newFlatCSV(in, path, o)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(o.Columns, func(c schema.Field) bool { return c.Type.Kind.Nested() }) {
		return newNestedCSV(s), nil
	}
	return s, nil
}

func newFlatCSV(in *counted, path string, o Options) (*csvSource, error) {
	s := &csvSource{
		counted: in, columns: o.Columns, null: o.Null,
		r:     csvReader{in: bufio.NewReaderSize(in, 256<<10)},
		build: rowjson.NewTextBuilder(o.Columns),
		texts: make([]string, len(o.Columns)), nulls: make([]bool, len(o.Columns)),
	}
	if o.NoHeader {
		for i := range o.Columns {
			s.place = append(s.place, i)
		}
		s.single()
		return s, nil
	}
	head, _, err := s.r.next()
	if errors.Is(err, io.EOF) {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%s is empty: want a first line with the names of the columns", name(path))
	}
	if err != nil {
		return nil, err
	}
	if err := s.readHead(head); err != nil {
		return nil, err
	}
	s.single()
	return s, nil
}

// single tells the reader of records of one column what an empty line is.
func (s *csvSource) single() {
	s.r.emptyIsNull = len(s.place) == 1 && s.columns[s.place[0]].Type.Nullable
}

func (s *csvSource) readHead(head []cell) error {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.Name
	}
	for i, c := range head {
		text := strings.TrimSpace(c.text)
		if i == 0 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		at := slices.Index(names, text)
		if at < 0 && !slices.ContainsFunc(head, func(c cell) bool { return slices.Contains(names, strings.TrimSpace(c.text)) }) {
			return errcode.New(errcode.UnknownColumn, nil, "line 1 names no column of the table, which has %s: if it is a row, say --no-header",
				strings.Join(names, ", ")).With("column", text)
		}
		if at < 0 {
			return errcode.New(errcode.UnknownColumn, nil, "line 1 names the column %q, which the table does not have%s", text, schema.Suggest(text, names)).With("column", text)
		}
		if slices.Contains(s.place, at) {
			return errcode.New(errcode.InvalidBatch, nil, "line 1 names the column %q twice", text)
		}
		s.place = append(s.place, at)
	}
	for i, c := range s.columns {
		if !c.Type.Nullable && !slices.Contains(s.place, i) {
			return errcode.New(errcode.InvalidBatch, nil, "line 1 lacks column %s, which is NOT NULL", c.Name).With("column", c.Name)
		}
	}
	return nil
}

// Next implements Source.
func (s *csvSource) Next() (arrow.RecordBatch, error) {
	s.build.Reset()
	for s.failed == nil && s.build.Rows() < maxRows && s.build.Bytes() < maxBytes {
		if s.build.Rows() > 0 && s.r.in.Buffered() == 0 && s.total == 0 {
			break // from a pipe: what has come is sent before more is waited for
		}
		s.failed = s.add()
	}
	if s.build.Rows() > 0 {
		return s.build.Record(), nil
	}
	return nil, s.failed
}

func (s *csvSource) add() error {
	if err := s.record(); err != nil {
		return err
	}
	err := s.build.Append(s.rows, s.texts, func(i int) bool { return s.nulls[i] })
	if err == nil {
		return nil
	}
	e := errcode.From(err)
	row := fmt.Sprintf("row %d", s.rows)
	e.Message = strings.Replace(e.Message, row, fmt.Sprintf("%s (line %d)", row, s.line), 1)
	return e
}

// record reads the next record into texts and nulls.
func (s *csvSource) record() error {
	cells, line, err := s.r.next()
	if err != nil {
		return err
	}
	s.rows++
	s.line = line
	if len(cells) != len(s.place) {
		return errcode.New(errcode.InvalidBatch, nil, "row %d (line %d): %d values, want %d", s.rows, line, len(cells), len(s.place)).With("row", s.rows)
	}
	for i := range s.columns {
		s.texts[i], s.nulls[i] = "", true
	}
	for i, c := range cells {
		at := s.place[i]
		s.texts[at] = c.text
		s.nulls[at] = !c.quoted && (c.text == "" || s.null != "" && c.text == s.null)
		if t := s.columns[at].Type; s.nulls[at] && c.text == "" && !t.Nullable && t.Kind == schema.String {
			return errcode.New(errcode.InvalidBatch, nil, "row %d (line %d): column %s is NOT NULL, and nothing between the commas is a null: write \"\" for the empty text",
				s.rows, line, s.columns[at].Name).With("row", s.rows).With("column", s.columns[at].Name)
		}
	}
	return nil
}
