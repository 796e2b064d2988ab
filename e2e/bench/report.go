package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// row is one line of the report.
type row struct {
	what, figure, target string
	met                  bool
}

// add notes a figure beside what was asked for.
func (r *run) add(what, figure, target string, met bool) {
	r.rows = append(r.rows, row{what, figure, target, met})
	fmt.Fprintf(os.Stderr, "bench:   %-70s %-32s %s\n", what, figure, target)
}

func (r *run) report() error {
	var b strings.Builder
	fmt.Fprintf(&b, "| what | measured: median (range) of %d rounds | asked for | met |\n| --- | --- | --- | --- |\n", r.rounds)
	for _, row := range r.rows {
		met := "yes"
		if !row.met {
			met = "**no**"
		}
		if row.target == "" {
			met = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.what, row.figure, row.target, met)
	}
	fmt.Print(b.String())
	if r.out == "" {
		return nil
	}
	page, err := os.ReadFile(r.out)
	if err != nil {
		return err
	}
	const begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
	text := string(page)
	i, j := strings.Index(text, begin), strings.Index(text, end)
	if i < 0 || j < i {
		return fmt.Errorf("%s has no %q … %q to write between", r.out, begin, end)
	}
	text = text[:i] + begin + fmt.Sprintf("\n\nOn %d cores, %s.\n\n", runtime.NumCPU(), runtime.Version()) + b.String() + "\n" + text[j:]
	return os.WriteFile(r.out, []byte(text), 0o644)
}
