package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// put upserts lines of JSON.
func put(t *testing.T, s *harness.Server, table string, lines ...string) {
	t.Helper()
	out := s.OKIn(t, strings.Join(lines, "\n")+"\n", "write", table, "--from", "-")
	require.Contains(t, out, fmt.Sprintf("wrote %d rows in ", len(lines)))
}

// remove deletes by lines of JSON.
func remove(t *testing.T, s *harness.Server, table string, lines ...string) {
	t.Helper()
	out := s.OKIn(t, strings.Join(lines, "\n")+"\n", "write", table, "--mode", "delete", "--from", "-")
	require.Contains(t, out, fmt.Sprintf("sent %d delete", len(lines)))
}

// rows are what a read prints as JSON, line by line, in no order of keys over buckets.
func rows(t *testing.T, s *harness.Server, args ...string) []string {
	t.Helper()
	out := s.OK(t, append(append([]string{"read"}, args...), "-o", "json")...)
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

// fails runs a command that must fail with the code, and its error have the words.
func fails(t *testing.T, s *harness.Server, code int, stdin string, words []string, args ...string) {
	t.Helper()
	r, err := s.Run(t.Context(), stdin, args...)
	require.NoError(t, err)
	require.Equal(t, code, r.Code, "fluss %v: %s%s", args, r.Stdout, r.Stderr)
	for _, w := range words {
		require.Contains(t, r.Stderr, w, "fluss %v", args)
	}
}

// An order that is made, changed and removed, told by the changelog and the binlog.
func TestChangelogTellsEveryChange(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "orders", "--columns", "id INT, buyer STRING, amount DECIMAL(10, 2)", "--primary-key", "id", "--buckets", "1")
	put(t, s, "orders", `{"id":1,"buyer":"Nora","amount":"20.00"}`)
	put(t, s, "orders", `{"id":1,"buyer":"Nora","amount":"35.50"}`)
	remove(t, s, "orders", `{"id":1}`)

	require.Equal(t, []string{
		`{"__change_type":"+I","id":1,"buyer":"Nora","amount":"20.00"}`,
		`{"__change_type":"-U","id":1,"buyer":"Nora","amount":"20.00"}`,
		`{"__change_type":"+U","id":1,"buyer":"Nora","amount":"35.50"}`,
		`{"__change_type":"-D","id":1,"buyer":"Nora","amount":"35.50"}`,
	}, rows(t, s, "orders", "--changelog"))
	require.Equal(t, rows(t, s, "orders", "--changelog"), rows(t, s, "orders", "--from", "earliest"), "another place than full means changes")
	for i, row := range objects(t, s.OK(t, "read", "orders", "--changelog", "--columns", "amount", "--with-offsets", "-o", "json")) {
		require.EqualValues(t, i, row["__offset"], "offsets are dense")
		require.EqualValues(t, 0, row["__bucket"])
	}
	require.Equal(t, []string{
		`{"__change_type":"-U","amount":"20.00"}`, `{"__change_type":"+U","amount":"35.50"}`,
	}, rows(t, s, "orders", "--changelog", "--columns", "amount", "--from", "offset:1", "--until", "offset:3"))
	require.Equal(t, []string{`{"__change_type":"-D","id":1}`}, rows(t, s, "orders", "--changelog", "--columns", "id", "--from", "offset:3"))
	require.Equal(t, []string{
		`{"__change_type":"+U","amount":"35.50"}`, `{"__change_type":"-D","amount":"35.50"}`,
	}, rows(t, s, "orders", "--changelog", "--columns", "amount", "--where", "amount > 30"))

	require.Equal(t, []string{
		`{"__change_type":"+I","before":null,"after":{"id":1,"buyer":"Nora","amount":"20.00"}}`,
		`{"__change_type":"+U","before":{"id":1,"buyer":"Nora","amount":"20.00"},"after":{"id":1,"buyer":"Nora","amount":"35.50"}}`,
		`{"__change_type":"-D","before":{"id":1,"buyer":"Nora","amount":"35.50"},"after":null}`,
	}, rows(t, s, "orders", "--binlog"))
	require.Empty(t, s.OK(t, "read", "orders", "-o", "json"))
	require.Equal(t, "id  buyer  amount\n", s.OK(t, "read", "orders"), "no rows have a head, too")
	require.Equal(t, "0\n", s.OK(t, "count", "orders"))

	require.Contains(t, s.OK(t, "read", "orders", "--changelog"), "__change_type  id  buyer  amount\n+I")

	s.OK(t, "table", "create", "visits", "--columns", "page STRING", "--buckets", "1")
	s.OKIn(t, `{"page":"/"}`, "write", "visits", "--from", "-")
	require.Equal(t, []string{`{"__change_type":"+A","page":"/"}`}, rows(t, s, "visits", "--changelog"))
	require.Equal(t, []string{`{"page":"/"}`}, rows(t, s, "visits", "--from", "full"))
}

