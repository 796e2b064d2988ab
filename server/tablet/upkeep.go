package tablet

import (
	"context"
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// retentionLoop trims logs to the retention of their tables and forgets writers.
func (h *Host) retentionLoop() {
	ctx, cancel := h.untilStop()
	defer cancel()
	var expired time.Time
	for {
		select {
		case <-h.opt.Clock.After(h.opt.RetentionEvery):
		case <-h.stop:
			return
		}
		now := h.opt.Clock.Now()
		expire := now.Sub(expired) >= time.Hour
		if expire {
			expired = now
		}
		for _, t := range h.tablets {
			t.retain(ctx, now)
			if expire {
				h.report("expire writers", t.ExpireWriters(ctx, now.Add(-h.opt.WriterExpiry).UnixMilli()))
			}
		}
	}
}

func (h *Host) report(what string, err error) {
	switch errcode.Of(err) { //nolint:exhaustive // these say that the tablet is not in use now
	case "", errcode.ShuttingDown, errcode.NoLeader, errcode.DiskFull, errcode.Canceled, errcode.UnknownBucket:
	default:
		h.opt.Logger.Warn("upkeep failed and will be tried again", "what", what, "error", err)
	}
}

// retain proposes to trim the logs that hold rows older than their table keeps.
// The proposals go together and are waited for together.
func (t *Tablet) retain(ctx context.Context, now time.Time) {
	var answers []chan AppendResult
	for _, b := range t.trims(now) {
		answer := make(chan AppendResult, 1)
		c := command{kind: kindTrimLog, bucket: b.bucket, payload: encodeInt(int64(b.before))}
		if err := t.queue.push(c, waiter{done: func(r AppendResult) { answer <- r }}); err != nil {
			t.host.report("trim", err)
			return
		}
		answers = append(answers, answer)
	}
	for _, a := range answers {
		select {
		case r := <-a:
			t.host.report("trim", r.Err)
		case <-ctx.Done():
			return
		}
	}
}

type trim struct {
	bucket ids.Bucket
	before ids.Offset
}

func (t *Tablet) trims(now time.Time) []trim {
	var out []trim
	for _, id := range t.machine.bucketIDs() {
		b, ok := t.machine.bucketOf(id)
		if !ok {
			continue
		}
		age, size := b.table.retention()
		start := b.log.Start()
		before := start
		if age > 0 {
			before = max(before, b.log.Expired(now.Add(-age).UnixMilli()))
		}
		if size > 0 {
			before = max(before, b.log.ExpiredBySize(size))
		}
		if before > start {
			out = append(out, trim{id, before})
		}
	}
	return out
}

// diskLoop keeps the disk guard.
func (h *Host) diskLoop() {
	for h.opt.DiskUsage != nil {
		select {
		case <-h.opt.Clock.After(h.opt.DiskCheckEvery):
			h.checkDisk()
		case <-h.stop:
			return
		}
	}
}

// checkDisk refuses appends above the limit and takes them again below the
// lower mark.
func (h *Host) checkDisk() {
	if h.opt.DiskUsage == nil {
		return
	}
	used := h.opt.DiskUsage()
	full := h.diskFull.Load()
	switch {
	case !full && used > h.opt.WriteLimitRatio:
		h.opt.Logger.Warn("disk guard: appends are refused", "used", used, "limit", h.opt.WriteLimitRatio)
		h.diskFull.Store(true)
	case full && used < h.opt.WriteResumeRatio:
		h.opt.Logger.Info("disk guard: appends are taken again", "used", used)
		h.diskFull.Store(false)
	}
}

// WriteLocked reports whether appends are refused because the disk is full.
func (h *Host) WriteLocked() bool { return h.diskFull.Load() }
