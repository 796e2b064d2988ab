package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// readFlags are those of `fluss read`.
type readFlags struct {
	columns, partitions []string
	buckets             []int32
	where, from, until  string
	follow, withOffsets bool
	limit               int64
	output              string
}

func (a *app) readCommand() *cobra.Command {
	var f readFlags
	c := &cobra.Command{
		Use: "read TABLE", Short: "Read a table's rows, up to now or following", Args: exactArgs("TABLE"),
		Long: "Read the rows of a table, each bucket's in order. Without --follow it ends where the table ended when it\n" +
			"began; with --follow it goes on with rows as they are committed, until it is interrupted.\n\n" +
			"--where takes comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL and LIKE: \"delay > 60 AND origin IN ('LAX', 'SFO')\".",
		Example: "  fluss read flights --columns origin,delay --where 'delay > 60' --limit 10\n" +
			"  fluss read events --from latest --follow -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := f.scanOptions(cmd)
			if err != nil {
				return err
			}
			format := rowio.Format(f.output)
			switch format {
			case rowio.Table, rowio.JSON, rowio.CSV:
			case rowio.Arrow, rowio.Parquet:
				if file, ok := a.Stdout.(*os.File); ok && isTerminal(file) {
					return usagef(cmd, "-o %s is not for a terminal: send it to a file or a pipe", format)
				}
			default:
				return usagef(cmd, "-o %q: want table, json, csv, arrow or parquet", f.output)
			}
			return a.withClient(cmd.Context(), func(c *sdk.Client) error { return a.read(cmd.Context(), c, args[0], opts, format) })
		},
	}
	f.register(c)
	return c
}

// isTerminal reports whether f is a terminal; other devices, like /dev/null, are not.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (f *readFlags) register(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "the columns wanted, in order; default all")
	c.Flags().StringVar(&f.where, "where", "", "only rows for which this is true")
	c.Flags().StringVar(&f.from, "from", "earliest", "where to start: earliest, latest, offset:N, time:2026-11-22T10:00:00Z")
	c.Flags().StringVar(&f.until, "until", "now", "where to end, before it: now, offset:N, time:T")
	c.Flags().BoolVar(&f.follow, "follow", false, "go on with rows as they are committed")
	c.Flags().Int64Var(&f.limit, "limit", 0, "end after this many rows; 0 means no limit")
	c.Flags().Int32SliceVar(&f.buckets, "bucket", nil, "only these buckets")
	c.Flags().StringSliceVar(&f.partitions, "partition", nil, "only these partitions, by name")
	c.Flags().BoolVar(&f.withOffsets, "with-offsets", false, "add the columns __bucket, __offset and __timestamp")
	c.Flags().StringVarP(&f.output, "output", "o", outputTable, "form of the rows: table, json, csv, arrow or parquet")
}

func (f *readFlags) scanOptions(cmd *cobra.Command) (o sdk.ScanOptions, err error) {
	o = sdk.ScanOptions{
		Columns: f.columns, Filter: f.where, Follow: f.follow, Limit: f.limit, Partitions: f.partitions, Buckets: bucketIDs(f.buckets),
	}
	if o.From, err = parsePlace(f.from); err != nil {
		return o, usagef(cmd, "--from %v", err)
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

func (a *app) read(ctx context.Context, c *sdk.Client, path string, opts sdk.ScanOptions, format rowio.Format) (err error) {
	s, err := c.Scanner(ctx, path, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var sink rowio.Sink
	for {
		b, err := s.Next(ctx)
		if err != nil {
			return a.endRead(ctx, c, path, opts, format, sink, err)
		}
		if sink == nil {
			if sink, err = rowio.NewSink(a.Stdout, format, b.Record.Schema()); err != nil {
				b.Release()
				return err
			}
		}
		err = sink.Write(b.Record)
		b.Release()
		if err == nil && opts.Follow {
			err = sink.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// endRead closes the output after the last batch. An interrupt is how a
// following read ends, so it is none of its errors.
func (a *app) endRead(ctx context.Context, c *sdk.Client, path string, opts sdk.ScanOptions, format rowio.Format, sink rowio.Sink, end error) error {
	interrupted := opts.Follow && ctx.Err() != nil
	if interrupted || errors.Is(end, io.EOF) {
		end = nil
	}
	if sink == nil && end == nil && !interrupted {
		columns, err := emptySchema(ctx, c, path, opts)
		if err != nil {
			return err
		}
		if sink, err = rowio.NewSink(a.Stdout, format, columns); err != nil {
			return err
		}
	}
	if sink == nil {
		return end
	}
	return errors.Join(end, sink.Close())
}

// emptySchema is the schema of a scan that returned no rows, for the head of its output.
func emptySchema(ctx context.Context, c *sdk.Client, path string, opts sdk.ScanOptions) (*arrow.Schema, error) {
	info, err := c.Table(ctx, path)
	if err != nil {
		return nil, err
	}
	columns := info.Schema().Columns
	if opts.Columns != nil {
		columns = nil
		for _, name := range opts.Columns {
			f, err := info.Schema().Column(name)
			if err != nil {
				return nil, err
			}
			columns = append(columns, f)
		}
	}
	fields := schema.ArrowFields(columns).Fields()
	for _, sys := range opts.SystemColumns {
		switch sys {
		case sdk.BucketColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnBucket, Type: arrow.PrimitiveTypes.Int32})
		case sdk.OffsetColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnOffset, Type: arrow.PrimitiveTypes.Int64})
		case sdk.TimestampColumn:
			fields = append(fields, arrow.Field{Name: schema.ColumnTimestamp, Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}})
		default:
			return nil, errcode.New(errcode.Internal, nil, "unknown system column %d", sys)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}
