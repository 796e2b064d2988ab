// Package cli is the command line of fluss: each command in a file of its own,
// thin over the SDK, the server's node and package rowio.
//
// Exit codes: 0 done; 1 the operation failed; 2 the command line is wrong;
// 3 no server answers; 130 interrupted. Results go to standard output, all else
// to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk"
)

// The exit codes.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitUnreachable = 3
	ExitInterrupted = 130
)

// Process is what a command touches of its process.
type Process struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// LookupEnv is os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Terminal tells whether Stderr is a terminal, for progress bars.
	Terminal bool
}

// System is this process.
func System() Process {
	return Process{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Terminal: isTerminal(os.Stderr),
	}
}

const defaultServer = "127.0.0.1:9123"

// The values of -o that every command has.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// app is one run of the program.
type app struct {
	Process
	server string
	output string
}

// Run runs one command line and returns its exit code. The first interrupt or
// SIGTERM ends it gracefully, the second at once.
func Run(args []string, p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return RunContext(ctx, args, p)
}

// RunContext is Run without the signals: the end of ctx interrupts it.
func RunContext(ctx context.Context, args []string, p Process) int {
	a := &app{Process: p}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return a.report(cmd, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "fluss",
		Short: "Streaming storage for real-time analytics",
		Long: "Fluss stores streams of rows in columns and serves them within milliseconds.\n\n" +
			"Start a server with `fluss server`, then in another terminal:\n\n" +
			"  fluss table create orders --columns 'id BIGINT NOT NULL, item STRING'\n" +
			"  echo '{\"id\": 1, \"item\": \"tea\"}' | fluss write orders --from -\n" +
			"  fluss read orders",
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without this, `fluss tabel` would print help and exit 0.
		RunE:              func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return checkLists(cmd) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usagef(cmd, "%v", err) })
	server := defaultServer
	if env, ok := a.LookupEnv("FLUSS_SERVER"); ok && env != "" {
		server = env
	}
	root.PersistentFlags().StringVar(&a.server, "server", server, "server to talk to, host:port; environment FLUSS_SERVER")
	root.AddCommand(a.serverCommand(), a.configCommand(), a.databaseCommand(), a.tableCommand(), a.partitionCommand(),
		a.writeCommand(), a.readCommand(), a.lookupCommand(), a.countCommand(), a.offsetsCommand(),
		a.statusCommand(), a.benchCommand(), a.inspectCommand(), a.versionCommand())
	return root
}

// checkLists refuses flags whose list is empty, or has an empty name, which scripts
// give when a variable is not set: nothing named is not all.
func checkLists(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() != "stringSlice" {
			return
		}
		list, _ := f.Value.(pflag.SliceValue)
		names := list.GetSlice()
		switch {
		case err != nil:
		case len(names) == 0:
			err = usagef(cmd, "--%s is empty: name some, or leave it out", f.Name)
		case slices.Contains(names, ""):
			err = usagef(cmd, "--%s %s has an empty name between its commas", f.Name, strings.Join(names, ","))
		}
	})
	return err
}

// group returns a command that only has subcommands.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
	}
	c.AddCommand(subs...)
	return c
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return usagef(cmd, "there is no command %q%s", cmd.CommandPath()+" "+args[0], hint)
}

// withOutput adds -o to a command that prints a result.
func (a *app) withOutput(c *cobra.Command) *cobra.Command {
	c.Flags().StringVarP(&a.output, "output", "o", outputTable, "form of the result: table or json (one object a line)")
	complete(c, "output", outputTable, outputJSON)
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if a.output != outputTable && a.output != outputJSON {
			return usagef(cmd, "-o %q: want table or json", a.output)
		}
		return run(cmd, args)
	}
	return c
}

// usageError is a fault of the command line.
type usageError struct {
	command string
	text    string
}

func (e *usageError) Error() string { return e.text }

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Sprintf(format, args...)}
}

