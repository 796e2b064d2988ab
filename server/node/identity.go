package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/metastore"
)

// serverID returns the id that this data directory has had since its first
// start; then it takes one and writes it down.
func serverID(ctx context.Context, files vfs.FS, path string, meta *metastore.Store) (ids.ServerID, error) {
	f, err := files.Open(path)
	switch {
	case err == nil:
		defer func() { _ = f.Close() }() // read only
		text, err := io.ReadAll(io.LimitReader(f, 32))
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", path, err)
		}
		id, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
		if err != nil || id < 1 {
			return 0, errcode.New(errcode.Corrupt, err, "%s holds %q, not a server id", path, text)
		}
		return ids.ServerID(id), nil
	case !errors.Is(err, fs.ErrNotExist):
		return 0, fmt.Errorf("opening %s: %w", path, err)
	}
	id, err := meta.NextServerID(ctx)
	if err != nil {
		return 0, err
	}
	return id, writeSynced(files, path, strconv.Itoa(int(id))+"\n")
}

// writeSynced writes a small file so that a crash leaves all of it or nothing.
func writeSynced(files vfs.FS, path, text string) error {
	temporary := path + ".tmp"
	f, err := files.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", temporary, err)
	}
	if err := files.Rename(temporary, path); err != nil {
		return err
	}
	dir, err := files.OpenDir(files.PathDir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
