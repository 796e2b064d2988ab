package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// readFlags are those of `fluss read`.
type readFlags struct {
	columns, partitions []string
	buckets             []int32
	where, from, until  string
	follow, withOffsets bool
	changelog, binlog   bool
	limit               int64
	output              string
}

// placeFull is the --from of a read that starts with everything there is.
const placeFull = "full"

func (a *app) readCommand() *cobra.Command {
	var f readFlags
	c := &cobra.Command{
		Use: "read TABLE", Short: "Read a table's rows or changes, up to now or following", Args: exactArgs("TABLE"),
		Long: "Read the rows of a table, each bucket's in order. Without --follow it ends where the table ended when it\n" +
			"began; with --follow it goes on with rows as they are committed, until it is interrupted.\n\n" +
			"Of a table with a primary key it reads the rows as they are now and, with --follow, then every change with its\n" +
			"type (+I, -U, +U, -D) in the first column, __change_type; none is left out or comes twice. --changelog reads the\n" +
			"changes only, as does --from of another place than full; --binlog reads an update as one row, before and after.\n\n" +
			"--where takes comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL and LIKE: \"delay > 60 AND origin IN ('LAX', 'SFO')\".",
		Example: "  fluss read flights --columns origin,delay --where 'delay > 60' --limit 10\n" +
			"  fluss read events --from latest --follow -o json\n" +
			"  fluss read accounts --from full --follow\n" +
			"  fluss read accounts --changelog",
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := f.scanOptions(cmd)
			if err != nil {
				return err
			}
			format, err := a.rowFormat(cmd, f.output)
			if err != nil {
				return err
			}
			return a.withClient(cmd.Context(), func(c *sdk.Client) error { return a.read(cmd.Context(), c, args[0], opts, format) })
		},
	}
	f.register(c)
	return c
}

// rowFormat is the format that the -o of a command that prints rows names.
func (a *app) rowFormat(cmd *cobra.Command, output string) (rowio.Format, error) {
	format := rowio.Format(output)
	switch format {
	case rowio.Table, rowio.JSON, rowio.CSV:
	case rowio.Arrow, rowio.Parquet:
		if file, ok := a.Stdout.(*os.File); ok && isTerminal(file) {
			return "", usagef(cmd, "-o %s is not for a terminal: send it to a file or a pipe", format)
		}
	default:
		return "", usagef(cmd, "-o %q: want table, json, csv, arrow or parquet", output)
	}
	return format, nil
}

// isTerminal reports whether f is a terminal; other devices, like /dev/null, are not.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// rowOutput adds -o to a command that prints rows.
func rowOutput(c *cobra.Command, to *string) {
	c.Flags().StringVarP(to, "output", "o", outputTable, "form of the rows: table, json, csv, arrow or parquet")
	complete(c, "output", "table", "json", "csv", "arrow", "parquet")
}

func (f *readFlags) register(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "the columns wanted, in order; default all")
	c.Flags().StringVar(&f.where, "where", "", "only rows for which this is true")
	c.Flags().StringVar(&f.from, "from", placeFull, "where to start: full, earliest, latest, offset:N, time:2026-11-22T10:00:00Z")
	c.Flags().StringVar(&f.until, "until", "now", "where to end, before it: now, offset:N, time:T")
	c.Flags().BoolVar(&f.follow, "follow", false, "go on with rows, or changes, as they are committed")
	c.Flags().BoolVar(&f.changelog, "changelog", false, "the changes of a primary-key table instead of its rows, with __change_type")
	c.Flags().BoolVar(&f.binlog, "binlog", false, "the changes of a primary-key table, an update as one row: before and after")
	c.Flags().Int64Var(&f.limit, "limit", 0, "end after this many rows; 0 means no limit")
	c.Flags().Int32SliceVar(&f.buckets, "bucket", nil, "only these buckets")
	c.Flags().StringSliceVar(&f.partitions, "partition", nil, "only these partitions, by name")
	c.Flags().BoolVar(&f.withOffsets, "with-offsets", false, "add the columns __bucket, __offset and __timestamp")
	complete(c, "from", placeFull, "earliest", "latest")
	rowOutput(c, &f.output)
}

func (f *readFlags) scanOptions(cmd *cobra.Command) (o sdk.ScanOptions, err error) {
	o = sdk.ScanOptions{
		Columns: f.columns, Filter: f.where, Follow: f.follow, Limit: f.limit, Partitions: f.partitions, Buckets: bucketIDs(f.buckets),
	}
	switch {
	case f.changelog && f.binlog:
		return o, usagef(cmd, "give either --changelog or --binlog")
	case f.changelog:
		o.What = sdk.ScanChangelog
	case f.binlog:
		o.What = sdk.ScanBinlog
	}
	if f.from != placeFull { // which is where a scan without From starts
		if o.From, err = parsePlace(f.from); err != nil {
			return o, usagef(cmd, "--from %v, or full", err)
		}
	}
	if f.until != "now" {
		if f.follow {
			return o, usagef(cmd, "--follow never ends: leave out --until")
		}
		if o.Until, err = parsePlace(f.until); err != nil {
			return o, usagef(cmd, "--until %v", err)
		}
	}
	if f.limit < 0 {
		return o, usagef(cmd, "--limit %d: want 0 or more", f.limit)
	}
	if f.withOffsets {
		o.SystemColumns = []sdk.SystemColumn{sdk.BucketColumn, sdk.OffsetColumn, sdk.TimestampColumn}
	}
	return o, nil
}

