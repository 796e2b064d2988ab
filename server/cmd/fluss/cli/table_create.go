package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// tableSpec is what the flags of `table create` say.
type tableSpec struct {
	columns, likeFile                  string
	primaryKey, partitionBy, bucketKey []string
	buckets                            int
	comment                            string
	options, properties                []string
	ifNotExists                        bool
}

func (a *app) tableCreate() *cobra.Command {
	var s tableSpec
	c := &cobra.Command{
		Use: "create TABLE", Short: "Create a table", Args: exactArgs("TABLE"),
		Long: "Create a table, TABLE being database.table, or table in the database fluss.\n\n" +
			"Columns are like in SQL: \"id BIGINT NOT NULL, name STRING COMMENT 'who', tags ARRAY<STRING>\". Types: BOOLEAN,\n" +
			"TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, CHAR(n), STRING, DECIMAL(p, s), DATE, TIME(p), TIMESTAMP(p),\n" +
			"TIMESTAMP_LTZ(p), BINARY(n), BYTES, ARRAY<t>, MAP<k, v>, ROW<name t, ...>. docs/table-options.md describes the options.",
		Example: "  fluss table create flights --like-file flights.parquet --buckets 4\n" +
			"  fluss table create db.orders --columns 'id BIGINT NOT NULL, day STRING NOT NULL, amount DECIMAL(12, 2)' \\\n" +
			"      --bucket-key id --buckets 8 --partition-by day --option table.log.ttl=3d\n" +
			"  fluss table create accounts --columns 'id BIGINT, owner STRING, balance DECIMAL(12, 2)' --primary-key id",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := s.descriptor(cmd)
			if err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				var info *table.Info
				existed, err := createOrFind(s.ifNotExists, func(opts ...sdk.CreateOption) (err error) {
					info, err = admin.CreateTable(cmd.Context(), args[0], d, opts...)
					return err
				})
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(tableObject(info))
				}
				if existed {
					return a.done("table %s exists already", info.Path)
				}
				return a.done("created table %s with %s in %s", info.Path,
					count(int64(len(info.Schema().Columns)), "column"), count(int64(info.Descriptor.BucketCount), "bucket"))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&s.columns, "columns", "", "the columns, as in SQL")
	f.StringVar(&s.likeFile, "like-file", "", "take the columns from a file: .parquet, .arrow, .csv or .json")
	f.StringSliceVar(&s.primaryKey, "primary-key", nil, "columns of the primary key, in its order: rows are then upserted, looked up and deleted by it")
	f.StringSliceVar(&s.partitionBy, "partition-by", nil, "partition columns")
	f.StringSliceVar(&s.bucketKey, "bucket-key", nil, "columns whose values say which bucket a row goes to")
	f.IntVar(&s.buckets, "buckets", 0, "buckets of the table, or of each partition; 0 means the server's default")
	f.StringArrayVar(&s.options, "option", nil, "an option, name=value, like table.log.ttl=3d or fields.price.agg=max; may be repeated")
	f.StringArrayVar(&s.properties, "property", nil, "a property of your own, name=value; may be repeated")
	f.StringVar(&s.comment, "comment", "", "what it holds")
	f.BoolVar(&s.ifNotExists, "if-not-exists", false, "an existing table is no error")
	return a.withOutput(c)
}

// flagOf tells which flag says what elsewhere is an option.
var flagOf = map[string]string{
	"bucket.num": "--buckets", "bucket.key": "--bucket-key", "primary-key": "--primary-key", "primary.key": "--primary-key",
	"partition.keys": "--partition-by", "partitioned-by": "--partition-by", "comment": "--comment",
}

func (s *tableSpec) descriptor(cmd *cobra.Command) (*table.Descriptor, error) {
	columns, err := s.fields(cmd)
	if err != nil {
		return nil, err
	}
	sc, err := schema.New(columns, s.primaryKey)
	if err != nil {
		return nil, err
	}
	options, err := keyValues(s.options)
	if err != nil {
		return nil, usagef(cmd, "--option %v", err)
	}
	custom, err := keyValues(s.properties)
	if err != nil {
		return nil, usagef(cmd, "--property %v", err)
	}
	for k, v := range options {
		switch {
		case strings.HasPrefix(k, "table."):
		case strings.HasPrefix(k, "fields."), k == "auto-increment.fields": // of single columns, kept with the properties
			custom[k] = v
			delete(options, k)
		case flagOf[k] != "":
			return nil, usagef(cmd, "--option %s: give %s instead", k, flagOf[k])
		case table.NearMiss(k) != "":
			return nil, usagef(cmd, "--option %s: there is no such option; did you mean %s?", k, table.NearMiss(k))
		default:
			return nil, usagef(cmd, "--option %s: options start with \"table.\" or \"fields.\"; for a property of your own use --property", k)
		}
	}
	return &table.Descriptor{
		Schema: sc, PartitionKeys: s.partitionBy, BucketCount: s.buckets, BucketKeys: s.bucketKey,
		Comment: s.comment, Properties: options, Custom: custom,
	}, nil
}

func (s *tableSpec) fields(cmd *cobra.Command) ([]schema.Field, error) {
	switch {
	case (s.columns == "") == (s.likeFile == ""):
		return nil, usagef(cmd, "give either --columns or --like-file")
	case s.likeFile != "":
		return rowio.Columns(cmd.Context(), s.likeFile)
	default:
		return schema.ParseColumns(s.columns)
	}
}
