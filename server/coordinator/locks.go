package coordinator

import (
	"context"
	"sync"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/metastore"
)

// locks are mutexes by name that obey a context. They only save work: what must
// not happen twice is kept from it by the metadata store's comparisons, as other
// servers do not see these locks.
type locks struct {
	mu   sync.Mutex               // guards held
	held map[string]chan struct{} // closed when given back
}

// take waits for the lock called name and returns what gives it back.
func (l *locks) take(ctx context.Context, name string) (func(), error) {
	for {
		l.mu.Lock()
		other, taken := l.held[name]
		if !taken {
			mine := make(chan struct{})
			l.held[name] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, name)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, errcode.From(context.Cause(ctx))
		}
	}
}

// busy counts the intents that this process is working on.
type busy struct {
	mu      sync.Mutex // guards intents
	intents map[ids.Bucket]int
}

func keyOf(i *metastore.Intent) ids.Bucket { return ids.Bucket{Table: i.Table, Partition: i.Partition} }

// begin marks the intent as worked on until the returned func is called.
func (b *busy) begin(i *metastore.Intent) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := keyOf(i)
	b.intents[k]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.intents[k]--; b.intents[k] == 0 {
			delete(b.intents, k)
		}
	}
}

func (b *busy) has(i *metastore.Intent) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.intents[keyOf(i)] > 0
}
