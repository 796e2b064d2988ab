package wal

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"
)

// TestGoldenBytes pins version 1: what it wrote stays readable, and is written
// the same way.
func TestGoldenBytes(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	o.Rand = bytes.NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9})
	w, _ := mustOpen(t, o, 0)
	require.NoError(t, w.Save(state(3, 1), []*pb.Entry{entry(3, 1, 0), entry(3, 2, 13)}, true))
	require.NoError(t, w.Close())
	path := fs.PathJoin("wal", fileName(1))
	got := hex.EncodeToString(readFile(t, fs, path))

	golden, err := os.ReadFile("testdata/v1.hex")
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(golden)), got)

	var types []Type
	_, _, err = Inspect(fs, path, func(r Record) error { types = append(types, r.Type); return nil })
	require.NoError(t, err)
	require.Equal(t, []Type{TypeFile, TypeHardState, TypeEntry, TypeEntry}, types)
}
