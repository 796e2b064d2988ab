package kvstore

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS syncs a directory before a marker is made in it. Pebble makes a
// manifest and the marker that names it, and then syncs the directory once: a file
// system that does not keep the order of the two names could lose the first and
// keep the second in a crash, and the store would not open.
type orderedFS struct{ vfs.FS }

const markerPrefix = "marker."

// Create implements vfs.FS.
func (fs orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(fs.PathBase(name), markerPrefix) {
		dir, err := fs.OpenDir(fs.PathDir(name))
		if err == nil {
			err = errors.Join(dir.Sync(), dir.Close())
		}
		if err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, category)
}

// Unwrap implements vfs.FS.
func (fs orderedFS) Unwrap() vfs.FS { return fs.FS }
