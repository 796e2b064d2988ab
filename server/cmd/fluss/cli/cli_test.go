package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/sdk"
)

func runLine(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = RunContext(context.Background(), args, Process{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errOut, LookupEnv: func(string) (string, bool) { return "", false },
	})
	return out.String(), errOut.String(), code
}

func TestParsePlace(t *testing.T) {
	for _, text := range []string{"earliest", "latest", "offset:0", "offset:12", "time:2026-11-22T10:00:00Z"} {
		spec, err := parsePlace(text)
		require.NoError(t, err)
		require.Equal(t, text, spec.String())
	}
	spec, err := parsePlace("time:2026-11-22T11:00:00+01:00")
	require.NoError(t, err)
	require.Equal(t, "time:2026-11-22T10:00:00Z", spec.String())
	for _, bad := range []string{"", "now", "offset:", "offset:-1", "offset:x", "time:", "time:10:00", "Latest"} {
		_, err := parsePlace(bad)
		require.Error(t, err, bad)
	}
}

func TestCutPosition(t *testing.T) {
	for _, tc := range []struct {
		text, rest string
		placed     bool
	}{
		{"c INT", "c INT", false},
		{"c INT FIRST", "c INT", true},
		{"c DECIMAL(3, 1) after b", "c DECIMAL(3, 1)", true},
		{"c INT AFTER `odd name`", "c INT", true},
		{"c INT COMMENT 'AFTER x'", "c INT COMMENT 'AFTER x'", false},
		{"c INT COMMENT 'x' AFTER b ", "c INT COMMENT 'x'", true},
	} {
		rest, place := cutPosition(tc.text)
		require.Equal(t, tc.rest, rest)
		require.Equal(t, tc.placed, place != nil, tc.text)
	}
}

func TestAlterFlags(t *testing.T) {
	for _, bad := range []struct {
		parse func(string) ([]sdk.Change, error)
		text  string
	}{
		{addColumns, "a INT, b INT FIRST"}, {addColumns, "a INTT"}, {moveColumn, "a"}, {widenColumns, "a"}, {pair(sdk.RenameColumn), "a"}, {pair(sdk.SetOption), "=b"},
	} {
		_, err := bad.parse(bad.text)
		require.Error(t, err, bad.text)
	}
	for _, good := range []struct {
		parse func(string) ([]sdk.Change, error)
		text  string
		n     int
	}{
		{addColumns, "a INT, b INT", 2}, {addColumns, "a INT AFTER b", 1}, {moveColumn, "a FIRST", 1}, {widenColumns, "a BIGINT", 1}, {pair(sdk.SetOption), "a=b=c", 1},
	} {
		cs, err := good.parse(good.text)
		require.NoError(t, err, good.text)
		require.Len(t, cs, good.n)
	}
}

func TestKeyValues(t *testing.T) {
	m, err := keyValues([]string{"a=1", "b=x=y", "c="})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1", "b": "x=y", "c": ""}, m)
	for _, bad := range [][]string{{"a"}, {"=1"}, {"a=1", "a=2"}} {
		_, err := keyValues(bad)
		require.Error(t, err)
	}
}

func TestCount(t *testing.T) {
	require.Equal(t, "1 row", count(1, "row"))
	require.Equal(t, "0 rows", count(0, "row"))
	require.Equal(t, "999 rows", count(999, "row"))
	require.Equal(t, "1,234,567 rows", count(1234567, "row"))
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, args := range [][]string{
		{}, {"server"}, {"config"}, {"config", "print"}, {"database"}, {"database", "create"}, {"table", "create"}, {"table", "alter"},
		{"partition", "drop"}, {"write"}, {"read"}, {"offsets"}, {"status"}, {"bench", "append"}, {"bench", "scan"}, {"bench", "latency"},
		{"bench", "upsert"}, {"bench", "lookup"}, {"lookup"}, {"count"},
		{"inspect", "segment"}, {"inspect", "wal"}, {"version"},
	} {
		out, _, code := runLine(t, append(args, "--help")...)
		require.Zero(t, code, args)
		require.Contains(t, out, "Usage:", args)
	}
	out, _, code := runLine(t, "table")
	require.Zero(t, code)
	require.Contains(t, out, "Available Commands")
}

func TestEmptyListsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"table", "create", "t", "--columns", "k INT", "--primary-key", ""},
		{"write", "t", "--from", "-", "--target-columns", ""},
		{"read", "t", "--partition", ""},
		{"read", "t", "--columns", ""},
		{"read", "t", "--columns", "a,"},
		{"lookup", "t", "1", "--columns", ""},
		{"count", "t", "--partition", ""},
	} {
		_, text, code := runLine(t, append(args, "--server", "127.0.0.1:1")...)
		require.Equal(t, ExitUsage, code, args)
		require.Contains(t, text, "empty", args)
	}
}

func TestOptionsThatAreNone(t *testing.T) {
	for option, want := range map[string]string{
		"bucket.num=1":           "give --buckets instead",
		"auto-increment.field=a": "did you mean auto-increment.fields?",
		"field.v.agg=sum":        "did you mean fields.v.agg?",
		"merge-engine=none":      "did you mean table.merge-engine?",
		"owner=me":               "use --property",
	} {
		_, text, code := runLine(t, "table", "create", "t", "--columns", "k INT", "--option", option, "--server", "127.0.0.1:1")
		require.Equal(t, ExitUsage, code, option)
		require.Contains(t, text, want)
	}
}

func TestExitCodes(t *testing.T) {
	_, text, code := runLine(t, "nonsense")
	require.Equal(t, ExitUsage, code)
	require.Contains(t, text, "See `fluss --help`")
	_, text, code = runLine(t, "server", "start")
	require.Equal(t, ExitUsage, code)
	require.Contains(t, text, `want no arguments, not "start"`)
	_, text, code = runLine(t, "status", "--server", "127.0.0.1:1")
	require.Equal(t, ExitUnreachable, code)
	require.Contains(t, text, "fluss server")

	a := &app{Process: Process{Stderr: &bytes.Buffer{}}}
	require.Equal(t, ExitOK, a.report(nil, nil))
	require.Equal(t, ExitFailed, a.report(nil, errors.New("odd")))
	require.Equal(t, ExitFailed, a.report(nil, errcode.New(errcode.UnknownTable, nil, "no table")))
}

func TestNullDeviceIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { _ = null.Close() }()
	require.False(t, isTerminal(null))
}
