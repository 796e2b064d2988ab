// Package cli tests the command line of the real binary against a real server.
package cli

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// object parses the one line of JSON in out.
func object(t *testing.T, out string) map[string]any {
	t.Helper()
	all := objects(t, out)
	require.Len(t, all, 1, out)
	return all[0]
}

func objects(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		all = append(all, m)
	}
	return all
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDatabases(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "database", "create", "shop", "--comment", "orders and such", "--property", "team=blue")
	require.Equal(t, "database shop exists already\n", s.OK(t, "database", "create", "shop", "--if-not-exists"))
	require.Contains(t, s.OK(t, "database", "list"), "shop")
	d := object(t, s.OK(t, "database", "describe", "shop", "-o", "json"))
	require.Equal(t, "orders and such", d["comment"])
	require.Equal(t, map[string]any{"team": "blue"}, d["properties"])
	s.OK(t, "database", "alter", "shop", "--set", "team=red", "--set", "x=1", "--comment", "all of it")
	d = object(t, s.OK(t, "database", "describe", "shop", "-o", "json"))
	require.Equal(t, "all of it", d["comment"])
	s.OK(t, "table", "create", "shop.orders", "--columns", "id BIGINT")
	r, err := s.Run(t.Context(), "", "database", "drop", "shop")
	require.NoError(t, err)
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "[DATABASE_NOT_EMPTY]")
	require.Contains(t, r.Stderr, "--cascade")
	s.OK(t, "database", "drop", "shop", "--cascade")
	require.Equal(t, "there is no database shop\n", s.OK(t, "database", "drop", "shop", "--if-exists"))
	require.Len(t, objects(t, s.OK(t, "database", "list", "-o", "json")), 1)
}

func TestTables(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "orders", "--columns", "id BIGINT NOT NULL, item STRING COMMENT 'what', qty INT",
		"--buckets", "3", "--bucket-key", "id", "--option", "table.log.ttl=3d", "--property", "owner=me", "--comment", "sold")
	require.Equal(t, "table fluss.orders exists already\n", s.OK(t, "table", "create", "orders", "--columns", "x INT", "--if-not-exists"))
	d := object(t, s.OK(t, "table", "describe", "orders", "-o", "json"))
	require.Equal(t, "sold", d["comment"])
	require.EqualValues(t, 3, d["bucket_count"])
	require.Equal(t, []any{"id"}, d["bucket_keys"])
	require.Equal(t, map[string]any{"table.log.ttl": "3d"}, d["options"])
	require.Equal(t, map[string]any{"owner": "me"}, d["properties"])
	require.Contains(t, s.OK(t, "table", "describe", "fluss.orders"), "what")
	require.Equal(t, "orders", object(t, s.OK(t, "table", "list", "-o", "json"))["table"])

	s.OKIn(t, `{"id":1,"item":"tea","qty":2}`+"\n", "write", "orders", "--from", "-")
	s.OK(t, "table", "alter", "orders", "--add", "note STRING AFTER item", "--rename", "item=product", "--widen", "qty BIGINT",
		"--move", "qty FIRST", "--column-comment", "note=why", "--set", "table.log.ttl=4d", "--comment", "sold twice")
	d = object(t, s.OK(t, "table", "describe", "orders", "-o", "json"))
	var names []any
	for _, c := range d["columns"].([]any) {
		names = append(names, c.(map[string]any)["name"])
	}
	require.Equal(t, []any{"qty", "id", "product", "note"}, names)
	s.OKIn(t, `{"id":2,"product":"rice","qty":9007199254740993,"note":"x"}`+"\n", "write", "orders", "--from", "-")
	rows := s.OK(t, "read", "orders", "-o", "json")
	require.Contains(t, rows, `{"qty":2,"id":1,"product":"tea","note":null}`, "rows written before stay readable")
	require.Contains(t, rows, `{"qty":9007199254740993,"id":2,"product":"rice","note":"x"}`)
	s.OK(t, "table", "alter", "orders", "--drop", "note")
	require.NotContains(t, s.OK(t, "read", "orders", "-o", "json"), "note")
	s.OK(t, "table", "drop", "orders")
	require.Equal(t, "there is no table orders\n", s.OK(t, "table", "drop", "orders", "--if-exists"))
}

