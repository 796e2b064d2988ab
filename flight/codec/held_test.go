package codec_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/fluss-go/fluss/flight/codec"
)

func TestHeld(t *testing.T) {
	c := codec.New(&codec.Pool{})
	text := strings.Repeat("x", 5000)
	for _, tc := range []struct {
		name string
		text string
		// held: not released by marshalling alone
		held bool
	}{
		{"empty", "", false},
		{"less than gRPC frees", text[:100], false},
		{"large", text, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			released := 0
			wire, err := c.Marshal(codec.Hold(wrapperspb.String(tc.text), func() { released++ }))
			require.NoError(t, err)
			var got wrapperspb.StringValue
			require.NoError(t, proto.Unmarshal(wire.Materialize(), &got))
			require.Equal(t, tc.text, got.GetValue())
			require.Equal(t, tc.held, released == 0)
			wire.Ref()
			wire.Free()
			require.Equal(t, tc.held, released == 0)
			wire.Free()
			require.Equal(t, 1, released)
		})
	}
}

// A broken connection drops messages, made or not, without freeing them.
func TestHeldIsReleasedWhenItIsGarbage(t *testing.T) {
	c := codec.New(&codec.Pool{})
	released := make(chan bool, 2)
	held := codec.Hold(wrapperspb.String(strings.Repeat("x", 5000)), func() { released <- true })
	wire, err := c.Marshal(held)
	require.NoError(t, err)
	runtime.GC()
	require.Empty(t, released)
	runtime.KeepAlive(wire)
	codec.Hold(wrapperspb.String("never sent"), func() { released <- true })
	for range 2 {
		runtime.GC()
		<-released
	}
}
