package objstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// partial is where objects are written before they get their name; no key leads into it.
const partial = ".partial"

// placeAttempts bounds how often an object is given its name while others remove directories.
const placeAttempts = 100

// Dir is a Store in a local directory: an object is a file, so of an object a and an
// object a/b there can be one only. Several processes may use a directory at once.
type Dir struct{ root string }

var _ Store = (*Dir)(nil)

// OpenDir opens or makes the directory, and removes what writes that a crash
// ended have left.
func OpenDir(path string) (*Dir, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{root}
	if err := os.MkdirAll(filepath.Join(root, partial), 0o755); err != nil {
		return nil, fmt.Errorf("the directory of the lake cannot be made: %w", err)
	}
	if err := d.sweep(); err != nil {
		return nil, fmt.Errorf("the directory of the lake cannot be used: %w", err)
	}
	return d, nil
}

// sweep removes unfinished objects that no process writes: who writes one holds a lock of it.
func (d *Dir) sweep() error {
	left, err := os.ReadDir(filepath.Join(d.root, partial))
	if err != nil {
		return err
	}
	for _, entry := range left {
		f, err := os.Open(filepath.Join(d.root, partial, entry.Name()))
		if absent(err) {
			continue // its writer has finished it
		}
		if err != nil {
			return err
		}
		if lock(f) == nil {
			err = os.Remove(f.Name())
		}
		if _ = f.Close(); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// create makes a file for an unfinished object, and locks it until it is closed.
func (d *Dir) create() (*os.File, error) {
	for range placeAttempts {
		f, err := os.OpenFile(filepath.Join(d.root, partial, rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		if err = lock(f); err == nil {
			_, err = os.Stat(f.Name())
		}
		if err == nil {
			return f, nil
		}
		_ = f.Close() // a sweep came between
	}
	return nil, fmt.Errorf("no file in %s stays", filepath.Join(d.root, partial))
}

// lock takes the lock of a file that nobody holds.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

func (d *Dir) file(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	if key == partial || strings.HasPrefix(key, partial+"/") {
		return "", fmt.Errorf("object key %q: %s is where unfinished objects are", key, partial)
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

// Put implements Store.
func (d *Dir) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return d.put(ctx, key, body, size, os.Rename)
}

// PutIfAbsent implements Store.
func (d *Dir) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return d.put(ctx, key, body, size, os.Link)
}

// put writes a file of its own, syncs it and gives it its name by place.
func (d *Dir) put(ctx context.Context, key string, body io.Reader, size int64, place func(from, to string) error) (err error) {
	path, err := d.file(key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := d.create()
	if err != nil {
		return err
	}
	defer func() {
		_ = os.Remove(f.Name()) // it is gone when it was renamed
		_ = f.Close()           // and was synced
	}()
	_, err = io.Copy(f, &exact{key: key, body: body, size: size})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if err = d.place(f.Name(), path, place); err == nil {
		err = d.syncUp(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// place gives a file its name, in a directory that it makes. Beside it a Delete may take away
// directories that are empty.
func (d *Dir) place(from, to string, place func(from, to string) error) (err error) {
	for range placeAttempts {
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			if errors.Is(err, syscall.ENOTDIR) {
				return err // an object is in the way
			}
			continue
		}
		err = place(from, to)
		if errors.Is(err, fs.ErrExist) {
			if info, err := os.Stat(to); err == nil && info.IsDir() {
				return errors.New("it has objects below it, and cannot be one in a directory")
			}
			return ErrExists
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// syncUp makes the names in a directory durable, and those of the directories on the way
// to it: another write may have made one of them, and not come to syncing it.
func (d *Dir) syncUp(dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		f, err := os.Open(dir)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil && !absent(err) { // absent when a Delete of the object was quicker
			return err
		}
		if dir == d.root {
			return err
		}
	}
}

// absent tells whether an error says that there is no such file: a part of the
// key may be one.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// Get implements Store.
func (d *Dir) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	path, err := d.file(key)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(ctx.Err(), checkRange(key, off)); err != nil {
		return nil, err
	}
	if _, err := d.Stat(ctx, key); err != nil {
		return nil, err // a directory is no object
	}
	f, err := os.Open(path)
	if absent(err) {
		return nil, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if length < 0 {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	return section{io.NewSectionReader(f, off, length), f}, nil
}

type section struct {
	io.Reader
	io.Closer
}

// Stat implements Store.
func (d *Dir) Stat(ctx context.Context, key string) (Object, error) {
	path, err := d.file(key)
	if err != nil {
		return Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	info, err := os.Stat(path)
	if absent(err) || err == nil && info.IsDir() {
		return Object{}, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	if err != nil {
		return Object{}, err
	}
	return Object{key, info.Size(), info.ModTime()}, nil
}

// List implements Store.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		found, err := d.walk(ctx, prefix)
		if err != nil {
			yield(Object{}, err)
			return
		}
		yieldSorted(ctx, found, yield)
	}
}

// walk looks through the directory that all keys with the prefix are in.
func (d *Dir) walk(ctx context.Context, prefix string) (found []Object, err error) {
	start := d.root
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if start, err = d.file(prefix[:i]); err != nil {
			return nil, err
		}
	}
	err = filepath.WalkDir(start, func(path string, entry fs.DirEntry, err error) error {
		if absent(err) {
			return nil // it went meanwhile
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == filepath.Join(d.root, partial) {
				return fs.SkipDir
			}
			return nil
		}
		key := filepath.ToSlash(strings.TrimPrefix(path, d.root+string(filepath.Separator)))
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		info, err := entry.Info()
		if absent(err) {
			return nil
		}
		if err == nil {
			found = append(found, Object{key, info.Size(), info.ModTime()})
		}
		return err
	})
	return found, err
}

// Delete implements Store. Directories that get empty are removed.
func (d *Dir) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		path, err := d.file(key)
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue
		}
		if err := os.Remove(path); err != nil && !absent(err) {
			return err
		}
		for dir := filepath.Dir(path); dir != d.root; dir = filepath.Dir(dir) {
			if os.Remove(dir) != nil {
				break // it has other objects
			}
		}
	}
	return nil
}

// URL implements Store.
func (d *Dir) URL() string { return "file://" + filepath.ToSlash(d.root) }

// Close implements Store.
func (d *Dir) Close() error { return nil }
