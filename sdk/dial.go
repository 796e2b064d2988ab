package sdk

import (
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"

	"github.com/fluss-go/fluss/flight/codec"
)

// dial opens a connection lazily, with the codec that frames batches by hand. A
// connection that breaks is made anew after the client's own pauses: gRPC's begin
// with a second, which is longer than a server's restart.
func dial(endpoint string, opts *clientOptions) (*grpc.ClientConn, error) {
	pauses := grpcbackoff.DefaultConfig
	pauses.BaseDelay, pauses.MaxDelay = opts.backoffMin, opts.backoffMax
	all := append([]grpc.DialOption{
		grpc.WithTransportCredentials(codec.Tuned(opts.credentials)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: opts.requestTimeout}),
	}, codec.DialOptions()...)
	return grpc.NewClient(endpoint, append(all, opts.dial...)...)
}
