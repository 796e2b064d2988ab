// Command quickstart shows what Fluss does, with the real binary and real rows:
// `make quickstart`. It starts a server in a temporary directory, makes two
// tables, loads them, looks up and changes a row by key, follows a filtered
// projection while rows arrive, checks what it saw, and removes everything again.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/fluss-go/fluss/e2e/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// liveRows is how many rows arrive while the read follows.
const liveRows = 2000

// rowEvery is how often one of them arrives.
const rowEvery = 500 * time.Microsecond

// late is the filter of the live read.
const late = "delay > 120"

type show struct {
	ctx    context.Context //nolint:containedctx // one run from top to bottom
	out    io.Writer
	server *harness.Server
	// wrote is what the live writer printed; set before its end is told.
	wrote string
}

func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "fluss-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	start := time.Now()
	server, err := harness.Start(ctx, dir)
	if err != nil {
		return err
	}
	s := &show{ctx: ctx, out: out, server: server}
	s.say("$ fluss server            # ready after %d ms on %s, data in %s", time.Since(start).Milliseconds(), server.Addr, dir)
	if err := s.story(); err != nil {
		server.Kill()
		return fmt.Errorf("%w\nThe server said:\n%s", err, server.Output())
	}
	const patience = 10 * time.Second
	if err := server.Stop(patience); err != nil {
		return err
	}
	s.say("\nThe server has stopped and its data is removed. Next: README.md, docs/.")
	return nil
}

// say prints; there is nobody to tell when the terminal is gone.
func (s *show) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// do prints a command, runs it and prints its output, at most lines lines of it.
func (s *show) do(lines int, args ...string) (string, error) { return s.doWith("", lines, args...) }

// doWith is do with standard input.
func (s *show) doWith(in string, lines int, args ...string) (string, error) {
	pipe := ""
	if in != "" {
		pipe = "echo '" + in + "' | "
	}
	s.say("\n$ %sfluss %s", pipe, shown(args))
	r, err := s.server.Run(s.ctx, in, args...)
	if err != nil {
		return "", err
	}
	if r.Code != 0 {
		return "", fmt.Errorf("fluss %s: %s", shown(args), r.Stderr)
	}
	all := strings.Split(strings.TrimRight(r.Stdout, "\n"), "\n")
	for i, line := range all {
		if i == lines {
			s.say("... %d lines more", len(all)-lines)
			break
		}
		s.say("%s", line)
	}
	return r.Stdout, nil
}

