// Package rpcerr is the border where errors of handlers become gRPC statuses.
//
// A server installs its two interceptors once, outermost. They turn every error
// into a status with a code of proto/errcode, give internal ones a request id
// under which the log has the rest, and turn panics into internal errors.
package rpcerr

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/fluss-go/fluss/proto/errcode"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Options returns the server options that install both interceptors, outermost
// if they come before any other interceptor.
func Options(logger *slog.Logger) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(Unary(logger)),
		grpc.ChainStreamInterceptor(Stream(logger)),
	}
}

// Unary returns the interceptor for unary calls.
func Unary(logger *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() { err = finish(ctx, logger, info.FullMethod, recover(), err) }()
		return handler(ctx, req)
	}
}

// Stream returns the interceptor for streaming calls.
func Stream(logger *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() { err = finish(stream.Context(), logger, info.FullMethod, recover(), err) }()
		return handler(srv, decoding{stream})
	}
}

// decoding is a stream whose malformed messages are the client's mistake: gRPC
// calls what its codec refuses an internal error.
type decoding struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s decoding) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if status.Code(err) == codes.Internal {
		return errcode.New(errcode.InvalidArgument, err, "a message of the stream is malformed and cannot be decoded")
	}
	return err
}

// finish returns the status of a call that panicked with cause, or returned err.
func finish(ctx context.Context, logger *slog.Logger, method string, cause any, err error) error {
	if cause != nil {
		e := errcode.New(errcode.Internal, fmt.Errorf("panic: %v", cause), "internal error").With("request_id", rand.Text())
		logger.ErrorContext(ctx, "a handler panicked", "method", method, "request_id", e.Facts["request_id"],
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		return errcode.ToStatus(withID(e))
	}
	if err == nil {
		return nil
	}
	e := errcode.From(err)
	if e.Code != errcode.Internal {
		return errcode.ToStatus(e)
	}
	id := rand.Text()
	logger.ErrorContext(ctx, "a call failed", "method", method, "request_id", id, "error", err)
	internal := errcode.New(errcode.Internal, err, "%s", e.Message)
	for name, value := range e.Facts {
		internal = internal.With(name, value)
	}
	return errcode.ToStatus(withID(internal.With("request_id", id)))
}

// withID says in the message under which id the log has the rest.
func withID(e *errcode.Error) *errcode.Error {
	e.Message += fmt.Sprintf(" (the server's log has more under request id %s)", e.Facts["request_id"])
	return e
}
