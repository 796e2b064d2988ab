package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

func (a *app) tableCommand() *cobra.Command {
	return group("table", "Create, list, describe, alter and drop tables",
		a.tableCreate(), a.tableList(), a.tableDescribe(), a.tableAlter(), a.tableDrop())
}

func (a *app) tableList() *cobra.Command {
	var database string
	c := &cobra.Command{
		Use: "list", Short: "List the tables of a database", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				paths, err := admin.Tables(cmd.Context(), database)
				if err != nil {
					return err
				}
				return list(a, paths, []string{"DATABASE", "TABLE"}, func(p table.Path) []any {
					return []any{p.Database, p.Table}
				}, func(p table.Path) any {
					return map[string]string{"database": p.Database, "table": p.Table}
				})
			})
		},
	}
	c.Flags().StringVar(&database, "database", table.DefaultDatabase, "the database")
	return a.withOutput(c)
}

func (a *app) tableDescribe() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "describe TABLE", Short: "Show a table's columns and options", Args: exactArgs("TABLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				info, err := admin.Table(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.showTable(info)
			})
		},
	})
}

func (a *app) showTable(info *table.Info) error {
	if a.output == outputJSON {
		return a.emit(tableObject(info))
	}
	d := info.Descriptor
	ps := []property{
		{"table", info.Path}, {"id", info.ID}, {"comment", d.Comment}, {"schema version", d.Schema.ID},
		{"primary key", strings.Join(d.Schema.PrimaryKey, ", ")}, {"partitioned by", strings.Join(d.PartitionKeys, ", ")},
		{"buckets", d.BucketCount}, {"bucket key", strings.Join(d.BucketKeys, ", ")},
		{"created", when(info.CreatedAt)}, {"modified", when(info.ModifiedAt)},
	}
	ps = append(ps, mapProperties("option", d.Properties)...)
	ps = append(ps, mapProperties("property", d.Custom)...)
	if err := a.properties(ps...); err != nil {
		return err
	}
	rows := make([][]any, len(d.Schema.Columns))
	for i, c := range d.Schema.Columns {
		rows[i] = []any{c.Name, c.Type, c.ID, c.Comment}
	}
	if err := a.printf("\n"); err != nil {
		return err
	}
	return a.table([]string{"COLUMN", "TYPE", "ID", "COMMENT"}, rows)
}

func mapProperties(name string, m map[string]string) []property {
	var out []property
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, property{name, k + " = " + m[k]})
	}
	return out
}

func tableObject(info *table.Info) any {
	d := info.Descriptor
	columns := make([]map[string]any, len(d.Schema.Columns))
	for i, c := range d.Schema.Columns {
		columns[i] = map[string]any{"name": c.Name, "type": c.Type.String(), "id": c.ID, "comment": c.Comment}
	}
	return map[string]any{
		"database": info.Path.Database, "table": info.Path.Table, "id": info.ID, "comment": d.Comment,
		"schema_id": d.Schema.ID, "columns": columns, "primary_key": emptyList(d.Schema.PrimaryKey),
		"partition_keys": emptyList(d.PartitionKeys), "bucket_count": d.BucketCount, "bucket_keys": emptyList(d.BucketKeys),
		"options": emptyMap(d.Properties), "properties": emptyMap(d.Custom),
		"created_at": when(info.CreatedAt), "modified_at": when(info.ModifiedAt),
	}
}

// emptyList returns s, or an empty list for nil, so that JSON has [].
func emptyList(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (a *app) tableDrop() *cobra.Command {
	var ifExists bool
	c := &cobra.Command{
		Use: "drop TABLE", Short: "Drop a table with its data", Args: exactArgs("TABLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				missing, err := dropOrMiss(ifExists, func(opts ...sdk.DropOption) error {
					return admin.DropTable(cmd.Context(), args[0], opts...)
				})
				if err != nil {
					return err
				}
				if missing {
					return a.done("there is no table %s", args[0])
				}
				return a.done("dropped table %s", args[0])
			})
		},
	}
	c.Flags().BoolVar(&ifExists, "if-exists", false, "a missing table is no error")
	return a.withOutput(c)
}

// columnNames quotes names for a list in a message.
func columnNames(columns []schema.Field) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}
