package cli

import (
	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/sdk"
)

func (a *app) countCommand() *cobra.Command {
	var partitions []string
	c := &cobra.Command{
		Use: "count TABLE", Short: "Tell how many rows a table has", Args: exactArgs("TABLE"),
		Long: "Tell how many rows a table has now, exactly and without reading them. Of a table without a primary key these\n" +
			"are the rows that are still stored.",
		Example: "  fluss count accounts\n  fluss count orders --partition 2026-11-22",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				rows, err := admin.CountRows(cmd.Context(), args[0], partitions...)
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(map[string]int64{"rows": rows})
				}
				return a.printf("%d\n", rows)
			})
		},
	}
	c.Flags().StringSliceVar(&partitions, "partition", nil, "only these partitions, by name")
	return a.withOutput(c)
}