// With one image only, an update tells the row after it.
func TestChangelogOfOneImage(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, v INT", "--primary-key", "k", "--buckets", "1", "--option", "table.changelog.image=WAL")
	put(t, s, "t", `{"k":1,"v":1}`, `{"k":1,"v":2}`)
	remove(t, s, "t", `{"k":1}`)
	for _, row := range objects(t, s.OK(t, "read", "t", "--changelog", "-o", "json")) {
		require.NotEqual(t, "-U", row["__change_type"])
	}
	require.Empty(t, s.OK(t, "read", "t", "-o", "json"))
}

func TestUpsertsPartialUpdatesAndDeletes(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "parts", "--columns", "k INT, price DOUBLE, label STRING", "--primary-key", "k")
	put(t, s, "parts", `{"k":1,"price":1.5,"label":"bolt"}`, `{"k":1,"price":1.5,"label":"nut"}`)
	require.Equal(t, []string{`{"k":1,"price":1.5,"label":"nut"}`}, rows(t, s, "parts"), "the last one stays, within a batch too")
	put(t, s, "parts", `{"k":2,"price":2.5,"label":"gear"}`)

	s.OKIn(t, `{"k":2,"price":4.5}`, "write", "parts", "--mode", "upsert", "--target-columns", "k,price", "--from", "-")
	s.OKIn(t, "k,price\n3,3.5\n", "write", "parts", "--target-columns", "k,price", "--from", "-", "--format", "csv")
	require.Equal(t, `{"k":2,"price":4.5,"label":"gear"}`+"\n", s.OK(t, "lookup", "parts", "2", "-o", "json"))
	require.Equal(t, `{"k":3,"price":3.5,"label":null}`+"\n", s.OK(t, "lookup", "parts", "3", "-o", "json"))
	s.OKIn(t, `{"k":3,"label":"rod"}`, "write", "parts", "--mode", "upsert", "--target-columns", "label,k", "--from", "-")
	require.Equal(t, `{"k":3,"price":3.5,"label":"rod"}`+"\n", s.OK(t, "lookup", "parts", "3", "-o", "json"))
	put(t, s, "parts", `{"k":3,"label":"whole"}`)
	require.Equal(t, `{"k":3,"price":null,"label":"whole"}`+"\n", s.OK(t, "lookup", "parts", "3", "-o", "json"), "without targets a missing column is null")

	remove(t, s, "parts", `{"k":2,"price":0,"label":"is not looked at"}`, `{"k":99}`)
	require.ElementsMatch(t, []string{`{"k":1,"price":1.5,"label":"nut"}`, `{"k":3,"price":null,"label":"whole"}`}, rows(t, s, "parts"))
	require.Equal(t, "2\n", s.OK(t, "count", "parts"))

	s.OKIn(t, `{"k":1}`, "write", "parts", "--mode", "delete", "--target-columns", "label", "--from", "-")
	require.Equal(t, `{"k":1,"price":1.5,"label":null}`+"\n", s.OK(t, "lookup", "parts", "1", "-o", "json"))
	s.OKIn(t, `{"k":1}`, "write", "parts", "--mode", "delete", "--target-columns", "price", "--from", "-")
	fails(t, s, 1, "", []string{"not found", "k = 1"}, "lookup", "parts", "1")
}

