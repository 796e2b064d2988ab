package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

// changes collects the changes of an alter in the order of the command line.
type changes []sdk.Change

// changeFlag is a flag that adds changes; it may be repeated.
type changeFlag struct {
	to    *changes
	parse func(string) ([]sdk.Change, error)
}

func (f changeFlag) String() string { return "" }
func (f changeFlag) Type() string   { return "text" }
func (f changeFlag) Set(text string) error {
	cs, err := f.parse(text)
	*f.to = append(*f.to, cs...)
	return err
}

func (a *app) tableAlter() *cobra.Command {
	var cs changes
	c := &cobra.Command{
		Use: "alter TABLE", Short: "Change a table's columns, options and comment", Args: exactArgs("TABLE"),
		Long: "Change a table. The changes are made in the order of the flags, all or none. Rows written before\n" +
			"stay readable: an added column is null in them, a widened one is converted.",
		Example: "  fluss table alter orders --add 'note STRING AFTER item' --rename item=product --widen 'qty BIGINT'\n" +
			"  fluss table alter orders --set table.log.ttl=3d --move 'note FIRST'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(cs) == 0 {
				return usagef(cmd, "nothing to change: give --add, --drop, --rename, --widen, --move, --column-comment, --set, --reset or --comment")
			}
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				info, err := admin.AlterTable(cmd.Context(), args[0], cs...)
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(tableObject(info))
				}
				return a.done("altered table %s; schema version %d", info.Path, info.Schema().ID)
			})
		},
	}
	add := func(name, usage string, parse func(string) ([]sdk.Change, error)) {
		c.Flags().Var(changeFlag{&cs, parse}, name, usage)
	}
	add("add", "add columns: 'c BIGINT', 'c BIGINT FIRST', 'c STRING AFTER b'", addColumns)
	add("drop", "drop a column", one(sdk.DropColumn))
	add("rename", "rename a column: old=new", pair(sdk.RenameColumn))
	add("widen", "give a column a wider type: 'c BIGINT' (say NOT NULL again to keep it)", widenColumns)
	add("move", "move a column: 'c FIRST', 'c AFTER b'", moveColumn)
	add("column-comment", "set a column's comment: c=text", pair(sdk.CommentColumn))
	add("set", "set an option or property: name=value", pair(sdk.SetOption))
	add("reset", "give an option its default back, or remove a property", one(sdk.ResetOption))
	add("comment", "what the table holds", one(sdk.SetComment))
	return a.withOutput(c)
}

func one(make func(string) sdk.Change) func(string) ([]sdk.Change, error) {
	return func(text string) ([]sdk.Change, error) { return []sdk.Change{make(text)}, nil }
}

func pair(make func(a, b string) sdk.Change) func(string) ([]sdk.Change, error) {
	return func(text string) ([]sdk.Change, error) {
		k, v, ok := strings.Cut(text, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("%q: want name=value", text)
		}
		return []sdk.Change{make(strings.TrimSpace(k), v)}, nil
	}
}

// position is FIRST or AFTER with a column at the end of a text; inside the
// quotes of a comment it cannot be at the end.
var position = regexp.MustCompile("(?i)\\s+(?:(FIRST)|AFTER\\s+(?:([\\pL_][\\pL\\pN_]*)|`([^`]+)`))\\s*$")

// cutPosition returns text without its position, and what sets that on a change.
func cutPosition(text string) (rest string, place func(sdk.Change) sdk.Change) {
	m := position.FindStringSubmatch(text)
	if m == nil {
		return text, nil
	}
	rest = text[:len(text)-len(m[0])]
	if m[1] != "" {
		return rest, sdk.Change.First
	}
	return rest, func(c sdk.Change) sdk.Change { return c.After(m[2] + m[3]) }
}

func addColumns(text string) ([]sdk.Change, error) {
	text, place := cutPosition(text)
	columns, err := schema.ParseColumns(text)
	if err != nil {
		return nil, err
	}
	if place != nil && len(columns) > 1 {
		return nil, fmt.Errorf("FIRST and AFTER go with one column, not with %s", columnNames(columns))
	}
	var out []sdk.Change
	for _, c := range columns {
		change := sdk.AddColumn(c)
		if place != nil {
			change = place(change)
		}
		out = append(out, change)
	}
	return out, nil
}

func widenColumns(text string) ([]sdk.Change, error) {
	columns, err := schema.ParseColumns(text)
	if err != nil {
		return nil, err
	}
	var out []sdk.Change
	for _, c := range columns {
		out = append(out, sdk.WidenColumn(c.Name, c.Type))
	}
	return out, nil
}

func moveColumn(text string) ([]sdk.Change, error) {
	name, place := cutPosition(text)
	if place == nil {
		return nil, fmt.Errorf("%q: want 'column FIRST' or 'column AFTER other'", text)
	}
	name = strings.Trim(strings.TrimSpace(name), "`")
	return []sdk.Change{place(sdk.MoveColumn(name))}, nil
}
