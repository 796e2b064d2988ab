package bench

import (
	"context"
	"errors"
	"io"

	"github.com/fluss-go/fluss/sdk"
)

// Scan reads a table once and measures it. A table that is made is filled first.
func Scan(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	fill := o.Table == ""
	drop, err := scratch(ctx, c, &o, "scan")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if fill {
		if _, err := appendRows(ctx, c, o); err != nil {
			return r, err
		}
	}
	cluster, err := c.Admin().Cluster(ctx)
	if err != nil {
		return r, err
	}
	r = Result{Benchmark: "scan", Table: o.Table, Durability: cluster.Durability}
	if fill {
		r.Shape = o.Shape
	}
	m := startMeter(ctx, cluster)
	s, err := c.Scanner(ctx, o.Table, sdk.ScanOptions{Columns: o.Columns})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, err
		}
		r.Rows += b.Record.NumRows()
		r.Bytes += Bytes(b.Record)
		b.Release()
	}
	m.end(ctx, &r)
	return r, nil
}
