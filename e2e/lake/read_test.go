package lake

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

func names(fields []schema.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

// text returns the values of a row in the wanted columns.
func text(columns []arrow.Array, names, wanted []string, row int) string {
	var out []string
	for _, w := range wanted {
		c := columns[slices.Index(names, w)]
		if c.IsNull(row) {
			out = append(out, "null")
		} else {
			out = append(out, c.ValueStr(row))
		}
	}
	return strings.Join(out, " ")
}

// batches yields what a scanner gives, and closes it.
func batches(t *testing.T, s *sdk.Scanner) iter.Seq2[*sdk.Batch, error] {
	t.Helper()
	return func(yield func(*sdk.Batch, error) bool) {
		defer func() { _ = s.Close() }()
		for {
			b, err := s.Next(t.Context())
			if errors.Is(err, io.EOF) || !yield(b, err) || err != nil {
				return
			}
			b.Release()
		}
	}
}
