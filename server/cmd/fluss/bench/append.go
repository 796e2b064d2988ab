package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// Options say what to measure.
type Options struct {
	// Table is written to or read; empty makes one, which is dropped afterwards.
	Table string
	Shape Shape
	// Compression of a table that is made: ZSTD, LZ4_FRAME or NONE.
	Compression string
	Buckets     int
	// Rows is how many rows are written or, of a table that is made, read.
	Rows int64
	// BatchRows is how many rows one append has. One means rows whose ack is
	// waited for, as of a service that answers a request each.
	BatchRows int
	// Writers is how many goroutines write.
	Writers int
	// Columns are those that a scan reads; none means all.
	Columns []string
	// Every is the pause between two writes of a latency run.
	Every time.Duration
	// Seed of the rows.
	Seed uint64
}

// scratch makes a table for a run and returns how to drop it.
func scratch(ctx context.Context, c *sdk.Client, o *Options, kind string) (drop func() error, err error) {
	if o.Table != "" {
		return func() error { return nil }, nil
	}
	columns, err := Columns(o.Shape)
	if err != nil {
		return nil, err
	}
	s, err := schema.New(columns, nil)
	if err != nil {
		return nil, err
	}
	o.Table = "bench_" + kind + time.Now().UTC().Format("_20060102T150405_000000000")
	d := &table.Descriptor{Schema: s, BucketCount: o.Buckets, Properties: map[string]string{"table.log.arrow.compression.type": o.Compression}}
	if _, err := c.Admin().CreateTable(ctx, o.Table, d); err != nil {
		return nil, err
	}
	return func() error { return c.Admin().DropTable(context.WithoutCancel(ctx), o.Table) }, nil
}

// Append writes rows and measures until the last ack.
func Append(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	drop, err := scratch(ctx, c, &o, "append")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	return appendRows(ctx, c, o)
}

func appendRows(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	cluster, err := c.Admin().Cluster(ctx)
	if err != nil {
		return r, err
	}
	batches, err := prepare(o)
	if err != nil {
		return r, err
	}
	r = Result{Benchmark: "append", Table: o.Table, Shape: o.Shape, Durability: cluster.Durability}
	appender, err := c.Appender(ctx, o.Table)
	if err != nil {
		return r, err
	}
	w := &writers{o: o, appender: appender, batches: batches}
	m := startMeter(ctx, cluster)
	err = w.run(ctx)
	r.Rows, r.Bytes = w.rows.Load(), w.bytes.Load()
	m.end(ctx, &r)
	r.Latency = NewQuantiles(w.latencies)
	return r, errors.Join(err, appender.Close(ctx))
}

// prepare makes the batches that are written round and round: making rows is not what is measured.
func prepare(o Options) ([]arrow.RecordBatch, error) {
	g, err := NewGenerator(o.Shape, o.Seed)
	if err != nil {
		return nil, err
	}
	const different = 16
	out := make([]arrow.RecordBatch, different)
	for i := range out {
		out[i] = g.Batch(o.BatchRows)
	}
	return out, nil
}

// writers are the goroutines of one run.
type writers struct {
	o        Options
	appender *sdk.Appender
	batches  []arrow.RecordBatch
	next     atomic.Int64
	rows     atomic.Int64
	bytes    atomic.Int64

	mu        sync.Mutex
	latencies []time.Duration // guarded by mu
}

func (w *writers) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for range w.o.Writers {
		group.Go(func() error { return w.write(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return w.appender.Flush(ctx)
}

// write appends until enough rows are taken. It waits for each ack, or, with one
// writer of large batches, keeps a few under way.
func (w *writers) write(ctx context.Context) error {
	const ahead = 16
	var waiting []started
	var latencies []time.Duration
	defer func() {
		w.mu.Lock()
		w.latencies = append(w.latencies, latencies...)
		w.mu.Unlock()
	}()
	for {
		taken := w.next.Add(int64(w.o.BatchRows))
		full := taken-int64(w.o.BatchRows) >= w.o.Rows
		limit := ahead
		if full || w.o.BatchRows == 1 {
			limit = 0
		}
		if !full {
			s := started{at: time.Now(), batch: w.batches[int(taken/int64(w.o.BatchRows))%len(w.batches)]}
			var err error
			if s.future, err = w.appender.AppendBatch(ctx, s.batch); err != nil {
				return err
			}
			waiting = append(waiting, s)
		}
		for len(waiting) > limit {
			if _, err := waiting[0].future.WaitAll(ctx); err != nil {
				return err
			}
			latencies = append(latencies, time.Since(waiting[0].at))
			w.rows.Add(waiting[0].batch.NumRows())
			w.bytes.Add(Bytes(waiting[0].batch))
			waiting = waiting[1:]
		}
		if full {
			return nil
		}
	}
}

type started struct {
	at     time.Time
	batch  arrow.RecordBatch
	future sdk.Future
}
