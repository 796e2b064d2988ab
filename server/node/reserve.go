package node

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/server/clock"
)

// reserveFile is a file of reserveBytes in the data directory that holds nothing.
const (
	reserveFile  = "reserve"
	reserveBytes = 32 << 20
)

// reserve keeps room on the disk for the metadata: etcd ends the process when it
// cannot write. When the disk is nearly full the file goes, and until there is
// room for it again writes and new tables are refused, so that nothing else takes
// the room.
type reserve struct {
	fs   vfs.FS
	path string
	free func() (bytes int64) // of the disk
	log  *slog.Logger
	held atomic.Bool
}

// check gives the room away, or takes it again.
func (r *reserve) check() {
	free := r.free()
	switch {
	case r.held.Load() && free < reserveBytes/2:
		r.held.Store(false)
		err := r.fs.Remove(r.path)
		r.log.Warn("the disk is nearly full: writes are refused until there is room", "free_bytes", free, "error", err)
	case !r.held.Load() && free >= 2*reserveBytes:
		if err := r.take(); err != nil {
			r.log.Warn("no room is kept for the metadata", "error", err)
			return
		}
		r.held.Store(true)
	}
}

func (r *reserve) take() error {
	if _, err := r.fs.Stat(r.path); err == nil {
		return nil // kept by an earlier start
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := r.fs.Create(r.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Preallocate(0, reserveBytes), f.Close()); err != nil {
		return errors.Join(err, r.fs.Remove(r.path))
	}
	return nil
}

// run checks every so often until ctx ends.
func (r *reserve) run(ctx context.Context, clk clock.Clock, every time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-clk.After(every):
			r.check()
		}
	}
}

// guard refuses new databases, tables and partitions while there is no reserve.
// Dropping and altering go on: they make room, as a shorter table.log.ttl does.
func (r *reserve) guard(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	method := info.FullMethod[strings.LastIndexByte(info.FullMethod, '/')+1:]
	if !r.held.Load() && strings.HasPrefix(method, "Create") {
		return nil, errcode.New(errcode.DiskFull, nil, "the server's disk is full: nothing is created until there is room")
	}
	return next(ctx, req)
}

// diskSpace returns the free and the total bytes of the disk that holds dir, as df
// counts: without what is kept for root or beyond a quota. Zeros when the system
// does not tell.
func diskSpace(dir string) (free, total int64) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0
	}
	used := st.Blocks - st.Bfree
	return int64(st.Bavail) * st.Bsize, int64(used+st.Bavail) * st.Bsize
}
