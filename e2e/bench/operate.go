package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

func int64s(a arrow.Array) []int64 { return a.(*array.Int64).Int64Values() }

// Shape of the wide table of buckets, of the restart and of the idle server.
const (
	manyBuckets   = 1536
	restartGB     = 5
	idleTables    = 1000
	idleBuckets   = 4
	idleFor       = 20 * time.Second
	skewedBuckets = 16
)

// benchBuckets: a table of many buckets, from nothing to a row acked in each;
// and one full bucket among idle ones.
func benchBuckets(ctx context.Context, r *run) error {
	return r.withServer(ctx, "buckets", nil, func(_ *server, c *sdk.Client) error {
		var created, written []float64
		for round := range r.rounds {
			name := fmt.Sprintf("many%d", round)
			start := time.Now()
			if err := createTable(ctx, c, name, smallColumns, codecNone, manyBuckets); err != nil {
				return err
			}
			created = append(created, time.Since(start).Seconds())
			a, err := c.Appender(ctx, name, sdk.WithAssignment(sdk.RoundRobin))
			if err != nil {
				return err
			}
			seen := map[ids.Bucket]bool{}
			var futures []sdk.Future
			for i := range manyBuckets {
				f, err := a.Append(ctx, smallRow{int64(i), "x"})
				if err != nil {
					return err
				}
				futures = append(futures, f)
			}
			for _, f := range futures {
				ack, err := f.Wait(ctx)
				if err != nil {
					return err
				}
				seen[ack.Bucket] = true
			}
			if len(seen) != manyBuckets {
				return fmt.Errorf("rows went to %d buckets, not to each of %d", len(seen), manyBuckets)
			}
			written = append(written, time.Since(start).Seconds())
			if err := errors.Join(a.Close(ctx), c.Admin().DropTable(ctx, name)); err != nil {
				return err
			}
		}
		create, write := spreadOfValues(created), spreadOfValues(written)
		r.add("1,536 buckets created: s", create.String(), "≤ 1", create.median <= 1)
		r.add("… and a row acked in each: s", write.String(), "≤ 3", write.median <= 3)
		return r.benchSkew(ctx, c)
	})
}

// benchSkew scans the same rows in a table of one bucket and in one where the
// other buckets are empty, bounded.
func (r *run) benchSkew(ctx context.Context, c *sdk.Client) error {
	wide := wideBatches(wideDistinct, wideBatchRows)
	for i, b := range wide {
		wide[i] = pinned(b)
	}
	for _, t := range []struct {
		name    string
		buckets int
	}{{"single", 1}, {"skewed", skewedBuckets}} {
		if err := createKeyed(ctx, c, t.name, t.buckets); err != nil {
			return err
		}
		if _, _, err := appendBatches(ctx, c, t.name, wide, r.megabytes); err != nil {
			return err
		}
	}
	scan := func(name string) func() (sample, error) {
		return func() (sample, error) {
			return measure(func() time.Duration { return 0 }, func() (int64, int64, error) { return scanAll(ctx, c, name, sdk.ScanOptions{}) })
		}
	}
	got, err := interleave(r.rounds, contender{"single", scan("single")}, contender{"skewed", scan("skewed")})
	if err != nil {
		return err
	}
	var ratios []float64
	for i := range got[0] {
		ratios = append(ratios, got[1][i].wall.Seconds()/got[0][i].wall.Seconds())
	}
	ratio := spreadOfValues(ratios)
	r.add("one full and 15 ended buckets over one bucket alone, wall", ratio.String(), "about 1", ratio.median <= 1.5)
	return nil
}

// createKeyed makes a table of the wide columns with the bucket key i0.
func createKeyed(ctx context.Context, c *sdk.Client, name string, buckets int) error {
	fields, err := schema.ParseColumns(wideColumns())
	if err != nil {
		return err
	}
	s, err := schema.New(fields, nil)
	if err != nil {
		return err
	}
	_, err = c.Admin().CreateTable(ctx, name, &table.Descriptor{
		Schema: s, BucketCount: buckets, BucketKeys: []string{"i0"},
		Properties: map[string]string{"table.log.arrow.compression.type": codecNone},
	})
	return err
}

