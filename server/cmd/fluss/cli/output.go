package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// emit prints v as one JSON object on a line.
func (a *app) emit(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// list prints items: as JSON one object a line, else as a table with the
// headings and row's cells.
func list[T any](a *app, items []T, headings []string, row func(T) []any, object func(T) any) error {
	if a.output == outputJSON {
		for _, item := range items {
			if err := a.emit(object(item)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]any, len(items))
	for i, item := range items {
		rows[i] = row(item)
	}
	return a.table(headings, rows)
}

// table prints aligned columns.
func (a *app) table(headings []string, rows [][]any) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	line := func(cells []string) {
		// tabwriter keeps the first error and returns it from Flush.
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	line(headings)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = oneLine(fmt.Sprint(c))
		}
		line(cells)
	}
	return w.Flush()
}

// oneLine keeps a cell from breaking the table.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
}

// done tells what was done, for people; as JSON {"done": ...}.
func (a *app) done(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if a.output == outputJSON {
		return a.emit(map[string]string{"done": text})
	}
	return a.printf("%s\n", text)
}

// property is one line of a description.
type property struct {
	name  string
	value any
}

func (a *app) properties(ps ...property) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range ps {
		if s := fmt.Sprint(p.value); s != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", p.name+":", oneLine(s))
		}
	}
	return w.Flush()
}

// when returns a time for people and JSON; empty for the zero one.
func when(t time.Time) string {
	if t.IsZero() || t.UnixMilli() == 0 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// keyValues reads "k=v" arguments.
func keyValues(args []string) (map[string]string, error) {
	out := make(map[string]string, len(args))
	for _, arg := range args {
		k, v, ok := strings.Cut(arg, "=")
		k = strings.TrimSpace(k)
		if !ok || k == "" {
			return nil, fmt.Errorf("%q: want name=value", arg)
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("%s is given twice", k)
		}
		out[k] = v
	}
	return out, nil
}

// count returns "1 row", "2 rows", "1,234 rows".
func count(n int64, what string) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n == 1 {
		return digits + " " + what
	}
	return digits + " " + what + "s"
}
