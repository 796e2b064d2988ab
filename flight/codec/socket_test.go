package codec

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials/insecure"
)

func TestOnlyConnectionsWithinTheMachineAreTuned(t *testing.T) {
	for _, tc := range []struct {
		name          string
		local, remote string
		want          bool
	}{
		{"loopback", "127.0.0.1", "127.0.0.1", true},
		{"loopback of IPv6", "::1", "::1", true},
		{"own address", "10.0.0.7", "10.0.0.7", true},
		{"own address, mapped", "10.0.0.7", "::ffff:10.0.0.7", true},
		{"another machine", "10.0.0.7", "10.0.0.8", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, isLocal(&net.TCPAddr{IP: net.ParseIP(tc.local)}, &net.TCPAddr{IP: net.ParseIP(tc.remote)}))
		})
	}
	require.False(t, isLocal(&net.UnixAddr{}, &net.UnixAddr{}))
}

func TestTunedHandshakes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dialed, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	accepted, err := listener.Accept()
	require.NoError(t, err)
	creds := Tuned(insecure.NewCredentials()).Clone()
	require.Equal(t, "insecure", creds.Info().SecurityProtocol)
	got, _, err := creds.ClientHandshake(t.Context(), "x", dialed)
	require.NoError(t, err)
	require.Equal(t, dialed, got)
	got, _, err = creds.ServerHandshake(accepted)
	require.NoError(t, err)
	require.Equal(t, accepted, got)
	require.NoError(t, dialed.Close())
	require.NoError(t, accepted.Close())
	require.NoError(t, listener.Close())
}
