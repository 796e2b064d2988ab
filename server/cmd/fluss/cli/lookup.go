package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/sdk/rowjson"
	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// lookupFlags are those of `fluss lookup`.
type lookupFlags struct {
	columns               []string
	keysFrom              string
	format, null          string
	noHeader              bool
	prefix, insert, stale bool
	output                string
}

func (a *app) lookupCommand() *cobra.Command {
	var f lookupFlags
	c := &cobra.Command{
		Use: "lookup TABLE VALUE...", Short: "Find rows of a primary-key table by key",
		Long: "Find a row by the values of its primary key, in the order of the key, or many with --keys-from. A key that has no\n" +
			"row is told on standard error, and the exit code is 1. What was acked before is found.\n\n" +
			"With --prefix the values are those of the bucket key and of the partition columns, as far as there are any, in the\n" +
			"order of the primary key, and all rows under them are found. Values are texts as CSV has them.\n" +
			"With --insert-if-absent a key without row gets one, its other columns null or, if the table has an\n" +
			"auto-increment column, numbered by the server.\n\n" +
			"Write -- before the values if one of them starts with a minus sign.",
		Example: "  fluss lookup accounts 7\n" +
			"  fluss lookup orders 2026-11-22 1042 --columns amount,state -o json\n" +
			"  fluss lookup accounts --keys-from ids.csv\n" +
			"  fluss lookup readings -- -12",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef(cmd, "want a TABLE and the values of its key")
			case f.keysFrom == "" && len(args) == 1:
				return usagef(cmd, "give the values of the key of %s in its order, or --keys-from FILE", args[0])
			case f.keysFrom != "" && len(args) > 1:
				return usagef(cmd, "give either values or --keys-from")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.prefix && f.insert {
				return usagef(cmd, "--insert-if-absent needs whole keys: leave out --prefix")
			}
			format, err := a.rowFormat(cmd, f.output)
			if err != nil {
				return err
			}
			return a.withClient(cmd.Context(), func(c *sdk.Client) error {
				return a.lookup(cmd, c, args[0], args[1:], &f, format)
			})
		},
	}
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "the columns wanted, in order; default all")
	c.Flags().StringVar(&f.keysFrom, "keys-from", "", "a file with the columns of the key, and maybe others, or - for standard input")
	formatFlags(c, &f.format, &f.null, &f.noHeader)
	c.Flags().BoolVar(&f.prefix, "prefix", false, "find all rows of a bucket key")
	c.Flags().BoolVar(&f.insert, "insert-if-absent", false, "make a row for a key that has none")
	c.Flags().BoolVar(&f.stale, "stale", false, "take what any replica has, which may lack the newest writes")
	rowOutput(c, &f.output)
	c.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd, "%v; write -- before the values of the key if one of them starts with a minus sign", err)
	})
	return c
}

// lookingUp is one run of `fluss lookup`.
type lookingUp struct {
	app   *app
	table *table.Info
	// key names the columns that are looked up by, in the order of the primary key.
	key    []string
	format rowio.Format
	sink   rowio.Sink
	// keys and missing count the keys looked up and those that have no row.
	keys, missing int64
	// first is the first key that has none.
	first string
}

