package sdk

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// writeBatch is some rows of one bucket on their way to the server. It is open
// (collects rows in builder), then closed and encoded, then in flight, then
// settled. Except for done and what is read after it, the bucket's mu guards it.
type writeBatch struct {
	bucket  *bucketWriter
	version *writerVersion
	// builder has the rows until they are encoded.
	builder *rowcodec.Builder
	// types are the change types of the rows; nil as long as none is to be deleted.
	types []byte
	rows  int
	// bytes are what the rows took of the budget.
	bytes int
	// runs tell whose the rows are, in order.
	runs []run

	opened, closed time.Time
	// flushed is set when a linger is not to be waited for.
	flushed bool
	// encoding: a goroutine is turning the builder into data, outside mu.
	encoding bool
	// data is the encoded batch, in buf when that has room for it.
	data []byte
	buf  *[]byte

	// sequenced tells that writer and sequence are given and in data.
	sequenced bool
	writer    ids.WriterID
	sequence  ids.Sequence
	sends     int
	sentAt    time.Time
	// uncertain: a send was lost with its connection, and may have been written.
	uncertain bool
	// refused is the answer to the last send; nil while it is awaited.
	refused *errcode.Error
	// schemaRefused counts UNKNOWN_SCHEMA answers.
	schemaRefused int

	// done is closed when base or failure is set.
	done      chan struct{}
	base, end ids.Offset
	failure   *errcode.Error
}

// run is consecutive rows of one writer.
type run struct {
	writer *writer
	rows   int
}

func (b *writeBatch) add(a *writer, rows, bytes int) {
	b.rows += rows
	b.bytes += bytes
	if n := len(b.runs); n > 0 && b.runs[n-1].writer == a {
		b.runs[n-1].rows += rows
	} else {
		b.runs = append(b.runs, run{a, rows})
	}
}

// mark books whether the next rows are to be deleted; add comes after it.
func (b *writeBatch) mark(rows int, remove bool) {
	if !b.version.marks() || !remove && b.types == nil {
		return
	}
	for len(b.types) < b.rows {
		b.types = append(b.types, byte(batch.Insert))
	}
	kind := batch.Insert
	if remove {
		kind = batch.Delete
	}
	for range rows {
		b.types = append(b.types, byte(kind))
	}
}

func (b *writeBatch) has(a *writer) bool {
	for i := range b.runs {
		if b.runs[i].writer == a {
			return true
		}
	}
	return false
}

// encodeSlack is added to the size of the rows to make room for the head of a batch.
const encodeSlack = 8 << 10

// encode turns the rows in rec, or in the builder when rec is nil, into the bytes of a batch.
func (b *writeBatch) encode(rec arrow.RecordBatch) *errcode.Error {
	if rec == nil {
		rec = b.builder.Record()
		defer rec.Release()
	}
	encoding := &b.version.plain
	if b.types != nil {
		encoding = &b.version.marked
		rec = b.version.withTypes(rec, b.types)
		defer rec.Release()
	}
	e := encoding.encoders.Get().(*batch.Encoder)
	defer encoding.encoders.Put(e)
	buf := codec.Buffers.Get(b.bytes + b.bytes/8 + encodeSlack)
	data, err := e.Encode((*buf)[:0], rec, batch.EncodeInfo{SchemaID: b.version.schema.ID})
	if err == nil {
		if limit := b.bucket.w.c.hello.GetMaxBatchBytes(); limit > 0 && int64(len(data)) > limit {
			err = errcode.New(errcode.RecordTooLarge, nil, "%d rows make a batch of %d bytes and the server takes %d",
				b.rows, len(data), limit).With("bytes", len(data)).With("limit", limit)
		}
	}
	if err != nil {
		codec.Buffers.Put(buf)
		return errcode.From(err)
	}
	if cap(*buf) >= len(data) && len(data) > 0 && &(*buf)[:1][0] == &data[0] {
		b.buf = buf
	} else {
		codec.Buffers.Put(buf)
	}
	if b.builder != nil {
		b.version.free(b.builder)
		b.builder = nil
	}
	b.data = data
	return nil
}

// number writes writer and sequence into the batch's header.
func (b *writeBatch) number(w ids.WriterID, s ids.Sequence) {
	b.writer, b.sequence, b.sequenced = w, s, true
	h, err := batch.ParseHeader(b.data)
	if err != nil {
		return // we encoded it ourselves; the server refuses what is wrong
	}
	h.WriterID, h.Sequence = w, s
	batch.PutHeader(b.data, h)
}

// ack tells of rows of the batch once it is settled.
func (b *writeBatch) ack(first, rows int) Ack {
	a := Ack{Bucket: b.bucket.id, Base: b.base, End: b.end, rows: rows}
	if !b.version.writes.keyed() {
		a.Base += ids.Offset(first)
		a.End = a.Base + ids.Offset(rows)
	}
	return a
}

// fail ends a batch that was not written.
func (b *writeBatch) fail(e *errcode.Error) { b.settle(0, 0, e) }

// settle ends the batch: frees its memory, tells waiters, writers and hooks. The
// bucket's mu must not be held.
func (b *writeBatch) settle(base, end ids.Offset, failure *errcode.Error) {
	b.base, b.end, b.failure = base, end, failure
	size := len(b.data)
	if b.buf != nil && b.sends == 1 && !b.uncertain && failure == nil {
		// It was sent once and answered: nothing reads it any more.
		codec.Buffers.Put(b.buf)
	}
	b.data, b.buf, b.types = nil, nil, nil
	if b.builder != nil {
		b.version.free(b.builder)
		b.builder = nil
	}
	c := b.bucket.w.c
	c.budget.give(b.bytes)
	first := 0
	for _, r := range b.runs {
		r.writer.settled(b.ack(first, r.rows), failure)
		first += r.rows
	}
	c.opts.hooks.BatchDone(b.bucket.id, b.rows, size, time.Since(b.closed), failure)
	close(b.done) // last, so that who waited finds all told
}