func TestLookups(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "seats", "--columns", "flight STRING, seat INT, who STRING, paid BOOLEAN",
		"--primary-key", "seat,flight", "--bucket-key", "seat", "--buckets", "3")
	var lines []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf(`{"flight":"F%d","seat":%d,"who":"p%d","paid":%t}`, i%5, i/5, i, i%2 == 0))
	}
	put(t, s, "seats", lines...)
	require.Equal(t, lines[37]+"\n", s.OK(t, "lookup", "seats", "7", "F2", "-o", "json"), "values in the order of the key")
	require.Equal(t, "who  flight\np37  F2\n", s.OK(t, "lookup", "seats", "7", "F2", "--columns", "who,flight"))

	keys := "flight,seat\nF2,7\nF4,9\nF9,1\nF0,0\n"
	r, err := s.Run(t.Context(), keys, "lookup", "seats", "--keys-from", "-", "--format", "csv", "-o", "json")
	require.NoError(t, err)
	require.Equal(t, 1, r.Code)
	require.Equal(t, lines[37]+"\n"+lines[49]+"\n"+lines[0]+"\n", r.Stdout, "in the order of the keys")
	require.Contains(t, r.Stderr, "1 of 4 keys")
	require.Contains(t, r.Stderr, "seat = 1, flight = F9")
	whole := writeFile(t, "rows.json", lines[3]+"\n"+lines[4]+"\n")
	require.Equal(t, lines[3]+"\n"+lines[4]+"\n", s.OK(t, "lookup", "seats", "--keys-from", whole, "-o", "json"), "whole rows do as keys")
	bare := writeFile(t, "keys.csv", "7,F2\n")
	require.Equal(t, lines[37]+"\n", s.OK(t, "lookup", "seats", "--keys-from", bare, "--no-header", "-o", "json"))
	require.Equal(t, lines[37]+"\n", s.OK(t, "lookup", "seats", "7", "F2", "--stale", "-o", "json"))

	require.ElementsMatch(t, lines[35:40], strings.Split(strings.TrimSpace(s.OK(t, "lookup", "seats", "7", "--prefix", "-o", "json")), "\n"))
	require.Len(t, objects(t, s.OKIn(t, `{"seat":1}`+"\n"+`{"seat":2}`, "lookup", "seats", "--keys-from", "-", "--prefix", "-o", "json")), 10)
	parquet := writeFile(t, "found.parquet", s.OK(t, "lookup", "seats", "7", "--prefix", "-o", "parquet"))
	require.Len(t, objects(t, s.OK(t, "lookup", "seats", "--keys-from", parquet, "-o", "json")), 5)

	fails(t, s, 1, "", []string{"not found: fluss.seats has no row with seat = 7, flight = F9"}, "lookup", "seats", "7", "F9")
	fails(t, s, 1, "", []string{"not found", "seat = -7"}, "lookup", "seats", "--prefix", "--", "-7")
	fails(t, s, 2, "", []string{"seat, flight", "2 values", "--prefix finds all rows under the bucket key seat"}, "lookup", "seats", "7")
	fails(t, s, 2, "", []string{"the bucket key of fluss.seats is seat"}, "lookup", "seats", "7", "F2", "--prefix")
	fails(t, s, 2, "", []string{"seat, flight", "2 values"}, "lookup", "seats", "7", "F2", "x")
	fails(t, s, 2, "", []string{"--keys-from"}, "lookup", "seats")
	fails(t, s, 2, "", []string{"--keys-from"}, "lookup", "seats", "7", "F2", "--keys-from", "-")
	fails(t, s, 2, "", []string{"write -- before"}, "lookup", "seats", "-7", "F2")
	fails(t, s, 2, "", []string{"TABLE"}, "lookup")
	fails(t, s, 1, "", []string{"seat INT", "seven", "[INVALID_BATCH]"}, "lookup", "seats", "seven", "F2")
	fails(t, s, 1, "", []string{"hwo", "the table has flight, seat, who, paid", `did you mean "who"?`}, "lookup", "seats", "7", "F2", "--columns", "hwo")
	fails(t, s, 1, `{"seat":7}`, []string{"flight"}, "lookup", "seats", "--keys-from", "-")
	fails(t, s, 1, "", []string{"[UNKNOWN_TABLE]"}, "lookup", "nothing", "1")
	s.OK(t, "table", "create", "log", "--columns", "n INT")
	fails(t, s, 1, "", []string{"[NOT_PRIMARY_KEY_TABLE]", "--primary-key"}, "lookup", "log", "1")
	fails(t, s, 1, "", []string{"of table fluss.log is not there"}, "read", "log", "--bucket", "0", "--from", "offset:99")
	fails(t, s, 1, "", []string{"system column"}, "read", "log", "--where", "__offset = 1")
	fails(t, s, 1, "", []string{"--primary-key k"}, "table", "create", "t", "--columns", "k INT PRIMARY KEY")
	s.OK(t, "table", "create", "first", "--columns", "k INT, v INT", "--primary-key", "k", "--option", "table.merge-engine=first_row")
	fails(t, s, 1, "", []string{"insert-if-absent makes rows of a key alone"}, "lookup", "first", "1", "--insert-if-absent")
	s.OK(t, "table", "create", "auto", "--columns", "k INT, id INT", "--primary-key", "k", "--option", "auto-increment.fields=id")
	fails(t, s, 1, `{"k":1,"id":2}`, []string{`"id", which the server numbers: leave it out [INVALID_BATCH]`}, "write", "auto", "--from", "-")
}

