// Package miniotest runs the real MinIO for tests.
package miniotest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Server is a running MinIO with one bucket, which is empty.
type Server struct {
	// Endpoint is its URL, on loopback.
	Endpoint             string
	Bucket               string
	AccessKey, SecretKey string

	cmd   *exec.Cmd // nil when it does not run
	ended chan struct{}
	dir   string
}

const (
	// readyWithin is how long it may take to start; a loaded machine is slow.
	readyWithin = time.Minute
	// startAttempts is on how many ports it is tried, as others may take one first.
	startAttempts = 5
)

// Start runs the MinIO that FLUSS_MINIO names until the test ends; without it the
// test is skipped. `make e2e-lake` sets it.
func Start(t testing.TB) *Server {
	t.Helper()
	if os.Getenv("FLUSS_MINIO") == "" {
		t.Skip("FLUSS_MINIO is not set: run make e2e-lake")
	}
	s := &Server{Bucket: "lake", AccessKey: "fluss-test", SecretKey: "fluss-test-secret", dir: t.TempDir()}
	// A folder beneath its root is a bucket to a MinIO on one disk.
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, s.Bucket), 0o755))
	t.Cleanup(s.Kill)
	var err error
	for range startAttempts {
		s.Endpoint = "http://" + freeAddress(t)
		if err = s.run(); err == nil {
			return s
		}
	}
	require.NoError(t, err)
	return nil
}

// freeAddress is one that nobody listened on a moment ago; somebody else may take it.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// Run starts the process again after Kill, at the same address, and waits until it answers.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	require.NoError(t, s.run())
}

func (s *Server) run() error {
	var output bytes.Buffer // read when the process has ended
	s.cmd = exec.Command(os.Getenv("FLUSS_MINIO"), "server", "--quiet", "--address", s.Endpoint[len("http://"):], s.dir)
	s.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	s.cmd.Stdout, s.cmd.Stderr = &output, &output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("FLUSS_MINIO does not start, make e2e-lake sets it: %w", err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(ended)
	}(s.cmd)
	late := time.After(readyWithin)
	for !s.healthy() {
		select {
		case <-ended:
			s.cmd = nil
			return fmt.Errorf("MinIO on %s ended: %s", s.Endpoint, output.String())
		case <-late:
			s.Kill()
			return fmt.Errorf("MinIO on %s does not answer: %s", s.Endpoint, output.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Kill ends the process at once; what it acked stays.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

func (s *Server) healthy() bool {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(s.Endpoint + "/minio/health/cluster")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
