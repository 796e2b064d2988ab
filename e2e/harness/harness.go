// Package harness runs the real binary for tests: servers on free loopback ports
// with data directories of their own, and commands against them.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyWithin is how long a server may take to be ready; a loaded machine is slow.
const readyWithin = 60 * time.Second

// Root is the top of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Testdata is the path of a file of e2e/testdata.
func Testdata(name string) string { return filepath.Join(Root(), "e2e", "testdata", name) }

var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("FLUSS_BIN"); path != "" {
		return path, nil
	}
	path := filepath.Join(Root(), "bin", "fluss")
	build := exec.Command("go", "build", "-o", path, "./server/cmd/fluss")
	build.Dir = Root()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return path, nil
})

// Binary returns the path of the fluss binary: FLUSS_BIN, or one that is built.
func Binary() (string, error) { return binary() }

// Server is a server process.
type Server struct {
	// Addr and HTTP are host:port.
	Addr, HTTP string
	// Dir is its data directory.
	Dir string

	cmd  *exec.Cmd
	done chan error
	log  *lockedBuffer
}

// FreePort returns a loopback port that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Start starts a server on free ports with the data directory and returns when it is ready.
func Start(ctx context.Context, dir string, args ...string) (*Server, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	httpPort, err := FreePort()
	if err != nil {
		return nil, err
	}
	return StartAt(ctx, dir, fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", httpPort), args...)
}

// StartAt is Start at known addresses, as for a restart.
func StartAt(ctx context.Context, dir, addr, httpAddr string, args ...string) (*Server, error) {
	bin, err := Binary()
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: addr, HTTP: httpAddr, Dir: dir, log: &lockedBuffer{}, done: make(chan error, 1)}
	s.cmd = exec.Command(bin, append([]string{"server", "--data-dir", dir, "--listen", addr, "--http", httpAddr}, args...)...)
	s.cmd.Env = cleanEnv()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	// A test that is killed takes its servers with it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.done <- s.cmd.Wait() }()
	if err := s.waitReady(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w; its output:\n%s", err, s.log)
	}
	return s, nil
}

// cleanEnv is the environment without options of a server that happens to be set.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "FLUSS_") {
			env = append(env, kv)
		}
	}
	return env
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ready(ctx, s.HTTP) {
			return nil
		}
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("the server ended before it was ready: %w", err)
		case <-ctx.Done():
			return errors.New("the server was not ready in time")
		case <-tick.C:
		}
	}
}

func ready(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/ready", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK
}

// Get returns the status and body of a page of the HTTP port.
func (s *Server) Get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.HTTP+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// Kill ends the server like kill -9 and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may be gone already
	s.done <- <-s.done
}

// Stop asks the server to stop, as Ctrl-C does, and returns its exit error. It
// kills one that does not stop within the time.
func (s *Server) Stop(within time.Duration) error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-timer.C:
		s.Kill()
		return fmt.Errorf("the server did not stop within %s; its output:\n%s", within, s.log)
	}
}

// Pid is the server's process id.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Output is what the server has printed.
func (s *Server) Output() string { return s.log.String() }

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs a fluss command against the server and waits for it.
func (s *Server) Run(ctx context.Context, stdin string, args ...string) (Result, error) {
	return Run(ctx, s.Addr, stdin, args...)
}

// Run runs a fluss command with FLUSS_SERVER set and waits for it. An exit code
// other than 0 is no error.
func Run(ctx context.Context, server, stdin string, args ...string) (Result, error) {
	cmd, err := Command(ctx, server, args...)
	if err != nil {
		return Result{}, err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	r := Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return r, err
}

// Command returns a fluss command with FLUSS_SERVER set, not started.
func Command(ctx context.Context, server string, args ...string) (*exec.Cmd, error) {
	bin, err := Binary()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = append(cleanEnv(), "FLUSS_SERVER="+server)
	return cmd, nil
}

// lockedBuffer collects output while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
