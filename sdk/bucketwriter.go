package sdk

import (
	"slices"
	"sync"
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// bucketWriter orders the batches of one bucket: rows collect in open, closed
// batches wait in queue, sent ones in flight until they are answered.
//
// Batches in flight of one writer have consecutive sequences, and the server
// takes them only in that order. So once one is refused, those behind it are
// refused as well, and nothing is sent until all are answered (halted).
type bucketWriter struct {
	w  *tableWriter
	id ids.Bucket

	mu       sync.Mutex
	open     *writeBatch
	queue    []*writeBatch
	inflight []*writeBatch
	writer   ids.WriterID
	next     ids.Sequence
	halted   bool
	// scheduled: a sender has this bucket on its list.
	scheduled bool
	// linger is running for the open batch.
	lingering bool
	pauses    backoff
	// dead is why nothing can be written any more.
	dead *errcode.Error
}

func newBucketWriter(w *tableWriter, id ids.Bucket) *bucketWriter {
	return &bucketWriter{w: w, id: id, writer: w.writerID, pauses: w.c.opts.backoff()}
}

// smallRecord is the size of an Arrow batch below which its rows are copied to
// those of others instead of making a batch of its own.
const smallRecord = 32 << 10

// openFor returns the open batch for rows of version v; mu is held.
func (bw *bucketWriter) openFor(v *writerVersion) (*writeBatch, *errcode.Error) {
	if bw.dead != nil {
		return nil, bw.dead
	}
	if bw.open != nil && bw.open.version != v {
		bw.closeOpen()
	}
	if bw.open == nil {
		bw.open = &writeBatch{bucket: bw, version: v, builder: v.builder(), done: make(chan struct{}), opened: time.Now()}
	}
	return bw.open, nil
}

// closeOpen moves the open batch to the queue; mu is held. Whoever takes it from
// there encodes it. One whose only row did not fit is dropped.
func (bw *bucketWriter) closeOpen() {
	b := bw.open
	bw.open = nil
	if b.rows == 0 {
		b.version.free(b.builder)
		return
	}
	b.closed = time.Now()
	bw.queue = append(bw.queue, b)
}

// addRow adds a row of any form, or the key of one to delete; it returns the
// bytes that it took.
func (bw *bucketWriter) addRow(a *writer, v *writerVersion, row any, remove bool) (Future, int, error) {
	bw.mu.Lock()
	b, dead := bw.openFor(v)
	if dead != nil {
		bw.mu.Unlock()
		return Future{}, 0, dead
	}
	if err := v.add(b.builder, row, remove); err != nil {
		bw.mu.Unlock()
		return Future{}, 0, err
	}
	f, size := bw.added(a, b, 1, remove)
	return f, size, nil
}

// copyRow adds the one row in scratch.
func (bw *bucketWriter) copyRow(a *writer, v *writerVersion, scratch *rowcodec.Builder, remove bool) (Future, int) {
	bw.mu.Lock()
	b, dead := bw.openFor(v)
	if dead != nil {
		bw.mu.Unlock()
		return failedFuture(bw, dead), 0
	}
	b.builder.AppendRow(scratch, 0)
	return bw.added(a, b, 1, remove)
}

func failedFuture(bw *bucketWriter, e *errcode.Error) Future {
	b := &writeBatch{bucket: bw, done: make(chan struct{}), failure: e}
	close(b.done)
	return Future{batch: b}
}

// added books rows that were put into the open batch, and unlocks mu.
func (bw *bucketWriter) added(a *writer, b *writeBatch, rows int, remove bool) (Future, int) {
	b.mark(rows, remove)
	size := b.builder.Bytes() - b.bytes
	f := Future{batch: b, first: b.rows, rows: rows}
	bw.w.c.budget.take(size)
	b.add(a, rows, size)
	full := b.bytes >= bw.w.opts.batchBytes
	if full {
		bw.closeOpen()
		b.encoding = true
	} else if bw.w.opts.linger > 0 {
		bw.startLinger(b)
	}
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
	if full {
		// Here and not in the sender, so that many appenders encode at once.
		bw.encoded(b, b.encode(nil))
	}
	return f, size
}

// encoded ends the encoding of b, which is queued or in flight; e is its failure or
// nil. It reports whether b is to go on.
func (bw *bucketWriter) encoded(b *writeBatch, e *errcode.Error) bool {
	bw.mu.Lock()
	b.encoding = false
	dead := bw.dead
	if dead == nil && e != nil {
		bw.inflight = without(bw.inflight, b)
		bw.queue = without(bw.queue, b)
	}
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
	switch {
	case dead != nil:
		// abandon has left it to us.
		b.fail(dead)
	case e != nil:
		b.fail(e)
	default:
		return true
	}
	return false
}

func without(list []*writeBatch, b *writeBatch) []*writeBatch {
	return slices.DeleteFunc(list, func(x *writeBatch) bool { return x == b })
}

// startLinger wakes the bucket when its open batch has waited long enough; mu is held.
func (bw *bucketWriter) startLinger(b *writeBatch) {
	if bw.lingering || b.flushed {
		return
	}
	bw.lingering = true
	bw.w.c.spawn(func() {
		_ = sleep(bw.w.c.life, bw.w.opts.linger)
		bw.mu.Lock()
		bw.lingering = false
		if bw.open != nil {
			if bw.open == b || time.Since(bw.open.opened) >= bw.w.opts.linger {
				bw.open.flushed = true
			} else {
				bw.startLinger(bw.open)
			}
		}
		kick := bw.kickable()
		bw.mu.Unlock()
		if kick {
			bw.schedule()
		}
	})
}

// addRecord adds the rows of a piece; it returns the bytes that they took.
func (bw *bucketWriter) addRecord(a *writer, p piece) (Future, int, error) {
	size, most := rowcodec.Size(p.rec), bw.w.opts.batchBytes
	copies := p.remove && p.v.marks()
	if copies {
		size += int(p.rec.NumRows()) * p.v.nullBytes
	} else if size < smallRecord && size < most {
		return bw.copyRecord(a, p)
	}
	pieces := max(1, (size+most/2)/most)
	rows := p.rec.NumRows()
	var all Future
	total := 0
	for i := range pieces {
		from, to := rows*int64(i)/int64(pieces), rows*int64(i+1)/int64(pieces)
		if from == to {
			continue
		}
		part := p.with(p.rec.NewSlice(from, to))
		add := bw.addPiece
		if copies {
			add = bw.copyRecord
		}
		f, n, err := add(a, part)
		part.rec.Release()
		total += n
		if err != nil {
			return all, total, err
		}
		all = all.and(f)
	}
	return all, total, nil
}

func (bw *bucketWriter) copyRecord(a *writer, p piece) (Future, int, error) {
	bw.mu.Lock()
	b, dead := bw.openFor(p.v)
	if dead != nil {
		bw.mu.Unlock()
		return Future{}, 0, dead
	}
	var err error
	if p.remove && p.v.marks() {
		err = p.v.keys.AppendRecord(b.builder, p.rec)
	} else {
		err = b.builder.AppendRecord(p.rec)
	}
	if err != nil {
		bw.mu.Unlock()
		return Future{}, 0, err
	}
	f, size := bw.added(a, b, int(p.rec.NumRows()), p.remove)
	return f, size, nil
}

// addPiece makes a batch of its own of the rows. They are encoded before it takes its place in the queue, so that a batch that cannot be encoded adds nothing.
func (bw *bucketWriter) addPiece(a *writer, p piece) (Future, int, error) {
	size := rowcodec.Size(p.rec)
	b := &writeBatch{bucket: bw, version: p.v, done: make(chan struct{}), opened: time.Now()}
	b.add(a, int(p.rec.NumRows()), size)
	if err := b.encode(p.rec); err != nil {
		return Future{}, 0, err
	}
	bw.mu.Lock()
	if bw.dead != nil {
		defer bw.mu.Unlock()
		return Future{}, 0, bw.dead
	}
	if bw.open != nil {
		bw.closeOpen()
	}
	b.closed = time.Now()
	bw.queue = append(bw.queue, b)
	bw.w.c.budget.take(size)
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
	return Future{batch: b, rows: b.rows}, size, nil
}

// sendable tells whether a sender would find a batch to send; mu is held.
func (bw *bucketWriter) sendable() bool {
	if bw.halted || bw.dead != nil || len(bw.inflight) >= bw.w.opts.maxInFlight {
		return false
	}
	// The server remembers few answers of a writer: should the first one be lost,
	// it must still know it when it is asked again.
	if len(bw.inflight) > 0 && bw.inflight[0].sequenced && bw.next.Since(bw.inflight[0].sequence) >= bw.w.opts.maxInFlight {
		return false
	}
	if len(bw.queue) > 0 {
		return !bw.queue[0].encoding
	}
	b := bw.open
	return b != nil && b.rows > 0 && len(bw.inflight) == 0 && (bw.w.opts.linger == 0 || b.flushed)
}

// kickable marks the bucket as scheduled when it should be; mu is held. The
// caller then calls schedule without mu.
func (bw *bucketWriter) kickable() bool {
	if bw.scheduled || !bw.sendable() {
		return false
	}
	bw.scheduled = true
	return true
}

func (bw *bucketWriter) schedule() {
	endpoint := bw.w.meta.Load().endpoint(bw.id.Partition, bw.id.Bucket)
	bw.w.c.writeConn(endpoint, int(bw.id.Bucket)).enqueue(bw)
}

// take returns the next batch to send, encoded and numbered, with its bytes, and
// counts it as in flight; nil when there is none. Only senders call it.
func (bw *bucketWriter) take() (*writeBatch, []byte) {
	for {
		bw.mu.Lock()
		bw.scheduled = false
		if !bw.sendable() {
			bw.mu.Unlock()
			return nil, nil
		}
		if len(bw.queue) == 0 {
			bw.closeOpen()
		}
		b := bw.queue[0]
		bw.queue[0] = nil
		bw.queue = bw.queue[1:]
		b.refused = nil
		bw.inflight = append(bw.inflight, b)
		b.encoding = b.data == nil
		encode := b.encoding
		bw.mu.Unlock()
		if encode && !bw.encoded(b, b.encode(nil)) {
			bw.resolve() // those before it may have waited for it only
			continue
		}
		bw.mu.Lock()
		defer bw.mu.Unlock()
		if bw.dead != nil {
			return nil, nil // abandon has settled it
		}
		if !b.sequenced {
			b.number(bw.writer, bw.next)
			bw.next = bw.next.Next()
		}
		b.sends++
		b.sentAt = time.Now()
		return b, b.data
	}
}

// again schedules the bucket when it has more to send.
func (bw *bucketWriter) again() {
	bw.mu.Lock()
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
}

// flush closes the linger of the open batch if it has rows of a, and appends the
// batches that have and are not settled to open.
func (bw *bucketWriter) flush(a *writer, open []*writeBatch) []*writeBatch {
	bw.mu.Lock()
	for _, list := range [][]*writeBatch{bw.inflight, bw.queue} {
		for _, b := range list {
			if b.has(a) {
				open = append(open, b)
			}
		}
	}
	if bw.open != nil && bw.open.has(a) {
		bw.open.flushed = true
		open = append(open, bw.open)
	}
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
	return open
}

// abandon fails all that is not settled, and whatever is appended later.
func (bw *bucketWriter) abandon(e *errcode.Error) {
	bw.mu.Lock()
	if bw.dead != nil {
		bw.mu.Unlock()
		return
	}
	bw.dead = e
	all := slices.Concat(bw.inflight, bw.queue)
	if bw.open != nil {
		all = append(all, bw.open)
	}
	bw.inflight, bw.queue, bw.open = nil, nil, nil
	// Who encodes one settles it.
	all = slices.DeleteFunc(all, func(b *writeBatch) bool { return b.encoding })
	bw.mu.Unlock()
	for _, b := range all {
		b.fail(b.unknownOr(e))
	}
}
