package rowio

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// sampleRows is how many rows of CSV and JSON decide on the types.
const sampleRows = 10_000

// Columns returns the columns of a file, for a table like it, all nullable but
// what Parquet or Arrow declare NOT NULL. The types of CSV and JSON are guessed
// from the first rows: BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, else STRING.
func Columns(ctx context.Context, path string) (_ []schema.Field, err error) {
	f, err := FormatOf("", path)
	if err != nil {
		return nil, err
	}
	if f == CSV || f == JSON {
		return sampled(path, f)
	}
	s, err := Open(ctx, path, f, nil, Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var columns *arrow.Schema
	switch s := s.(type) {
	case *parquetSource:
		columns = s.schema
	case *arrowSource:
		columns = s.r.Schema()
	}
	return schema.Like(columns)
}

// guess narrows the type of a column value by value.
type guess struct {
	name string
	seen bool
	// not holds the kinds that some value is not.
	not map[schema.Kind]bool
}

// kinds are tried in this order; String takes everything.
var kinds = []struct {
	kind schema.Kind
	is   func(string) bool
}{
	{schema.Boolean, func(s string) bool { return s == "true" || s == "false" }},
	{schema.BigInt, func(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil && !padded(s) }},
	{schema.Double, func(s string) bool {
		_, err := strconv.ParseFloat(s, 64)
		return err == nil && !padded(s) && !strings.ContainsAny(s, "xX_pPnN")
	}},
	{schema.Date, func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }},
	{schema.TimestampLTZ, func(s string) bool { _, err := time.Parse(time.RFC3339Nano, s); return err == nil }},
	{schema.Timestamp, func(s string) bool { _, err := time.Parse("2006-01-02T15:04:05.999999999", s); return err == nil }},
}

// padded tells of numbers like 007, which are names.
func padded(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return len(s) > 1 && s[0] == '0' && s[1] != '.' && s[1] != 'e' && s[1] != 'E'
}

func (g *guess) take(text string) {
	g.seen = true
	for _, k := range kinds {
		if !g.not[k.kind] && !k.is(text) {
			g.not[k.kind] = true
		}
	}
}

func (g *guess) field() schema.Field {
	kind := schema.String
	if g.seen {
		for _, k := range kinds {
			if !g.not[k.kind] {
				kind = k.kind
				break
			}
		}
	}
	return schema.Field{Name: g.name, Type: schema.Of(kind)}
}

func sampled(path string, f Format) (_ []schema.Field, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, notOpened(path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var guesses []*guess
	if f == CSV {
		guesses, err = sampleCSV(file)
	} else {
		guesses, err = sampleJSON(file)
	}
	if err != nil {
		return nil, err
	}
	if len(guesses) == 0 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%s has no rows to take columns from", path)
	}
	out := make([]schema.Field, len(guesses))
	for i, g := range guesses {
		out[i] = g.field()
	}
	return out, nil
}

func sampleCSV(r io.Reader) ([]*guess, error) {
	in := csvReader{in: bufio.NewReader(r)}
	var guesses []*guess
	for row := 0; row <= sampleRows; row++ {
		cells, line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if row == 0 {
			for _, c := range cells {
				name := strings.TrimPrefix(strings.TrimSpace(c.text), "\ufeff")
				guesses = append(guesses, &guess{name: name, not: map[schema.Kind]bool{}})
			}
			continue
		}
		if len(cells) != len(guesses) {
			return nil, errcode.New(errcode.InvalidArgument, nil, "line %d has %d values and the first line %d names", line, len(cells), len(guesses))
		}
		for i, c := range cells {
			if c.text != "" || c.quoted {
				guesses[i].take(c.text)
			}
		}
	}
	return guesses, nil
}

func sampleJSON(r io.Reader) ([]*guess, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	var guesses []*guess
	for row := 1; row <= sampleRows; row++ {
		names, values, err := readObject(d)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errcode.New(errcode.InvalidArgument, err, "row %d is no JSON object", row)
		}
		for i, name := range names {
			at := slices.IndexFunc(guesses, func(g *guess) bool { return g.name == name })
			if at < 0 {
				at = len(guesses)
				guesses = append(guesses, &guess{name: name, not: map[schema.Kind]bool{}})
			}
			switch v := values[i].(type) {
			case nil:
			case []any, map[string]any:
				return nil, errcode.New(errcode.InvalidArgument, nil, "row %d: %q is nested; give --columns with its type", row, name)
			default:
				guesses[at].take(fmt.Sprint(v))
			}
		}
	}
	return guesses, nil
}

// readObject returns the members of the next object in their order.
func readObject(d *json.Decoder) (names []string, values []any, err error) {
	t, err := d.Token()
	if err != nil {
		return nil, nil, err
	}
	if t != json.Delim('{') {
		return nil, nil, fmt.Errorf("want an object, not %v", t)
	}
	for d.More() {
		if t, err = d.Token(); err != nil {
			return nil, nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, nil, err
		}
		names, values = append(names, fmt.Sprint(t)), append(values, v)
	}
	_, err = d.Token()
	return names, values, err
}