func TestPartitions(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "events", "--columns", "day STRING NOT NULL, n INT", "--partition-by", "day", "--buckets", "2")
	s.OK(t, "partition", "create", "events", "day=2026-11-22")
	require.Equal(t, "partition 2026-11-22 of events exists already\n",
		s.OK(t, "partition", "create", "events", "day=2026-11-22", "--if-not-exists"))
	s.OKIn(t, `{"day":"2026-11-22","n":1}`+"\n"+`{"day":"2026-11-23","n":2}`+"\n", "write", "events", "--from", "-")
	require.Len(t, objects(t, s.OK(t, "partition", "list", "events", "-o", "json")), 2, "the writer makes partitions that are missing")
	p := object(t, s.OK(t, "partition", "describe", "events", "day=2026-11-23", "-o", "json"))
	require.Equal(t, map[string]any{"day": "2026-11-23"}, p["values"])
	require.Len(t, objects(t, s.OK(t, "offsets", "events", "-o", "json")), 4)
	require.JSONEq(t, `{"day":"2026-11-23","n":2}`, s.OK(t, "read", "events", "--partition", "2026-11-23", "-o", "json"))
	require.Equal(t, "dropped partition day=2026-11-22 of events\n", s.OK(t, "partition", "drop", "events", "day=2026-11-22"))
	require.Equal(t, "there is no partition day=2026-11-22 of events\n", s.OK(t, "partition", "drop", "events", "day=2026-11-22", "--if-exists"))
	require.JSONEq(t, `{"day":"2026-11-23","n":2}`, s.OK(t, "read", "events", "-o", "json"))
	r, err := s.Run(t.Context(), "", "partition", "alter", "events", "day=2026-11-23")
	require.NoError(t, err)
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "fluss table alter")
}

// A partition is found by every text of its values that makes it.
func TestPartitionsByAnyTextOfTheirValues(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "p", "--columns", "at TIMESTAMP(3), f DOUBLE, n INT", "--partition-by", "at,f")
	s.OK(t, "partition", "create", "p", "at=2026-11-22 10:00:00", "f=1.50")
	s.OKIn(t, `{"at":"2026-11-22T10:00:00","f":1.5,"n":1}`, "write", "p", "--from", "-")
	require.Len(t, objects(t, s.OK(t, "partition", "list", "p", "-o", "json")), 1)
	for _, name := range []string{"2026-11-22T10:00:00.000$1.5", "2026-11-22 10:00:00$1.50"} {
		require.Equal(t, "n\n1\n", s.OK(t, "read", "p", "--columns", "n", "-o", "csv", "--partition", name))
		require.Equal(t, "1\n", s.OK(t, "count", "p", "--partition", name))
		require.Len(t, objects(t, s.OK(t, "offsets", "p", "--partition", name, "-o", "json")), 1)
	}
}

const typed = "b BOOLEAN, i INT, l BIGINT, d DOUBLE, dec DECIMAL(20, 3), s STRING, day DATE, t TIME(3), ts TIMESTAMP(6), z TIMESTAMP_LTZ(3), raw BYTES"

const typedRows = `{"b":true,"i":-1,"l":9007199254740993,"d":1.5,"dec":"12345678901234567.125","s":"a \"b\", c","day":"2026-11-22","t":"10:30:00.5","ts":"2026-11-22T10:30:00.000001","z":"2026-11-22T10:30:00Z","raw":"AAEC"}
{"b":null,"i":null,"l":null,"d":null,"dec":null,"s":null,"day":null,"t":null,"ts":null,"z":null,"raw":null}
`

// What is read in one format can be written again from it, with nothing lost.
func TestFormatsRoundTrip(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "src", "--columns", typed)
	require.Contains(t, s.OKIn(t, typedRows, "write", "src", "--from", "-"), "wrote 2 rows in ")
	require.Equal(t, typedRows, s.OK(t, "read", "src", "-o", "json"))
	for _, format := range []string{"json", "csv", "arrow", "parquet"} {
		t.Run(format, func(t *testing.T) {
			path := writeFile(t, "rows."+format, s.OK(t, "read", "src", "-o", format))
			s.OK(t, "table", "create", "dst_"+format, "--columns", typed)
			out := s.OK(t, "write", "dst_"+format, "--from", path, "-o", "json")
			require.EqualValues(t, 2, object(t, out)["rows"])
			require.Equal(t, typedRows, s.OK(t, "read", "dst_"+format, "-o", "json"))
		})
	}
	table := s.OK(t, "read", "src", "--columns", "i,s", "--limit", "1")
	require.Equal(t, " i  s\n-1  a \"b\", c\n", table)
}

