package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/sdk"
)

// TestManyColumns: a table with as many columns as there may be takes whole rows and
// parts of them, and gives them back, in the smallest memory that a server takes.
func TestManyColumns(t *testing.T) {
	const columns, rows = 5000, 40
	s := harness.TestServer(t, "--memory-limit", "256MiB")
	text := []string{"k INT"}
	for i := 1; i < columns; i++ {
		text = append(text, fmt.Sprintf("c%d STRING", i))
	}
	s.OK(t, "table", "create", "wide", "--columns", strings.Join(text, ", "), "--primary-key", "k")
	ctx := harness.Context(t, time.Minute)
	c := s.Client(t)
	up, err := c.Upserter(ctx, "wide")
	require.NoError(t, err)
	for k := range rows {
		row := map[string]any{"k": int32(k)}
		for i := 1; i < columns; i++ {
			row[fmt.Sprintf("c%d", i)] = fmt.Sprintf("row %d", k)
		}
		_, err = up.Upsert(ctx, row)
		require.NoError(t, err)
	}
	require.NoError(t, up.Close(ctx))
	part, err := c.Upserter(ctx, "wide", sdk.WithTargetColumns("k", "c4999"))
	require.NoError(t, err)
	for k := range rows {
		_, err = part.Upsert(ctx, map[string]any{"k": int32(k), "c4999": "new"})
		require.NoError(t, err)
	}
	require.NoError(t, part.Close(ctx))
	require.Contains(t, s.OK(t, "lookup", "wide", "7", "--columns", "c1,c4998,c4999", "-o", "json"), `{"c1":"row 7","c4998":"row 7","c4999":"new"}`)
	require.Contains(t, s.OK(t, "lookup", "wide", "39", "-o", "json"), `"c2500":"row 39"`)
	require.Equal(t, rows, strings.Count(s.OK(t, "read", "wide", "--columns", "c4999", "-o", "json"), "new"))
	changes := s.OK(t, "read", "wide", "--changelog", "--columns", "c4999", "-o", "json")
	for kind, c4999 := range map[string]string{"+I": "row 7", "-U": "row 7", "+U": "new"} {
		require.Contains(t, changes, fmt.Sprintf(`"c4999":%q`, c4999))
		require.Equal(t, rows, strings.Count(changes, kind))
	}
}
