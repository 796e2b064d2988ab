package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// writeFlags are those of `fluss write`.
type writeFlags struct {
	from, format, null, assign string
	mode, mergeMode            string
	targets                    []string
	noHeader, acks             bool
	connections                int
}

// The values of --mode.
const (
	modeAppend = "append"
	modeUpsert = "upsert"
	modeDelete = "delete"
)

// The values of --assign and --merge-mode.
const (
	assignSticky     = "sticky"
	assignRoundRobin = "round-robin"
	mergeDefault     = "default"
	mergeOverwrite   = "overwrite"
)

func (a *app) writeCommand() *cobra.Command {
	var f writeFlags
	c := &cobra.Command{
		Use: "write TABLE --from FILE", Short: "Write the rows of a file, or of standard input, to a table", Args: exactArgs("TABLE"),
		Long: "Write rows to a table: append them to a log table, upsert them by key into a table with a primary key, or, with\n" +
			"--mode delete, delete the rows with their keys. Columns are matched by name; missing ones become null. With\n" +
			"--target-columns an upsert changes only these columns, the primary key among them, and a delete makes only these\n" +
			"null. JSON is one object a line. In CSV a value that is empty and not quoted is a null.\n\n" +
			"With --from - each row is sent as it comes. With --acks each acked batch is printed as one line of JSON,\n" +
			`{"bucket":b,"base":o,"end":e,"rows":n}: these rows are safe. The exit code is 0 only if every row was acked.`,
		Example: "  fluss write flights --from flights.parquet\n" +
			"  tail -f events.json | fluss write events --from - --acks\n" +
			"  fluss write accounts --from balances.csv --mode upsert --target-columns id,balance\n" +
			"  echo '{\"id\": 7}' | fluss write accounts --mode delete --from -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			format, err := rowio.FormatOf(f.format, f.from)
			if err != nil {
				return err
			}
			return a.write(cmd.Context(), args[0], f, format)
		},
	}
	c.Flags().StringVar(&f.from, "from", "", "the file, or - for standard input")
	formatFlags(c, &f.format, &f.null, &f.noHeader)
	c.Flags().StringVar(&f.mode, "mode", "", "append, upsert or delete; default upsert for a table with a primary key, else append")
	c.Flags().StringSliceVar(&f.targets, "target-columns", nil, "the columns that an upsert writes, key included, or that a delete makes null; default all")
	c.Flags().StringVar(&f.mergeMode, "merge-mode", mergeDefault, "default, or overwrite to write past the table's merge engine and delete behavior")
	c.Flags().BoolVar(&f.acks, "acks", false, "print a line of JSON for each acked batch")
	c.Flags().StringVar(&f.assign, "assign", assignSticky, "how rows of a table without bucket key are spread: sticky or round-robin")
	c.Flags().IntVar(&f.connections, "connections", 1, "connections to the server")
	complete(c, "mode", modeAppend, modeUpsert, modeDelete)
	complete(c, "merge-mode", mergeDefault, mergeOverwrite)
	complete(c, "assign", assignSticky, assignRoundRobin)
	return a.withOutput(c)
}

// formatFlags are those of commands that read rows from files.
func formatFlags(c *cobra.Command, format, null *string, noHeader *bool) {
	c.Flags().StringVar(format, "format", "", "csv, json, parquet or arrow; default by the file's name, json for standard input")
	c.Flags().StringVar(null, "null", "", "text that means null in CSV, like NA")
	c.Flags().BoolVar(noHeader, "no-header", false, "the CSV has no first line with names")
	complete(c, "format", "csv", "json", "parquet", "arrow")
}

// check finds faults of the command line, and gives the format of standard input its default.
func (f *writeFlags) check(cmd *cobra.Command) error {
	if f.from == "" {
		return usagef(cmd, "give --from FILE, or --from - for standard input")
	}
	if f.from == "-" && f.format == "" {
		f.format = string(rowio.JSON)
	}
	if f.assign != assignSticky && f.assign != assignRoundRobin {
		return usagef(cmd, "--assign %q: want sticky or round-robin", f.assign)
	}
	if f.mergeMode != mergeDefault && f.mergeMode != mergeOverwrite {
		return usagef(cmd, "--merge-mode %q: want default or overwrite", f.mergeMode)
	}
	switch f.mode {
	case "", modeUpsert, modeDelete:
	case modeAppend:
		if len(f.targets) > 0 || f.mergeMode != mergeDefault {
			return usagef(cmd, "--target-columns and --merge-mode go with --mode upsert or delete: an append writes whole rows")
		}
	default:
		return usagef(cmd, "--mode %q: want append, upsert or delete", f.mode)
	}
	return nil
}

