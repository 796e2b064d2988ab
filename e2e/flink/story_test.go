package flink

import (
	_ "embed"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

const (
	clientTime = 3 * time.Minute
	// storyAddr is where the story's server listens.
	storyAddr = "127.0.0.1:9123"
)

// The story, word for word but for the source of the orders.
//
//go:embed testdata/story.sql
var story string

// The longer story: look-up joins, counts, point queries, changes by key and by
// any predicate, changelogs.
//
//go:embed testdata/joins.sql
var joins string

// storyServer starts a server where the story says, or, where that is taken, at
// another port, which it puts into the story.
func storyServer(t *testing.T, sql string) (*harness.Server, string) {
	t.Helper()
	addr := storyAddr
	if l, err := net.Listen("tcp", storyAddr); err != nil {
		port, err := harness.FreePort()
		require.NoError(t, err)
		addr = fmt.Sprintf("127.0.0.1:%d", port)
		sql = strings.ReplaceAll(sql, ":9123", fmt.Sprintf(":%d", port))
	} else {
		require.NoError(t, l.Close())
	}
	s := startAt(t, t.TempDir(), addr)
	t.Cleanup(s.Kill)
	return s, sql
}

// startAt starts a server at an address, its HTTP port being any.
func startAt(t *testing.T, dir, addr string) *harness.Server {
	t.Helper()
	port, err := harness.FreePort()
	require.NoError(t, err)
	s, err := harness.StartAt(harness.Context(t, 2*clientTime), dir, addr, fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	return s
}

func TestStory(t *testing.T) {
	forLines(t, func(t *testing.T, l line) {
		s, sql := storyServer(t, story)
		out := run(t, l, sql)
		require.Contains(t, out, "2 rows in set")
		rows := cells(out)
		require.Equal(t, []string{"order_key", "cust_key", "total_price", "order_date", "order_priority", "clerk", "ptime"}, rows[0])
		require.Len(t, rows, 3)
		require.Equal(t, "1000\n", s.OK(t, "count", "fluss.fluss_order"))
	})
}

func TestJoinsAndChanges(t *testing.T) {
	forLines(t, func(t *testing.T, l line) {
		s, sql := storyServer(t, joins)
		c := start(harness.Context(t, clientTime), t, l, sql)
		// The job with the look-up joins goes on, and the client with it.
		require.Eventually(t, func() bool {
			return strings.Contains(c.output(), "| the end |") || strings.Contains(c.output(), "[ERROR]")
		},
			clientTime, 100*time.Millisecond)
		out := c.output()
		require.False(t, strings.Contains(out, "[ERROR]"), out)
		rows := cells(out)
		for _, want := range [][]string{
			{"2", "11", "2.50", "1969-12-31", "bob", "fr"},
			{"3", "12", "3.50", "2024-01-03", "cyd", "<NULL>"},
			{"4", "99", "4.50", "<NULL>", "<NULL>", "<NULL>"},
			{"count", "4"}, {"point", "bob", "2"}, {"updated", "robert"}, {"left", "3", "2", "33"},
			{"insert", "2", "11"}, {"update_before", "2", "bob"}, {"update_after", "2", "robert"}, {"delete", "1", "12"},
		} {
			require.Contains(t, rows, want)
		}
		// The order that was deleted is gone from what the job has made of it, too.
		require.Equal(t, "3\n", s.OK(t, "count", "fluss.enriched_orders"))
	})
}