// withChangeType tells whether the rows of a scan are changes, or some are.
func withChangeType(info *table.Info, o sdk.ScanOptions) bool {
	return o.What != sdk.ScanRows || info.Descriptor.HasPrimaryKey() && (o.Follow || !o.From.IsZero())
}

// reading is one run of `fluss read`.
type reading struct {
	app     *app
	client  *sdk.Client
	info    *table.Info
	opts    sdk.ScanOptions
	format  rowio.Format
	scanner *sdk.Scanner
	sink    rowio.Sink
	// written is the schema that the sink was made for.
	written *arrow.Schema
}

func (a *app) read(ctx context.Context, c *sdk.Client, path string, opts sdk.ScanOptions, format rowio.Format) error {
	info, err := c.Table(ctx, path)
	if err != nil {
		return err
	}
	if withChangeType(info, opts) {
		opts.SystemColumns = append(opts.SystemColumns, sdk.ChangeTypeColumn)
	}
	s, err := c.Scanner(ctx, path, opts)
	if err != nil {
		return err
	}
	r := &reading{app: a, client: c, info: info, opts: opts, format: format, scanner: s}
	err = r.run(ctx)
	return errors.Join(err, r.scanner.Close())
}

func (r *reading) run(ctx context.Context) error {
	for {
		b, err := r.scanner.Next(ctx)
		if r.opts.Follow && errcode.Of(err) == errcode.UnknownSchema {
			if err = r.restart(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return r.end(ctx, err)
		}
		err = r.write(b.Record)
		b.Release()
		if err != nil {
			return err
		}
	}
}

func (r *reading) write(rec arrow.RecordBatch) (err error) {
	rec = rowio.First(rec, schema.ColumnChangeType)
	defer rec.Release()
	if err := r.prepare(rec.Schema()); err != nil {
		return err
	}
	if err := r.sink.Write(rec); err != nil {
		return err
	}
	if r.opts.Follow {
		return r.sink.Flush()
	}
	return nil
}

// restart goes on behind the rows that were written, with the columns as they are
// now; in CSV with those of the beginning, and fails with UNKNOWN_COLUMN when one is gone.
func (r *reading) restart(ctx context.Context) error {
	rest := r.scanner.Rest()
	if rest.Columns == nil && r.format == rowio.CSV { // whose head is written
		rest.Columns = r.info.Schema().Names()
	}
	s, err := r.client.Scanner(ctx, r.info.Path.String(), rest)
	if err != nil {
		return err
	}
	err = r.scanner.Close()
	r.scanner = s
	return err
}

// prepare makes the sink, and another when the columns were changed. It fails with
// UNKNOWN_SCHEMA when the output cannot change with them.
func (r *reading) prepare(s *arrow.Schema) (err error) {
	if r.written != nil && r.written.Equal(s) {
		return nil
	}
	if r.sink != nil {
		sameNames := slices.Equal(names(r.written), names(s))
		switch {
		case r.format == rowio.CSV && sameNames || r.format == rowio.Table && sameNames:
			r.written = s
			return nil
		case r.format != rowio.JSON && r.format != rowio.Table:
			return errcode.New(errcode.UnknownSchema, nil, "the table's columns were changed to %s, which %s that has begun cannot take in: read on into another file",
				strings.Join(names(s), ", "), r.format)
		}
		if err := r.sink.Close(); err != nil {
			return err
		}
	}
	r.written = s
	r.sink, err = rowio.NewSink(r.app.Stdout, r.format, s)
	return err
}

// names are those of the columns.
func names(s *arrow.Schema) []string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = f.Name
	}
	return out
}

// end closes the output after the last batch. An interrupt is how a following
// read ends, so it is none of its errors.
func (r *reading) end(ctx context.Context, end error) error {
	interrupted := r.opts.Follow && ctx.Err() != nil
	if interrupted || errors.Is(end, io.EOF) {
		end = nil
	}
	if r.sink == nil && end == nil && !interrupted {
		columns, err := r.schema()
		if err != nil {
			return err
		}
		if r.sink, err = rowio.NewSink(r.app.Stdout, r.format, columns); err != nil {
			return err
		}
	}
	if r.sink == nil {
		return end
	}
	return errors.Join(end, r.sink.Close())
}

// schema is that of a scan that returned no rows, for the head of its output.
func (r *reading) schema() (*arrow.Schema, error) {
	if s := r.scanner.Schema(); s != nil {
		return rowio.FirstField(s, schema.ColumnChangeType), nil
	}
	// Nothing was read at all, as of a table without partitions.
	columns := r.info.Schema().Columns
	if r.opts.Columns != nil {
		columns = nil
		for _, name := range r.opts.Columns {
			f, err := r.info.Schema().Column(name)
			if err != nil {
				return nil, err
			}
			columns = append(columns, f)
		}
	}
	fields := schema.ArrowFields(columns).Fields()
	for _, sys := range r.opts.SystemColumns {
		switch sys {
		case sdk.BucketColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnBucket, Type: arrow.PrimitiveTypes.Int32})
		case sdk.OffsetColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnOffset, Type: arrow.PrimitiveTypes.Int64})
		case sdk.TimestampColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnTimestamp, Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}})
		case sdk.ChangeTypeColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnChangeType, Type: arrow.BinaryTypes.String})
		default:
			return nil, errcode.New(errcode.Internal, nil, "unknown system column %d", sys)
		}
	}
	return rowio.FirstField(arrow.NewSchema(fields, nil), schema.ColumnChangeType), nil
}