func TestReadsAndOffsets(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "flights", "--like-file", harness.Testdata("flights.parquet"), "--buckets", "4")
	s.OK(t, "write", "flights", "--from", harness.Testdata("flights.parquet"))
	var total float64
	for _, o := range objects(t, s.OK(t, "offsets", "flights", "-o", "json")) {
		require.Zero(t, o["start"])
		total += o["high_watermark"].(float64)
	}
	require.EqualValues(t, 200_000, total)
	require.Equal(t, 200_001, strings.Count(s.OK(t, "read", "flights", "--columns", "delay", "-o", "csv"), "\n"))
	late := objects(t, s.OK(t, "read", "flights", "--where", "delay > 600 AND origin IN ('HNL', 'MCO')", "--with-offsets", "-o", "json"))
	require.NotEmpty(t, late)
	for _, row := range late {
		require.Greater(t, row["delay"], 600.)
		require.Contains(t, row, "__offset")
		require.Contains(t, row, "__timestamp")
	}
	require.Len(t, objects(t, s.OK(t, "read", "flights", "--bucket", "1", "--from", "offset:10", "--until", "offset:15", "-o", "json")), 5)
	require.Empty(t, s.OK(t, "read", "flights", "--from", "latest", "-o", "json"))
	require.Empty(t, s.OK(t, "read", "flights", "--from", "time:2101-01-01T00:00:00Z", "-o", "json"))
	require.Len(t, objects(t, s.OK(t, "read", "flights", "--from", "time:2001-01-01T00:00:00Z", "--limit", "3", "-o", "json")), 3)
	r, err := s.Run(t.Context(), "", "read", "flights", "--bucket", "0", "--from", "offset:999999999")
	require.NoError(t, err)
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "[OFFSET_OUT_OF_RANGE]")
}

// Each line is sent as it comes, and its ack printed, while the input stays open.
func TestStreamingWriteAcksAsItGoes(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "live", "--columns", "n BIGINT NOT NULL")
	ctx := harness.Context(t, time.Minute)
	write, err := harness.Command(ctx, s.Addr, "write", "live", "--from", "-", "--format", "json", "--acks")
	require.NoError(t, err)
	in, err := write.StdinPipe()
	require.NoError(t, err)
	out, err := write.StdoutPipe()
	require.NoError(t, err)
	read, err := harness.Command(ctx, s.Addr, "read", "live", "--follow", "-o", "json")
	require.NoError(t, err)
	rows, err := read.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, read.Start())
	require.NoError(t, write.Start())
	acks, seen := bufio.NewScanner(out), bufio.NewScanner(rows)
	for i := range 5 {
		_, err := in.Write([]byte(`{"n":` + string(rune('0'+i)) + "}\n"))
		require.NoError(t, err)
		require.True(t, acks.Scan(), "an ack comes while the input is open")
		var ack map[string]int
		require.NoError(t, json.Unmarshal(acks.Bytes(), &ack))
		require.Equal(t, map[string]int{"bucket": 0, "base": i, "end": i + 1, "rows": 1}, ack)
		require.True(t, seen.Scan(), "a following read has the row")
		require.JSONEq(t, `{"n":`+string(rune('0'+i))+`}`, seen.Text())
	}
	require.NoError(t, in.Close())
	require.False(t, acks.Scan())
	require.NoError(t, write.Wait())
	require.NoError(t, read.Process.Signal(os.Interrupt))
	require.False(t, seen.Scan())
	require.NoError(t, read.Wait(), "an interrupt is how a following read ends")
}

