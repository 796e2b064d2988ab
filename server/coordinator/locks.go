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
	mu      sync.Mutex // guards all below
	intents map[ids.Bucket]int
	// starting counts the announcements on their way: their intents may be seen
	// before they are counted.
	starting int
}

func keyOf(i *metastore.Intent) ids.Bucket { return ids.Bucket{Table: i.Table, Partition: i.Partition} }

// has reports whether this process works, or may work, on the intent.
func (b *busy) has(i *metastore.Intent) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.starting > 0 || b.intents[keyOf(i)] > 0
}

// announce makes an intent by begin and marks it as worked on until done is
// called. An intent that is still there then is left to reconcile.
func (c *Coordinator) announce(begin func() (*metastore.Intent, error)) (i *metastore.Intent, done func(), err error) {
	count := func(starting, working int) {
		c.busy.mu.Lock()
		defer c.busy.mu.Unlock()
		c.busy.starting += starting
		if working == 0 {
			return
		}
		k := keyOf(i)
		if c.busy.intents[k] += working; c.busy.intents[k] == 0 {
			delete(c.busy.intents, k)
		}
	}
	count(1, 0)
	if i, err = begin(); err != nil {
		count(-1, 0)
		return nil, nil, err
	}
	count(-1, 1)
	return i, func() {
		count(0, -1)
		if c.store.Catalog().Intent(i.Table, i.Partition) != nil {
			c.kickReconcile()
		}
	}, nil
}
