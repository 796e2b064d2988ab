package tablet

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/server/kvstore"
)

// part is one tablet's share of a checkpoint.
type part struct {
	tablet   *Tablet
	captured *captured
	batch    *kvstore.Batch
	written  int64
	err      error
}

// Checkpoint makes the applied state of every tablet durable and lets the
// write-ahead logs go up to it. It does nothing for tablets without changes.
//
//  1. Under the apply lock of each tablet in turn, what changed is written into
//     a batch of the key-value store, with the applied index. Nothing waits for
//     a disk here.
//  2. The logs of the batch are synced, and with DurabilityMemory the
//     write-ahead log; rows that changed are written into the batch. Apply goes on.
//  3. The batches are committed and flushed: each is atomic, so the durable
//     state of a tablet is that of one applied index, and its logs are at least
//     as long, whenever Pebble flushes.
//  4. Entries up to the captured indexes are released.
//
// A tablet whose part fails keeps its entries, and the others go on.
func (h *Host) Checkpoint(ctx context.Context) error {
	h.checkpointing.Lock()
	defer h.checkpointing.Unlock()
	began := h.metrics.now()
	parts, err := h.capture()
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return nil
	}
	h.syncParts(ctx, parts)
	ready := parts[:0:0]
	errs := []error{}
	for _, p := range parts {
		if p.err != nil {
			p.batch.Discard()
			p.fail()
			errs = append(errs, fmt.Errorf("checkpoint of tablet %d: %w", p.tablet.id, p.err))
			continue
		}
		ready = append(ready, p)
	}
	if err := h.flush(ctx, ready); err != nil {
		for _, p := range ready {
			p.fail()
		}
		return errors.Join(append(errs, fmt.Errorf("checkpoint: %w", err))...)
	}
	for _, p := range ready {
		if err := p.release(); err != nil {
			errs = append(errs, fmt.Errorf("release of tablet %d: %w", p.tablet.id, err))
		}
	}
	h.metrics.checkpoint(began)
	return errors.Join(errs...)
}

// capture takes what changed in each tablet.
func (h *Host) capture() ([]*part, error) {
	var parts []*part
	for _, t := range h.tablets {
		t.apply.Lock()
		if t.broken || !t.machine.changes.any {
			t.apply.Unlock()
			continue
		}
		p := &part{tablet: t, written: t.written.Load(), batch: h.kv.NewBatch()}
		var err error
		p.captured, err = t.machine.capture(p.batch)
		t.apply.Unlock()
		if err != nil {
			p.batch.Discard()
			for _, p := range parts {
				p.batch.Discard()
				p.fail()
			}
			return nil, fmt.Errorf("capture tablet %d: %w", t.id, err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// syncParts makes the logs of every part durable, all at the same time.
func (h *Host) syncParts(ctx context.Context, parts []*part) {
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil { // Pebble's answer to a batch that is too large
					p.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
				}
			}()
			p.err = errors.Join(p.captured.writeRows(p.batch), h.logs.SyncAll(ctx, p.captured.logs))
			if p.err == nil && h.opt.Durability == DurabilityMemory {
				p.err = p.tablet.wal.Sync()
			}
		})
	}
	wg.Wait()
}

func (h *Host) flush(ctx context.Context, parts []*part) error {
	if len(parts) == 0 {
		return nil
	}
	for i, p := range parts {
		if err := p.batch.Commit(); err != nil {
			for _, rest := range parts[i+1:] {
				rest.batch.Discard()
			}
			return err
		}
	}
	return h.kv.Flush(ctx)
}

// fail takes the part back, and fences the tablet when its logs are lost.
func (p *part) fail() {
	t := p.tablet
	t.apply.Lock()
	t.machine.restore(p.captured)
	lost := damaged(p.err)
	t.broken = t.broken || lost
	t.apply.Unlock()
	if lost {
		t.interrupt(p.err)
	}
}

// damaged reports whether err, which may join several, has damage in it.
func damaged(err error) bool {
	return errors.Is(err, &errcode.Error{Code: errcode.Corrupt})
}

func (p *part) release() error {
	t := p.tablet
	t.released.Store(p.written)
	p.captured.thaw()
	t.rowsHeld.Add(-p.captured.rowBytes)
	t.removeFiles(p.captured.removed)
	return t.wal.Release(p.captured.at.index)
}

// checkpointLoop makes checkpoints when enough was written, or time has passed.
func (h *Host) checkpointLoop() {
	ctx, cancel := h.untilStop()
	defer cancel()
	for {
		if err := h.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, kvstore.ErrFailed) {
				h.fenceAll()
				return
			}
			h.opt.Logger.Warn("checkpoint failed and will be tried again", "error", err)
			select { // not at once: what fails is a disk
			case <-h.opt.Clock.After(min(h.opt.CheckpointEvery, h.opt.DiskCheckEvery)):
			case <-h.stop:
				return
			}
			continue
		}
		select {
		case <-h.kick:
		case <-h.opt.Clock.After(h.opt.CheckpointEvery):
		case <-h.kv.Failed():
			h.fenceAll()
			return
		case <-h.stop:
			return
		}
	}
}

// fenceAll stops every tablet: without the store none can make a checkpoint.
func (h *Host) fenceAll() {
	for _, t := range h.tablets {
		t.apply.Lock()
		t.broken = true
		t.apply.Unlock()
		t.interrupt(errcode.New(errcode.Internal, kvstore.ErrFailed, "the key-value store failed; restart the server"))
	}
}

// untilStop returns a context that ends when the host is closed.
func (h *Host) untilStop() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	h.loops.Go(func() {
		select {
		case <-h.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}
