package node

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/errcode"
)

// lockName is the file that a running server holds locked in its data directory.
const lockName = "LOCK"

// lockDir creates dir and takes its lock, which the returned closer gives back.
// It fails with INVALID_OPTION when another process holds the directory.
func lockDir(fs vfs.FS, dir string) (io.Closer, error) {
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	lock, err := fs.Lock(filepath.Join(dir, lockName))
	if err == nil {
		return lock, nil
	}
	if strings.Contains(err.Error(), "permission denied") {
		return nil, fmt.Errorf("locking the data directory %s: %w", dir, err)
	}
	return nil, errcode.New(errcode.InvalidOption, err,
		"the data directory %s is held by another process: stop the server that uses it, or choose another with --data-dir", dir).With("option", "data-dir")
}
