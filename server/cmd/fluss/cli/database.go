package cli

import (
	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk"
)

func (a *app) databaseCommand() *cobra.Command {
	return group("database", "Create, list, describe, alter and drop databases",
		a.databaseCreate(), a.databaseList(), a.databaseDescribe(), a.databaseAlter(), a.databaseDrop())
}

func (a *app) databaseCreate() *cobra.Command {
	var spec sdk.DatabaseSpec
	var properties []string
	var ifNotExists bool
	c := &cobra.Command{
		Use: "create NAME", Short: "Create a database", Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if spec.Properties, err = keyValues(properties); err != nil {
				return usagef(cmd, "--property %v", err)
			}
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				existed, err := createOrFind(ifNotExists, func(opts ...sdk.CreateOption) error {
					return admin.CreateDatabase(cmd.Context(), args[0], spec, opts...)
				})
				if err != nil {
					return err
				}
				if existed {
					return a.done("database %s exists already", args[0])
				}
				return a.done("created database %s", args[0])
			})
		},
	}
	c.Flags().StringVar(&spec.Comment, "comment", "", "what it is for")
	c.Flags().StringArrayVar(&properties, "property", nil, "a property of your own, name=value; may be repeated")
	c.Flags().BoolVar(&ifNotExists, "if-not-exists", false, "an existing database is no error")
	return a.withOutput(c)
}

// createOrFind creates something and, with --if-not-exists, tells whether it was there before.
func createOrFind(ifNotExists bool, create func(...sdk.CreateOption) error) (existed bool, err error) {
	err = create()
	if ifNotExists {
		switch errcode.Of(err) { //nolint:exhaustive // the others are errors all the same
		case errcode.DatabaseExists, errcode.TableExists, errcode.PartitionExists:
			return true, create(sdk.IfNotExists())
		}
	}
	return false, err
}

// dropOrMiss drops something and, with --if-exists, tells whether there was nothing to drop.
func dropOrMiss(ifExists bool, drop func(...sdk.DropOption) error) (missing bool, err error) {
	err = drop()
	if ifExists {
		switch errcode.Of(err) { //nolint:exhaustive // the others are errors all the same
		case errcode.UnknownDatabase, errcode.UnknownTable, errcode.UnknownPartition:
			return true, drop(sdk.IfExists())
		}
	}
	return false, err
}

func databaseObject(d sdk.Database) any {
	return map[string]any{
		"name": d.Name, "tables": d.Tables, "comment": d.Comment, "properties": emptyMap(d.Properties),
		"created_at": when(d.CreatedAt), "modified_at": when(d.ModifiedAt),
	}
}

// emptyMap returns m, or an empty map for nil, so that JSON has {}.
func emptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (a *app) databaseList() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "list", Short: "List the databases", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				all, err := admin.Databases(cmd.Context())
				if err != nil {
					return err
				}
				return list(a, all, []string{"DATABASE", "TABLES", "CREATED", "COMMENT"}, func(d sdk.Database) []any {
					return []any{d.Name, d.Tables, when(d.CreatedAt), d.Comment}
				}, databaseObject)
			})
		},
	})
}

func (a *app) databaseDescribe() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "describe NAME", Short: "Show one database", Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				d, err := admin.Database(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(databaseObject(d))
				}
				ps := []property{
					{"database", d.Name}, {"comment", d.Comment}, {"tables", d.Tables}, {"created", when(d.CreatedAt)}, {"modified", when(d.ModifiedAt)},
				}
				return a.properties(append(ps, mapProperties("property", d.Properties)...)...)
			})
		},
	})
}

func (a *app) databaseAlter() *cobra.Command {
	var comment string
	var change sdk.DatabaseChange
	var sets []string
	c := &cobra.Command{
		Use: "alter NAME", Short: "Change a database's comment and properties", Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if change.Set, err = keyValues(sets); err != nil {
				return usagef(cmd, "--set %v", err)
			}
			if cmd.Flags().Changed("comment") {
				change.Comment = &comment
			}
			if change.Comment == nil && len(change.Set)+len(change.Reset) == 0 {
				return usagef(cmd, "nothing to change: give --comment, --set or --reset")
			}
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				if err := admin.AlterDatabase(cmd.Context(), args[0], change); err != nil {
					return err
				}
				return a.done("altered database %s", args[0])
			})
		},
	}
	c.Flags().StringVar(&comment, "comment", "", "what it is for")
	c.Flags().StringArrayVar(&sets, "set", nil, "set a property, name=value; may be repeated")
	c.Flags().StringArrayVar(&change.Reset, "reset", nil, "remove a property; may be repeated")
	return a.withOutput(c)
}

func (a *app) databaseDrop() *cobra.Command {
	var ifExists, cascade bool
	c := &cobra.Command{
		Use: "drop NAME", Short: "Drop a database", Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				missing, err := dropOrMiss(ifExists, func(opts ...sdk.DropOption) error {
					if cascade {
						opts = append(opts, sdk.Cascade())
					}
					return admin.DropDatabase(cmd.Context(), args[0], opts...)
				})
				if err != nil {
					return err
				}
				if missing {
					return a.done("there is no database %s", args[0])
				}
				return a.done("dropped database %s", args[0])
			})
		},
	}
	c.Flags().BoolVar(&ifExists, "if-exists", false, "a missing database is no error")
	c.Flags().BoolVar(&cascade, "cascade", false, "drop its tables, with their data, too")
	return a.withOutput(c)
}
