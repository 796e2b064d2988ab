package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageIsFresh(t *testing.T) {
	want, err := render("../options.go")
	require.NoError(t, err)
	got, err := os.ReadFile("../../../docs/table-options.md")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "stale: run go generate ./proto/table")
}

func TestUndocumentedFieldFails(t *testing.T) {
	source := t.TempDir() + "/options.go"
	require.NoError(t, os.WriteFile(source, []byte("package p\n\ntype Options struct {\n\t// Something else.\n\tA int\n}\n"), 0o600))
	_, err := render(source)
	require.ErrorContains(t, err, "comment of A")
}
