package codec

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"
)

// localSendBufferBytes is the send buffer of a connection within one machine.
// The kernel lets it grow to megabytes, which a network with its delay needs;
// without one, the bytes under way only push each other out of the processor's
// caches. Half a write buffer of ours and less make both ends wait for each other.
const localSendBufferBytes = 384 << 10

// Tuned returns creds, with the send buffers of connections within one machine
// set. Connections to other machines are left to the kernel.
func Tuned(creds credentials.TransportCredentials) credentials.TransportCredentials {
	return tuned{creds}
}

// tuned sets options of a socket when the handshake begins: the one place where
// gRPC shows the bare connection on both sides and leaves dialing, and with it
// proxies, as they are.
type tuned struct {
	credentials.TransportCredentials
}

// ClientHandshake implements credentials.TransportCredentials.
func (t tuned) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	tune(conn)
	return t.TransportCredentials.ClientHandshake(ctx, authority, conn)
}

// ServerHandshake implements credentials.TransportCredentials.
func (t tuned) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	tune(conn)
	return t.TransportCredentials.ServerHandshake(conn)
}

// Clone implements credentials.TransportCredentials.
func (t tuned) Clone() credentials.TransportCredentials {
	return tuned{t.TransportCredentials.Clone()}
}

func tune(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok && isLocal(tcp.LocalAddr(), tcp.RemoteAddr()) {
		_ = tcp.SetWriteBuffer(localSendBufferBytes) // a connection that is not tuned works too
	}
}

// isLocal reports whether both ends of a connection are on this machine: it is
// the loopback, or goes from an address to itself.
func isLocal(local, remote net.Addr) bool {
	l, ok := local.(*net.TCPAddr)
	if !ok {
		return false
	}
	r, ok := remote.(*net.TCPAddr)
	return ok && (r.IP.IsLoopback() || r.IP.Equal(l.IP))
}