func (a *app) lookup(cmd *cobra.Command, c *sdk.Client, path string, values []string, f *lookupFlags, format rowio.Format) (err error) {
	ctx := cmd.Context()
	l, err := c.Lookuper(ctx, path, f.options()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	run := &lookingUp{app: a, table: l.Table(), format: format}
	for _, column := range l.KeyColumns() {
		run.key = append(run.key, column.Name)
	}
	source, err := run.source(cmd, values, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	err = pump(ctx, source, func(rec arrow.RecordBatch) error { return run.batch(ctx, l, rec) })
	if run.sink != nil {
		err = errors.Join(err, run.sink.Close())
	}
	if err != nil {
		return err
	}
	return run.outcome()
}

func (f *lookupFlags) options() []sdk.LookupOption {
	var opts []sdk.LookupOption
	if f.columns != nil {
		opts = append(opts, sdk.WithLookupColumns(f.columns...))
	}
	if f.prefix {
		opts = append(opts, sdk.WithPrefix())
	}
	if f.insert {
		opts = append(opts, sdk.WithInsertIfAbsent())
	}
	if f.stale {
		opts = append(opts, sdk.WithStaleReads())
	}
	return opts
}

// source gives the keys, from the command line or a file.
func (l *lookingUp) source(cmd *cobra.Command, values []string, f *lookupFlags) (rowio.Source, error) {
	s := l.table.Schema()
	if f.keysFrom == "" {
		if len(values) != len(l.key) {
			return nil, usagef(cmd, "the %s of %s is %s: want %s in this order, not %d%s",
				l.what(f), l.table.Path, strings.Join(l.key, ", "), count(int64(len(l.key)), "value"), len(values), l.prefixHint(f, len(values)))
		}
		return rowio.OneRow(keySource(s, l.key, true), values)
	}
	if f.keysFrom == "-" && f.format == "" {
		f.format = string(rowio.JSON)
	}
	format, err := rowio.FormatOf(f.format, f.keysFrom)
	if err != nil {
		return nil, err
	}
	return rowio.Open(cmd.Context(), f.keysFrom, format, l.app.Stdin,
		rowio.Options{Columns: keySource(s, l.key, f.noHeader), Null: f.null, NoHeader: f.noHeader})
}

// what is looked up by.
func (l *lookingUp) what(f *lookupFlags) string {
	if f.prefix {
		return "bucket key"
	}
	return "key"
}

// prefixHint tells of --prefix who gives as many values as it takes.
func (l *lookingUp) prefixHint(f *lookupFlags, values int) string {
	d := l.table.Descriptor
	if f.prefix || values != len(d.BucketKeys)+len(d.PartitionKeys) {
		return ""
	}
	for _, name := range d.PhysicalKey()[:len(d.BucketKeys)] {
		if !slices.Contains(d.BucketKeys, name) {
			return ""
		}
	}
	return "; --prefix finds all rows under the bucket key " + strings.Join(d.BucketKeys, ", ")
}

// batch looks up some keys and prints their rows.
func (l *lookingUp) batch(ctx context.Context, lookuper *sdk.Lookuper, rec arrow.RecordBatch) error {
	keys, lacking := rowio.Project(rec, l.key)
	if lacking != "" {
		return errcode.New(errcode.UnknownColumn, nil, "the keys have no column %q: the key of %s is %s",
			lacking, l.table.Path, strings.Join(l.key, ", ")).With("column", lacking)
	}
	defer keys.Release()
	rows, counts, err := lookuper.LookupBatch(ctx, keys)
	if err != nil {
		return err
	}
	defer rows.Release()
	for i, n := range counts {
		if n == 0 {
			if l.missing == 0 {
				l.first = keyText(keys, i)
			}
			l.missing++
		}
	}
	l.keys += keys.NumRows()
	return l.print(rows)
}

// print prints the rows found. Nothing found is told otherwise, but a file of
// Arrow or Parquet has a head in any case.
func (l *lookingUp) print(rows arrow.RecordBatch) (err error) {
	if l.sink == nil {
		if rows.NumRows() == 0 && l.format != rowio.Arrow && l.format != rowio.Parquet {
			return nil
		}
		if l.sink, err = rowio.NewSink(l.app.Stdout, l.format, rows.Schema()); err != nil {
			return err
		}
	}
	if err := l.sink.Write(rows); err != nil {
		return err
	}
	return l.sink.Flush() // keys may come slowly, and their rows are wanted at once
}

// keyText is row i of keys for people: "id = 7, day = 2026-11-22".
func keyText(keys arrow.RecordBatch, i int) string {
	parts := make([]string, keys.NumCols())
	for c := range parts {
		parts[c] = fmt.Sprintf("%s = %s", keys.ColumnName(c), rowjson.AppendText(nil, keys.Column(c), i))
	}
	return strings.Join(parts, ", ")
}

// outcome tells keys that have no row.
func (l *lookingUp) outcome() error {
	switch {
	case l.missing == 0:
		return nil
	case l.keys == 1:
		return fmt.Errorf("not found: %s has no row with %s", l.table.Path, l.first)
	default:
		return fmt.Errorf("not found: %s has no row for %d of %d keys; the first is %s", l.table.Path, l.missing, l.keys, l.first)
	}
}
