package bench

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

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
	// Keys is how many rows by key a table has at the start: 0 to Keys-1.
	Keys int64
	// Distribution of the keys that are updated or looked up.
	Distribution Distribution
	// ValueBytes is the size of the STRING of a row by key, beside two BIGINT.
	ValueBytes int
	// Updates and Inserts are how many of 100 changes are such; the others delete.
	Updates, Inserts int
	// Typed upserts Go values row by row instead of Arrow batches.
	Typed bool
	// Callers is how many goroutines look up.
	Callers int
	// Stale allows look-ups of what is not the newest.
	Stale bool
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
	var key []string
	if o.Shape == Keyed {
		key = []string{"id"}
	}
	s, err := schema.New(columns, key)
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
	send := func(ctx context.Context, round int64) (sent, error) {
		batch := batches[int(round)%len(batches)]
		f, err := appender.AppendBatch(ctx, batch)
		return sent{futures: []sdk.Future{f}, rows: batch.NumRows(), bytes: Bytes(batch)}, err
	}
	w := &writers{o: o, send: send, flush: appender.Flush}
	m := startMeter(ctx, cluster)
	err = w.run(ctx)
	w.measure(&r)
	m.end(ctx, &r)
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
