package rowio

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

// Source gives rows batch by batch. It is not safe for concurrent use, but for Progress.
type Source interface {
	// Next returns the next rows, valid until the next call, or io.EOF at the end.
	// From a pipe it returns rows as they come. Errors name row and column.
	Next() (arrow.RecordBatch, error)
	// Progress tells how much was read of how much, in one unit; total is 0 when not known.
	Progress() (done, total int64)
	// Close frees what Next returned and closes the file.
	Close() error
}

// Options say how to read.
type Options struct {
	// Columns are the table's, for formats that have no types of their own.
	Columns []schema.Field
	// Null is the text that, without quotes, stands for null in CSV, besides nothing at all.
	Null string
	// NoHeader tells that CSV starts with a row; its values are those of the columns, in order.
	NoHeader bool
}

// Rows and bytes that a batch holds at most.
const (
	maxRows  = 16 << 10
	maxBytes = 1 << 20
)

// Open opens the file at path, "-" being stdin, for reading rows. It fails with
// INVALID_ARGUMENT (no such file, no such format, damaged).
func Open(ctx context.Context, path string, f Format, stdin io.Reader, o Options) (Source, error) {
	if path == "-" {
		return open(ctx, &counted{r: stdin}, path, f, o)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, notOpened(path, err)
	}
	in := &counted{r: file, file: file}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		in.total = info.Size()
	}
	s, err := open(ctx, in, path, f, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

func notOpened(path string, err error) error {
	reason := err
	if e, ok := errors.AsType[*os.PathError](err); ok {
		reason = e.Err
	}
	return errcode.New(errcode.InvalidArgument, err, "%s cannot be opened: %v", path, reason)
}

func open(ctx context.Context, in *counted, path string, f Format, o Options) (Source, error) {
	switch f {
	case CSV:
		return newCSV(in, path, o)
	case JSON:
		return &jsonSource{in: in, d: rowjson.NewDecoder(in, o.Columns)}, nil
	case Parquet:
		return newParquet(ctx, in, path)
	case Arrow:
		return newArrow(in, path)
	case Table:
	}
	return nil, errcode.New(errcode.InvalidArgument, nil, "the format %q cannot be read", f)
}

// counted counts what is read of a file or stdin.
type counted struct {
	r     io.Reader
	file  *os.File // nil for stdin, which is not ours to close
	total int64
	done  atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done.Add(int64(n))
	return n, err
}

func (c *counted) Progress() (done, total int64) { return c.done.Load(), c.total }

func (c *counted) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

type jsonSource struct {
	in *counted
	d  *rowjson.Decoder
}

func (s *jsonSource) Next() (arrow.RecordBatch, error) { return s.d.Next(maxRows, maxBytes) }
func (s *jsonSource) Progress() (done, total int64)    { return s.in.Progress() }
func (s *jsonSource) Close() error                     { return s.in.Close() }
