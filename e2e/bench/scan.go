package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

// Shape of the wide table: batches of about 1 MB.
const (
	wideBatchRows = 450
	wideDistinct  = 32
)

// load appends megabytes of wide rows to a new table.
func (r *run) load(ctx context.Context, c *sdk.Client, name, codec string, buckets int) (batches int, err error) {
	if err := createTable(ctx, c, name, wideColumns(), codec, buckets); err != nil {
		return 0, err
	}
	wide := wideBatches(wideDistinct, wideBatchRows)
	batches = int(int64(r.megabytes) * 1e6 / dataBytes(wide[0]))
	_, _, err = appendBatches(ctx, c, name, wide, batches)
	return batches, err
}

// benchScan: full scans, uncompressed beside a stock arrow-go pair, and zstd.
func benchScan(ctx context.Context, r *run) error {
	return r.withServer(ctx, "scan", nil, func(s *server, c *sdk.Client) (err error) {
		batches, err := r.load(ctx, c, "plain", codecNone, 4)
		if err != nil {
			return err
		}
		if _, err := r.load(ctx, c, "packed", codecZstd, 4); err != nil {
			return err
		}
		addr, stock, err := startStock(ctx, wideDistinct, wideBatchRows, batches/wideDistinct)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stock.Process.Kill()) }()
		rawAddr, raw, err := startRaw(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, raw.Process.Kill()) }()
		scan := func(table string) func() (sample, error) {
			return func() (sample, error) {
				return measure(s.cpu, func() (int64, int64, error) { return scanAll(ctx, c, table, sdk.ScanOptions{}) })
			}
		}
		got, err := interleave(r.rounds,
			contender{"fluss", scan("plain")},
			contender{"stock", func() (sample, error) {
				return measure(processOf(stock.Process), func() (int64, int64, error) { return scanStock(ctx, addr) })
			}},
			contender{"fluss zstd", scan("packed")},
			contender{"raw", func() (sample, error) {
				return measure(processOf(raw.Process), func() (int64, int64, error) { return readRaw(rawAddr, int64(r.megabytes)*1e6) })
			}},
		)
		if err != nil {
			return err
		}
		r.reportScan(got)
		return nil
	})
}

func processOf(p *os.Process) func() time.Duration {
	return func() time.Duration { return processCPU(p.Pid) }
}

func (r *run) reportScan(got [][]sample) {
	plain, stock, packed, raw := got[0], got[1], got[2], got[3]
	cpu := spreadOf(plain, sample.cpuPerGB)
	r.add("full scan, wide, uncompressed: client + server CPU-s/GB", cpu.String(), "≤ 1.3", cpu.median <= 1.3)
	only := spreadOf(plain, sample.serverPerGB)
	r.add("… server alone CPU-s/GB", only.String(), "≤ 0.4", only.median <= 0.4)
	r.add("… rows/s", spreadOf(plain, sample.rowsPerSecond).millions(), "", true)
	r.add("… GB/s", spreadOf(plain, sample.bytesPerSecond).String(), "", true)
	r.add("bare loopback TCP, the same bytes: CPU-s/GB", spreadOf(raw, sample.cpuPerGB).String(), "", true)
	r.add("… sender alone CPU-s/GB", spreadOf(raw, sample.serverPerGB).String(), "", true)
	r.add("the same rows, stock arrow-go Flight pair: CPU-s/GB", spreadOf(stock, sample.cpuPerGB).String(), "", true)
	r.add("… rows/s", spreadOf(stock, sample.rowsPerSecond).millions(), "", true)
	ratios := make([]float64, len(plain))
	for i := range plain {
		ratios[i] = plain[i].rowsPerSecond() / stock[i].rowsPerSecond()
	}
	ratio := spreadOfValues(ratios)
	r.add("rows/s of ours over the stock pair's", ratio.String(), "≥ 1.5", ratio.median >= 1.5)
	cpu = spreadOf(packed, sample.cpuPerGB)
	r.add("full scan, wide, zstd: client + server CPU-s per GB of rows", cpu.String(), "≤ 2.5", cpu.median <= 2.5)
	only = spreadOf(packed, sample.serverPerGB)
	r.add("… server alone CPU-s per GB of rows", only.String(), "≤ 0.2", only.median <= 0.2)
	r.add("… rows/s", spreadOf(packed, sample.rowsPerSecond).millions(), "", true)
}

// benchProject: one INT of twenty columns.
func benchProject(ctx context.Context, r *run) error {
	return r.withServer(ctx, "project", nil, func(s *server, c *sdk.Client) error {
		if _, err := r.load(ctx, c, "plain", codecNone, 4); err != nil {
			return err
		}
		got, err := interleave(r.rounds, contender{"one INT", func() (sample, error) {
			return measure(s.cpu, func() (rows int64, bytes int64, err error) {
				for range 4 { // long enough for the CPU clock's 10 ms
					n, b, err := scanAll(ctx, c, "plain", sdk.ScanOptions{Columns: []string{"i1"}})
					if err != nil {
						return 0, 0, err
					}
					rows, bytes = rows+n, bytes+b
				}
				return rows, bytes, nil
			})
		}})
		if err != nil {
			return err
		}
		speed, cpu := spreadOf(got[0], sample.rowsPerSecond), spreadOf(got[0], sample.cpuPerMillion)
		r.add("1 INT of 20 wide columns: rows/s", speed.millions(), "≥ 20 M", speed.median >= 20e6)
		r.add("… CPU-s per million rows", cpu.String(), "≤ 0.1", cpu.median <= 0.1)
		return nil
	})
}

// benchFlights: real, narrow rows, appended and scanned.
func benchFlights(ctx context.Context, r *run) error {
	batches, err := flights(r.flights, 32768)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:   left out:", err)
		return nil
	}
	fields, err := schema.Like(batches[0].Schema())
	if err != nil {
		return err
	}
	return r.withServer(ctx, "flights", []string{"--durability", "memory"}, func(s *server, c *sdk.Client) error {
		n := 0
		got, err := interleave(r.rounds,
			contender{"append", func() (sample, error) {
				n++
				name := fmt.Sprintf("flights%d", n)
				if err := createTableOf(ctx, c, name, fields, codecNone, 4); err != nil {
					return sample{}, err
				}
				return measure(s.cpu, func() (int64, int64, error) { return appendBatches(ctx, c, name, batches, len(batches)) })
			}},
			contender{"scan", func() (sample, error) {
				return measure(s.cpu, func() (int64, int64, error) { return scanAll(ctx, c, "flights1", sdk.ScanOptions{}) })
			}})
		if err != nil {
			return err
		}
		speed := spreadOf(got[0], sample.rowsPerSecond)
		r.add("flights, append from Arrow, memory: rows/s", speed.millions(), "≥ 4 M", speed.median >= 4e6)
		speed = spreadOf(got[1], sample.rowsPerSecond)
		r.add("flights, 5 columns scanned: rows/s", speed.millions(), "≥ 8 M", speed.median >= 8e6)
		r.add("… CPU-s per million rows", spreadOf(got[1], sample.cpuPerMillion).String(), "", true)
		return nil
	})
}
