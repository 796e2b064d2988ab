package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/cmd/fluss/bench"
)

// benchRun is one of the benchmarks.
type benchRun func(context.Context, *sdk.Client, bench.Options) (bench.Result, error)

func (a *app) benchCommand() *cobra.Command {
	return group("bench", "Measure a running server", a.benchAppend(), a.benchScan(), a.benchLatency())
}

func (a *app) benchRun(use, short, long string, o *bench.Options, run benchRun) *cobra.Command {
	var connections int
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Rows < 1 || o.BatchRows < 1 || o.Writers < 1 || o.Every <= 0 {
				return usagef(cmd, "--rows, --batch-rows, --writers and --every must be positive")
			}
			c, err := a.connect(cmd.Context(), sdk.WithConnections(connections))
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }() // nothing is under way any more
			r, err := run(cmd.Context(), c, *o)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.emit(r)
			}
			return a.showBench(r)
		},
	}
	c.Flags().IntVar(&connections, "connections", 1, "connections to the server")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the rows")
	return a.withOutput(c)
}

func (a *app) benchAppend() *cobra.Command {
	o := &bench.Options{Every: 1}
	c := a.benchRun("append", "Measure appends", "Write generated rows and measure until the last ack. Without --table it makes a table and drops it.", o, bench.Append)
	fillFlags(c, o)
	return c
}

func fillFlags(c *cobra.Command, o *bench.Options) {
	f := c.Flags()
	f.StringVar(&o.Table, "table", "", "an existing table with the columns of the shape")
	f.StringVar((*string)(&o.Shape), "shape", string(bench.Wide), "rows to write: wide (2 KB, 20 columns), flights or narrow")
	f.StringVar(&o.Compression, "compression", "ZSTD", "of the table that is made: ZSTD, LZ4_FRAME or NONE")
	f.IntVar(&o.Buckets, "buckets", 4, "of the table that is made")
	f.Int64Var(&o.Rows, "rows", 100_000, "how many rows")
	f.IntVar(&o.BatchRows, "batch-rows", 500, "rows of one append; 1 waits for the ack of each")
	f.IntVar(&o.Writers, "writers", 1, "goroutines that write")
}

func (a *app) benchScan() *cobra.Command {
	o := &bench.Options{Every: 1}
	c := a.benchRun("scan", "Measure a full scan", "Read a table once. Without --table it makes one, fills it, reads it and drops it.", o, bench.Scan)
	fillFlags(c, o)
	c.Flags().Lookup("table").Usage = "an existing table to read"
	c.Flags().StringSliceVar(&o.Columns, "columns", nil, "only these columns")
	return c
}

func (a *app) benchLatency() *cobra.Command {
	o := &bench.Options{BatchRows: 1, Writers: 1, Buckets: 1, Compression: "NONE"}
	c := a.benchRun("latency", "Measure the time from a write to a following read of it",
		"Write one row at a time to a table of its own and measure when a following reader has it.", o, bench.Latency)
	c.Flags().Int64Var(&o.Rows, "rows", 1000, "how many rows")
	c.Flags().DurationVar(&o.Every, "every", 5*time.Millisecond, "pause between two writes")
	return c
}

func (a *app) showBench(r bench.Result) error {
	ps := []property{
		{"benchmark", r.Benchmark}, {"durability", r.Durability}, {"rows", count(r.Rows, "row")},
		{"CPU", cpu(r)}, {"wall", fmt.Sprintf("%.2f s", r.Seconds)},
	}
	if r.Bytes > 0 {
		const mb = 1e6
		ps = append(ps, property{"rate", fmt.Sprintf("%.0f rows/s, %.0f MB/s (%.0f MB before compression)", r.RowsPerSecond, r.MBPerSecond, float64(r.Bytes)/mb)})
	}
	if q := r.Latency; q != nil {
		ps = append(ps, property{"latency", quantiles(q)})
	}
	if q := r.Ack; q != nil {
		ps = append(ps, property{"of that to the ack", quantiles(q)})
	}
	return a.properties(ps...)
}

func cpu(r bench.Result) string {
	text := fmt.Sprintf("client %.2f s", r.ClientCPU)
	if r.ServerCPU != nil {
		text += fmt.Sprintf(", server %.2f s", *r.ServerCPU)
	}
	if r.CPUPerGB != nil {
		text += fmt.Sprintf(", %.2f s/GB together", *r.CPUPerGB)
	}
	return text
}

func quantiles(q *bench.Quantiles) string {
	return fmt.Sprintf("p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms", q.P50, q.P90, q.P99, q.Max)
}
