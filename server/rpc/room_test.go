package rpc

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

func TestSmallAnswersHaveRoomOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(0, time.Second)
		largest, err := r.take(t.Context(), len(levels)-1)
		require.NoError(t, err)
		_, err = r.take(t.Context(), 1)
		require.ErrorIs(t, err, &errcode.Error{Code: errcode.StoragePressure})
		require.EqualValues(t, "1000", errcode.From(err).Facts["retry_after_ms"])
		small, err := r.take(t.Context(), 0)
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = r.take(ctx, 1)
		require.ErrorIs(t, err, context.Canceled)

		largest.shrink(levels[1])
		middle, err := r.take(t.Context(), 1)
		require.NoError(t, err)
		largest.shrink(levels[2]) // it has less
		for _, l := range []*lease{&largest, &middle, &small} {
			l.shrink(0)
			l.shrink(0)
		}
		_, err = r.take(t.Context(), len(levels)-1)
		require.NoError(t, err)
	})
}

// Who waits for room has none, so that all get some in the end, and nobody fails
// when those before him are quick.
func TestWaitingForRoomDoesNotLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(0, time.Hour)
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				for level := range i%len(levels) + 1 {
					l, err := r.take(t.Context(), level)
					require.NoError(t, err)
					time.Sleep(time.Millisecond) // the time of synctest
					l.shrink(0)
				}
			})
		}
		wg.Wait()
	})
}

// The room of an answer is given back when it was sent, and at once when it is
// small, or when there is no answer.
func TestHold(t *testing.T) {
	c := codec.New(codec.Buffers)
	lookup := &grpc.UnaryServerInfo{FullMethod: flussv1.Lookup_Lookup_FullMethodName}
	for _, tc := range []struct {
		name string
		info *grpc.UnaryServerInfo
		n    int64
		fail bool
		kept bool
	}{
		{"large", lookup, 1 << 20, false, true},
		{"small", lookup, minKept - 1, false, false},
		{"failed", lookup, 0, true, false},
		{"another method", &grpc.UnaryServerInfo{FullMethod: flussv1.Admin_CreateTable_FullMethodName}, 1 << 20, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRoom(0, 0)
			all := func() bool {
				ok := r.large.TryAcquire(levels[2])
				if ok {
					r.large.Release(levels[2])
				}
				return ok
			}
			resp, err := Hold(t.Context(), nil, tc.info, func(ctx context.Context, _ any) (any, error) {
				l, err := r.take(ctx, 1)
				require.NoError(t, err)
				if tc.fail {
					l.shrink(0)
					return nil, context.Canceled
				}
				l.leave(ctx, tc.n)
				return &flussv1.LookupResponse{Rows: make([]byte, tc.n)}, nil
			})
			require.Equal(t, !tc.kept, all())
			if tc.fail {
				require.ErrorIs(t, err, context.Canceled)
				return
			}
			require.NoError(t, err)
			wire, err := c.Marshal(resp)
			require.NoError(t, err)
			require.Equal(t, !tc.kept, all())
			wire.Free()
			require.True(t, all())
		})
	}
}
