package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTicks is the unit of /proc/PID/stat on Linux: USER_HZ is 100 everywhere.
const clockTicks = 100

// server is a running `fluss server`.
type server struct {
	cmd  *exec.Cmd
	addr string
	http string
	dir  string
	log  *os.File
}

// startServer starts bin/fluss on dir and waits until it is ready; started is
// when the process was started.
func startServer(ctx context.Context, bin, dir string, args ...string) (s *server, started time.Time, err error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, started, err
	}
	httpAddr, err := freeAddress()
	if err != nil {
		return nil, started, err
	}
	log, err := os.OpenFile(filepath.Join(filepath.Dir(dir), filepath.Base(dir)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, started, err
	}
	all := append([]string{"server", "--data-dir", dir, "--listen", addr, "--http", httpAddr}, args...)
	cmd := exec.Command(bin, all...) // not bound to ctx: stop and kill end it
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, started, err
	}
	s = &server{cmd: cmd, addr: addr, http: httpAddr, dir: dir, log: log}
	return s, started, s.waitReady(ctx)
}

func (s *server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/ready", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server on %s did not become ready: see %s", s.addr, s.log.Name())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// cpu is the CPU time that the server has used so far.
func (s *server) cpu() time.Duration { return processCPU(s.cmd.Process.Pid) }

// rss is the resident memory of the server in bytes.
func (s *server) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && f[0] == "VmRSS:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// stop ends the server in order, kill at once.
func (s *server) stop() error { return s.end(syscall.SIGTERM) }
func (s *server) kill() error { return s.end(syscall.SIGKILL) }

func (s *server) end(sig syscall.Signal) error {
	err := s.cmd.Process.Signal(sig)
	waited := s.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(waited, &exit) && sig == syscall.SIGKILL {
		waited = nil
	}
	return errors.Join(err, waited, s.log.Close())
}

// processCPU is the user and system time of a process.
func processCPU(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks
}

// ownCPU is the user and system time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
