package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/server/node"
)

// Version is the release of this binary.
func Version() string { return node.Version }

func (a *app) versionCommand() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "version", Short: "Show the release of this binary", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			commit := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = s.Value
					}
				}
			}
			if a.output == outputJSON {
				return a.emit(map[string]string{"version": Version(), "commit": commit, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			return a.printf("fluss %s (%s, %s/%s)\n", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	})
}
