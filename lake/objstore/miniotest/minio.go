// Package miniotest runs the real MinIO for tests.
package miniotest

import (
	"context"
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

	cmd *exec.Cmd
	dir string
}

// Start runs the MinIO that FLUSS_MINIO names until the test ends; without it the
// test is skipped. `make e2e-lake` sets it.
func Start(t testing.TB) *Server {
	t.Helper()
	if os.Getenv("FLUSS_MINIO") == "" {
		t.Skip("FLUSS_MINIO is not set: run make e2e-lake")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	s := &Server{Endpoint: "http://" + address, Bucket: "lake", AccessKey: "fluss-test", SecretKey: "fluss-test-secret", dir: t.TempDir()}
	// A folder beneath its root is a bucket to a MinIO on one disk.
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, s.Bucket), 0o755))
	s.Run(t)
	t.Cleanup(s.Kill)
	return s
}

// Run starts the process, again after Kill, and waits until it answers.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	address := s.Endpoint[len("http://"):]
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Getenv("FLUSS_MINIO"), "server", "--quiet", "--address", address, s.dir)
	s.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, s.cmd.Start())
	require.Eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil && s.healthy()
	}, time.Minute, 50*time.Millisecond, fmt.Sprint("MinIO on ", address))
}

// Kill ends the process at once; what it acked stays.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *Server) healthy() bool {
	resp, err := http.Get(s.Endpoint + "/minio/health/cluster")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