func TestBadInputNamesRowAndColumn(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "people", "--columns", "id BIGINT NOT NULL, born DATE, height DECIMAL(4, 2)")
	for _, tc := range []struct {
		name, file, text string
		code             int
		want             []string
	}{
		{"csv type", "a.csv", "id,born\n1,2000-01-01\n2,soon\n", 1, []string{"row 2", "born", "soon"}},
		{"csv column", "a.csv", "id,bron\n", 1, []string{"bron", "did you mean", "born"}},
		{"json type", "a.json", "{\"id\":1}\n{\"id\":\"x\"}\n", 1, []string{"line 2", "id"}},
		{"json column", "a.json", "{\"id\":1,\"bron\":null}\n", 1, []string{"bron"}},
		{"json null", "a.json", "{\"born\":null}\n", 1, []string{"id", "NOT NULL"}},
		{"json digits", "a.json", "{\"id\":1,\"height\":1.234}\n", 1, []string{"line 1", "height"}},
		{"not json", "a.json", "hello\n", 1, []string{"line 1", "JSON"}},
		{"not parquet", "a.parquet", "hello\n", 1, []string{"cannot be read as Parquet"}},
		{"no format", "a.xyz", "hello\n", 1, []string{"format", "xyz"}},
		{"no such file", "", "", 1, []string{"cannot be opened"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/no/such/file.csv"
			if tc.file != "" {
				path = writeFile(t, tc.file, tc.text)
			}
			r, err := s.Run(t.Context(), "", "write", "people", "--from", path)
			require.NoError(t, err)
			require.Equal(t, tc.code, r.Code, r.Stderr)
			for _, w := range tc.want {
				require.Contains(t, r.Stderr, w)
			}
			require.NotContains(t, r.Stdout, "wrote")
		})
	}
}

func TestErrorsTellTheNextStep(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "orders", "--columns", "id BIGINT NOT NULL, item STRING")
	for _, tc := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"read", "ordesr"}, 1, []string{"[UNKNOWN_TABLE]", "fluss table list"}},
		{[]string{"read", "orders", "--columns", "itme"}, 1, []string{"itme"}},
		{[]string{"read", "orders", "--where", "id >"}, 1, []string{"[INVALID_FILTER]"}},
		{[]string{"read", "orders", "--from", "yesterday"}, 2, []string{"--from", "earliest, latest, offset:N"}},
		{[]string{"read", "orders", "-o", "xml"}, 2, []string{"xml"}},
		{[]string{"table", "create", "orders", "--columns", "id BIGINT"}, 1, []string{"[TABLE_EXISTS]", "--if-not-exists"}},
		{[]string{"table", "create", "x", "--columns", "id BIGINTT"}, 1, []string{"BIGINTT"}},
		{[]string{"table", "create", "x"}, 2, []string{"--columns or --like-file"}},
		{[]string{"table", "create", "x", "--columns", "id INT", "--option", "table.log.tll=1d"}, 1, []string{"[INVALID_OPTION]", "table.log.ttl"}},
		{[]string{"table", "create", "x", "--columns", "id INT", "--option", "ttl=1d"}, 2, []string{"--property"}},
		{[]string{"table", "list", "--database", "nope"}, 1, []string{"[UNKNOWN_DATABASE]", "fluss database list"}},
		{[]string{"table", "list", "-o", "xml"}, 2, []string{"table or json"}},
		{[]string{"tabel", "list"}, 2, []string{"did you mean \"table\"?"}},
		{[]string{"write", "orders"}, 2, []string{"--from"}},
		{[]string{"describe"}, 2, []string{"no command"}},
		{[]string{"read"}, 2, []string{"TABLE"}},
		{[]string{"read", "orders", "--nope"}, 2, []string{"--nope", "fluss read --help"}},
		{[]string{"inspect", "segment", "/no/such"}, 1, []string{"segment"}},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			r, err := s.Run(t.Context(), "", tc.args...)
			require.NoError(t, err)
			require.Equal(t, tc.code, r.Code, r.Stderr)
			for _, w := range tc.want {
				require.Contains(t, r.Stderr, w)
			}
		})
	}
	r, err := harness.Run(t.Context(), "127.0.0.1:1", "", "status")
	require.NoError(t, err)
	require.Equal(t, 3, r.Code)
	require.Contains(t, r.Stderr, "fluss server")
}
