package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// codecs are the values of table.log.arrow.compression.type that are compared.
const (
	codecNone = "NONE"
	codecZstd = "ZSTD"
)

// createTable makes a log table of the columns, given as SQL text.
func createTable(ctx context.Context, c *sdk.Client, name, columns, codec string, buckets int) error {
	fields, err := schema.ParseColumns(columns)
	if err != nil {
		return err
	}
	return createTableOf(ctx, c, name, fields, codec, buckets)
}

func createTableOf(ctx context.Context, c *sdk.Client, name string, fields []schema.Field, codec string, buckets int) error {
	s, err := schema.New(fields, nil)
	if err != nil {
		return err
	}
	_, err = c.Admin().CreateTable(ctx, name, &table.Descriptor{
		Schema: s, BucketCount: buckets, Properties: map[string]string{"table.log.arrow.compression.type": codec},
	})
	return err
}

// appendBatches appends the batches, in turn, n in all, and waits for the acks.
func appendBatches(ctx context.Context, c *sdk.Client, name string, batches []arrow.RecordBatch, n int) (rows, bytes int64, err error) {
	a, err := c.Appender(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	sizes := make([]int64, len(batches))
	for i, b := range batches {
		sizes[i] = dataBytes(b)
	}
	for i := range n {
		b := batches[i%len(batches)]
		if _, err := a.AppendBatch(ctx, b); err != nil {
			return 0, 0, err
		}
		rows += b.NumRows()
		bytes += sizes[i%len(batches)]
	}
	return rows, bytes, a.Close(ctx)
}

// scanAll reads a table and counts rows and the bytes of their values.
func scanAll(ctx context.Context, c *sdk.Client, name string, opts sdk.ScanOptions) (rows, bytes int64, err error) {
	s, err := c.Scanner(ctx, name, opts)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return rows, bytes, nil
		}
		if err != nil {
			return 0, 0, err
		}
		rows += b.Record.NumRows()
		bytes += dataBytes(b.Record)
		b.Release()
	}
}

// wideRow is a wide row as a Go program has it.
type wideRow struct {
	I0 int32   `fluss:"i0"`
	I1 int32   `fluss:"i1"`
	I2 int32   `fluss:"i2"`
	I3 int32   `fluss:"i3"`
	L0 int64   `fluss:"l0"`
	L1 int64   `fluss:"l1"`
	L2 int64   `fluss:"l2"`
	L3 int64   `fluss:"l3"`
	D0 float64 `fluss:"d0"`
	D1 float64 `fluss:"d1"`
	D2 float64 `fluss:"d2"`
	D3 float64 `fluss:"d3"`
	S0 string  `fluss:"s0"`
	S1 string  `fluss:"s1"`
	S2 string  `fluss:"s2"`
	S3 string  `fluss:"s3"`
	S4 string  `fluss:"s4"`
	S5 string  `fluss:"s5"`
	S6 string  `fluss:"s6"`
	S7 string  `fluss:"s7"`
}

func wideRows(n int) []wideRow {
	rng := rand.New(rand.NewPCG(7, 7))
	out := make([]wideRow, n)
	for i := range out {
		r := &out[i]
		r.I0, r.I1, r.I2, r.I3 = rng.Int32(), rng.Int32(), rng.Int32(), rng.Int32()
		r.L0, r.L1, r.L2, r.L3 = rng.Int64(), rng.Int64(), rng.Int64(), rng.Int64()
		r.D0, r.D1, r.D2, r.D3 = rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64()
		for _, s := range []*string{&r.S0, &r.S1, &r.S2, &r.S3, &r.S4, &r.S5, &r.S6, &r.S7} {
			*s = sentence(rng)
		}
	}
	return out
}

// bytes is what the row's values and string offsets take, as dataBytes counts them.
func (r *wideRow) bytes() int64 {
	const fixed = wideInts*4 + wideLongs*8 + wideDoubles*8 + wideStrings*4
	return int64(fixed + len(r.S0) + len(r.S1) + len(r.S2) + len(r.S3) + len(r.S4) + len(r.S5) + len(r.S6) + len(r.S7))
}

// appendRows appends n rows one by one from one goroutine.
func appendRows(ctx context.Context, c *sdk.Client, name string, rows []wideRow, n int) (int64, int64, error) {
	a, err := c.Appender(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	var bytes int64
	for i := range n {
		r := &rows[i%len(rows)]
		if _, err := a.Append(ctx, r); err != nil {
			return 0, 0, err
		}
		bytes += r.bytes()
	}
	return int64(n), bytes, a.Close(ctx)
}

// scratch returns a fresh directory under the run's own.
func (r *run) scratch(name string) (string, error) {
	return os.MkdirTemp(r.dir, fmt.Sprintf("%s-", name))
}
