package bench

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk"
)

// Latency writes one row each Every and measures the time until a following
// read has it. It always makes a table of its own.
func Latency(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	o.Table, o.Shape = "", Narrow
	drop, err := scratch(ctx, c, &o, "latency")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	cluster, err := c.Admin().Cluster(ctx)
	if err != nil {
		return r, err
	}
	r = Result{Benchmark: "latency", Table: o.Table, Shape: o.Shape, Durability: cluster.Durability}
	s, err := c.Scanner(ctx, o.Table, sdk.ScanOptions{Follow: true})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	appender, err := c.Appender(ctx, o.Table)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, appender.Close(ctx)) }()
	m := startMeter(ctx, cluster)
	acks, reads, err := pingPong(ctx, appender, s, o)
	if err != nil {
		return r, err
	}
	r.Rows = o.Rows
	m.end(ctx, &r)
	r.Latency, r.Ack = NewQuantiles(reads), NewQuantiles(acks)
	return r, nil
}

type point struct {
	ID    int64   `fluss:"id"`
	Value float64 `fluss:"value"`
}

// pingPong writes rows with their number as id; the reader looks up when each was written.
func pingPong(ctx context.Context, appender *sdk.Appender, s *sdk.Scanner, o Options) (acks, reads []time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	written := make(chan time.Time, o.Rows)
	acked := make(chan time.Duration, o.Rows)
	go func() {
		tick := time.NewTicker(o.Every)
		defer tick.Stop()
		for id := range o.Rows {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			at := time.Now()
			written <- at
			f, err := appender.Append(ctx, point{ID: id})
			if err == nil {
				_, err = f.Wait(ctx)
			}
			if err != nil {
				cancel(err)
				return
			}
			acked <- time.Since(at)
		}
	}()
	for int64(len(reads)) < o.Rows {
		b, err := s.Next(ctx)
		if err != nil {
			return nil, nil, errors.Join(context.Cause(ctx), err)
		}
		now := time.Now()
		ids, ok := b.Record.Column(0).(*array.Int64)
		if !ok {
			b.Release()
			return nil, nil, errcode.New(errcode.Internal, nil, "the column id came as %s", b.Record.Column(0).DataType())
		}
		for i := range ids.Len() {
			if want := int64(len(reads)); ids.Value(i) != want {
				err = errcode.New(errcode.Internal, nil, "row %d came in the place of row %d", ids.Value(i), want)
				break
			}
			reads = append(reads, now.Sub(<-written))
		}
		b.Release()
		if err != nil {
			return nil, nil, err
		}
	}
	for range o.Rows {
		acks = append(acks, <-acked)
	}
	return acks, reads, nil
}
