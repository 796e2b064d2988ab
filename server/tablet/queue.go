package tablet

import (
	"sync"

	"github.com/fluss-go/fluss/proto/errcode"
)

// proposal is an entry in the making with those who wait for its commands.
type proposal struct {
	entry   []byte
	waiters []waiter // one per command, in order
	// bytes is what the appends took of the host's budget.
	bytes int64
	// at is the entry's place once raft gave it one.
	at position
}

// waiter is called once with the answer to its command.
type waiter struct {
	done  func(AppendResult)
	bytes int64
}

// keepEntry is the size up to which the buffer of an entry is used again.
const keepEntry = 8 << 20

var proposals = sync.Pool{New: func() any { return &proposal{} }}

func newProposal() *proposal {
	p := proposals.Get().(*proposal)
	p.entry = beginEntry(p.entry[:0])
	p.bytes, p.at = 0, position{}
	return p
}

// recycle gives the memory of an answered proposal back.
func (p *proposal) recycle() {
	clear(p.waiters)
	p.waiters = p.waiters[:0]
	if cap(p.entry) > keepEntry {
		p.entry = nil
	}
	proposals.Put(p)
}

func (p *proposal) add(c command, w waiter) {
	p.entry = appendCommand(p.entry, c)
	p.waiters = append(p.waiters, w)
	p.bytes += w.bytes
}

// queue holds the proposals that wait for the driver, oldest first. Its size is
// bounded by the host's budget for appends and by the number of control commands
// that callers wait for.
type queue struct {
	limit int // bytes of an entry
	wake  chan struct{}

	// mu guards the rest.
	mu    sync.Mutex
	full  []*proposal
	open  *proposal // the last one, which takes more commands
	bytes int64
	// refusal is why nothing is taken now; nil while commands are.
	refusal *errcode.Error
	closed  bool
}

func newQueue(limit int) *queue { return &queue{limit: limit, wake: make(chan struct{}, 1)} }

// upsertShare is how much less an entry holds of upserts than of appends: its
// writers are answered together, and to merge a megabyte takes some 50 ms.
const upsertShare = 8

// push adds a command, or returns why it is refused.
func (q *queue) push(c command, w waiter) error {
	q.mu.Lock()
	if q.refusal != nil {
		defer q.mu.Unlock()
		return q.refusal
	}
	limit := q.limit
	if c.kind == kindUpsert {
		limit /= upsertShare
	}
	if q.open != nil && len(q.open.entry)+commandHeaderSize+c.size() > limit {
		q.full = append(q.full, q.open)
		q.open = nil
	}
	first := q.open == nil
	if first {
		q.open = newProposal()
	}
	q.open.add(c, w)
	q.bytes += w.bytes
	q.mu.Unlock()
	if first {
		q.signal()
	}
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pop takes the oldest proposal out, nil when there is none. closed tells that
// nothing will come any more.
func (q *queue) pop() (p *proposal, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, true
	case len(q.full) > 0:
		p = q.full[0]
		q.full[0] = nil
		q.full = q.full[1:]
	case q.open != nil:
		p, q.open = q.open, nil
	default:
		return nil, false
	}
	q.bytes -= p.bytes
	return p, false
}

// refuse makes push fail with why, or work again when why is nil, and returns
// the proposals that waited.
func (q *queue) refuse(why *errcode.Error) []*proposal {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refuseLocked(why)
}

func (q *queue) refuseLocked(why *errcode.Error) []*proposal {
	if q.closed {
		return nil
	}
	q.refusal = why
	if why == nil {
		return nil
	}
	out := q.full
	if q.open != nil {
		out = append(out, q.open)
	}
	q.full, q.open, q.bytes = nil, nil, 0
	return out
}

// close refuses everything for good and wakes the driver.
func (q *queue) close(why *errcode.Error) []*proposal {
	q.mu.Lock()
	out := q.refuseLocked(why) // in one step with closed, or commands could come between
	q.closed = true
	q.mu.Unlock()
	q.signal()
	return out
}

func (q *queue) waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}
