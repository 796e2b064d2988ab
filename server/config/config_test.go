package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func env(kv ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func flagSet(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("server", pflag.ContinueOnError)
	Flags(fs)
	require.NoError(t, fs.Parse(args))
	return fs
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fluss.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSourcesInRisingPriority(t *testing.T) {
	file := writeFile(t, "data-dir: /from/file\ntablets: 3\nmemory-limit: 1 GB\nwriter-expiry: 2d\netcd-endpoints: [http://a:1, http://b:2]\n")
	l, err := Load(
		flagSet(t, "--config", file, "--data-dir", "/from/flag"),
		env("FLUSS_DATA_DIR", "/from/env", "FLUSS_TABLETS", "4", "FLUSS_CONFIG", "/not/this", "FLUSS_SERVER", "a client's"))
	require.NoError(t, err)
	require.Equal(t, "/from/flag", l.DataDir)
	require.Equal(t, 4, l.Tablets)
	require.Equal(t, GiB, l.MemoryLimit)
	require.Equal(t, 64*MiB, l.MemoryInflight)
	require.Equal(t, 48*time.Hour, l.WriterExpiry)
	require.Equal(t, []string{"http://a:1", "http://b:2"}, l.EtcdEndpoints)
	require.Equal(t, "127.0.0.1:9123", l.Listen)
	require.Equal(t, map[string]Source{"data-dir": FromFlag, "tablets": FromEnv, "memory-limit": FromFile, "listen": FromDefault},
		map[string]Source{"data-dir": l.Sources["data-dir"], "tablets": l.Sources["tablets"], "memory-limit": l.Sources["memory-limit"], "listen": l.Sources["listen"]})
}

func TestDefaultsAreValid(t *testing.T) {
	require.NoError(t, Default().Validate())
	l, err := Load(nil, env())
	require.NoError(t, err)
	require.Equal(t, Default(), l.Config)
}

func TestEveryFaultAtOnce(t *testing.T) {
	file := writeFile(t, "data_dir: x\ntablets: many\nlisten: [[1]]\ntablets: 2\n")
	_, err := Load(flagSet(t, "--config", file, "--durability", "maybe", "--disk-write-limit-ratio", "1.5"),
		env("FLUSS_WRITER_EXPIRY", "soon", "FLUSS_MAX_OPEN_FILES", "0", "FLUSS_LISTEN", "nowhere"))
	require.Error(t, err)
	for _, want := range []string{
		`fluss.yaml:1: there is no option "data_dir"; did you mean "data-dir"?`,
		`fluss.yaml:2: tablets: "many": want a whole number`,
		`fluss.yaml:3: want a list of values`,
		`fluss.yaml:4: tablets is set twice`,
		`FLUSS_WRITER_EXPIRY: "soon": want a duration`,
		`durability: "maybe" is not one of fsync, memory`,
		`disk-write-limit-ratio: 1.5 is outside 0 to 1`,
		`max-open-files: 0 is below 16`,
		`listen: "nowhere" is no host:port`,
	} {
		require.Contains(t, err.Error(), want)
	}
}

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"no data directory", func(c *Config) { c.DataDir = "" }, "data-dir: is empty"},
		{"http on the same address", func(c *Config) { c.HTTP = c.Listen }, "is the address of listen too"},
		{"port too large", func(c *Config) { c.HTTP = "a:70000" }, "no port in 0 to 65535"},
		{"role unknown", func(c *Config) { c.Roles = []string{"boss"} }, `"boss" is not one of coordinator, tablet`},
		{"role missing", func(c *Config) { c.Roles = []string{RoleTablet} }, "coordinator is missing"},
		{"etcd without scheme", func(c *Config) { c.EtcdEndpoints = []string{"host:2379"} }, "is no URL"},
		{"prefix without slash", func(c *Config) { c.EtcdPrefix = "/fluss" }, "start and end with a slash"},
		{"budgets above the limit", func(c *Config) { c.MemoryTail = 4 * GiB }, "the budgets add up to"},
		{"recover above limit", func(c *Config) { c.DiskRecoverRatio = 0.9 }, "0.9 is above disk-write-limit-ratio, 0.85"},
		{"default above maximum", func(c *Config) { c.DefaultBucketNumber = 5000 }, "5000 is outside 1 to 4096"},
		{"interval too short", func(c *Config) { c.RetentionCheckInterval = 1 }, "outside 100ms to 1d"},
		{"log level", func(c *Config) { c.LogLevel = "loud" }, "log-level: \"loud\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Default()
			tc.set(c)
			require.ErrorContains(t, c.Validate(), tc.want)
		})
	}
}

