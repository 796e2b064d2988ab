package sdk

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/fluss-go/fluss/proto/errcode"
)

// budget bounds the bytes of rows that wait for acks. The size of a row is known
// only once it is encoded, so room is awaited first and taken afterwards: the
// bound is passed by at most one row or batch of each appending goroutine.
type budget struct {
	size  int64
	used  atomic.Int64
	hooks Hooks

	waiting atomic.Int32
	mu      sync.Mutex
	// freed is closed and replaced when bytes are given back while someone waits.
	freed chan struct{}
}

func newBudget(size int64, hooks Hooks) *budget {
	return &budget{size: size, hooks: hooks, freed: make(chan struct{})}
}

// room waits until less than the size is used. It fails with CANCELED and
// DEADLINE_EXCEEDED when ctx ends first, or life does.
func (b *budget) room(ctx, life context.Context) error {
	if b.used.Load() < b.size {
		return nil
	}
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	for {
		b.mu.Lock()
		freed := b.freed
		b.mu.Unlock()
		if b.used.Load() < b.size {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			e := errcode.From(ctx.Err())
			return errcode.New(e.Code, ctx.Err(), "%d MiB of rows wait for their acks and no room came free in time", b.size>>20)
		case <-life.Done():
			return errClientClosed()
		}
	}
}

func (b *budget) take(n int) { b.used.Add(int64(n)) }

func (b *budget) give(n int) {
	b.hooks.Buffered(b.used.Add(-int64(n)))
	if b.waiting.Load() == 0 {
		return
	}
	b.mu.Lock()
	close(b.freed)
	b.freed = make(chan struct{})
	b.mu.Unlock()
}
