package rpc

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/errcode"
)

// copies is how often the rows of an answer are in memory while it is made:
// collected, encoded and in the message.
const copies = 3

// levels are the rooms that answers are made in. How large an answer is shows when
// it is made, and who waits for room must not have any: an answer that does not fit
// is made again in the next room.
var levels = [...]int64{256 << 10, 4 << 20, copies * maxLookupBytes}

// MinAnswerBytes is the smallest budget of answers: the largest answer, and small
// ones beside it.
const MinAnswerBytes = copies*maxLookupBytes + 32<<20

// minKept is the size of an answer that is counted until it is sent. gRPC itself has
// more for a call than that.
const minKept = 2 << 10

// room is the memory of answers to look-ups, from when they are made until they
// are on the wire. Small ones have a part of their own, a third, so that they never
// wait for large ones.
type room struct {
	small, large *semaphore.Weighted
	wait         time.Duration
}

// errNoFit says that the answer needs the next level.
var errNoFit = errors.New("the answer does not fit its room")

func newRoom(bytes int64, wait time.Duration) *room {
	bytes = max(bytes, MinAnswerBytes)
	large := max(bytes/3*2, copies*maxLookupBytes)
	return &room{small: semaphore.NewWeighted(bytes - large), large: semaphore.NewWeighted(large), wait: wait}
}

// take waits for the room of a level. It fails with STORAGE_PRESSURE(retry_after_ms)
// when there is none for long.
func (r *room) take(ctx context.Context, level int) (lease, error) {
	l := lease{from: r.large, bytes: levels[level]}
	if level == 0 {
		l.from = r.small
	}
	if l.from.TryAcquire(l.bytes) {
		return l, nil
	}
	wait, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	if err := l.from.Acquire(wait, l.bytes); err != nil {
		if ctx.Err() != nil {
			return lease{}, errcode.From(ctx.Err())
		}
		return lease{}, errcode.New(errcode.StoragePressure, nil,
			"the answers to look-ups that clients have not taken yet fill the memory for them: try again later, or read the answers of earlier ones").
			With("retry_after_ms", r.wait.Milliseconds())
	}
	return l, nil
}

// lease is room that was taken.
type lease struct {
	from  *semaphore.Weighted
	bytes int64
}

// shrink gives back all but n bytes, and nothing when there are fewer.
func (l *lease) shrink(n int64) {
	if n < l.bytes {
		l.from.Release(l.bytes - n)
		l.bytes = n
	}
}

type leaseKey struct{}

// leave hands the lease of an answer of about n bytes to Hold, or gives it back when
// the answer is small or the call did not come through Hold.
func (l *lease) leave(ctx context.Context, n int64) {
	to, ok := ctx.Value(leaseKey{}).(*lease)
	if !ok || n < minKept {
		n = 0
	}
	l.shrink(n)
	if n > 0 {
		*to = *l
	}
}

// Hold is the interceptor that keeps the memory of an answer counted until it is on
// the wire.
func Hold(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if info.FullMethod != flussv1.Lookup_Lookup_FullMethodName {
		return next(ctx, req)
	}
	var l lease
	resp, err := next(context.WithValue(ctx, leaseKey{}, &l), req)
	if answer, ok := resp.(*flussv1.LookupResponse); ok && l.bytes > 0 {
		return codec.Hold(answer, func() { l.shrink(0) }), err
	}
	return resp, err
}
