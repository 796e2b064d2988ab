package kvstore

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

func set(t *testing.T, s *Store, key, value string) {
	t.Helper()
	b := s.NewBatch()
	require.NoError(t, b.Set([]byte(key), []byte(value)))
	require.NoError(t, b.Commit())
}

func content(t *testing.T, s *Store, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, s.Scan([]byte(prefix), func(k, v []byte) error {
		out[string(k)] = string(v)
		return nil
	}))
	return out
}

func TestFlushedSurvivesAndTheRestDoesNot(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s, err := Open(Options{FS: fs, Dir: "kv"})
	require.NoError(t, err)
	set(t, s, "a1", "x")
	set(t, s, "a2", "y")
	set(t, s, "b", "z")
	require.NoError(t, s.Flush(context.Background()))
	require.NoError(t, s.Flush(context.Background()))
	b := s.NewBatch()
	require.NoError(t, b.DeleteRange([]byte("a"), After([]byte("a"))))
	require.NoError(t, b.Delete([]byte("b")))
	require.NoError(t, b.Set([]byte("a3"), nil))
	require.Positive(t, b.Len())
	require.NoError(t, b.Commit())
	require.Equal(t, map[string]string{"a3": ""}, content(t, s, ""))
	_, ok, err := s.Get([]byte("b"))
	require.NoError(t, err)
	require.False(t, ok)
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Error(t, s.Flush(context.Background()))

	s, err = Open(Options{FS: crashed, Dir: "kv"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a1": "x", "a2": "y"}, content(t, s, "a"))
	v, ok, err := s.Get([]byte("b"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "z", string(v))
	require.NoError(t, s.Close())
}

// TestFlushFails: a flush that cannot write tells so, and a later one may work.
// The name of a manifest is durable before the marker that names it is made.
func TestManifestBeforeMarker(t *testing.T) {
	unsynced, markers, early := false, 0, 0
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		name := path.Base(op.Path)
		switch {
		case op.Kind == errorfs.OpCreate && strings.HasPrefix(name, "MANIFEST"):
			unsynced = true
		case op.Kind == errorfs.OpFileSync && name == "kv":
			unsynced = false
		case op.Kind == errorfs.OpCreate && strings.HasPrefix(name, "marker.manifest"):
			markers++
			if unsynced {
				early++
			}
		}
		return nil
	}))
	for range 3 {
		s, err := Open(Options{FS: fs, Dir: "kv"})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	require.GreaterOrEqual(t, markers, 3)
	require.Zero(t, early)
}

func TestFlushFails(t *testing.T) {
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpCreate {
			return errors.New("no room")
		}
		return nil
	}))
	s, err := Open(Options{FS: fs, Dir: "kv"})
	require.NoError(t, err)
	set(t, s, "a", "x")
	broken.Store(true)
	require.Error(t, s.Flush(context.Background()))
	broken.Store(false)
	require.Eventually(t, func() bool { // an attempt of the store itself may still be failing
		return s.Flush(context.Background()) == nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
}

func TestAfter(t *testing.T) {
	require.Equal(t, []byte{1, 3}, After([]byte{1, 2}))
	require.Equal(t, []byte{2}, After([]byte{1, 255}))
	require.Nil(t, After([]byte{255, 255}))
	require.Nil(t, After(nil))
}

// A damaged file fails the reads that meet it; it neither ends the process nor
// makes them wait for ever.
func TestDamageIsReported(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(Options{FS: fs, Dir: "kv"})
	require.NoError(t, err)
	set(t, s, "a", "the value of a")
	require.NoError(t, s.Flush(context.Background()))
	require.NoError(t, s.Close())
	path := flipFirstBlock(t, fs, "kv")

	s, err = Open(Options{FS: fs, Dir: "kv"})
	require.NoError(t, err)
	_, _, err = s.Get([]byte("a"))
	requireDamage(t, err, path)
	requireDamage(t, s.Scan([]byte("a"), func([]byte, []byte) error { return nil }), path)
	require.NoError(t, s.Close())
}

// flipFirstBlock flips a bit in the first block of the one table in dir and
// returns the table's path.
func flipFirstBlock(t *testing.T, fs vfs.FS, dir string) string {
	t.Helper()
	names, err := fs.List(dir)
	require.NoError(t, err)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".sst") })
	require.Len(t, names, 1)
	path := fs.PathJoin(dir, names[0])
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, 8)
	require.NoError(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b, 8)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path
}

func requireDamage(t *testing.T, err error, path string) {
	t.Helper()
	require.Equal(t, errcode.Corrupt, errcode.Of(err), "%v", err)
	require.Equal(t, path, errcode.From(err).Facts["segment"])
}
