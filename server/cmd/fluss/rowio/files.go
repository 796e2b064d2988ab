package rowio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/fluss-go/fluss/proto/errcode"
)

// parquetSource reads a Parquet file.
type parquetSource struct {
	in     *counted
	file   *file.Reader
	rows   pqarrow.RecordReader
	schema *arrow.Schema
	done   atomic.Int64
}

func damaged(path, kind string, err error) error {
	return errcode.New(errcode.InvalidArgument, err, "%s cannot be read as %s", name(path), kind)
}

func newParquet(ctx context.Context, in *counted, path string) (*parquetSource, error) {
	var at interface {
		io.ReaderAt
		io.Seeker
	}
	if in.file != nil && in.total > 0 {
		at = in.file
	} else { // the footer is at the end: a pipe has to be read whole
		b, err := io.ReadAll(in)
		if err != nil {
			return nil, damaged(path, "Parquet", err)
		}
		at = bytes.NewReader(b)
	}
	f, err := file.NewParquetReader(at)
	if err != nil {
		return nil, damaged(path, "Parquet", err)
	}
	reader, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: maxRows, Parallel: true}, memory.DefaultAllocator)
	if err != nil {
		return nil, damaged(path, "Parquet", err)
	}
	s := &parquetSource{in: in, file: f}
	if s.schema, err = reader.Schema(); err != nil {
		return nil, damaged(path, "Parquet", err)
	}
	if s.rows, err = reader.GetRecordReader(ctx, nil, nil); err != nil {
		return nil, damaged(path, "Parquet", err)
	}
	return s, nil
}

func (s *parquetSource) Next() (arrow.RecordBatch, error) {
	rec, err := s.rows.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, errcode.New(errcode.InvalidBatch, err, "the Parquet file cannot be read after row %d", s.done.Load())
	}
	s.done.Add(rec.NumRows())
	return rec, nil
}

func (s *parquetSource) Progress() (done, total int64) { return s.done.Load(), s.file.NumRows() }

func (s *parquetSource) Close() error {
	s.rows.Release()
	return s.in.Close()
}

// arrowReader is what the readers of both forms of Arrow IPC have.
type arrowReader interface {
	Schema() *arrow.Schema
	Read() (arrow.RecordBatch, error)
}

// arrowSource reads an Arrow IPC file or stream.
type arrowSource struct {
	in   *counted
	r    arrowReader
	end  func()
	rows int64
}

// bounded refuses the sizes that damaged files claim, which would end the
// process; the panic is recovered where the file is read.
type bounded struct{ memory.Allocator }

const maxAllocation = 1 << 31

func (b bounded) Allocate(n int) []byte {
	if n > maxAllocation {
		panic(fmt.Sprintf("a length of %d bytes cannot be right", n))
	}
	return b.Allocator.Allocate(n)
}

func (b bounded) Reallocate(n int, old []byte) []byte {
	if n > maxAllocation {
		panic(fmt.Sprintf("a length of %d bytes cannot be right", n))
	}
	return b.Allocator.Reallocate(n, old)
}

var arrowMagic = []byte("ARROW1")

func newArrow(in *counted, path string) (s *arrowSource, err error) {
	defer func() { // arrow-go panics on some damaged files
		if p := recover(); p != nil {
			s, err = nil, errcode.New(errcode.InvalidArgument, nil, "%s cannot be read as Arrow IPC: %v", name(path), p)
		}
	}()
	buffered := bufio.NewReaderSize(in, 256<<10)
	head, _ := buffered.Peek(len(arrowMagic))
	if !bytes.Equal(head, arrowMagic) {
		r, err := ipc.NewReader(buffered, ipc.WithAllocator(bounded{memory.DefaultAllocator}))
		if err != nil {
			return nil, damaged(path, "an Arrow IPC stream", err)
		}
		return &arrowSource{in: in, r: r, end: r.Release}, nil
	}
	var at ipc.ReadAtSeeker = in.file
	if in.file == nil || in.total == 0 {
		b, err := io.ReadAll(buffered)
		if err != nil {
			return nil, damaged(path, "an Arrow IPC file", err)
		}
		at = bytes.NewReader(b)
	}
	r, err := ipc.NewFileReader(at, ipc.WithAllocator(bounded{memory.DefaultAllocator}))
	if err != nil {
		return nil, damaged(path, "an Arrow IPC file", err)
	}
	return &arrowSource{in: in, r: r, end: func() { _ = r.Close() }}, nil
}

func (s *arrowSource) Next() (rec arrow.RecordBatch, err error) {
	defer func() {
		if p := recover(); p != nil {
			rec, err = nil, errcode.New(errcode.InvalidBatch, nil, "the Arrow data cannot be read after row %d: %v", s.rows, p)
		}
	}()
	rec, err = s.r.Read()
	if err == nil {
		s.rows += rec.NumRows()
		return rec, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	return nil, errcode.New(errcode.InvalidBatch, err, "the Arrow data cannot be read after row %d", s.rows)
}

func (s *arrowSource) Progress() (done, total int64) { return s.in.Progress() }

func (s *arrowSource) Close() error {
	s.end()
	return s.in.Close()
}
