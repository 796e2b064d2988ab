package flink

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// task is a statement whose job is timed.
type task struct {
	name, sql string
	// millions of rows; 0 for a preparation, which is not timed.
	millions float64
}

// tasks are a round, as issue 5 names them. keyed has 1.9 M rows: 3 M drawn from as
// many keys have so many different ones.
var tasks = []task{
	{"generator alone", "INSERT INTO hole SELECT * FROM gen", 3},
	{"", "DROP TABLE IF EXISTS logs", 0},
	{"", "CREATE TABLE logs (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('bucket.num' = '2')", 0},
	{"INSERT into a log table", "INSERT INTO logs SELECT * FROM gen", 3},
	{"scan of two columns of a log table, batch", "INSERT INTO two SELECT a, d FROM logs", 3},
	{"", "DROP TABLE IF EXISTS fresh", 0},
	{"", "CREATE TABLE fresh (a BIGINT, b INT, c STRING, d DOUBLE, PRIMARY KEY (a) NOT ENFORCED) WITH ('bucket.num' = '2')", 0},
	{"INSERT into a primary-key table, all keys new", "INSERT INTO fresh SELECT * FROM gen", 3},
	{"", "DROP TABLE IF EXISTS keyed", 0},
	{"", "CREATE TABLE keyed (a BIGINT, b INT, c STRING, d DOUBLE, PRIMARY KEY (a) NOT ENFORCED) WITH ('bucket.num' = '2')", 0},
	{"INSERT into a primary-key table, a third updates", "INSERT INTO keyed SELECT ABS(MOD(a, 3000000)), b, c, d FROM gen", 3},
	{"scan of two columns of a primary-key table, batch", "INSERT INTO two SELECT a, d FROM keyed", 1.9},
	{"look-up join, default options", "INSERT INTO found SELECT p.a, k.c FROM probe p JOIN keyed FOR SYSTEM_TIME AS OF p.pt AS k ON p.a = k.a", 3},
}

// flightsTask is one more when FLUSS_FLIGHTS names the file of 3 M flights.
var flightsTask = task{"scan of two columns of flights, batch", "INSERT INTO pair SELECT origin, delay FROM flights", 12}

const speedTables = `
SET 'table.dml-sync' = 'true';
CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = 'ADDR');
USE CATALOG f;
CREATE TEMPORARY TABLE gen (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
  'number-of-rows' = '3000000', 'fields.c.length' = '8');
CREATE TEMPORARY TABLE hole (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE two (a BIGINT, d DOUBLE) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE pair (origin STRING, delay BIGINT) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE found (a BIGINT, c STRING) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE probe (a BIGINT, pt AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
  'number-of-rows' = '3000000', 'fields.a.min' = '0', 'fields.a.max' = '2999999');
`

// TestSpeed prints how fast jobs are, the start of each job included: for `make
// bench-flink`. It asserts nothing about time. The first round is not counted.
func TestSpeed(t *testing.T) {
	if os.Getenv("FLUSS_BENCH") == "" {
		t.Skip("FLUSS_BENCH is not set: run make bench-flink")
	}
	const rounds = 4
	forLines(t, func(t *testing.T, l line) {
		l.jvm = []string{"-Xmx2g"}
		s := harness.TestServer(t)
		round := tasks
		if file := os.Getenv("FLUSS_FLIGHTS"); file != "" {
			s.OK(t, "table", "create", "flights", "--like-file", file, "--buckets", "2")
			for range int(flightsTask.millions) / 3 {
				s.OK(t, "write", "flights", "--from", file)
			}
			round = append(slices.Clone(tasks), flightsTask)
		}
		var sql strings.Builder
		sql.WriteString(strings.ReplaceAll(speedTables, "ADDR", s.Addr))
		said := 1 + strings.Count(speedTables, ";") // it says that it reads a file first
		for range rounds {
			for _, k := range round {
				mode := "streaming"
				if strings.Contains(k.name, "batch") {
					mode = "batch"
				}
				fmt.Fprintf(&sql, "SET 'execution.runtime-mode' = '%s';\n%s;\n", mode, k.sql)
			}
		}
		c := start(harness.Context(t, 20*time.Minute), t, l, sql.String())
		answered := func() int { return strings.Count(c.output(), "[INFO]") }
		await := func(n int) {
			require.Eventually(t, func() bool { return answered() >= n }, 5*time.Minute, time.Millisecond, c.output)
			require.NotContains(t, c.output(), "ERROR")
		}
		await(said)
		took := map[string][]float64{}
		for i := range rounds {
			for _, k := range round {
				began := time.Now()
				said += 2 // to SET and to the statement, when its job has ended
				await(said)
				if i > 0 {
					took[k.name] = append(took[k.name], k.millions/time.Since(began).Seconds())
				}
			}
		}
		for _, k := range round {
			if rates := took[k.name]; k.millions > 0 {
				slices.Sort(rates)
				fmt.Printf("| %s | %s | %.2f (%.2f–%.2f) M |\n", l.version, k.name, rates[len(rates)/2], rates[0], rates[len(rates)-1])
			}
		}
	})
}