// Keys may come slowly, and each is answered at once.
func TestLookupAnswersAsKeysCome(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, v STRING", "--primary-key", "k")
	put(t, s, "t", `{"k":1,"v":"a"}`, `{"k":2,"v":"b"}`)
	cmd, err := harness.Command(harness.Context(t, time.Minute), s.Addr, "lookup", "t", "--keys-from", "-", "-o", "json")
	require.NoError(t, err)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	found := bufio.NewScanner(out)
	for _, want := range []string{`{"k":2,"v":"b"}`, `{"k":1,"v":"a"}`} {
		_, err := io.WriteString(in, want+"\n")
		require.NoError(t, err)
		require.True(t, found.Scan())
		require.Equal(t, want, found.Text())
	}
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
}

func TestInsertIfAbsentNumbersKeys(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "users", "--columns", "name STRING, id BIGINT, note STRING", "--primary-key", "name", "--buckets", "1",
		"--option", "auto-increment.fields=id")
	seen := map[float64]string{}
	for _, name := range []string{"ana", "ben", "ana", "cleo"} {
		row := object(t, s.OK(t, "lookup", "users", name, "--insert-if-absent", "-o", "json"))
		require.Equal(t, name, row["name"])
		require.Nil(t, row["note"])
		id := row["id"].(float64)
		if who, ok := seen[id]; ok {
			require.Equal(t, who, name)
		}
		seen[id] = name
	}
	require.Len(t, seen, 3)
	require.Equal(t, "3\n", s.OK(t, "count", "users"))
	put(t, s, "users", `{"name":"dora","note":"by upsert"}`)
	require.Equal(t, "4\n", s.OK(t, "count", "users"))
	before := object(t, s.OK(t, "lookup", "users", "ana", "-o", "json"))
	put(t, s, "users", `{"name":"ana","note":"later"}`)
	after := object(t, s.OK(t, "lookup", "users", "ana", "-o", "json"))
	require.Equal(t, before["id"], after["id"], "an update keeps the number")
	require.Equal(t, "later", after["note"])
	fails(t, s, 1, `{"name":"eve","id":1}`, []string{`"id"`, "leave it out"}, "write", "users", "--from", "-")
	fails(t, s, 2, "", []string{"--prefix"}, "lookup", "users", "ana", "--prefix", "--insert-if-absent")
}

