package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is what one round of one contender cost.
type sample struct {
	rows           int64
	bytes          int64 // of uncompressed rows
	wall           time.Duration
	client, server time.Duration // CPU
}

// measure runs f and takes its cost; serverCPU is of the process it talks to.
func measure(serverCPU func() time.Duration, f func() (rows, bytes int64, err error)) (sample, error) {
	c, s, t := ownCPU(), serverCPU(), time.Now()
	rows, bytes, err := f()
	return sample{rows: rows, bytes: bytes, wall: time.Since(t), client: ownCPU() - c, server: serverCPU() - s}, err
}

func (s sample) cpuPerGB() float64      { return (s.client + s.server).Seconds() / gigabytes(s.bytes) }
func (s sample) serverPerGB() float64   { return s.server.Seconds() / gigabytes(s.bytes) }
func (s sample) rowsPerSecond() float64 { return float64(s.rows) / s.wall.Seconds() }
func (s sample) cpuPerMillion() float64 {
	return (s.client + s.server).Seconds() / (float64(s.rows) / 1e6)
}
func (s sample) bytesPerSecond() float64 { return gigabytes(s.bytes) / s.wall.Seconds() }

func gigabytes(n int64) float64 { return float64(n) / 1e9 }

// spread is the median and range of one figure over the rounds.
type spread struct{ median, low, high float64 }

func spreadOf(samples []sample, figure func(sample) float64) spread {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = figure(s)
	}
	return spreadOfValues(v)
}

func spreadOfValues(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	v = slices.Sorted(slices.Values(v))
	return spread{median: v[len(v)/2], low: v[0], high: v[len(v)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.3g (%.3g–%.3g)", s.median, s.low, s.high) }

// millions prints figures of rows per second.
func (s spread) millions() string {
	return spread{s.median / 1e6, s.low / 1e6, s.high / 1e6}.String() + " M"
}

// percentile returns the p-th (0 to 1) of sorted durations.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// contender is one side of a comparison.
type contender struct {
	name string
	run  func() (sample, error)
}

// interleave runs the contenders in turn, rounds times, after one round that is
// not counted, and returns the samples of each.
func interleave(rounds int, contenders ...contender) ([][]sample, error) {
	out := make([][]sample, len(contenders))
	for round := -1; round < rounds; round++ {
		for i, c := range contenders {
			s, err := c.run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= 0 {
				out[i] = append(out[i], s)
			}
		}
	}
	return out, nil
}
