package flink

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// line is a release of Flink that the connector is for.
type line struct {
	version string
	// jar is the pattern of the connector's file for it.
	jar string
	// jvm are the options of Java.
	jvm []string
}

// quick starts soon, and is not fast.
var quick = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx768m"}

var lines = []line{{"1.20.3", "fluss-flink-1.20-*.jar", quick}, {"2.3.0", "fluss-flink-2-*.jar", quick}}

// forLines runs a test with each line of Flink.
func forLines(t *testing.T, test func(t *testing.T, l line)) {
	home := os.Getenv("FLUSS_FLINK")
	if home == "" {
		t.Skip("FLUSS_FLINK is not set: run make e2e-flink")
	}
	for _, l := range lines {
		t.Run(l.version, func(t *testing.T) { test(t, l) })
	}
}

// sqlClient is a run of Flink's SQL client.
type sqlClient struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (c *sqlClient) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

var colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// output is what the client has printed.
func (c *sqlClient) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return colors.ReplaceAllString(c.out.String(), "")
}

// start starts the client with the statements of sql. Neither it nor its jobs
// listen on anything but the loopback; host names go by a file, so that
// "coordinator-server" is this machine.
func start(ctx context.Context, t *testing.T, l line, sql string, options ...string) *sqlClient {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	jars, err := filepath.Glob(filepath.Join(harness.Root(), "connector-java", "dist", l.jar))
	require.NoError(t, err)
	require.Len(t, jars, 1, "run make connector")
	self, err := os.Hostname()
	require.NoError(t, err)
	file("config.yaml", strings.Join(append([]string{
		"execution.target: local", "parallelism.default: 2",
		"rest.address: 127.0.0.1", "rest.bind-address: 127.0.0.1", "jobmanager.rpc.address: 127.0.0.1", "jobmanager.bind-host: 127.0.0.1",
		"taskmanager.host: 127.0.0.1", "taskmanager.bind-host: 127.0.0.1",
		"sql-gateway.endpoint.rest.address: 127.0.0.1", "sql-gateway.endpoint.rest.bind-address: 127.0.0.1",
	}, options...), "\n"))
	log := file("log4j2.properties", fmt.Sprintf(`rootLogger.level = WARN
rootLogger.appenderRef.f.ref = F
appender.f.name = F
appender.f.type = FILE
appender.f.fileName = %s
appender.f.layout.type = PatternLayout
appender.f.layout.pattern = %%d %%-5p %%c - %%m%%n
`, filepath.Join(dir, "flink.log")))
	hosts := file("hosts", fmt.Sprintf("127.0.0.1 coordinator-server localhost %s\n", self))
	lib := filepath.Join(os.Getenv("FLUSS_FLINK"), l.version, "*")
	args := append(slices.Clone(l.jvm), "-Djdk.net.hosts.file="+hosts, "-Dlog4j.configurationFile="+log, "-cp", lib+":"+jars[0],
		"org.apache.flink.table.client.SqlClient", "embedded", "-f", file("story.sql", sql), "-hist", filepath.Join(dir, "history"))
	c := &sqlClient{cmd: exec.CommandContext(ctx, "java", args...)}
	c.cmd.Env = append(os.Environ(), "FLINK_CONF_DIR="+dir)
	c.cmd.Stdout, c.cmd.Stderr = c, c
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		if t.Failed() {
			logged, _ := os.ReadFile(filepath.Join(dir, "flink.log"))
			t.Logf("the client printed:\n%s\nits log ends with:\n%s", c.output(), logged[max(0, len(logged)-20_000):])
		}
	})
	return c
}

// run runs the statements to their end and returns what was printed; one that
// fails fails the test.
func run(t *testing.T, l line, sql string) string {
	t.Helper()
	c := start(harness.Context(t, clientTime), t, l, sql)
	require.NoError(t, c.cmd.Wait(), c.output())
	out := c.output()
	require.False(t, strings.Contains(out, "[ERROR]"), out)
	return out
}

// cells returns the rows of the tables that were printed, their cells trimmed.
func cells(out string) [][]string {
	var rows [][]string
	for text := range strings.Lines(out) {
		inner, ok := strings.CutPrefix(strings.TrimSpace(text), "|")
		if !ok {
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.TrimSuffix(inner, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	return rows
}