func TestMergeEngines(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "firsts", "--columns", "k INT, v STRING", "--primary-key", "k", "--option", "table.merge-engine=first_row")
	put(t, s, "firsts", `{"k":1,"v":"early"}`)
	put(t, s, "firsts", `{"k":1,"v":"late"}`)
	require.Equal(t, []string{`{"k":1,"v":"early"}`}, rows(t, s, "firsts"))
	remove(t, s, "firsts", `{"k":1}`) // ignored
	require.Equal(t, []string{`{"__change_type":"+I","k":1,"v":"early"}`}, rows(t, s, "firsts", "--changelog"))
	fails(t, s, 1, `{"k":1}`, []string{"[INVALID_ARGUMENT]"}, "write", "firsts", "--target-columns", "k", "--from", "-")

	s.OK(t, "table", "create", "versions", "--columns", "k INT, v STRING, at BIGINT", "--primary-key", "k",
		"--option", "table.merge-engine=versioned", "--option", "table.merge-engine.versioned.ver-column=at")
	for _, row := range []string{`{"k":1,"v":"a","at":10}`, `{"k":1,"v":"b","at":9}`, `{"k":1,"v":"c","at":20}`, `{"k":1,"v":"d","at":null}`} {
		put(t, s, "versions", row)
	}
	require.Equal(t, []string{`{"k":1,"v":"c","at":20}`}, rows(t, s, "versions"))

	s.OK(t, "table", "create", "stats", "--columns", "shop STRING, best DOUBLE, sold BIGINT, tags STRING, all_paid BOOLEAN, seen TIMESTAMP(3)",
		"--primary-key", "shop", "--option", "table.merge-engine=aggregation",
		"--option", "fields.best.agg=max", "--option", "fields.sold.agg=sum", "--option", "fields.tags.agg=listagg",
		"--option", "fields.tags.listagg.delimiter=|", "--property", "fields.all_paid.agg=bool_and")
	put(t, s, "stats", `{"shop":"north","best":12.5,"sold":7,"tags":"new","all_paid":true,"seen":"2026-11-22T10:00:00"}`)
	put(t, s, "stats", `{"shop":"north","best":11.0,"sold":5,"tags":"open","all_paid":false,"seen":"2026-11-22T11:00:00"}`)
	s.OKIn(t, `{"shop":"north","sold":1}`, "write", "stats", "--target-columns", "shop,sold", "--from", "-")
	require.Equal(t, []string{`{"shop":"north","best":12.5,"sold":13,"tags":"new|open","all_paid":false,"seen":"2026-11-22T11:00:00"}`},
		rows(t, s, "stats"))
	s.OKIn(t, `{"shop":"north","sold":2}`, "write", "stats", "--target-columns", "shop,sold", "--merge-mode", "overwrite", "--from", "-")
	require.EqualValues(t, 2, object(t, s.OK(t, "lookup", "stats", "north", "-o", "json"))["sold"])
	fails(t, s, 1, "", []string{"[INVALID_OPTION]", "fields.v.agg"}, "table", "create", "x", "--columns", "k INT, v INT", "--primary-key", "k",
		"--option", "table.merge-engine=aggregation", "--option", "fields.v.agg=median")

	s.OK(t, "table", "create", "kept", "--columns", "k INT, v INT", "--primary-key", "k", "--option", "table.delete.behavior=disable")
	put(t, s, "kept", `{"k":1,"v":1}`)
	fails(t, s, 1, `{"k":1}`, []string{"[DELETION_DISABLED]"}, "write", "kept", "--mode", "delete", "--from", "-")
	require.Equal(t, "1\n", s.OK(t, "count", "kept"))
}

// Old rows and old changes stay readable while columns come, go and change their names.
// What a write did is told as it is: deletes that a table ignores are sent, and a
// row that the merge refuses is named by its key.
func TestWritesTellWhatTheyDid(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "first", "--columns", "k INT, v INT", "--primary-key", "k", "--option", "table.merge-engine=first_row")
	out := s.OKIn(t, `{"k":1}`, "write", "first", "--mode", "delete", "--from", "-")
	require.Contains(t, out, "sent 1 delete in ")
	require.Contains(t, out, "the table ignores deletes")

	s.OK(t, "table", "create", "sums", "--columns", "k INT, n TINYINT", "--primary-key", "k", "--buckets", "3",
		"--option", "table.merge-engine=aggregation", "--option", "fields.n.agg=sum")
	put(t, s, "sums", `{"k":1234,"n":100}`)
	var lines []string
	for k := range 50 {
		lines = append(lines, fmt.Sprintf(`{"k":%d,"n":1}`, k))
	}
	fails(t, s, 1, strings.Join(append(lines, `{"k":1234,"n":100}`), "\n"),
		[]string{"the row with k = 1234", `column "n"`, "safe before that; they need not be the first ones"}, "write", "sums", "--from", "-")
}

