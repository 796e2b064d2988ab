package harness

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/sdk"
)

// TestServer starts a server for a test, stopped at its end. A failed test shows
// the server's output.
func TestServer(t *testing.T, args ...string) *Server {
	t.Helper()
	s, err := Start(t.Context(), t.TempDir(), args...)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("output of the server:\n%s", s.Output())
		}
	})
	return s
}

// Client connects to the server for a test.
func (s *Server) Client(t *testing.T, opts ...sdk.Option) *sdk.Client {
	t.Helper()
	c, err := sdk.Connect(t.Context(), s.Addr, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// OK runs a command that must succeed and returns its standard output.
func (s *Server) OK(t *testing.T, args ...string) string {
	t.Helper()
	return s.OKIn(t, "", args...)
}

// OKIn is OK with standard input.
func (s *Server) OKIn(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r, err := s.Run(t.Context(), stdin, args...)
	require.NoError(t, err)
	require.Zero(t, r.Code, "fluss %v: %s", args, r.Stderr)
	return r.Stdout
}

// Context returns a context that ends before the test binary's own time is up.
func Context(t *testing.T, within time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}
