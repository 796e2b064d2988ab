// Command fluss is the server and everything a person at a terminal needs around it.
package main

import (
	"os"

	"github.com/fluss-go/fluss/server/cmd/fluss/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], cli.System()))
}
