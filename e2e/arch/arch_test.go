// Package arch holds no code but the test that imports go the way the design
// says. Run it with -count=1: what it looks at is not part of the test cache.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/fluss-go/fluss/"

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// rank returns the place of a package in an order of folders, of which the
// longest that holds it counts; false when none does.
func rank(order [][]string, path string) (int, bool) {
	best, at := -1, 0
	for i, level := range order {
		for _, folder := range level {
			if (path == folder || strings.HasPrefix(path, folder+"/")) && len(folder) > best {
				best, at = len(folder), i
			}
		}
	}
	return at, best >= 0
}

// A package imports only what stands in an earlier line, or its own folder.
var orders = map[string][][]string{
	"top": {{"proto"}, {"flight"}, {"sdk"}, {"lake"}, {"server"}, {"e2e"}},
	"proto": {
		{"proto/ids", "proto/errcode", "proto/fluss"},
		{"proto/schema"},
		{"proto/table", "proto/keys", "proto/batch"},
	},
	"lake": {
		{"lake/objstore"},
		{"lake/iceberg"},
		{"lake/tiering"},
	},
	"server": {
		{"server/clock", "server/invariants", "server/metrics", "server/config"},
		{"server/logstore", "server/kvstore", "server/metastore", "server/row"},
		{"server/keyspace", "server/merge"},
		{"server/tablet"},
		{"server/coordinator"},
		{"server/rpc"},
		{"server/node"},
		{"server/cmd"},
	},
}

func folder(order [][]string, path string) string {
	best := ""
	for _, level := range order {
		for _, f := range level {
			if (path == f || strings.HasPrefix(path, f+"/")) && len(f) > len(best) {
				best = f
			}
		}
	}
	return best
}

func TestImportsGoLeft(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		_, known := rank(orders["top"], from)
		require.True(t, known, "%s is in none of the top-level folders", from)
		for name, order := range orders {
			at, ok := rank(order, from)
			if !ok {
				continue
			}
			for _, imported := range p.Imports {
				to, ours := strings.CutPrefix(imported, module)
				if !ours {
					continue
				}
				if i, ok := rank(order, to); ok && i >= at && folder(order, to) != folder(order, from) {
					t.Errorf("order of %s: %s imports %s", name, from, to)
				}
			}
		}
	}
}

// What only some folders may import, beside the file system interface of Pebble.
var fences = map[string][]string{
	"github.com/cockroachdb/pebble":       {"server/kvstore", "server/tablet"},
	"go.etcd.io/raft":                     {"server/tablet"},
	"go.etcd.io/etcd":                     {"server/metastore"},
	"github.com/apache/iceberg-go":        {"lake/iceberg"},
	"github.com/minio/minio-go":           {"lake/objstore"},
	"github.com/spf13/cobra":              {"server/cmd"},
	"github.com/alecthomas/participle":    {"flight/filter"},
	"github.com/prometheus/client_golang": {"server"},
	"github.com/stretchr/testify":         {"e2e", "lake/objstore/miniotest"},
}

const vfs = "github.com/cockroachdb/pebble/v2/vfs"

func TestThirdPartiesStayBehindTheirFences(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for third, allowed := range fences {
				if !strings.HasPrefix(imported, third) || imported == vfs || strings.HasPrefix(imported, vfs+"/") {
					continue
				}
				if !slices.ContainsFunc(allowed, func(f string) bool { return from == f || strings.HasPrefix(from, f+"/") }) {
					t.Errorf("%s imports %s, which only %v may", from, imported, allowed)
				}
			}
		}
	}
}

func TestNoDrawersForOddThings(t *testing.T) {
	for _, p := range packages(t) {
		for _, part := range strings.Split(strings.TrimPrefix(p.ImportPath, module), "/") {
			require.NotContains(t, []string{"util", "utils", "common", "types", "helpers", "misc", "shared"}, part, p.ImportPath)
		}
	}
}
