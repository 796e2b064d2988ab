package sdk

import (
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/flight/codec"
)

// dial opens a connection lazily, with the codec that frames batches by hand.
func dial(endpoint string, opts *clientOptions) (*grpc.ClientConn, error) {
	all := append([]grpc.DialOption{grpc.WithTransportCredentials(opts.credentials)}, codec.DialOptions()...)
	return grpc.NewClient(endpoint, append(all, opts.dial...)...)
}
