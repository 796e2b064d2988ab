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
	rows      float64
}

// tasks are as issue 5 names them; generators are measured alone beside the rest.
var tasks = []task{
	{"generator alone", "INSERT INTO hole SELECT * FROM gen", 3e6},
	{"INSERT into a log table", "INSERT INTO logs SELECT * FROM gen", 3e6},
	{"INSERT into a primary-key table", "INSERT INTO keyed SELECT * FROM gen", 3e6},
	{"scan of two columns of a log table (it grows by 3 M with each round)", "INSERT INTO two SELECT a, d FROM logs", 0},
	{"scan of two columns of a primary-key table", "INSERT INTO two SELECT a, d FROM keyed", 3e6},
	{"look-up join, default options", "INSERT INTO found SELECT p.a, k.c FROM probe p JOIN keyed FOR SYSTEM_TIME AS OF p.pt AS k ON p.a = k.a", 1e6},
}

const speedTables = `
SET 'table.dml-sync' = 'true';
CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = 'ADDR');
USE CATALOG f;
CREATE TEMPORARY TABLE gen (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
  'number-of-rows' = '3000000', 'fields.c.length' = '8', 'fields.a.min' = '1', 'fields.a.max' = '3000000');
CREATE TEMPORARY TABLE hole (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE two (a BIGINT, d DOUBLE) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE found (a BIGINT, c STRING) WITH ('connector' = 'blackhole');
CREATE TEMPORARY TABLE probe (a BIGINT, pt AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
  'number-of-rows' = '1000000', 'fields.a.min' = '1', 'fields.a.max' = '3000000');
CREATE TABLE logs (a BIGINT, b INT, c STRING, d DOUBLE) WITH ('bucket.num' = '2');
CREATE TABLE keyed (a BIGINT, b INT, c STRING, d DOUBLE, PRIMARY KEY (a) NOT ENFORCED) WITH ('bucket.num' = '2');
`

// TestSpeed prints how fast jobs are, the start of each job included: for `make
// bench-flink`. It asserts nothing about time.
func TestSpeed(t *testing.T) {
	if os.Getenv("FLUSS_BENCH") == "" {
		t.Skip("FLUSS_BENCH is not set: run make bench-flink")
	}
	const rounds = 3
	forLines(t, func(t *testing.T, l line) {
		s := harness.TestServer(t, "--durability", "fsync")
		var sql strings.Builder
		sql.WriteString(strings.ReplaceAll(speedTables, "ADDR", s.Addr))
		for range rounds {
			for _, k := range tasks {
				mode := "streaming"
				if strings.HasPrefix(k.name, "scan") {
					mode = "batch"
				}
				fmt.Fprintf(&sql, "SET 'execution.runtime-mode' = '%s';\n%s;\n", mode, k.sql)
			}
		}
		c := start(harness.Context(t, 10*time.Minute), t, l, sql.String())
		took := map[string][]float64{}
		for i := range rounds * len(tasks) {
			begin := time.Now()
			if i == 0 {
				// The first statements are not the job: its start is when their answers are there.
				require.Eventually(t, func() bool { return strings.Count(c.output(), "succeed") >= 11 }, time.Minute, time.Millisecond)
				begin = time.Now()
			}
			require.Eventually(t, func() bool { return strings.Count(c.output(), "Complete execution") > i }, 5*time.Minute, time.Millisecond, c.output)
			k := tasks[i%len(tasks)]
			rows := k.rows
			if rows == 0 {
				rows = 3e6 * float64(i/len(tasks)+1)
			}
			took[k.name] = append(took[k.name], rows/time.Since(begin).Seconds())
		}
		for _, k := range tasks {
			rates := took[k.name]
			slices.Sort(rates)
			fmt.Printf("%s | %s | %.0f K rows/s (%.0f-%.0f)\n", l.version, k.name, rates[len(rates)/2]/1e3, rates[0]/1e3, rates[len(rates)-1]/1e3)
		}
	})
}
