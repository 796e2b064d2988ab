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
	return group("bench", "Measure a running server", a.benchAppend(), a.benchScan(), a.benchLatency(), a.benchUpsert(), a.benchLookup())
}

func (a *app) benchRun(use, short, long string, o *bench.Options, run benchRun) *cobra.Command {
	var connections int
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Rows < 1 || o.BatchRows < 1 || o.Writers < 1 || o.Every <= 0 {
				return usagef(cmd, "--rows, --batch-rows, --writers and --every must be positive")
			}
			if err := checkKeys(cmd, o); err != nil {
				return err
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

func (a *app) benchUpsert() *cobra.Command {
	o := &bench.Options{Every: 1, Callers: 1}
	var mix string
	c := a.benchRun("upsert", "Measure changes of rows by key",
		"Update, insert and delete generated rows by key, and measure until the last ack. Without --table it makes a table,\n"+
			"fills it with a row for each key, changes it and drops it.", o, bench.Upsert)
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var deletes int
		if n, err := fmt.Sscanf(mix, "%d/%d/%d", &o.Updates, &o.Inserts, &deletes); n != 3 || err != nil ||
			o.Updates < 0 || o.Inserts < 0 || deletes < 0 || o.Updates+o.Inserts+deletes != 100 {
			return usagef(cmd, "--mix %q: want updates/inserts/deletes that make 100, like 80/10/10", mix)
		}
		return run(cmd, args)
	}
	keyFlags(c, o)
	f := c.Flags()
	f.Int64Var(&o.Rows, "rows", 1_000_000, "how many changes")
	f.IntVar(&o.BatchRows, "batch-rows", 500, "changes of one round; 1 waits for the ack of each")
	f.IntVar(&o.Writers, "writers", 1, "goroutines that write")
	f.StringVar(&mix, "mix", "80/10/10", "how many of 100 changes update, insert and delete")
	f.BoolVar(&o.Typed, "typed", false, "upsert Go values row by row instead of Arrow batches")
	return c
}

func (a *app) benchLookup() *cobra.Command {
	o := &bench.Options{Every: 1, Writers: 1}
	c := a.benchRun("lookup", "Measure look-ups by key",
		"Look up rows by key, each caller waiting for its answer. Without --table it makes a table, fills it with a row for\n"+
			"each key, looks up and drops it.", o, bench.Lookup)
	keyFlags(c, o)
	f := c.Flags()
	f.Int64Var(&o.Rows, "rows", 1_000_000, "how many keys to look up")
	f.IntVar(&o.BatchRows, "batch-rows", 1, "keys of one call")
	f.IntVar(&o.Callers, "callers", 64, "goroutines that look up")
	f.StringSliceVar(&o.Columns, "columns", nil, "only these columns")
	f.BoolVar(&o.Stale, "stale", false, "take what any replica has")
	return c
}

// keyFlags are those of benchmarks of tables with a primary key.
func keyFlags(c *cobra.Command, o *bench.Options) {
	f := c.Flags()
	f.StringVar(&o.Table, "table", "", "an existing table with the columns id BIGINT, version BIGINT, value STRING and the key id")
	f.StringVar(&o.Compression, "compression", "ZSTD", "of the changelog of the table that is made: ZSTD, LZ4_FRAME or NONE")
	f.IntVar(&o.Buckets, "buckets", 4, "of the table that is made")
	f.Int64Var(&o.Keys, "keys", 1_000_000, "how many rows the table has at the start")
	f.IntVar(&o.ValueBytes, "value-bytes", 84, "size of the text of a row, which has 16 bytes more")
	f.StringVar((*string)(&o.Distribution), "distribution", string(bench.Zipf), "of the keys: zipf or uniform")
	complete(c, "distribution", string(bench.Zipf), string(bench.Uniform))
}

// checkKeys finds faults in what keyFlags set.
func checkKeys(cmd *cobra.Command, o *bench.Options) error {
	if o.Distribution == "" {
		return nil // a benchmark without keys
	}
	const maxValue = 512 << 10
	switch {
	case o.Keys < 1 || o.Callers < 1:
		return usagef(cmd, "--keys and --callers must be positive")
	case o.ValueBytes < 0 || o.ValueBytes > maxValue:
		return usagef(cmd, "--value-bytes %d: want 0 to %d", o.ValueBytes, maxValue)
	case o.Distribution != bench.Zipf && o.Distribution != bench.Uniform:
		return usagef(cmd, "--distribution %q: want zipf or uniform", o.Distribution)
	}
	return nil
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
	if r.Bytes == 0 && r.Rows > 0 {
		ps = append(ps, property{"rate", fmt.Sprintf("%.0f rows/s", r.RowsPerSecond)})
	}
	if r.Found != nil {
		ps = append(ps, property{"found", count(*r.Found, "row")})
	}
	if q := r.Latency; q != nil {
		ps = append(ps, property{"latency", quantiles(q)})
	}
	if q := r.Ack; q != nil {
		ps = append(ps, property{"of that to the ack", quantiles(q)})
	}
	if r.LongestGap != nil {
		ps = append(ps, property{"longest without ack", fmt.Sprintf("%.2f ms", *r.LongestGap)})
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
	if r.CPUPerMillion != nil {
		text += fmt.Sprintf(", %.2f s a million rows together", *r.CPUPerMillion)
	}
	return text
}

func quantiles(q *bench.Quantiles) string {
	return fmt.Sprintf("p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms", q.P50, q.P90, q.P99, q.Max)
}
