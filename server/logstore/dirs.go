package logstore

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// dirSyncer syncs directories; calls for one directory that meet share a sync.
type dirSyncer struct {
	fs   vfs.FS
	root string

	mu sync.Mutex // guards what follows; never held over I/O
	// durable are directories whose entry in their parent is known to be synced.
	durable map[string]bool
	// waiting syncs have not begun, so whoever comes may join; running ones have.
	waiting, running map[string]*dirSync
}

type dirSync struct {
	done chan struct{}
	err  error // set before done is closed
}

// sync makes the entries that dir has when it is called durable.
func (d *dirSyncer) sync(dir string) error {
	d.mu.Lock()
	if w := d.waiting[dir]; w != nil {
		d.mu.Unlock()
		<-w.done
		return w.err
	}
	w := &dirSync{done: make(chan struct{})}
	d.waiting[dir] = w
	before := d.running[dir]
	d.mu.Unlock()
	if before != nil {
		<-before.done
	}
	d.mu.Lock()
	delete(d.waiting, dir)
	d.running[dir] = w
	d.mu.Unlock()
	w.err = d.syncNow(dir)
	d.mu.Lock()
	if d.running[dir] == w {
		delete(d.running, dir)
	}
	d.mu.Unlock()
	close(w.done)
	return w.err
}

func (d *dirSyncer) syncNow(dir string) error {
	f, err := d.fs.OpenDir(dir)
	if err != nil {
		return &openDirError{err}
	}
	err = f.Sync()
	_ = f.Close() // nothing was written through it
	return err
}

// openDirError says that a directory could not be opened: nothing was tried
// that must not be tried again.
type openDirError struct{ error }

func (e *openDirError) Unwrap() error { return e.error }

// syncUp makes dir's entries durable and, once per process, those of the
// directories above that lead to it.
func (d *dirSyncer) syncUp(dir string) error {
	if err := d.sync(dir); err != nil {
		return err
	}
	for at := dir; at != d.root; {
		parent := d.fs.PathDir(at)
		if parent == at || parent == "" {
			return nil
		}
		d.mu.Lock()
		known := d.durable[at]
		d.mu.Unlock()
		if !known {
			if err := d.sync(parent); err != nil {
				return err
			}
			d.mu.Lock()
			d.durable[at] = true
			d.mu.Unlock()
		}
		at = parent
	}
	return nil
}

// forget says that dir was removed.
func (d *dirSyncer) forget(dir string) {
	d.mu.Lock()
	delete(d.durable, dir)
	d.mu.Unlock()
}
