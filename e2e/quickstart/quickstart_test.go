package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

func TestQuickstart(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(harness.Context(t, 3*time.Minute), &out), "%s", &out)
	require.Contains(t, out.String(), "wrote 200000 rows")
	require.Contains(t, out.String(), "as they arrived")
	require.Contains(t, out.String(), "+U             SEA   SeaTac")
}
