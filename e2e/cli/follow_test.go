package cli

import (
	"bufio"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// follow starts a command and returns its lines as they come.
func follow(t *testing.T, s *harness.Server, args ...string) <-chan string {
	t.Helper()
	cmd, err := harness.Command(harness.Context(t, time.Minute), s.Addr, args...)
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make(chan string, 100) // more than a test reads
	go func() {
		defer close(lines)
		for seen := bufio.NewScanner(out); seen.Scan(); {
			lines <- seen.Text()
		}
		_ = cmd.Wait()
	}()
	return lines
}

// A follower goes on when a column that it reads is widened: of the rows and the
// binlog of a table with a primary key, and of a log table.
func TestFollowerOutlivesAWidenedColumn(t *testing.T) {
	s := harness.TestServer(t)
	for _, tc := range []struct {
		name, key   string
		args        []string
		first, wide string
	}{
		{"rows", "id", []string{"-o", "json"}, `{"__change_type":"+I","id":1,"v":1}`, `{"__change_type":"+I","id":2,"v":5000000000}`},
		{
			"binlog", "id", []string{"-o", "json", "--binlog"}, `{"__change_type":"+I","before":null,"after":{"id":1,"v":1}}`,
			`{"__change_type":"+I","before":null,"after":{"id":2,"v":5000000000}}`,
		},
		{"log", "", []string{"-o", "json"}, `{"id":1,"v":1}`, `{"id":2,"v":5000000000}`},
		{"csv", "", []string{"-o", "csv"}, `1,1`, `2,5000000000`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			create := []string{"table", "create", tc.name, "--columns", "id INT, v INT", "--buckets", "3"}
			if tc.key != "" {
				create = append(create, "--primary-key", tc.key)
			}
			s.OK(t, create...)
			lines := follow(t, s, append([]string{"read", tc.name, "--follow"}, tc.args...)...)
			put(t, s, tc.name, `{"id":1,"v":1}`)
			if tc.name == "csv" {
				require.Equal(t, "id,v", <-lines)
			}
			require.Equal(t, tc.first, <-lines)
			s.OK(t, "table", "alter", tc.name, "--widen", "v BIGINT")
			if tc.name == "csv" {
				s.OK(t, "table", "alter", tc.name, "--add", "w INT")
			}
			put(t, s, tc.name, `{"id":2,"v":5000000000}`)
			select {
			case line := <-lines:
				require.Equal(t, tc.wide, line)
			case <-time.After(20 * time.Second):
				t.Fatal("the follower does not go on")
			}
		})
	}
}
