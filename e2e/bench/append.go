package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluss-go/fluss/sdk"
)

// benchAppend: wide rows from Arrow batches and typed rows, in both durabilities.
func benchAppend(ctx context.Context, r *run) error {
	return r.withServer(ctx, "memory", []string{"--durability", "memory"}, func(mem *server, memClient *sdk.Client) error {
		return r.withServer(ctx, "fsync", []string{"--durability", "fsync"}, func(fsync *server, fsyncClient *sdk.Client) error {
			return r.withServer(ctx, "verify", []string{"--durability", "memory", "--verify-compressed"}, func(verify *server, verifyClient *sdk.Client) error {
				return r.compareAppends(ctx, target{mem, memClient}, target{fsync, fsyncClient}, target{verify, verifyClient})
			})
		})
	})
}

// target is a server with a client of it.
type target struct {
	*server
	client *sdk.Client
}

func (r *run) compareAppends(ctx context.Context, mem, fsync, verify target) error {
	wide, rows := wideBatches(wideDistinct, wideBatchRows), wideRows(4096)
	n := int(int64(r.megabytes) * 1e6 / dataBytes(wide[0]))
	count := 0
	appending := func(to target, codec string, f func(name string) (int64, int64, error)) func() (sample, error) {
		return func() (sample, error) {
			count++
			name := fmt.Sprintf("t%d", count)
			if err := createTable(ctx, to.client, name, wideColumns(), codec, 4); err != nil {
				return sample{}, err
			}
			out, err := measure(to.cpu, func() (int64, int64, error) { return f(name) })
			return out, errors.Join(err, to.client.Admin().DropTable(ctx, name))
		}
	}
	batches := func(to target, codec string) func() (sample, error) {
		return appending(to, codec, func(name string) (int64, int64, error) { return appendBatches(ctx, to.client, name, wide, n) })
	}
	got, err := interleave(r.rounds,
		contender{"memory", batches(mem, codecNone)},
		contender{"fsync", batches(fsync, codecNone)},
		contender{"rows", appending(mem, codecNone, func(name string) (int64, int64, error) {
			return appendRows(ctx, mem.client, name, rows, n*wideBatchRows)
		})},
		contender{"zstd", batches(mem, codecZstd)},
		contender{"zstd, verified", batches(verify, codecZstd)},
	)
	if err != nil {
		return err
	}
	cpu := spreadOf(got[0], sample.cpuPerGB)
	r.add("append, wide Arrow batches, memory, uncompressed: CPU-s/GB", cpu.String(), "≤ 2.5", cpu.median <= 2.5)
	r.add("… server alone CPU-s/GB", spreadOf(got[0], sample.serverPerGB).String(), "", true)
	r.add("… rows/s", spreadOf(got[0], sample.rowsPerSecond).millions(), "", true)
	speed := spreadOf(got[1], sample.rowsPerSecond)
	r.add("… fsync: rows/s", speed.millions(), "≥ 0.15 M", speed.median >= 150e3)
	var share, typed []float64
	for i := range got[0] {
		share = append(share, got[1][i].rowsPerSecond()/got[0][i].rowsPerSecond())
		typed = append(typed, got[2][i].cpuPerGB()/got[0][i].cpuPerGB())
	}
	shares, typeds := spreadOfValues(share), spreadOfValues(typed)
	r.add("… fsync over memory, rows/s", shares.String(), "≥ 0.6", shares.median >= 0.6)
	r.add("… from typed Go rows over from Arrow batches, CPU", typeds.String(), "≤ 2", typeds.median <= 2)
	cpu = spreadOf(got[3], sample.cpuPerGB)
	r.add("append, wide Arrow batches, memory, zstd: CPU-s per GB of rows", cpu.String(), "≤ 6", cpu.median <= 6)
	cpu = spreadOf(got[4], sample.cpuPerGB)
	r.add("… with verify-compressed: CPU-s per GB of rows", cpu.String(), "", true)
	return nil
}

// smallRow is what the writers and the latency benchmark send.
type smallRow struct {
	ID   int64  `fluss:"id"`
	Text string `fluss:"text"`
}

const (
	smallColumns = "id BIGINT, text STRING"
	writerCount  = 500
	writersFor   = 3 * time.Second
)

