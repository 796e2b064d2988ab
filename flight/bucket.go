package flight

import (
	"context"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// When stored batches are worth a message of their own, and when gathered rows are.
const (
	// smallBytes is the size below which what a scan takes of a batch is
	// gathered with that of the batches behind it: copying it is cheaper than
	// a message. Compressed batches must be decompressed for it.
	smallBytes           = 32 << 10
	smallCompressedBytes = 4 << 10
	// fullBytes and fullRows are what a gathered message holds at most, about.
	fullBytes = 256 << 10
	fullRows  = 64 << 10
	// turnBatches bounds the batches that a bucket may look at in one turn
	// without finding rows.
	turnBatches = 64
)

// bucketScan is the scan of one bucket in a stream.
type bucketScan struct {
	bucket ids.Bucket
	log    Log
	cursor Cursor
	// pos is the offset of the next row to look at; the scan ends at stop
	// unless it follows.
	pos, stop ids.Offset
	follows   bool
	// held is a batch that was read and is not used yet.
	held   Batch
	cancel func()
	// queued is guarded by the queue's mutex.
	queued bool
	// snapshot is set while the rows as they are now are read; then there is no
	// log yet.
	snapshot *snapshotScan
	// parts are those that the rows were read in before, or all of them when
	// changes follow that some of the parts have; see ticket.Resume.
	parts []ticket.Part

	// Of the gathered rows: where they begin, and the newest batch.
	base      ids.Offset
	timestamp int64
	schema    ids.SchemaID
}

func keyOf(b ids.Bucket) bucketKey { return bucketKey{b.Partition, b.Bucket} }

// openBucket adds a bucket to the stream. The rows of a primary-key table are
// only opened when it is the bucket's turn.
func (st *stream) openBucket(ctx context.Context, ref ids.Bucket) error {
	b := &bucketScan{bucket: ref, follows: st.scan.request.GetFollow(), schema: st.scan.out.Target().ID}
	if resume := st.scan.starts[keyOf(ref)].resume; resume != nil {
		b.parts = resume.Parts
	}
	if st.scan.begins(ref) {
		b.snapshot = &snapshotScan{}
	} else if err := st.openLog(ctx, b, st.scan.bounds); err != nil {
		return err
	}
	st.open[keyOf(ref)] = b
	st.queue.push(b)
	return nil
}

// openLog has b read its log, where bounds says.
func (st *stream) openLog(ctx context.Context, b *bucketScan, bounds func(context.Context, ids.Bucket, Log) (start, stop ids.Offset, err error)) error {
	log, err := st.service.source.Log(ctx, b.bucket)
	if err != nil {
		return err
	}
	if b.pos, b.stop, err = bounds(ctx, b.bucket, log); err != nil {
		return err
	}
	b.log = log
	if b.follows || b.pos < b.stop {
		if b.cursor, err = log.Cursor(min(b.pos, log.HighWatermark())); err != nil {
			return err
		}
	}
	if b.follows {
		b.cancel = log.Watch(func() { st.queue.push(b) })
	}
	return nil
}

func (b *bucketScan) close() {
	if b.cancel != nil {
		b.cancel()
	}
	if b.held != nil {
		b.held.Release()
		b.held = nil
	}
	if b.cursor != nil {
		b.cursor.Close()
		b.cursor = nil
	}
	if b.snapshot != nil {
		b.snapshot.close()
	}
}

// ended reports whether all rows have been looked at.
func (b *bucketScan) ended() bool { return b.snapshot == nil && !b.follows && b.pos >= b.stop }

// next returns the next batch, nil when there is none.
func (b *bucketScan) next() (Batch, error) {
	if held := b.held; held != nil {
		b.held = nil
		return held, nil
	}
	return b.cursor.Next()
}

// position returns the metadata of a batch that ends where b is. It is valid
// until the next call.
func (st *stream) position(b *bucketScan) *flussv1.ScanMetadata {
	m := &flussv1.ScanMetadata{
		PartitionId: int64(b.bucket.Partition), Bucket: int32(b.bucket.Bucket),
		BaseOffset: int64(b.pos), NextOffset: int64(b.pos), HighWatermark: int64(b.pos),
		CommitTimestampMs: b.timestamp, SchemaId: int32(b.schema), BucketEnd: b.ended(),
	}
	if b.log != nil {
		m.HighWatermark = int64(b.log.HighWatermark())
	}
	if r, ok := b.resume(); ok {
		st.token = ticket.AppendResume(st.token[:0], &r)
		m.Resume = st.token
	}
	return m
}

// turn lets a bucket send one message, and queues it again if it may have more.
func (st *stream) turn(ctx context.Context, b *bucketScan) error {
	if st.open[keyOf(b.bucket)] != b {
		return nil // it has ended, and its log rose once more
	}
	more, err := st.fill(ctx, b)
	if err != nil {
		if st.scan.followsPartitions() && gone(err) {
			err = st.flush(b, false) // what was gathered is this bucket's
			st.end(b)
		}
		return err
	}
	switch {
	case b.ended():
		st.end(b)
	case more && b.snapshot != nil:
		st.queue.pushFront(b) // so that one bucket's rows are held at a time
	case more:
		st.queue.push(b)
	}
	return ctx.Err()
}

// gone reports whether err tells that a bucket was dropped.
func gone(err error) bool {
	code := errcode.Of(err)
	return code == errcode.UnknownBucket || code == errcode.UnknownPartition
}

func (st *stream) end(b *bucketScan) {
	b.close()
	delete(st.open, keyOf(b.bucket))
}

// fill reads batches until there is a message to send, and sends it. more tells
// that the bucket may have another one at once.
func (st *stream) fill(ctx context.Context, b *bucketScan) (more bool, err error) {
	if b.snapshot != nil {
		return st.fillRows(ctx, b)
	}
	for range turnBatches {
		if b.ended() {
			return false, st.flush(b, true)
		}
		stored, err := b.next()
		if err != nil {
			return false, err
		}
		if stored == nil {
			if !b.follows { // the log is shorter than its high watermark was
				b.stop = b.pos
				continue
			}
			return false, st.flush(b, false)
		}
		sent, err := st.consume(ctx, b, stored)
		if err != nil || sent {
			return true, err
		}
		if rows, bytes := st.wire.Pending(); rows >= fullRows || bytes >= fullBytes || st.left == 0 {
			return true, st.flush(b, false)
		}
	}
	return true, st.flush(b, false)
}

// flush sends the gathered rows, or an empty batch if the end is to be told.
func (st *stream) flush(b *bucketScan, end bool) error {
	rows, _ := st.wire.Pending()
	if rows == 0 && !end {
		return nil
	}
	m := st.position(b)
	if rows > 0 {
		m.BaseOffset = int64(b.base)
	}
	return st.send(m)
}

// consume takes the rows of one batch: it sends them, and returns true, or
// gathers them, or drops what does not belong to the scan. It releases stored
// or holds it for the next turn.
func (st *stream) consume(ctx context.Context, b *bucketScan, stored Batch) (sent bool, err error) {
	keep := false
	defer func() {
		if !keep {
			stored.Release()
		}
	}()
	v := stored.View()
	h := v.Header()
	from, to := max(0, int(b.pos-h.BaseOffset)), int(h.RowCount)
	if !b.follows {
		to = min(to, int(b.stop-h.BaseOffset))
	}
	if from >= to {
		b.pos = max(b.pos, b.endOr(h.EndOffset()))
		b.forgetParts()
		return false, nil
	}
	plan, err := st.plan(ctx, &h)
	if err != nil {
		return false, err
	}
	if !st.wire.MayMatch(plan, v) {
		b.advance(&h, to)
		return false, nil
	}
	if st.scan.out.Binlog() {
		return false, st.gatherPairs(b, plan, stored, from, to)
	}
	rows, err := st.wire.Match(plan, stored, from, to)
	if err == nil {
		rows, err = st.uncovered(b, plan, stored, rows)
	}
	if err != nil {
		return false, batch.Unreadable(err, b.bucket, h.BaseOffset, h.EndOffset())
	}
	if rows.Len() == 0 {
		b.advance(&h, to)
		return false, nil
	}
	if int64(rows.Len()) >= st.left {
		rows = rows.First(int(st.left))
		to = rows.To
	}
	pending, _ := st.wire.Pending()
	if rows.Len() == int(h.RowCount) && plan.CanSlice(v) {
		switch small := isSmall(plan, v, &h); {
		case !small && pending > 0:
			b.held, keep = stored, true
			return true, st.flush(b, false)
		case !small || pending == 0 && !b.peek():
			return true, st.slice(b, plan, stored, &h)
		}
	}
	if pending == 0 {
		b.base = h.BaseOffset + ids.Offset(firstOf(rows))
	}
	if err := st.wire.Append(plan, stored, b.origin(), rows); err != nil {
		return false, batch.Unreadable(err, b.bucket, h.BaseOffset, h.EndOffset())
	}
	st.take(rows.Len())
	b.advance(&h, to)
	return false, nil
}

// gatherPairs gathers the changes of a batch, of whose rows those of [from, to) belong
// to the scan, as pairs.
func (st *stream) gatherPairs(b *bucketScan, plan *project.Plan, stored Batch, from, to int) error {
	h := stored.View().Header()
	pairs, err := st.wire.Pairs(plan, stored, from, to)
	if err == nil && int64(len(pairs)) >= st.left {
		pairs = pairs[:st.left]
		to = int(pairs[len(pairs)-1].Last()) + 1
	}
	if err == nil && len(pairs) > 0 {
		if pending, _ := st.wire.Pending(); pending == 0 {
			b.base = h.BaseOffset + ids.Offset(pairs[0].Last())
		}
		err = st.wire.AppendPairs(plan, stored, b.origin(), pairs)
	}
	if err != nil {
		return batch.Unreadable(err, b.bucket, h.BaseOffset, h.EndOffset())
	}
	st.take(len(pairs))
	b.advance(&h, to)
	return nil
}

// endOr returns where the scan stops, or otherwise when it does not.
func (b *bucketScan) endOr(otherwise ids.Offset) ids.Offset {
	if b.follows {
		return otherwise
	}
	return b.stop
}

func isSmall(p *project.Plan, v *batch.View, h *batch.Header) bool {
	limit := int64(smallBytes)
	if h.Codec != batch.None {
		limit = smallCompressedBytes
	}
	return p.RawBytes(v) < limit
}

func firstOf(r project.Rows) int {
	if r.List != nil {
		return int(r.List[0])
	}
	return r.From
}

// advance moves b behind the rows before to of a batch.
func (b *bucketScan) advance(h *batch.Header, to int) {
	b.pos = h.BaseOffset + ids.Offset(to)
	b.timestamp, b.schema = h.CommitTimestamp, h.SchemaID
	b.forgetParts()
}

// peek reads the next batch ahead and reports whether there is one that belongs
// to the scan. An error comes again when the batch is asked for.
func (b *bucketScan) peek() bool {
	if b.held == nil {
		b.held, _ = b.cursor.Next()
	}
	if b.held == nil {
		return false
	}
	h := b.held.View().Header()
	return b.follows || h.BaseOffset < b.stop
}

// slice sends a whole batch as it is stored.
func (st *stream) slice(b *bucketScan, p *project.Plan, stored Batch, h *batch.Header) error {
	if err := st.wire.Raw(&st.data, p, stored, b.origin()); err != nil {
		return err
	}
	st.take(int(h.RowCount))
	b.advance(h, int(h.RowCount))
	m := st.position(b)
	m.BaseOffset = int64(h.BaseOffset)
	return st.sendWith(m)
}
