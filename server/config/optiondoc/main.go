// Command optiondoc writes docs/server-options.md and the help texts of the
// server's flags from the comments of config.Config. Run it by `go generate
// ./server/config`; it works in that directory.
package main

import (
	"fmt"
	"os"

	"github.com/fluss-go/fluss/server/config"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "optiondoc:", err)
		os.Exit(1)
	}
}

func run() error {
	source, err := os.ReadFile("config.go")
	if err != nil {
		return err
	}
	comments, err := config.Comments(source)
	if err != nil {
		return err
	}
	if err := os.WriteFile("docs_gen.go", config.HelpSource(comments), 0o644); err != nil {
		return err
	}
	return os.WriteFile("../../docs/server-options.md", config.Page(comments), 0o644)
}
