package cli

import "github.com/spf13/cobra"

// complete gives a flag its values for shell completion.
func complete(c *cobra.Command, flag string, values ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is not there, or has its values already: a fault of ours
	}
}