func TestTrueOrFalse(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		env  func(string) (string, bool)
		want bool
	}{
		{"nothing", nil, env(), false},
		{"flag without value", []string{"--verify-compressed"}, env(), true},
		{"flag over environment", []string{"--verify-compressed=false"}, env("FLUSS_VERIFY_COMPRESSED", "true"), false},
		{"environment", nil, env("FLUSS_VERIFY_COMPRESSED", "1"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			flags := pflag.NewFlagSet("server", pflag.ContinueOnError)
			Flags(flags)
			require.NoError(t, flags.Parse(tc.args))
			l, err := Load(flags, tc.env)
			require.NoError(t, err)
			require.Equal(t, tc.want, l.VerifyCompressed)
		})
	}
	_, err := Load(nil, env("FLUSS_VERIFY_COMPRESSED", "maybe"))
	require.ErrorContains(t, err, "true or false")
}

func TestHTTPMayBeOffAndPortsPicked(t *testing.T) {
	c := Default()
	c.HTTP = HTTPOff
	require.NoError(t, c.Validate())
	c.Listen, c.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	require.NoError(t, c.Validate())
	require.True(t, c.Loopback())
	c.Listen = "0.0.0.0:9123"
	require.False(t, c.Loopback())
}

func TestBytes(t *testing.T) {
	for _, tc := range []struct {
		text string
		want Bytes
		back string
	}{
		{"0", 0, "0"}, {"1023", 1023, "1023"}, {"1k", KiB, "1KiB"}, {"64 MiB", 64 * MiB, "64MiB"}, {"1536KB", 1536 * KiB, "1536KiB"}, {"2TB", 2 * TiB, "2TiB"}, {"5b", 5, "5"},
	} {
		got, err := ParseBytes(tc.text)
		require.NoError(t, err, tc.text)
		require.Equal(t, tc.want, got)
		require.Equal(t, tc.back, got.String())
	}
	for _, bad := range []string{"", "x", "-1", "1.5GB", "1ZB", "99999999999TB", "1 2"} {
		_, err := ParseBytes(bad)
		require.Error(t, err, bad)
	}
}

func TestDurations(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"0s", 0, "0s"}, {"7d", 7 * day, "7d"}, {"7 d", 7 * day, "7d"}, {"10min", 10 * time.Minute, "10m"}, {"3 h", 3 * time.Hour, "3h"}, {"90s", 90 * time.Second, "1m30s"}, {"500ms", 500 * time.Millisecond, "500ms"},
	} {
		got, err := ParseDuration(tc.text)
		require.NoError(t, err, tc.text)
		require.Equal(t, tc.want, got)
		require.Equal(t, tc.back, FormatDuration(got))
	}
	for _, bad := range []string{"", "7", "-1s", "d", "99999999d", "soon"} {
		_, err := ParseDuration(bad)
		require.Error(t, err, bad)
	}
}

func TestYAMLReadsBack(t *testing.T) {
	l, err := Load(flagSet(t, "--etcd-endpoints", "http://a:1,http://b:2", "--memory-limit", "4GiB"), env())
	require.NoError(t, err)
	text, err := l.YAML()
	require.NoError(t, err)
	require.Contains(t, text, "memory-limit: 4GiB # flag\n")
	require.Contains(t, text, "durability: fsync # default\n")
	again, err := Load(flagSet(t, "--config", writeFile(t, text)), env())
	require.NoError(t, err)
	require.Equal(t, l.Config, again.Config)
}

// The comments are what users read; the tags, defaults and page must not drift from them.
func TestGeneratedIsFresh(t *testing.T) {
	source, err := os.ReadFile("config.go")
	require.NoError(t, err)
	comments, err := Comments(source)
	require.NoError(t, err)
	help, err := os.ReadFile("docs_gen.go")
	require.NoError(t, err)
	require.Equal(t, string(HelpSource(comments)), string(help), "run `make generate`")
	page, err := os.ReadFile("../../docs/server-options.md")
	require.NoError(t, err)
	require.Equal(t, string(Page(comments)), string(page), "run `make generate`")
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, o := range Default().Options() {
		require.Regexp(t, name, o.Name)
		require.True(t, strings.HasSuffix(o.Doc, "."), "%s: %q", o.Name, o.Doc)
	}
}

func TestFileCannotBeRead(t *testing.T) {
	_, err := Load(flagSet(t, "--config", "/does/not/exist.yaml"), env())
	require.ErrorContains(t, err, "configuration file cannot be read")
	for _, bad := range []string{"- a\n- b\n", "a: [", "just text"} {
		_, err := Load(flagSet(t, "--config", writeFile(t, bad)), env())
		require.Error(t, err, bad)
	}
	_, err = Load(flagSet(t, "--config", writeFile(t, "# nothing\n")), env())
	require.NoError(t, err)
}

// Whatever memory limit is taken is one with which the server starts; one that is
// not is refused by its own name.
func TestAnyMemoryLimitHasBudgets(t *testing.T) {
	for _, limit := range []Bytes{256 * MiB, 300 * MiB, GiB, 100 * GiB} {
		c := &Config{MemoryLimit: limit}
		c.EnsureDefaults()
		require.NoError(t, c.Validate(), "%v", limit)
	}
	c := &Config{MemoryLimit: 255 * MiB}
	c.EnsureDefaults()
	require.EqualError(t, c.Validate(), "memory-limit: 255MiB is below 256MiB")
}
