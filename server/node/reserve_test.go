package node

import (
	"context"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
)

func TestReserve(t *testing.T) {
	fs := vfs.NewMem()
	require.NoError(t, fs.MkdirAll("data", 0o755))
	free := int64(10 * reserveBytes)
	r := &reserve{fs: fs, path: "data/reserve", free: func() int64 { return free }, log: slog.New(slog.DiscardHandler)}
	kept := func() bool { _, err := fs.Stat(r.path); return err == nil }
	call := func(method string) error {
		_, err := r.guard(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/fluss.v1.Admin/" + method},
			func(context.Context, any) (any, error) { return 1, nil })
		return err
	}

	r.check()
	require.True(t, r.held.Load() && kept())
	require.NoError(t, call("CreateTable"))

	free = reserveBytes / 4
	r.check()
	require.False(t, r.held.Load() || kept(), "the room is given away")
	require.ErrorIs(t, call("CreateTable"), &errcode.Error{Code: errcode.DiskFull})
	require.NoError(t, call("DropTable"), "dropping makes room")
	require.NoError(t, call("AlterTable"), "so does a shorter retention")

	free += reserveBytes // what was given away is no reason to take it again
	r.check()
	require.False(t, r.held.Load())

	free = 3 * reserveBytes
	r.check()
	require.True(t, r.held.Load() && kept())
	require.NoError(t, call("CreateTable"))
}
