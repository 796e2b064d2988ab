package sdk

import (
	"slices"
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// unknownOr returns e for a batch that was surely not written, and an
// OUTCOME_UNKNOWN that wraps it for one that may have been.
func (b *writeBatch) unknownOr(e *errcode.Error) *errcode.Error {
	awaited := b.sends > 0 && b.refused == nil
	if !b.uncertain && !awaited {
		return e
	}
	return errcode.New(errcode.OutcomeUnknown, e, "rows of %s were sent and no answer came; they may or may not have been written", b.bucket.id)
}

// acked settles a batch that the server has written.
func (bw *bucketWriter) acked(b *writeBatch, base, end ids.Offset) {
	bw.mu.Lock()
	found := slices.Contains(bw.inflight, b)
	bw.inflight = without(bw.inflight, b)
	bw.pauses.reset()
	bw.mu.Unlock()
	if found {
		b.settle(base, end, nil)
	}
	bw.resolve()
	bw.again()
}

// refusedBy books the answer e to a batch; lost tells that the answer never came.
func (bw *bucketWriter) refusedBy(b *writeBatch, e *errcode.Error, lost bool) {
	bw.mu.Lock()
	if slices.Contains(bw.inflight, b) {
		b.refused = e
		b.uncertain = b.uncertain || lost || e.Code == errcode.OutcomeUnknown
		bw.halted = true
	}
	bw.mu.Unlock()
	bw.resolve()
}

// verdict is what happens to the batches in flight once all are answered.
type verdict struct {
	// failed settle with their refused error.
	failed []*writeBatch
	// newWriter: what stays cannot go on under the writer and sequences it has.
	newWriter bool
	// refresh: ask for metadata before the next send.
	refresh bool
	pause   time.Duration
	cause   *errcode.Error
}

// resolve decides about what is in flight once all of it is answered.
func (bw *bucketWriter) resolve() {
	bw.mu.Lock()
	if !bw.halted || bw.dead != nil || slices.ContainsFunc(bw.inflight, func(b *writeBatch) bool { return b.refused == nil }) {
		bw.mu.Unlock()
		return
	}
	if len(bw.inflight) == 0 {
		// It is decided already, and recover is at work.
		bw.mu.Unlock()
		return
	}
	// Those that wait to be sent again under the sequences they have share the fate
	// of what is in flight.
	again := 0
	for again < len(bw.queue) && bw.queue[again].sequenced {
		again++
	}
	bw.inflight = append(bw.inflight, bw.queue[:again]...)
	bw.queue = bw.queue[again:]
	v := bw.judge()
	stay := slices.DeleteFunc(slices.Clone(bw.inflight), func(b *writeBatch) bool { return slices.Contains(v.failed, b) })
	bw.inflight = nil
	bw.queue = append(stay, bw.queue...)
	v.newWriter = v.newWriter && bw.w.opts.idempotent
	if v.newWriter {
		for _, b := range stay {
			// Under the old writer none of them can be written any more.
			b.sequenced, b.uncertain = false, false
		}
	}
	bw.mu.Unlock()
	for _, b := range v.failed {
		b.fail(b.refused)
	}
	bw.w.c.spawn(func() { bw.recover(v) })
}

// judge decides by the answer to the first batch in flight, whose fate is its
// own; those behind it were refused because of it. mu is held.
func (bw *bucketWriter) judge() verdict {
	head, rest := bw.inflight[0], bw.inflight[1:]
	e := head.refused
	late := time.Since(head.closed) > bw.w.c.opts.retryTimeout
	switch {
	case e.Code == errcode.UnknownWriter && !head.uncertain && !late:
		// The server has forgotten the writer: nothing of what it refused is written.
		return verdict{newWriter: true, cause: e}
	case e.Code == errcode.UnknownSchema && head.schemaRefused > 0 && !head.uncertain && !late:
		head.schemaRefused++
		return verdict{newWriter: true, refresh: true, pause: bw.pauses.pause(e), cause: e}
	case e.Code.Retry() != errcode.Never && e.Code != errcode.UnknownWriter && !late:
		if e.Code == errcode.UnknownSchema {
			head.schemaRefused++
		}
		return verdict{refresh: refreshes(e.Code), pause: bw.pauses.pause(e), cause: e}
	}
	return bw.giveUp(head, rest, e)
}

// refreshes tells whether an error of a batch may be cured by newer metadata.
func refreshes(code errcode.Code) bool {
	return code.Retry() == errcode.AfterRefresh || code == errcode.NoLeader || code == errcode.Unavailable
}

// giveUp fails the first batch in flight, and decides about those behind it.
func (bw *bucketWriter) giveUp(head *writeBatch, rest []*writeBatch, e *errcode.Error) verdict {
	v := verdict{failed: []*writeBatch{head}, cause: e}
	// If the first is surely not written, nothing behind it ever will be, for the
	// server takes sequences without gaps. If it may be, a copy that was lost with
	// its connection may still come to the server, and one of those behind it then.
	surely := !head.uncertain && e.Code != errcode.OutOfOrderSequence
	head.refused = head.unknownOr(e)
	for _, b := range rest {
		definite := surely && bw.w.opts.idempotent
		switch {
		case !definite && b.uncertain:
			b.refused = b.unknownOr(e)
			v.failed = append(v.failed, b)
		case b.refused.Code.Retry() == errcode.Never && b.refused.Code != errcode.OutOfOrderSequence:
			v.failed = append(v.failed, b)
		default:
			b.uncertain = false
		}
	}
	// The next batch may take the place of the first one only if nothing with a
	// later sequence is about.
	if len(rest) == 0 && surely && head.sequenced {
		bw.next = head.sequence
		return v
	}
	v.newWriter = true
	return v
}

// recover does what the verdict asks for and lets the bucket go on.
func (bw *bucketWriter) recover(v verdict) {
	c := bw.w.c
	if v.pause > 0 && !bw.pause(v.cause, v.pause) {
		return
	}
	if v.refresh && !bw.refreshed(v.cause) {
		return
	}
	var writer ids.WriterID
	for v.newWriter {
		id, err := c.initWriter(c.life)
		if err == nil {
			writer = id
			break
		}
		// Under the old writer nothing can be written: what waits fails, and another
		// one is tried for, for the rows to come.
		e := errcode.From(err)
		bw.failQueue(e)
		if !bw.pause(e, c.opts.backoffMax) {
			return
		}
	}
	bw.mu.Lock()
	stale := bw.staleSchema()
	bw.mu.Unlock()
	for _, b := range stale {
		if err := b.reencode(bw.w.version.Load()); err != nil {
			bw.drop(b, err)
		}
	}
	bw.mu.Lock()
	if v.newWriter {
		bw.writer, bw.next = writer, 0
	}
	bw.halted = false
	kick := bw.kickable()
	bw.mu.Unlock()
	if kick {
		bw.schedule()
	}
}

// pause waits before batches are sent again because of e; false when the client is
// closed, which abandons what is left.
func (bw *bucketWriter) pause(e *errcode.Error, d time.Duration) bool {
	c := bw.w.c
	c.opts.hooks.Retried(bw.w.opts.writes.String(), e, d)
	c.opts.logger.Debug("a batch will be sent again", "bucket", bw.id.String(), "pause", d, "error", e)
	return sleep(c.life, d) == nil
}

// refreshed takes over new metadata; false when the bucket is gone or takes the
// writer's rows no more, and everything is abandoned.
func (bw *bucketWriter) refreshed(cause *errcode.Error) bool {
	if err := bw.w.refresh(bw.w.c.life); err != nil {
		switch e := errcode.From(err); e.Code { //nolint:exhaustive // others may pass
		case errcode.UnknownTable, errcode.UnknownColumn, errcode.InvalidArgument, errcode.InvalidBatch:
			bw.abandon(e)
			return false
		}
	}
	if bw.partitionGone() {
		bw.w.dropPartition(bw.id.Partition)
		bw.abandon(errcode.New(errcode.UnknownPartition, cause, "the partition of %s was dropped", bw.id))
		return false
	}
	return true
}

// drop fails a batch of the halted queue.
func (bw *bucketWriter) drop(b *writeBatch, e *errcode.Error) {
	bw.mu.Lock()
	found := slices.Contains(bw.queue, b)
	bw.queue = without(bw.queue, b)
	bw.mu.Unlock()
	if found {
		b.fail(e)
	}
}

// failQueue fails what waits, but for what is being encoded.
func (bw *bucketWriter) failQueue(e *errcode.Error) {
	bw.mu.Lock()
	failed := slices.DeleteFunc(slices.Clone(bw.queue), func(b *writeBatch) bool { return b.encoding })
	bw.queue = slices.DeleteFunc(bw.queue, func(b *writeBatch) bool { return !b.encoding })
	bw.mu.Unlock()
	for _, b := range failed {
		b.fail(b.unknownOr(e))
	}
}

// staleSchema lists the queued batches that the server refuses for their schema
// while it has a later one. mu is held, and the bucket is halted.
func (bw *bucketWriter) staleSchema() []*writeBatch {
	v := bw.w.version.Load()
	var out []*writeBatch
	for _, b := range bw.queue {
		if b.schemaRefused > 1 && b.version != v && b.data != nil && !b.uncertain {
			out = append(out, b)
		}
	}
	return out
}

func (bw *bucketWriter) partitionGone() bool {
	if bw.id.Partition == 0 {
		return false
	}
	_, ok := bw.w.meta.Load().names[bw.id.Partition]
	return !ok
}

// expire fails the queued batches that have been tried for too long, with the
// error that keeps them from being sent.
func (bw *bucketWriter) expire(e *errcode.Error) {
	bw.mu.Lock()
	var failed []*writeBatch
	if !bw.halted && len(bw.inflight) == 0 {
		if len(bw.queue) == 0 && bw.open != nil && time.Since(bw.open.opened) > bw.w.c.opts.retryTimeout {
			bw.closeOpen()
		}
		for len(bw.queue) > 0 && !bw.queue[0].encoding && time.Since(bw.queue[0].opened) > bw.w.c.opts.retryTimeout {
			failed = append(failed, bw.queue[0])
			bw.queue = bw.queue[1:]
		}
	}
	renew := slices.ContainsFunc(failed, func(b *writeBatch) bool { return b.sequenced })
	bw.halted = bw.halted || renew
	for _, b := range bw.queue {
		if renew && b.sequenced {
			// Behind one that may have been written, it may have been too.
			failed = append(failed, b)
		}
	}
	bw.queue = slices.DeleteFunc(bw.queue, func(b *writeBatch) bool { return slices.Contains(failed, b) })
	bw.mu.Unlock()
	for _, b := range failed {
		b.fail(b.unknownOr(e))
	}
	if renew {
		bw.w.c.spawn(func() { bw.recover(verdict{newWriter: bw.w.opts.idempotent, cause: e}) })
	}
}