func (a *app) write(ctx context.Context, path string, f writeFlags, format rowio.Format) error {
	start := time.Now()
	c, err := a.connect(ctx, sdk.WithConnections(f.connections))
	if err != nil {
		return err
	}
	w := &writing{app: a, start: start}
	acks := a.newAckPrinter(f.acks)
	err = w.run(ctx, c, path, f, format, acks)
	err = errors.Join(err, c.Close(), acks.close())
	w.bar.end()
	if err != nil {
		a.errorf("%s %s\n", count(w.acked.Load(), w.unit()), w.safe())
		return err
	}
	return w.summary(f.acks)
}

// writing is one run of `fluss write`.
type writing struct {
	app   *app
	start time.Time
	mode  string
	acked atomic.Int64
	bar   *progress
	// ignored tells that the table takes deletes and does not do them.
	ignored bool
	// apart tells that rows go to several buckets, or may.
	apart bool
}

// safe tells what is known of the rows of a write that failed.
func (w *writing) safe() string {
	verb := "written and safe before that"
	if w.mode == modeDelete {
		verb = "done and safe before that"
	}
	if w.apart && w.acked.Load() > 0 {
		verb += "; they need not be the first ones, since each bucket is written by itself"
	}
	return verb
}

func (w *writing) unit() string {
	if w.mode == modeDelete {
		return "delete"
	}
	return "row"
}

func (w *writing) run(ctx context.Context, c *sdk.Client, path string, f writeFlags, format rowio.Format, acks *ackPrinter) (err error) {
	info, err := c.Table(ctx, path)
	if err != nil {
		return err
	}
	if f.mode == "" {
		f.mode = modeAppend
		if info.Descriptor.HasPrimaryKey() {
			f.mode = modeUpsert
		}
	}
	w.mode = f.mode
	w.ignored = f.mode == modeDelete && f.mergeMode != mergeOverwrite && info.Options.DeleteBehavior == table.IgnoreDelete
	w.apart = info.Descriptor.BucketCount > 1 || info.Descriptor.Partitioned()
	target, err := openTarget(ctx, c, path, f, func(ack sdk.Ack) {
		w.acked.Add(int64(ack.Rows()))
		acks.add(ack)
	})
	if err != nil {
		return err
	}
	columns, err := sourceColumns(info, f)
	if err != nil {
		return errors.Join(err, target.close(ctx))
	}
	source, err := rowio.Open(ctx, f.from, format, w.app.Stdin, rowio.Options{Columns: columns, Null: f.null, NoHeader: f.noHeader})
	if err != nil {
		return errors.Join(explain(err, info, f), target.close(ctx))
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	w.bar = w.app.newProgress(source, &w.acked)
	err = explain(pump(ctx, source, func(rec arrow.RecordBatch) error {
		_, err := target.write(ctx, rec)
		return err
	}), info, f)
	// What was read before a bad row is written all the same, and the outcome is told.
	return errors.Join(err, target.close(ctx))
}

// pump gives every batch of the source to write. The source is read by a
// goroutine of its own, since reading a pipe cannot be cancelled: when ctx ends
// first, the goroutine is left to the end of the process.
func pump(ctx context.Context, source rowio.Source, write func(arrow.RecordBatch) error) error {
	type item struct {
		rec arrow.RecordBatch
		err error
	}
	items, next := make(chan item), make(chan struct{})
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			rec, err := source.Next()
			select {
			case items <- item{rec, err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
			select { // the batch is valid until it was taken
			case <-next:
			case <-done:
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return errcode.From(ctx.Err())
		case it := <-items:
			if errors.Is(it.err, io.EOF) {
				return nil
			}
			if it.err != nil {
				return it.err
			}
			if err := write(it.rec); err != nil {
				return err
			}
			next <- struct{}{}
		}
	}
}

// summary prints the last line; beside acks it goes to standard error, so that
// standard output stays JSON.
func (w *writing) summary(acks bool) error {
	seconds := time.Since(w.start).Seconds()
	if w.app.output == outputJSON {
		return w.app.emit(map[string]any{"rows": w.acked.Load(), "seconds": seconds})
	}
	line := fmt.Sprintf("wrote %d rows in %.3f s\n", w.acked.Load(), seconds)
	if w.mode == modeDelete {
		line = fmt.Sprintf("sent %s in %.3f s\n", count(w.acked.Load(), w.unit()), seconds)
	}
	if w.ignored {
		line = strings.TrimSuffix(line, "\n") + "; the table ignores deletes (table.delete.behavior = IGNORE)\n"
	}
	if acks {
		w.app.errorf("%s", line)
		return nil
	}
	return w.app.printf("%s", line)
}