func TestSchemaChangesOnALiveKeyedTable(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, a INT, b STRING", "--primary-key", "k", "--buckets", "1")
	put(t, s, "t", `{"k":1,"a":1,"b":"x"}`, `{"k":2,"a":2,"b":"y"}`)
	s.OK(t, "table", "alter", "t", "--add", "c DOUBLE AFTER k", "--rename", "b=label", "--rename", "k=key", "--widen", "a BIGINT")
	put(t, s, "t", `{"key":2,"c":2.5,"a":9007199254740993,"label":"z"}`)
	require.Equal(t, []string{`{"key":1,"c":null,"a":1,"label":"x"}`, `{"key":2,"c":2.5,"a":9007199254740993,"label":"z"}`}, rows(t, s, "t"))
	require.Equal(t, `{"key":1,"c":null,"a":1,"label":"x"}`+"\n", s.OK(t, "lookup", "t", "1", "-o", "json"))
	s.OKIn(t, `{"key":1,"c":0.5}`, "write", "t", "--target-columns", "key,c", "--from", "-")
	s.OK(t, "table", "alter", "t", "--drop", "label")
	require.Equal(t, []string{
		`{"__change_type":"+I","key":1,"c":null,"a":1}`, `{"__change_type":"+I","key":2,"c":null,"a":2}`,
		`{"__change_type":"-U","key":2,"c":null,"a":2}`, `{"__change_type":"+U","key":2,"c":2.5,"a":9007199254740993}`,
		`{"__change_type":"-U","key":1,"c":null,"a":1}`, `{"__change_type":"+U","key":1,"c":0.5,"a":1}`,
	}, rows(t, s, "t", "--changelog"))
	require.Equal(t, `{"key":1,"c":0.5,"a":1}`+"\n", s.OK(t, "lookup", "t", "1", "-o", "json"))
	for _, flags := range [][]string{{"--drop", "key"}, {"--widen", "key BIGINT"}} {
		r, err := s.Run(t.Context(), "", append([]string{"table", "alter", "t"}, flags...)...)
		require.NoError(t, err)
		require.Equal(t, 1, r.Code, flags)
		require.Contains(t, r.Stderr, "key", flags)
	}
}

// A read that follows has the rows as they are and then each change, once.
func TestFullReadThatFollows(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, v STRING", "--primary-key", "k", "--buckets", "1")
	put(t, s, "t", `{"k":1,"v":"a"}`, `{"k":2,"v":"b"}`)
	put(t, s, "t", `{"k":1,"v":"c"}`)
	read, err := harness.Command(harness.Context(t, time.Minute), s.Addr, "read", "t", "--from", "full", "--follow", "-o", "json")
	require.NoError(t, err)
	out, err := read.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, read.Start())
	seen := bufio.NewScanner(out)
	next := func() string {
		require.True(t, seen.Scan())
		return seen.Text()
	}
	require.Equal(t, `{"__change_type":"+I","k":1,"v":"c"}`, next())
	require.Equal(t, `{"__change_type":"+I","k":2,"v":"b"}`, next())
	put(t, s, "t", `{"k":2,"v":"d"}`)
	require.Equal(t, `{"__change_type":"-U","k":2,"v":"b"}`, next())
	require.Equal(t, `{"__change_type":"+U","k":2,"v":"d"}`, next())
	remove(t, s, "t", `{"k":1}`)
	require.Equal(t, `{"__change_type":"-D","k":1,"v":"c"}`, next())
	put(t, s, "t", `{"k":3,"v":"e"}`)
	require.Equal(t, `{"__change_type":"+I","k":3,"v":"e"}`, next())
	require.NoError(t, read.Process.Signal(os.Interrupt))
	require.False(t, seen.Scan())
	require.NoError(t, read.Wait())
}

func TestRowsOfAKeyedTable(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "days", "--columns", "day STRING, k INT, v DOUBLE", "--primary-key", "day,k", "--partition-by", "day", "--buckets", "2")
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf(`{"day":"d%d","k":%d,"v":%d.5}`, i%3, i, i))
	}
	put(t, s, "days", lines...)
	require.ElementsMatch(t, lines, rows(t, s, "days"))
	require.Equal(t, "300\n", s.OK(t, "count", "days"))
	require.Equal(t, "100\n", s.OK(t, "count", "days", "--partition", "d1"))
	require.EqualValues(t, 200, object(t, s.OK(t, "count", "days", "--partition", "d1,d2", "-o", "json"))["rows"])
	fails(t, s, 1, "", []string{"[UNKNOWN_PARTITION]", "fluss partition list"}, "count", "days", "--partition", "d7")
	require.Equal(t, lines[31]+"\n", s.OK(t, "lookup", "days", "d1", "31", "-o", "json"))
	fails(t, s, 1, "", []string{"not found"}, "lookup", "days", "d7", "31")
	require.Len(t, rows(t, s, "days", "--limit", "10"), 10)
	require.Len(t, rows(t, s, "days", "--partition", "d2", "--where", "k < 100"), 33)
	require.Equal(t, []string{`{"v":31.5}`}, rows(t, s, "days", "--columns", "v", "--where", "k = 31"))
	s.OK(t, "partition", "drop", "days", "day=d1")
	require.Equal(t, "200\n", s.OK(t, "count", "days"))

	s.OK(t, "table", "create", "copy", "--columns", "day STRING, k INT, v DOUBLE", "--primary-key", "k")
	for _, format := range []string{"csv", "parquet", "arrow"} {
		path := writeFile(t, "rows."+format, s.OK(t, "read", "days", "-o", format))
		require.EqualValues(t, 200, object(t, s.OK(t, "write", "copy", "--from", path, "-o", "json"))["rows"])
		require.Equal(t, "200\n", s.OK(t, "count", "copy"))
	}
	path := writeFile(t, "keys.parquet", s.OK(t, "read", "days", "--partition", "d0", "-o", "parquet"))
	require.Contains(t, s.OK(t, "write", "copy", "--mode", "delete", "--from", path), "sent 100 deletes in ")
	require.Equal(t, "100\n", s.OK(t, "count", "copy"))
}

