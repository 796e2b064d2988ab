package logstore

import (
	"container/list"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/ids"
)

type fileKey struct {
	log  *Log
	base ids.Offset
}

// file is a segment opened for reading. Who got it from fileCache.acquire gives
// it back with release.
type file struct {
	vfs.File
	key  fileKey
	path string
	refs int           // guarded by fileCache.mu
	elem *list.Element // nil when it left the cache; guarded by fileCache.mu
	// foot is the footer once somebody has read it.
	foot atomic.Pointer[footer]
}

// fileCache keeps files open that were read lately, at most limit of them
// beside those in use.
type fileCache struct {
	fs    vfs.FS
	limit int

	mu     sync.Mutex // guards what follows; never held over I/O
	files  map[fileKey]*file
	recent list.List // of *file, the last used first
}

func (c *fileCache) acquire(key fileKey, path string) (*file, error) {
	c.mu.Lock()
	if f := c.files[key]; f != nil {
		f.refs++
		c.recent.MoveToFront(f.elem)
		c.mu.Unlock()
		return f, nil
	}
	c.mu.Unlock()
	handle, err := c.fs.Open(path)
	if err != nil {
		return nil, err
	}
	f := &file{File: handle, key: key, path: path, refs: 1}
	c.mu.Lock()
	if other := c.files[key]; other != nil {
		other.refs++
		c.mu.Unlock()
		_ = handle.Close() // read only: nothing to lose
		return other, nil
	}
	c.files[key] = f
	f.elem = c.recent.PushFront(f)
	idle := c.evictLocked()
	c.mu.Unlock()
	closeAll(idle)
	return f, nil
}

// ref takes another reference to a file that the caller has.
func (c *fileCache) ref(f *file) {
	c.mu.Lock()
	f.refs++
	c.mu.Unlock()
}

func (c *fileCache) release(f *file) {
	c.mu.Lock()
	f.refs--
	var idle []*file
	if f.refs == 0 && f.elem == nil {
		idle = []*file{f}
	}
	idle = append(idle, c.evictLocked()...)
	c.mu.Unlock()
	closeAll(idle)
}

// evictLocked takes out files that nobody uses, the longest unused first, until
// the limit is kept, and returns those to close.
func (c *fileCache) evictLocked() (idle []*file) {
	for e := c.recent.Back(); e != nil && c.recent.Len() > c.limit; {
		f, prev := e.Value.(*file), e.Prev()
		if f.refs == 0 {
			c.removeLocked(f)
			idle = append(idle, f)
		}
		e = prev
	}
	return idle
}

func (c *fileCache) removeLocked(f *file) {
	c.recent.Remove(f.elem)
	f.elem = nil
	delete(c.files, f.key)
}

// drop forgets a segment: its file is closed when the last reader leaves it.
func (c *fileCache) drop(keys ...fileKey) {
	var idle []*file
	c.mu.Lock()
	for _, key := range keys {
		f := c.files[key]
		if f == nil {
			continue
		}
		c.removeLocked(f)
		if f.refs == 0 {
			idle = append(idle, f)
		}
	}
	c.mu.Unlock()
	closeAll(idle)
}

// dropAll forgets every segment.
func (c *fileCache) dropAll() {
	c.mu.Lock()
	keys := make([]fileKey, 0, len(c.files))
	for key := range c.files {
		keys = append(keys, key)
	}
	c.mu.Unlock()
	c.drop(keys...)
}

func (c *fileCache) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.files)
}

func closeAll(files []*file) {
	for _, f := range files {
		_ = f.Close() // read only: nothing to lose
	}
}

// isMissing reports whether err says that a file or directory does not exist.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