// shown is a command line as one would type it.
func shown(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		a = strings.TrimPrefix(a, harness.Root()+string(os.PathSeparator))
		if strings.ContainsAny(a, " '>") {
			a = `"` + a + `"`
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

func (s *show) story() error {
	flights, airports := harness.Testdata("flights.parquet"), harness.Testdata("airports.csv")
	for _, args := range [][]string{
		{"table", "create", "flights", "--like-file", flights, "--buckets", "4"},
		{"table", "create", "airports", "--like-file", airports, "--primary-key", "iata"},
		{"write", "flights", "--from", flights},
		{"write", "airports", "--from", airports},
		{"table", "describe", "flights"},
		{"offsets", "flights"},
		{"read", "airports", "--where", "state = 'HI' AND name LIKE '%International%'", "--columns", "iata,name,city"},
		{"read", "flights", "--where", "delay > 600", "--columns", "date,origin,destination,delay"},
	} {
		const lines = 12
		if _, err := s.do(lines, args...); err != nil {
			return err
		}
	}
	if err := s.byKey(); err != nil {
		return err
	}
	return s.live()
}

// byKey looks a row up, changes it, and shows what the changelog tells.
func (s *show) byKey() error {
	for _, step := range []struct {
		in   string
		args []string
	}{
		{"", []string{"lookup", "airports", "SEA"}},
		{`{"iata": "SEA", "city": "SeaTac"}`, []string{"write", "airports", "--mode", "upsert", "--target-columns", "iata,city", "--from", "-"}},
		{"", []string{"lookup", "airports", "SEA", "--columns", "iata,name,city"}},
		{"", []string{"read", "airports", "--changelog", "--where", "iata = 'SEA'", "--columns", "iata,city"}},
		{"", []string{"count", "airports"}},
	} {
		const lines = 12
		if _, err := s.doWith(step.in, lines, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// live follows a filtered projection while rows arrive one after another.
func (s *show) live() error {
	r, err := s.server.Run(s.ctx, "", "read", "flights", "--bucket", "0", "--limit", fmt.Sprint(liveRows), "-o", "json")
	if err != nil || r.Code != 0 {
		return fmt.Errorf("reading rows to replay: %w %s", err, r.Stderr)
	}
	rows := strings.SplitAfter(strings.TrimRight(r.Stdout, "\n"), "\n")
	want := 0
	for _, row := range rows {
		var delay int
		if _, err := fmt.Sscanf(row[strings.Index(row, `"delay":`):], `"delay":%d`, &delay); err == nil && delay > 120 {
			want++
		}
	}
	readArgs := []string{"read", "flights", "--columns", "origin,destination,delay", "--where", late, "--from", "latest", "--follow", "-o", "json"}
	writeArgs := []string{"write", "flights", "--from", "-"}
	s.say("\nNow live: %d rows arrive one by one (fluss %s), and meanwhile", len(rows), shown(writeArgs))
	s.say("\n$ fluss %s", shown(readArgs))
	reader, err := harness.Command(s.ctx, s.server.Addr, readArgs...)
	if err != nil {
		return err
	}
	seen, err := reader.StdoutPipe()
	if err != nil {
		return err
	}
	if err := reader.Start(); err != nil {
		return err
	}
	defer func() { _ = errors.Join(reader.Process.Kill(), reader.Wait()) }() // it follows for ever
	if err := s.waitForReader(); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() { written <- s.trickle(writeArgs, rows) }()
	return s.watch(seen, want, written)
}

// waitForReader waits until the server streams to the reader, so that «latest»
// is before the first row that arrives.
func (s *show) waitForReader() error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	for {
		_, page, err := s.server.Get(ctx, "/metrics")
		if err != nil {
			return fmt.Errorf("waiting for the reader: %w", err)
		}
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, `fluss_rpc_open_calls{method="FlightService.DoGet"}`) && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *show) trickle(args, rows []string) error {
	cmd, err := harness.Command(s.ctx, s.server.Addr, args...)
	if err != nil {
		return err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	pace := time.NewTicker(rowEvery)
	defer pace.Stop()
	for _, row := range rows {
		<-pace.C
		if _, err := io.WriteString(in, strings.TrimRight(row, "\n")+"\n"); err != nil {
			break // Wait tells why
		}
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("writing live rows: %w: %s", err, said.String())
	}
	s.wrote = strings.TrimSpace(said.String())
	return nil
}

// watch reads until all the rows wanted have come.
func (s *show) watch(seen io.Reader, want int, written <-chan error) error {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(seen); in.Scan(); {
			lines <- in.Text()
		}
	}()
	const few, patience = 5, 30 * time.Second
	timeout := time.After(patience)
	got := 0
	for written != nil || got < want {
		select {
		case err := <-written:
			if err != nil {
				return err
			}
			written = nil
			s.say("(the writer: %s)", s.wrote)
		case line, ok := <-lines:
			if !ok {
				return errors.New("the following read ended")
			}
			if got++; got <= few {
				s.say("%s", line)
			}
		case <-timeout:
			return fmt.Errorf("of %d late flights only %d came", want, got)
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	if got != want {
		return fmt.Errorf("%d late flights came, want %d", got, want)
	}
	s.say("... and so on: all %d late flights of the %d came, as they arrived.", got, liveRows)
	return nil
}
