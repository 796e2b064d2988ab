package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"time"

	"github.com/fluss-go/fluss/sdk"
)

func main() {
	var r run
	var rawAddress, stockAddress, stockShape, only string
	flag.StringVar(&r.bin, "bin", "bin/fluss", "the server under test")
	flag.StringVar(&r.flights, "flights", "../shared/data/flights-3m.parquet", "the flights file; what needs it is left out when it is absent")
	flag.StringVar(&r.out, "out", "", "file to write the report to; standard output gets it anyway")
	flag.StringVar(&only, "only", ".", "run the benchmarks whose name matches")
	flag.IntVar(&r.rounds, "rounds", 7, "rounds that count")
	flag.DurationVar(&r.gap, "gap", 30*time.Second, "how long the longest gap between acks is looked for")
	flag.IntVar(&r.megabytes, "megabytes", 1000, "size of the wide table")
	flag.StringVar(&r.profile, "cpuprofile", "", "file to write a CPU profile of the client to")
	flag.StringVar(&stockAddress, "stock-server", "", "internal")
	flag.StringVar(&rawAddress, "raw-server", "", "internal")
	flag.StringVar(&stockShape, "stock-shape", "", "internal")
	flag.Parse()
	if err := mainErr(&r, only, rawAddress, stockAddress, stockShape); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func mainErr(r *run, only, rawAddress, stockAddress, stockShape string) (err error) {
	if rawAddress != "" {
		return serveRaw(rawAddress)
	}
	if stockAddress != "" {
		var batches, rows, repeat int
		if _, err := fmt.Sscanf(stockShape, "%d,%d,%d", &batches, &rows, &repeat); err != nil {
			return err
		}
		return serveStock(stockAddress, batches, rows, repeat)
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if r.bin, err = filepath.Abs(r.bin); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "fluss-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if r.profile != "" {
		f, err := os.Create(r.profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); err = errors.Join(err, f.Close()) }()
	}
	for _, b := range benchmarks {
		if !match.MatchString(b.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", b.name)
		if err := b.run(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return r.report()
}

// run is one run of the command.
type run struct {
	bin, flights, out, dir string
	profile                string
	rounds, megabytes      int
	gap                    time.Duration
	rows                   []row
}

// benchmarks are all there are, in the order they run in.
var benchmarks = []struct {
	name string
	run  func(context.Context, *run) error
}{
	{"scan", benchScan},
	{"project", benchProject},
	{"flights", benchFlights},
	{"append", benchAppend},
	{"writers", benchWriters},
	{"latency", benchLatency},
	{"lookups", benchLookups},
	{"upserts", benchUpserts},
	{"beside", benchBeside},
	{"rows", benchRows},
	{"recover", benchRecover},
	{"keys", benchKeys},
	{"buckets", benchBuckets},
	{"start", benchStart},
	{"idle", benchIdle},
}

// withServer starts a server with a client, calls f and stops both.
func (r *run) withServer(ctx context.Context, name string, args []string, f func(*server, *sdk.Client) error) (err error) {
	dir, err := r.scratch(name)
	if err != nil {
		return err
	}
	s, _, err := startServer(ctx, r.bin, filepath.Join(dir, "data"), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(), os.RemoveAll(dir)) }()
	c, err := sdk.Connect(ctx, s.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return f(s, c)
}
