package flink

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// TestServerKilledUnderAJob: a streaming job copies a log table into a primary-key
// table while the server is killed and started again; nothing is lost, and
// nothing is there twice.
func TestServerKilledUnderAJob(t *testing.T) {
	const rounds, rows = 3, 2000
	forLines(t, func(t *testing.T, l line) {
		dir := t.TempDir()
		port, err := harness.FreePort()
		require.NoError(t, err)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		ctx := harness.Context(t, 2*clientTime)
		s := startAt(t, dir, addr)
		t.Cleanup(func() { s.Kill() })
		s.OK(t, "table", "create", "source", "--columns", "id BIGINT NOT NULL, v STRING", "--buckets", "3")
		s.OK(t, "table", "create", "target", "--columns", "id BIGINT, v STRING", "--primary-key", "id", "--buckets", "3")
		s.OK(t, "table", "create", "copies", "--columns", "id BIGINT, n BIGINT", "--primary-key", "id")
		start(ctx, t, l, strings.ReplaceAll(`
CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = 'ADDR');
USE CATALOG f;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO target SELECT id, v FROM source;
  INSERT INTO copies SELECT id, COUNT(*) FROM source GROUP BY id;
END;`, "ADDR", addr),
			"execution.checkpointing.interval: 500ms", "restart-strategy.type: fixed-delay", "restart-strategy.fixed-delay.attempts: 1000",
			"restart-strategy.fixed-delay.delay: 200ms")
		next := 0
		for range rounds {
			var lines strings.Builder
			for range rows {
				fmt.Fprintf(&lines, "{\"id\": %d, \"v\": \"v%d\"}\n", next, next)
				next++
			}
			s.OKIn(t, lines.String(), "write", "source", "--from", "-")
			want := fmt.Sprintf("%d\n", next-rows/2)
			require.Eventually(t, func() bool { return atLeast(s.OK(t, "count", "target"), want) }, clientTime, 50*time.Millisecond)
			time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond) //nolint:gosec // a random moment of a kill
			s.Kill()
			s = startAt(t, dir, addr)
		}
		want := fmt.Sprintf("%d\n", next)
		require.Eventually(t, func() bool { return s.OK(t, "count", "target") == want && s.OK(t, "count", "copies") == want },
			clientTime, 50*time.Millisecond)
		require.Empty(t, strings.TrimSpace(s.OK(t, "read", "copies", "--where", "n <> 1", "-o", "json")), "rows that were read twice")
		require.Empty(t, strings.TrimSpace(s.OK(t, "read", "target", "--where", "v IS NULL", "-o", "json")))
	})
}

// atLeast compares numbers as they are printed.
func atLeast(have, want string) bool {
	return len(have) > len(want) || len(have) == len(want) && have >= want
}