func TestAcksOfUpserts(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, v INT", "--primary-key", "k", "--buckets", "1")
	var total int
	for _, run := range []struct {
		in, mode  string
		rows, end int
	}{
		{`{"k":1,"v":1}` + "\n" + `{"k":2,"v":1}`, "upsert", 2, 2},
		{`{"k":1,"v":2}`, "upsert", 1, 4},
		{`{"k":1}` + "\n" + `{"k":9}`, "delete", 2, 5},
	} {
		out := s.OKIn(t, run.in+"\n", "write", "t", "--mode", run.mode, "--from", "-", "--acks")
		var acked, end int
		for line := range strings.Lines(out) {
			var ack struct{ Bucket, Base, End, Rows int }
			require.NoError(t, json.Unmarshal([]byte(line), &ack))
			require.Equal(t, max(end, total), ack.Base)
			acked, end = acked+ack.Rows, ack.End
		}
		require.Equal(t, run.rows, acked, "rows are those written")
		require.Equal(t, run.end, end, "offsets are those of the changes")
		total = end
	}
}

func TestBadInputToAKeyedTable(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "people", "--columns", "id BIGINT, born DATE, height INT NOT NULL", "--primary-key", "id")
	s.OK(t, "table", "create", "log", "--columns", "n INT")
	for _, tc := range []struct {
		name, in string
		code     int
		want     []string
		args     []string
	}{
		{"null key", `{"id":null,"height":1}`, 1, []string{"line 1", "the primary key is id"}, []string{"people"}},
		{"no key", `{"height":1}`, 1, []string{"line 1: the row lacks column id", "the primary key is id"}, []string{"people"}},
		{"no key in CSV", "height\n1\n", 1, []string{"line 1 lacks column id", "the primary key is id"}, []string{"people", "--format", "csv"}},
		{"CSV without names", "7,,1\n", 1, []string{"--no-header"}, []string{"people", "--format", "csv"}},
		{"null where none may be", `{"id":1,"height":1}` + "\n" + `{"id":2}`, 1, []string{"line 2", "height"}, []string{"people"}},
		{"no key to delete", `{"born":"2000-01-01"}`, 1, []string{"line 1", "id"}, []string{"people", "--mode", "delete"}},
		{"unknown target", `{"id":1}`, 1, []string{"hight"}, []string{"people", "--target-columns", "id,hight"}},
		{"targets without key", `{"height":1}`, 1, []string{"id"}, []string{"people", "--target-columns", "height"}},
		{"targets without a column that must be", `{"id":1}`, 1, []string{"height", "NOT NULL"}, []string{"people", "--target-columns", "id,born"}},
		{"more than the targets", `{"k":1,"v":2,"w":3}`, 1, []string{`"w"`, "--target-columns k,v"}, []string{"pairs", "--target-columns", "k,v"}},
		{"partial delete of the key", `{"k":1}`, 1, []string{"k"}, []string{"pairs", "--mode", "delete", "--target-columns", "k"}},
		{"append", `{"k":1}`, 1, []string{"[NOT_LOG_TABLE]", "--mode upsert"}, []string{"pairs", "--mode", "append"}},
		{"upsert to a log", `{"n":1}`, 1, []string{"[NOT_PRIMARY_KEY_TABLE]"}, []string{"log", "--mode", "upsert"}},
		{"delete from a log", `{"n":1}`, 1, []string{"[NOT_PRIMARY_KEY_TABLE]"}, []string{"log", "--mode", "delete"}},
		{"no such mode", ``, 2, []string{"append, upsert or delete"}, []string{"pairs", "--mode", "insert"}},
		{"no such merge mode", ``, 2, []string{"default or overwrite"}, []string{"pairs", "--merge-mode", "last"}},
		{"targets of an append", ``, 2, []string{"--mode upsert or delete"}, []string{"log", "--mode", "append", "--target-columns", "n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.OK(t, "table", "create", "pairs", "--columns", "k INT, v INT, w INT", "--primary-key", "k", "--if-not-exists")
			fails(t, s, tc.code, tc.in, tc.want, append([]string{"write", "--from", "-"}, tc.args...)...)
		})
	}
	fails(t, s, 2, "", []string{"--changelog or --binlog"}, "read", "people", "--changelog", "--binlog")
	fails(t, s, 1, "", []string{"[NOT_PRIMARY_KEY_TABLE]"}, "read", "log", "--binlog")
	fails(t, s, 1, "", []string{"[INVALID_SCHEMA]", "nope"}, "table", "create", "x", "--columns", "k INT", "--primary-key", "nope")
	require.Equal(t, []string{`{"id":1,"born":null,"height":1}`}, rows(t, s, "people"), "lines before a bad one are written, and so it is told")
}

