package rpcerr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/fluss-go/fluss/flight/rpcerr"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// serverStream is a stream of which only the context is asked.
type serverStream struct{ grpc.ServerStream }

func (serverStream) Context() context.Context { return context.Background() }

func TestErrorsBecomeStatuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		f      func() error
		status codes.Code
		code   errcode.Code
		logged string // part of the log; empty when nothing is logged
	}{
		{"none", func() error { return nil }, codes.OK, "", ""},
		{"with a code", func() error {
			return fmt.Errorf("wrapped: %w", errcode.New(errcode.UnknownTable, errors.New("secret"), "there is no table").With("table", "t"))
		}, codes.NotFound, errcode.UnknownTable, ""},
		{"canceled", func() error { return context.Canceled }, codes.Canceled, errcode.Canceled, ""},
		{"a status", func() error { return status.Error(codes.Unimplemented, "not here") }, codes.Unimplemented, errcode.Unsupported, ""},
		{"without a code", func() error { return io.ErrShortWrite }, codes.Internal, errcode.Internal, "short write"},
		{"a panic", func() error { panic("boom, a secret") }, codes.Internal, errcode.Internal, "boom"},
	} {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		check := func(t *testing.T, err error) {
			require.Equal(t, tc.status, status.Code(err))
			require.Equal(t, tc.code, errcode.Of(err))
			if err == nil {
				return
			}
			require.NotContains(t, err.Error(), "secret")
			id := errcode.From(err).Facts["request_id"]
			require.Equal(t, tc.code == errcode.Internal, id != "")
			if tc.logged == "" {
				require.Empty(t, log.String())
				return
			}
			require.Contains(t, log.String(), tc.logged)
			require.Contains(t, log.String(), id)
			log.Reset()
		}
		t.Run(tc.name, func(t *testing.T) {
			_, err := rpcerr.Unary(logger)(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/a/b"},
				func(context.Context, any) (any, error) { return nil, tc.f() })
			check(t, err)
			err = rpcerr.Stream(logger)(nil, serverStream{}, &grpc.StreamServerInfo{FullMethod: "/a/b"},
				func(any, grpc.ServerStream) error { return tc.f() })
			check(t, err)
		})
	}
}

type brokenStream struct{ serverStream }

func (brokenStream) RecvMsg(any) error {
	return status.Error(codes.Internal, "grpc: failed to unmarshal the received message")
}

func TestMalformedMessagesAreTheClientsMistake(t *testing.T) {
	err := rpcerr.Stream(slog.New(slog.DiscardHandler))(nil, brokenStream{}, &grpc.StreamServerInfo{FullMethod: "/a/B"},
		func(_ any, stream grpc.ServerStream) error { return stream.RecvMsg(nil) })
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
}
