package rpc

import (
	"bytes"

	"google.golang.org/grpc/mem"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/row"
	"github.com/fluss-go/fluss/server/tablet"
)

// rowsAdapter gives the rows of a tablet's bucket the shape of flight.Rows.
type rowsAdapter struct {
	*tablet.Rows
	table   ids.TableID
	formats *formats
}

var _ flight.Rows = rowsAdapter{}

// Scan implements flight.Rows.
func (r rowsAdapter) Scan(scan flight.RowScan) (flight.RowCursor, error) {
	from := scan.From
	if scan.After != nil {
		if next := append(bytes.Clone(scan.After), 0); bytes.Compare(next, from) > 0 { // the first key above
			from = next
		}
	}
	it, err := r.Iterate(from, scan.To)
	if err != nil {
		return nil, err
	}
	// Rows may lack values of columns that came later, NOT NULL or not.
	want := nullable(scan.Schema.Columns)
	return &rowCursor{
		rows: it, schema: scan.Schema.ID, layout: batch.NewLayout(scan.Schema.Columns),
		collector: row.NewCollector(want), encoder: batch.NewEncoder(batch.NewLayout(want), batch.EncoderOptions{}),
		formats: tableFormats{formats: r.formats, table: r.table},
	}, nil
}

// rowCursor turns rows into batches. It is for one goroutine.
type rowCursor struct {
	rows      *tablet.RowIterator
	schema    ids.SchemaID
	layout    *batch.Layout
	collector *row.Collector
	encoder   *batch.Encoder
	formats   tableFormats
	key       []byte // of the last row added
	// hint is about the size of the next batch.
	hint int
}

var _ flight.RowCursor = (*rowCursor)(nil)

// smallestRowBatch is the memory that a batch of rows starts with.
const smallestRowBatch = 32 << 10

// Next implements flight.RowCursor.
func (c *rowCursor) Next(maxRows, maxBytes int) (flight.Batch, []byte, error) {
	for c.collector.Rows() < maxRows && c.collector.Bytes() < int64(maxBytes) && c.rows.Next() {
		if err := c.formats.collect(c.collector, c.rows.Row()); err != nil {
			return nil, nil, err
		}
		c.key = append(c.key[:0], c.rows.Key()...)
	}
	if err := c.rows.Err(); err != nil {
		return nil, nil, err
	}
	if c.collector.Rows() == 0 {
		return nil, nil, nil
	}
	b, err := c.encode()
	if err != nil {
		return nil, nil, err
	}
	return b, c.key, nil
}

func (c *rowCursor) encode() (*rowBatch, error) {
	rec := c.collector.Record()
	defer rec.Release()
	pooled := codec.Buffers.Get(max(c.hint, smallestRowBatch))
	encoded, err := c.encoder.Encode((*pooled)[:0], rec, batch.EncodeInfo{SchemaID: c.schema})
	if err != nil {
		codec.Buffers.Put(pooled)
		return nil, err
	}
	if cap(encoded) != cap(*pooled) { // it did not fit
		codec.Buffers.Put(pooled)
		pooled = &encoded
	}
	*pooled = encoded
	c.hint = len(encoded) + len(encoded)/16
	b := &rowBatch{bytes: encoded, buf: mem.NewBuffer(pooled, codec.Buffers)}
	if b.view, err = batch.ParseView(encoded, c.layout); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// Close implements flight.RowCursor.
func (c *rowCursor) Close() {
	if c.collector.Rows() > 0 {
		c.collector.Record().Release()
	}
	c.rows.Close()
}

// rowBatch is a batch of rows in pooled memory. Its parts may outlive it.
type rowBatch struct {
	view  batch.View
	bytes []byte
	buf   mem.Buffer
}

var _ flight.Batch = (*rowBatch)(nil)

// View implements flight.Batch.
func (b *rowBatch) View() *batch.View { return &b.view }

// ReadColumns implements flight.Batch.
func (b *rowBatch) ReadColumns(cols []int) (mem.BufferSlice, error) {
	h := b.view.Header()
	body := h.HeadBytes()
	if cols == nil {
		return mem.BufferSlice{b.buf.Slice(body, len(b.bytes))}, nil
	}
	out := make(mem.BufferSlice, 0, len(cols))
	for _, c := range cols {
		if c < 0 || c >= b.view.Columns() {
			out.Free()
			return nil, errcode.New(errcode.InvalidProjection, nil, "column %d was asked of a batch that has %d", c, b.view.Columns())
		}
		off, n := b.view.ColumnRange(c)
		out = append(out, b.buf.Slice(body+int(off), body+int(off+n)))
	}
	return out, nil
}

// Release implements flight.Batch.
func (b *rowBatch) Release() {
	if b.buf != nil {
		b.buf.Free()
		b.buf = nil
	}
}
