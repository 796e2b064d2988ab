// Package rowio reads rows from files into Arrow batches, and writes them out
// again, in the forms that people have them in: CSV, JSON lines, Parquet, Arrow IPC.
package rowio

import (
	"path/filepath"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Format is a form of rows in a file or on a terminal.
type Format string

// The formats. Table is for people and only written.
const (
	CSV     Format = "csv"
	JSON    Format = "json"
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
	Table   Format = "table"
)

// FormatOf returns the format that text names or, when text is empty, that the
// name of the file ends in.
func FormatOf(text, path string) (Format, error) {
	if text == "" {
		switch ext := strings.ToLower(filepath.Ext(path)); ext {
		case ".jsonl", ".ndjson":
			return JSON, nil
		case ".ipc", ".arrows", ".feather":
			return Arrow, nil
		case "":
			return "", errcode.New(errcode.InvalidArgument, nil, "the format of %s is not known: give --format csv, json, parquet or arrow", name(path))
		default:
			text = ext[1:]
		}
	}
	switch f := Format(strings.ToLower(text)); f {
	case CSV, JSON, Parquet, Arrow:
		return f, nil
	case Table:
	}
	return "", errcode.New(errcode.InvalidArgument, nil, "the format %q is not known: want csv, json, parquet or arrow", text)
}

// name is what a path is called in messages.
func name(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
