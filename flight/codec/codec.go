// Package codec puts bulk messages on a gRPC connection without copying them
// twice: it frames Arrow Flight data and write requests by hand and leaves
// every other message to the standard protobuf codec.
//
// A sender hands slices of stored buffers to SendMsg as *FlightData or
// *WriteRequest; they are copied once, into the connection's write buffer. A
// receiver passes the same types to RecvMsg; the payload is copied once, into
// one contiguous, 64-byte aligned buffer from a pool, which Free gives back.
// On the wire nothing differs from the generated messages, so either side may
// be a stock gRPC or Flight implementation.
package codec

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that we fall back to
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
)

// Settings of connections, from measurements: see ServerOptions and DialOptions.
const (
	// MaxMessageBytes is the largest message that either side accepts.
	MaxMessageBytes = 32 << 20

	writeBufferBytes      = 512 << 10
	clientReadBufferBytes = 512 << 10
	// A server holds its read buffer per connection, so it is smaller.
	serverReadBufferBytes = 256 << 10
	// The windows bound what a slow reader makes the other side buffer. Setting
	// them turns gRPC's estimation off, which is slow to grow on short scans.
	clientWindowBytes = 16 << 20
	serverWindowBytes = 8 << 20

	serverPingAfter   = 30 * time.Second
	serverPingTimeout = 20 * time.Second
	clientPingAfter   = 30 * time.Second
	clientPingTimeout = 20 * time.Second
	minClientPing     = 10 * time.Second
)

// Codec is a gRPC codec with the name "proto", so that content types do not change.
type Codec struct {
	fallback encoding.CodecV2
	pool     *Pool
}

var _ encoding.CodecV2 = (*Codec)(nil)

// New returns a codec that takes its buffers from pool.
func New(pool *Pool) *Codec {
	return &Codec{fallback: encoding.GetCodecV2("proto"), pool: pool}
}

// Name returns "proto".
func (c *Codec) Name() string { return "proto" }

// Marshal frames *FlightData and *WriteRequest by hand, and the message of a *Held
// and anything else as protobuf.
func (c *Codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *FlightData:
		return m.marshal(c.pool)
	case *WriteRequest:
		return m.marshal(c.pool)
	case *Held:
		return m.marshal(c.pool)
	}
	return c.fallback.Marshal(v)
}

// Unmarshal reads *FlightData and *WriteRequest by hand, and anything else as protobuf.
func (c *Codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *FlightData:
		return m.unmarshal(data, c.pool)
	case *WriteRequest:
		return m.unmarshal(data, c.pool)
	}
	return c.fallback.Unmarshal(data, v)
}

// ServerOptions are the options of a server that uses the codec: the codec, the
// pool, buffers, windows, message limits, connections without TLS, and pings
// that end the connection of a client that vanished within 50 s.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(New(Buffers)),
		grpc.Creds(Tuned(insecure.NewCredentials())),
		experimental.BufferPool(Buffers),
		grpc.WriteBufferSize(writeBufferBytes),
		grpc.ReadBufferSize(serverReadBufferBytes),
		grpc.InitialWindowSize(serverWindowBytes),
		grpc.InitialConnWindowSize(serverWindowBytes),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: serverPingAfter, Timeout: serverPingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minClientPing, PermitWithoutStream: true}),
	}
}

// DialOptions are the options of a client connection that uses the codec.
// Credentials are the caller's to add, best through Tuned.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(New(Buffers)),
			grpc.MaxCallRecvMsgSize(MaxMessageBytes),
			grpc.MaxCallSendMsgSize(MaxMessageBytes),
		),
		experimental.WithBufferPool(Buffers),
		grpc.WithWriteBufferSize(writeBufferBytes),
		grpc.WithReadBufferSize(clientReadBufferBytes),
		grpc.WithInitialWindowSize(clientWindowBytes),
		grpc.WithInitialConnWindowSize(clientWindowBytes),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: clientPingAfter, Timeout: clientPingTimeout}),
	}
}

// errWire reports bytes that are no message of the kind.
func errWire(kind, format string, args ...any) error {
	return fmt.Errorf("%s: %s", kind, fmt.Sprintf(format, args...))
}