// benchWriters: many writers that each send one row and wait for its ack.
func benchWriters(ctx context.Context, r *run) error {
	return r.withServer(ctx, "writers", nil, func(s *server, _ *sdk.Client) error {
		var contenders []contender
		for _, connections := range []int{1, 16} {
			clients := make([]*sdk.Client, connections)
			for i := range clients {
				c, err := sdk.Connect(ctx, s.addr)
				if err != nil {
					return err
				}
				defer func() { _ = c.Close() }() // the run is over
				clients[i] = c
			}
			name := fmt.Sprintf("small%d", connections)
			if err := createTable(ctx, clients[0], name, smallColumns, codecNone, 4); err != nil {
				return err
			}
			contenders = append(contenders, contender{name, func() (sample, error) {
				return measure(s.cpu, func() (int64, int64, error) { return writers(ctx, clients, name) })
			}})
		}
		got, err := interleave(r.rounds, contenders...)
		if err != nil {
			return err
		}
		for i, what := range []string{"one connection", "sixteen connections"} {
			speed := spreadOf(got[i], sample.rowsPerSecond)
			r.add("500 writers, a row each and wait, fsync, "+what+": rows/s", speed.millions(), "≥ 0.04 M", speed.median >= 40e3)
		}
		return nil
	})
}

func writers(ctx context.Context, clients []*sdk.Client, name string) (rows, bytes int64, err error) {
	var acked atomic.Int64
	var wg sync.WaitGroup
	failures := make(chan error, writerCount)
	deadline := time.Now().Add(writersFor)
	for i := range writerCount {
		wg.Go(func() {
			a, err := clients[i%len(clients)].Appender(ctx, name)
			if err != nil {
				failures <- err
				return
			}
			for n := int64(0); time.Now().Before(deadline); n++ {
				f, err := a.Append(ctx, smallRow{n, "a row of a writer that waits"})
				if err == nil {
					_, err = f.Wait(ctx)
				}
				if err != nil {
					failures <- err
					return
				}
				acked.Add(1)
			}
			failures <- a.Close(ctx)
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return 0, 0, err
		}
	}
	return acked.Load(), acked.Load() * 40, nil
}

// Shape of the latency benchmark.
const (
	latencyRows  = 1000
	latencyEvery = 5 * time.Millisecond
)

// benchLatency: from the call that writes a row to a following read that has it,
// beside a bare write and fsync of 4 KiB.
func benchLatency(ctx context.Context, r *run) error {
	return r.withServer(ctx, "latency", nil, func(s *server, c *sdk.Client) error {
		if err := createTable(ctx, c, "latency", smallColumns, codecNone, 1); err != nil {
			return err
		}
		var p50, p99, bare50, bare99 []float64
		for range r.rounds {
			bare, err := bareSyncs(filepath.Join(r.dir, "bare"), latencyRows)
			if err != nil {
				return err
			}
			seen, err := latencies(ctx, c, "latency")
			if err != nil {
				return err
			}
			p50, p99 = append(p50, ms(percentile(seen, 0.5))), append(p99, ms(percentile(seen, 0.99)))
			bare50, bare99 = append(bare50, ms(percentile(bare, 0.5))), append(bare99, ms(percentile(bare, 0.99)))
		}
		half, tail := spreadOfValues(p50), spreadOfValues(p99)
		r.add("write → following read, a row each 5 ms, fsync: p50 ms", half.String(), "≤ 2", half.median <= 2)
		r.add("… p99 ms", tail.String(), "≤ 10", tail.median <= 10)
		r.add("bare 4 KiB write + fsync in the same run: p50 ms", spreadOfValues(bare50).String(), "", true)
		r.add("… p99 ms", spreadOfValues(bare99).String(), "", true)
		return nil
	})
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func bareSyncs(path string, n int) (out []time.Duration, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	block := make([]byte, 4096)
	for range n {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		out = append(out, time.Since(start))
	}
	slices.Sort(out)
	return out, nil
}

// latencies writes rows whose id is the time of the call, and reads them.
func latencies(ctx context.Context, c *sdk.Client, name string) (out []time.Duration, err error) {
	s, err := c.Scanner(ctx, name, sdk.ScanOptions{From: sdk.Latest(), Follow: true, Columns: []string{"id"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a, err := c.Appender(ctx, name)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	writing := make(chan error, 1)
	go func() {
		tick := time.NewTicker(latencyEvery)
		defer tick.Stop()
		for range latencyRows {
			<-tick.C
			if _, err := a.Append(ctx, smallRow{int64(time.Since(start)), "x"}); err != nil {
				writing <- err
				return
			}
		}
		writing <- a.Close(ctx)
	}()
	for len(out) < latencyRows {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil, errors.New("a following scan ended")
		}
		if err != nil {
			return nil, err
		}
		now := time.Since(start)
		for _, sent := range int64s(b.Record.Column(0)) {
			out = append(out, now-time.Duration(sent))
		}
		b.Release()
	}
	slices.Sort(out)
	return out, <-writing
}
