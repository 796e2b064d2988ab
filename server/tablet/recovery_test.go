package tablet

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// TestUnrecoveredRowsAreNotMissed: when the write-ahead log is damaged in its
// middle, the logs have only what the last checkpoint had. That is not served as
// if it were all.
func TestUnrecoveredRowsAreNotMissed(t *testing.T) {
	fs := vfs.NewCrashableMem()
	h := openHost(t, testOptions(fs))
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 1)
	require.NoError(t, appendNow(tab, bucket1, makeBatch(1, 0, 1, 64)).Err)
	require.NoError(t, h.Checkpoint(context.Background()))
	for seq := range 20 {
		require.NoError(t, appendNow(tab, bucket1, makeBatch(1, ids.Sequence(seq+1), 1, 64)).Err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, h.Close())
	flipMiddleOfWAL(t, crashed, testOptions(crashed).Dir)

	h = openHost(t, testOptions(crashed))
	defer func() { require.NoError(t, h.Close()) }()
	tab = tabletOf(t, h, 1)
	require.Equal(t, StateFailed, tab.Status().State)
	_, err := tab.Log(bucket1)
	require.Equal(t, errcode.Corrupt, errcode.Of(err), "%v", err)
	require.NotEmpty(t, errcode.From(err).Facts["segment"], "%v", err)
	require.NotEmpty(t, errcode.From(err).Facts["position"], "%v", err)
}

// flipMiddleOfWAL changes a byte in the middle of what tablet 1's log has.
func flipMiddleOfWAL(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	wal := fs.PathJoin(dir, "tablet", "1", "wal")
	names, err := fs.List(wal)
	require.NoError(t, err)
	for _, name := range names {
		if !strings.HasSuffix(name, ".wal") {
			continue
		}
		f, err := fs.OpenReadWrite(fs.PathJoin(wal, name), vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		data, err := io.ReadAll(f)
		require.NoError(t, err)
		used := len(strings.TrimRight(string(data), "\x00"))
		_, err = f.WriteAt([]byte{data[used/2] ^ 1}, int64(used/2))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}
