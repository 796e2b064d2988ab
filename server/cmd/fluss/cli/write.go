package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	noHeader, acks             bool
	connections                int
}

func (a *app) writeCommand() *cobra.Command {
	var f writeFlags
	c := &cobra.Command{
		Use: "write TABLE --from FILE", Short: "Write the rows of a file, or of standard input, to a table", Args: exactArgs("TABLE"),
		Long: "Write rows to a table. Columns are matched by name; missing ones become null. JSON is one object a line.\n" +
			"In CSV a value that is empty and not quoted is a null.\n\n" +
			"With --from - each row is sent as it comes. With --acks each acked batch is printed as one line of JSON,\n" +
			`{"bucket":b,"base":o,"end":e,"rows":n}: these rows are safe. The exit code is 0 only if every row was acked.`,
		Example: "  fluss write flights --from flights.parquet\n" +
			"  tail -f events.json | fluss write events --from - --acks",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.from == "" {
				return usagef(cmd, "give --from FILE, or --from - for standard input")
			}
			if f.assign != "sticky" && f.assign != "round-robin" {
				return usagef(cmd, "--assign %q: want sticky or round-robin", f.assign)
			}
			if f.from == "-" && f.format == "" {
				f.format = string(rowio.JSON)
			}
			format, err := rowio.FormatOf(f.format, f.from)
			if err != nil {
				return err
			}
			return a.write(cmd.Context(), args[0], f, format)
		},
	}
	c.Flags().StringVar(&f.from, "from", "", "the file, or - for standard input")
	c.Flags().StringVar(&f.format, "format", "", "csv, json, parquet or arrow; default by the file's name, json for standard input")
	c.Flags().StringVar(&f.null, "null", "", "text that means null in CSV, like NA")
	c.Flags().BoolVar(&f.noHeader, "no-header", false, "the CSV has no first line with names")
	c.Flags().BoolVar(&f.acks, "acks", false, "print a line of JSON for each acked batch")
	c.Flags().StringVar(&f.assign, "assign", "sticky", "how rows of a table without bucket key are spread: sticky or round-robin")
	c.Flags().IntVar(&f.connections, "connections", 1, "connections to the server")
	return a.withOutput(c)
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
		a.errorf("%s written and safe before that\n", count(w.acked.Load(), "row"))
		return err
	}
	return w.summary(f.acks)
}

// writing is one run of `fluss write`.
type writing struct {
	app   *app
	start time.Time
	acked atomic.Int64
	bar   *progress
}

func (w *writing) run(ctx context.Context, c *sdk.Client, path string, f writeFlags, format rowio.Format, acks *ackPrinter) (err error) {
	assign := sdk.Sticky
	if f.assign == "round-robin" {
		assign = sdk.RoundRobin
	}
	appender, err := c.Appender(ctx, path, sdk.WithAssignment(assign), sdk.WithOnAck(func(ack sdk.Ack) {
		w.acked.Add(int64(ack.Rows()))
		acks.add(ack)
	}))
	if err != nil {
		return err
	}
	source, err := openSource(ctx, w.app, f, format, appender.Table())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	w.bar = w.app.newProgress(source, &w.acked)
	err = pump(ctx, source, appender)
	// What was read before a bad row is written all the same, and the outcome is told.
	return errors.Join(err, appender.Close(ctx))
}

func openSource(ctx context.Context, a *app, f writeFlags, format rowio.Format, info *table.Info) (rowio.Source, error) {
	return rowio.Open(ctx, f.from, format, a.Stdin, rowio.Options{Columns: info.Schema().Columns, Null: f.null, NoHeader: f.noHeader})
}

// pump moves every batch of the source to the appender. The source is read by a
// goroutine of its own, since reading a pipe cannot be cancelled: when ctx ends
// first, the goroutine is left to the end of the process.
func pump(ctx context.Context, source rowio.Source, appender *sdk.Appender) error {
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
			if _, err := appender.AppendBatch(ctx, it.rec); err != nil {
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
	if acks {
		w.app.errorf("%s", line)
		return nil
	}
	return w.app.printf("%s", line)
}
