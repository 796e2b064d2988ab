package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/server/config"
)

func (a *app) configCommand() *cobra.Command {
	print := &cobra.Command{
		Use: "print", Short: "Show the server options in force, and where each came from", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := config.Load(cmd.Flags(), a.LookupEnv)
			if err != nil {
				return faults(err)
			}
			if a.output == outputJSON {
				return a.emit(l.Plain())
			}
			text, err := l.YAML()
			if err != nil {
				return err
			}
			return a.printf("%s", text)
		},
	}
	check := &cobra.Command{
		Use: "check", Short: "Report every fault of the server options", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := config.Load(cmd.Flags(), a.LookupEnv)
			if err != nil {
				return faults(err)
			}
			if l.File == "" {
				return a.done("the configuration is fine (no file)")
			}
			return a.done("the configuration is fine (%s)", l.File)
		},
	}
	config.Flags(print.Flags())
	config.Flags(check.Flags())
	return group("config", "Show and check the options of a server", a.withOutput(print), a.withOutput(check))
}

// configFaults is every fault of a configuration.
type configFaults struct{ err error }

func faults(err error) error { return &configFaults{err} }

func (f *configFaults) Error() string {
	lines := strings.Split(f.err.Error(), "\n")
	if len(lines) == 1 {
		return "the configuration has a fault: " + lines[0]
	}
	return "the configuration has these faults:\n  " + strings.Join(lines, "\n  ")
}

func (f *configFaults) Unwrap() error { return f.err }
