package sdk

import (
	"context"
	"errors"
	"io"
	"iter"
	"reflect"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// Rows reads the rows of a scan as values of T: a struct with `fluss:"column"`
// tags, or map[string]any. Columns without field are skipped. The sequence ends
// with the scan, or after it yielded an error; fields that cannot be null fail
// with INVALID_ARGUMENT at a null. Values stay valid for ever. The scanner stays
// open, and rows of the current batch that were not taken are not given again.
func Rows[T any](ctx context.Context, s *Scanner) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			b, err := s.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			ok := yieldRows(b, yield)
			b.Release()
			if !ok {
				return
			}
		}
	}
}

// BatchRows reads the rows of one batch as Rows does. The batch stays the caller's.
func BatchRows[T any](b *Batch) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yieldRows(b, yield) }
}

// yieldRows reports whether to go on.
func yieldRows[T any](b *Batch, yield func(T, error) bool) bool {
	var zero T
	r, err := b.readers.reader(b.Record.Schema(), reflect.TypeFor[T]())
	if err != nil {
		yield(zero, err)
		return false
	}
	for i := range int(b.Record.NumRows()) {
		var row T
		if err := r.Read(b.Record, i, unsafe.Pointer(&row)); err != nil {
			yield(zero, err)
			return false
		}
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// readerCache keeps the reader of the last schema and type of a scan. Only the
// goroutine that calls Next uses it; nil is fine.
type readerCache struct {
	schema *arrow.Schema
	typ    reflect.Type
	last   *rowcodec.Reader
}

func (c *readerCache) reader(s *arrow.Schema, t reflect.Type) (*rowcodec.Reader, error) {
	if c != nil && c.schema == s && c.typ == t {
		return c.last, nil
	}
	r, err := rowcodec.NewReader(s, t)
	if err == nil && c != nil {
		c.schema, c.typ, c.last = s, t, r
	}
	return r, err
}
