package errcode_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Codes, their statuses and classes are a contract with clients of every
// language: lines may be added to testdata/codes.txt, none changed or removed.
func TestCodesArePinned(t *testing.T) {
	var lines []string
	for code, p := range errcode.All() {
		lines = append(lines, fmt.Sprintf("%s %s %d\n", code, p.Status, p.Retry))
	}
	slices.Sort(lines)
	pinned, err := os.ReadFile("testdata/codes.txt")
	require.NoError(t, err)
	require.Equal(t, string(pinned), strings.Join(lines, ""))
}

func TestAnErrorCrossesTheWire(t *testing.T) {
	cause := errors.New("secret path")
	sent := errcode.New(errcode.OffsetOutOfRange, cause, "offset %d is gone", 3).With("start", 5).With("end", 9)
	st := errcode.ToStatus(fmt.Errorf("reading: %w", sent))
	require.Equal(t, codes.OutOfRange, status.Code(st))
	require.NotContains(t, st.Error(), "secret")

	got := errcode.From(st)
	require.Equal(t, errcode.OffsetOutOfRange, got.Code)
	require.Equal(t, "offset 3 is gone", got.Message)
	require.Equal(t, map[string]string{"start": "5", "end": "9"}, got.Facts)
	require.ErrorIs(t, got, &errcode.Error{Code: errcode.OffsetOutOfRange})
	require.NotErrorIs(t, got, &errcode.Error{Code: errcode.Corrupt})
	require.ErrorIs(t, sent, cause)
}

func TestFromErrorsThatHaveNoCode(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want errcode.Code
	}{
		{"plain", errors.New("x"), errcode.Internal},
		{"context canceled", context.Canceled, errcode.Canceled},
		{"deadline", fmt.Errorf("waiting: %w", context.DeadlineExceeded), errcode.DeadlineExceeded},
		{"gRPC unavailable", status.Error(codes.Unavailable, "x"), errcode.Unavailable},
		{"foreign domain", foreign(t), errcode.InvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, errcode.Of(tc.err)) })
	}
	require.NoError(t, errcode.ToStatus(nil))
	require.Nil(t, errcode.From(nil))
}

func foreign(t *testing.T) error {
	st, err := status.New(codes.InvalidArgument, "x").WithDetails(&errdetails.ErrorInfo{Reason: "CORRUPT", Domain: "another"})
	require.NoError(t, err)
	return st.Err()
}
