package sdk

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
)

// backoff gives the pauses between retries: doubling, spread by half at random.
type backoff struct {
	first, most time.Duration
	next        time.Duration
}

func (o *clientOptions) backoff() backoff { return backoff{first: o.backoffMin, most: o.backoffMax} }

// pause returns the next pause; at least what the server asked for in e.
func (b *backoff) pause(e *errcode.Error) time.Duration {
	if b.next == 0 {
		b.next = b.first
	}
	d := b.next/2 + time.Duration(rand.Int64N(int64(b.next)+1)) //nolint:gosec // spread, no secret
	b.next = min(2*b.next, b.most)
	if e != nil {
		if ms, err := strconv.ParseInt(e.Facts["retry_after_ms"], 10, 64); err == nil {
			d = max(d, min(time.Duration(ms)*time.Millisecond, maxServerPause))
		}
	}
	return d
}

// maxServerPause bounds the pause that a server may ask for.
const maxServerPause = 10 * time.Second

func (b *backoff) reset() { b.next = 0 }

// sleep waits for d; it returns the context's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// call makes a unary call to the bootstrap server and retries it by the class of
// its error until ctx ends or, when ctx has no deadline, the retry timeout. A
// call that changes something (reads false) is repeated only after an answer
// that says that nothing was done.
func (c *Client) call(ctx context.Context, name string, reads bool, f func(context.Context, grpc.ClientConnInterface) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.retryTimeout)
		defer cancel()
	}
	pauses := c.opts.backoff()
	for attempt := 0; ; attempt++ {
		conn, connErr := c.servers.conn("", 0)
		if connErr != nil {
			return connErr
		}
		err := f(ctx, conn)
		if err == nil {
			return nil
		}
		e := errcode.From(err)
		if !callAgain(e.Code, reads) || ctx.Err() != nil || attempt >= maxCallAttempts {
			if e.Code == errcode.Unavailable {
				e = connectError(c.servers.bootstrap, err)
			}
			return e
		}
		d := pauses.pause(e)
		c.opts.hooks.Retried(name, e, d)
		if sleep(ctx, d) != nil {
			return e
		}
	}
}

// maxCallAttempts bounds the retries of a unary call.
const maxCallAttempts = 10

func callAgain(code errcode.Code, reads bool) bool {
	switch code { //nolint:exhaustive // the others follow their class
	case errcode.Unavailable, errcode.OutcomeUnknown:
		return reads
	case errcode.Conflict:
		return false
	case errcode.NotLeader:
		return true
	}
	return code.Retry() == errcode.AfterBackoff
}