// exactArgs wants the named arguments.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usagef(cmd, "want %d argument(s), %s, not %d", len(names), strings.Join(names, " "), len(args))
	}
}

// noArgs wants no arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef(cmd, "want no arguments, not %q", args[0])
}

// connect connects to the server.
func (a *app) connect(ctx context.Context, opts ...sdk.Option) (*sdk.Client, error) {
	return sdk.Connect(ctx, a.server, append([]sdk.Option{sdk.WithClientName("fluss-cli/" + Version())}, opts...)...)
}

// withClient runs f with a client that is closed afterwards.
func (a *app) withClient(ctx context.Context, f func(*sdk.Client) error) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close())
}

// withAdmin runs f with the admin calls.
func (a *app) withAdmin(ctx context.Context, f func(*sdk.Admin) error) error {
	return a.withClient(ctx, func(c *sdk.Client) error { return f(c.Admin()) })
}

// report prints an error with the next step and returns the exit code.
func (a *app) report(cmd *cobra.Command, err error) int {
	if err == nil {
		return ExitOK
	}
	var usage *usageError
	if errors.As(err, &usage) {
		a.errorf("Error: %s\nSee `%s --help`.\n", usage.text, usage.command)
		return ExitUsage
	}
	var e *errcode.Error
	if !errors.As(err, &e) {
		a.errorf("Error: %v\n", err)
		return ExitFailed
	}
	if e.Code == errcode.Canceled && cmd != nil && cmd.Context() != nil && cmd.Context().Err() != nil {
		a.errorf("Interrupted.\n")
		return ExitInterrupted
	}
	a.errorf("Error: %s [%s]\n", e.Message, e.Code)
	if h := hint(e.Code); h != "" {
		a.errorf("%s\n", h)
	}
	if e.Code == errcode.Unavailable {
		return ExitUnreachable
	}
	return ExitFailed
}

// hint is the next step after an error, when there is an obvious one.
func hint(code errcode.Code) string {
	switch code { //nolint:exhaustive // most errors say it all
	case errcode.Unavailable:
		return "Start a server with `fluss server`, or name another one with --server host:port or FLUSS_SERVER."
	case errcode.UnknownDatabase:
		return "`fluss database list` shows the databases."
	case errcode.UnknownTable:
		return "`fluss table list` shows the tables; --database names another database than fluss."
	case errcode.UnknownColumn, errcode.InvalidProjection:
		return "`fluss table describe TABLE` shows the columns."
	case errcode.UnknownPartition:
		return "`fluss partition list TABLE` shows the partitions."
	case errcode.NotPrimaryKeyTable:
		return "`fluss table create TABLE ... --primary-key a,b` makes a table with a primary key."
	case errcode.NotLogTable:
		return "Rows of a table with a primary key are upserted and deleted: `fluss write TABLE --mode upsert`."
	case errcode.DeletionDisabled:
		return "The option table.delete.behavior of the table says so; --merge-mode overwrite deletes all the same."
	case errcode.TableExists, errcode.DatabaseExists, errcode.PartitionExists:
		return "With --if-not-exists that is no error."
	case errcode.DatabaseNotEmpty:
		return "With --cascade its tables are dropped too."
	case errcode.OffsetOutOfRange:
		return "`fluss offsets TABLE` shows what is stored; --from earliest reads from its start."
	case errcode.DiskFull:
		return "`fluss status` shows the disk's usage; drop tables, shorten table.log.ttl, or add space. Writing again later works."
	case errcode.Corrupt:
		return "`fluss inspect segment FILE` looks at the file; please report this."
	default:
		return ""
	}
}

// errorf prints to standard error; there is nowhere to tell when that fails.
func (a *app) errorf(format string, args ...any) { _, _ = fmt.Fprintf(a.Stderr, format, args...) }

// printf prints a result.
func (a *app) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.Stdout, format, args...)
	return err
}
