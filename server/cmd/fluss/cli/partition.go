package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk"
)

func (a *app) partitionCommand() *cobra.Command {
	return group("partition", "Create, list, describe and drop partitions of a table",
		a.partitionCreate(), a.partitionList(), a.partitionDescribe(), a.partitionAlter(), a.partitionDrop())
}

// tableAndValues wants TABLE and at least min times column=value.
func tableAndValues(min int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < 1+min {
			return usagef(cmd, "want the table and the partition's values: TABLE column=value ...")
		}
		if _, err := keyValues(args[1:]); err != nil {
			return usagef(cmd, "partition value %v", err)
		}
		return nil
	}
}

// values returns the checked column=value arguments.
func values(args []string) map[string]string {
	m, err := keyValues(args[1:])
	if err != nil {
		return nil // tableAndValues has refused them
	}
	return m
}

func (a *app) partitionCreate() *cobra.Command {
	var ifNotExists bool
	c := &cobra.Command{
		Use: "create TABLE COLUMN=VALUE...", Short: "Create a partition", Args: tableAndValues(1),
		Example: "  fluss partition create orders day=2026-11-22",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				var p sdk.Partition
				existed, err := createOrFind(ifNotExists, func(opts ...sdk.CreateOption) (err error) {
					p, err = admin.CreatePartition(cmd.Context(), args[0], values(args), opts...)
					return err
				})
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(partitionObject(p))
				}
				if existed {
					return a.done("partition %s of %s exists already", p.Name, args[0])
				}
				return a.done("created partition %s of %s", p.Name, args[0])
			})
		},
	}
	c.Flags().BoolVar(&ifNotExists, "if-not-exists", false, "an existing partition is no error")
	return a.withOutput(c)
}

func partitionObject(p sdk.Partition) any {
	values := map[string]string{}
	for _, v := range p.Values {
		values[v.Column] = v.Value
	}
	return map[string]any{"id": p.ID, "name": p.Name, "values": values, "created_at": when(p.CreatedAt)}
}

func (a *app) partitions(cmd *cobra.Command, args []string) ([]sdk.Partition, error) {
	var out []sdk.Partition
	err := a.withAdmin(cmd.Context(), func(admin *sdk.Admin) (err error) {
		out, err = admin.Partitions(cmd.Context(), args[0], values(args))
		return err
	})
	return out, err
}

func (a *app) partitionList() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "list TABLE [COLUMN=VALUE...]", Short: "List the partitions that have the values", Args: tableAndValues(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := a.partitions(cmd, args)
			if err != nil {
				return err
			}
			return list(a, all, []string{"PARTITION", "ID", "CREATED"}, func(p sdk.Partition) []any {
				return []any{p.Name, p.ID, when(p.CreatedAt)}
			}, partitionObject)
		},
	})
}

func (a *app) partitionDescribe() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "describe TABLE COLUMN=VALUE...", Short: "Show one partition", Args: tableAndValues(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := a.partitions(cmd, args)
			if err != nil {
				return err
			}
			if len(all) != 1 {
				return errcode.New(errcode.UnknownPartition, nil, "%d partitions of %s have these values, not 1", len(all), args[0])
			}
			p := all[0]
			if a.output == outputJSON {
				return a.emit(partitionObject(p))
			}
			ps := []property{{"partition", p.Name}, {"id", p.ID}, {"created", when(p.CreatedAt)}}
			for _, v := range p.Values {
				ps = append(ps, property{v.Column, v.Value})
			}
			return a.properties(ps...)
		},
	})
}

// partitionAlter is there so that who looks for it learns where to go.
func (a *app) partitionAlter() *cobra.Command {
	return &cobra.Command{
		Use: "alter TABLE COLUMN=VALUE...", Short: "Tells why a partition cannot be altered", Args: cobra.ArbitraryArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return errcode.New(errcode.Unsupported, nil, "a partition has nothing to alter: its values name it, and options belong to the table; see `fluss table alter`")
		},
	}
}

func (a *app) partitionDrop() *cobra.Command {
	var ifExists bool
	c := &cobra.Command{
		Use: "drop TABLE COLUMN=VALUE...", Short: "Drop a partition with its data", Args: tableAndValues(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				missing, err := dropOrMiss(ifExists, func(opts ...sdk.DropOption) error {
					return admin.DropPartition(cmd.Context(), args[0], values(args), opts...)
				})
				if err != nil {
					return err
				}
				if missing {
					return a.done("there is no partition %s of %s", strings.Join(args[1:], " "), args[0])
				}
				return a.done("dropped partition %s of %s", strings.Join(args[1:], " "), args[0])
			})
		},
	}
	c.Flags().BoolVar(&ifExists, "if-exists", false, "a missing partition is no error")
	return a.withOutput(c)
}