// The state of a table is the same after a kill -9, and look-ups and writes go on.
func TestKeyedTableAfterAKill(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "t", "--columns", "k INT, v STRING", "--primary-key", "k", "--buckets", "2")
	put(t, s, "t", `{"k":1,"v":"a"}`, `{"k":2,"v":"b"}`, `{"k":3,"v":"c"}`)
	put(t, s, "t", `{"k":2,"v":"d"}`)
	remove(t, s, "t", `{"k":3}`)
	changes := s.OK(t, "read", "t", "--changelog", "--with-offsets", "-o", "json")
	s.Kill()
	again, err := harness.StartAt(t.Context(), s.Dir, s.Addr, s.HTTP)
	require.NoError(t, err)
	defer again.Kill()
	require.ElementsMatch(t, []string{`{"k":1,"v":"a"}`, `{"k":2,"v":"d"}`}, rows(t, again, "t"))
	require.ElementsMatch(t, strings.Split(changes, "\n"), strings.Split(again.OK(t, "read", "t", "--changelog", "--with-offsets", "-o", "json"), "\n"))
	require.Equal(t, "2\n", again.OK(t, "count", "t"))
	put(t, again, "t", `{"k":2,"v":"e"}`)
	require.Equal(t, `{"k":2,"v":"e"}`+"\n", again.OK(t, "lookup", "t", "2", "-o", "json"))
	fails(t, again, 1, "", []string{"not found"}, "lookup", "t", "3")
}

func TestBenchmarksByKey(t *testing.T) {
	s := harness.TestServer(t)
	for _, args := range [][]string{
		{"upsert", "--rows", "4000", "--keys", "1000", "--batch-rows", "100", "--value-bytes", "20"},
		{"upsert", "--rows", "2000", "--keys", "500", "--typed", "--distribution", "uniform", "--mix", "50/25/25", "--writers", "3"},
		{"upsert", "--rows", "100", "--keys", "50", "--batch-rows", "1", "--writers", "10"},
		{"lookup", "--rows", "2000", "--keys", "500", "--callers", "8"},
		{"lookup", "--rows", "2000", "--keys", "500", "--callers", "2", "--batch-rows", "100", "--columns", "id"},
	} {
		out := object(t, s.OK(t, append(append([]string{"bench"}, args...), "-o", "json")...))
		require.Equal(t, args[0], out["benchmark"])
		require.Positive(t, out["cpu_seconds_per_million_rows"])
		require.Contains(t, out, "latency_ms")
		if args[0] == "lookup" {
			require.EqualValues(t, 2000, out["rows"])
			require.EqualValues(t, 2000, out["found"])
		} else {
			require.Contains(t, out, "longest_gap_ms")
		}
	}
	require.Contains(t, s.OK(t, "bench", "lookup", "--rows", "100", "--keys", "10", "--callers", "2"), "a million rows together")
	require.NotContains(t, s.OK(t, "table", "list"), "bench_", "they clean up")
	fails(t, s, 2, "", []string{"--mix"}, "bench", "upsert", "--mix", "80/10/5")
	fails(t, s, 2, "", []string{"zipf or uniform"}, "bench", "lookup", "--distribution", "normal")
}