// pinned is rec with the same i0 in every row, so that all go to one bucket.
func pinned(rec arrow.RecordBatch) arrow.RecordBatch {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	defer b.Release()
	for range rec.NumRows() {
		b.Append(1)
	}
	columns := append([]arrow.Array{b.NewArray()}, rec.Columns()[1:]...)
	return array.NewRecordBatch(rec.Schema(), columns, rec.NumRows())
}

// benchStart: an empty start, and kill -9 and restart with a log of 5 GB.
func benchStart(ctx context.Context, r *run) error {
	var fresh, again []float64
	for range r.rounds {
		s, err := r.startToAck(ctx, "fresh", &fresh)
		if err != nil {
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	first := spreadOfValues(fresh)
	r.add("server start on nothing to the first acked write: s", first.String(), "≤ 0.7", first.median <= 0.7)

	dir, err := r.scratch("restart")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the run's directory goes anyway
	dir = filepath.Join(dir, "data")
	s, _, err := startServer(ctx, r.bin, dir)
	if err != nil {
		return err
	}
	if err := fill(ctx, s, restartGB*1000); err != nil {
		return err
	}
	for range r.rounds {
		if err := fill(ctx, s, 200); err != nil { // something to apply again
			return err
		}
		if err := s.kill(); err != nil {
			return err
		}
		var started time.Time
		if s, started, err = startServer(ctx, r.bin, dir); err != nil {
			return err
		}
		if err := firstAck(ctx, s); err != nil {
			return err
		}
		again = append(again, time.Since(started).Seconds())
	}
	restart := spreadOfValues(again)
	r.add("kill -9 and restart with 5 GB of log to the first acked write: s", restart.String(), "≤ 1.5", restart.median <= 1.5)
	return s.stop()
}

func (r *run) startToAck(ctx context.Context, name string, seconds *[]float64) (*server, error) {
	dir, err := r.scratch(name)
	if err != nil {
		return nil, err
	}
	s, started, err := startServer(ctx, r.bin, filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	if err := firstAck(ctx, s); err != nil {
		return nil, err
	}
	*seconds = append(*seconds, time.Since(started).Seconds())
	return s, nil
}

// firstAck creates the table «first» unless it is there, and writes a row.
func firstAck(ctx context.Context, s *server) (err error) {
	c, err := sdk.Connect(ctx, s.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Admin().Table(ctx, "first"); err != nil {
		if err := createTable(ctx, c, "first", smallColumns, codecNone, 1); err != nil {
			return err
		}
	}
	a, err := c.Appender(ctx, "first")
	if err != nil {
		return err
	}
	f, err := a.Append(ctx, smallRow{1, "first"})
	if err != nil {
		return err
	}
	_, err = f.Wait(ctx)
	return err
}

// fill appends megabytes of wide rows to the table «filled».
func fill(ctx context.Context, s *server, megabytes int) (err error) {
	c, err := sdk.Connect(ctx, s.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Admin().Table(ctx, "filled"); err != nil {
		if err := createTable(ctx, c, "filled", wideColumns(), codecNone, 8); err != nil {
			return err
		}
	}
	wide := wideBatches(wideDistinct, wideBatchRows)
	_, _, err = appendBatches(ctx, c, "filled", wide, int(int64(megabytes)*1e6/dataBytes(wide[0])))
	return err
}

// benchIdle: memory of a server that does nothing, and what many idle tables cost.
func benchIdle(ctx context.Context, r *run) error {
	return r.withServer(ctx, "idle", nil, func(s *server, c *sdk.Client) error {
		rss := float64(s.rss()) / 1e6
		r.add("idle server: RSS MB", fmt.Sprintf("%.0f", rss), "≤ 120", rss <= 120)
		for i := range idleTables {
			if err := createTable(ctx, c, fmt.Sprintf("t%04d", i), smallColumns, codecNone, idleBuckets); err != nil {
				return err
			}
		}
		before := s.cpu()
		select {
		case <-time.After(idleFor):
		case <-ctx.Done():
			return ctx.Err()
		}
		share := (s.cpu() - before).Seconds() / idleFor.Seconds() * 100
		r.add("1,000 tables × 4 buckets, idle: % of a core", fmt.Sprintf("%.2f", share), "< 2", share < 2)
		r.add("… RSS MB", fmt.Sprintf("%.0f", float64(s.rss())/1e6), "", true)
		return nil
	})
}
