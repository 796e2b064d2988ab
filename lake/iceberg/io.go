package iceberg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	iceio "github.com/apache/iceberg-go/io"

	"github.com/fluss-go/fluss/lake/objstore"
)

// wholeBytes is the size up to which a file is read at once: metadata and manifests
// are read from end to end.
const wholeBytes = 8 << 20

// storeIO gives iceberg-go the objects of a store, whose locations are URLs below
// the store's. It is made for one operation, whose context it has.
type storeIO struct {
	ctx   context.Context //nolint:containedctx // iceberg-go's interfaces have none
	store objstore.Store
}

var (
	_ iceio.WriteFileIO = (*storeIO)(nil)
	_ iceio.ReadFileIO  = (*storeIO)(nil)
)

// keyOf returns the key of a location.
func keyOf(store objstore.Store, location string) (string, error) {
	key, ok := strings.CutPrefix(location, store.URL()+"/")
	if !ok {
		return "", fmt.Errorf("%s is not in the lake at %s", location, store.URL())
	}
	return key, nil
}

func pathError(op, name string, err error) error {
	if errors.Is(err, objstore.ErrNotFound) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (s *storeIO) Open(name string) (iceio.File, error) {
	key, err := keyOf(s.store, name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	var o objstore.Object
	err = objstore.Retry(s.ctx, func() (err error) {
		o, err = s.store.Stat(s.ctx, key)
		return err
	})
	if err != nil {
		return nil, pathError("open", name, err)
	}
	f := &openFile{io: s, object: o}
	if o.Size <= wholeBytes {
		data, err := s.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f.SectionReader = io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
		return f, nil
	}
	f.SectionReader = io.NewSectionReader(ranges{s, key}, 0, o.Size)
	return f, nil
}

func (s *storeIO) ReadFile(name string) ([]byte, error) {
	key, err := keyOf(s.store, name)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	var data []byte
	err = objstore.Retry(s.ctx, func() error {
		body, err := s.store.Get(s.ctx, key, 0, -1)
		if err != nil {
			return err
		}
		data, err = io.ReadAll(body)
		return errors.Join(err, body.Close())
	})
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (s *storeIO) Remove(name string) error {
	key, err := keyOf(s.store, name)
	if err == nil {
		err = objstore.Retry(s.ctx, func() error { return s.store.Delete(s.ctx, key) })
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	return nil
}

func (s *storeIO) WriteFile(name string, p []byte) error {
	key, err := keyOf(s.store, name)
	if err == nil {
		err = objstore.Retry(s.ctx, func() error { return s.store.Put(s.ctx, key, bytes.NewReader(p), int64(len(p))) })
	}
	if err != nil {
		return pathError("write", name, err)
	}
	return nil
}

// Create collects a file in memory: what iceberg-go writes are metadata and manifests.
func (s *storeIO) Create(name string) (iceio.FileWriter, error) {
	if _, err := keyOf(s.store, name); err != nil {
		return nil, pathError("create", name, err)
	}
	return &fileWriter{io: s, name: name}, nil
}

type fileWriter struct {
	bytes.Buffer
	io     *storeIO
	name   string
	closed bool
}

func (w *fileWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.io.WriteFile(w.name, w.Bytes())
}

// ranges reads an object piece by piece.
type ranges struct {
	io  *storeIO
	key string
}

func (r ranges) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var n int
	err := objstore.Retry(r.io.ctx, func() error {
		body, err := r.io.store.Get(r.io.ctx, r.key, off, int64(len(p)))
		if err != nil {
			return err
		}
		n, err = io.ReadFull(body, p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil // the object is shorter; the store tells of reads that were cut
		}
		return errors.Join(err, body.Close())
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// openFile is an open object.
type openFile struct {
	*io.SectionReader
	io     *storeIO
	object objstore.Object
}

func (f *openFile) Close() error               { return nil }
func (f *openFile) Stat() (fs.FileInfo, error) { return info{f.object}, nil }

// info is what the object is, as a file.
type info struct{ o objstore.Object }

func (i info) Name() string       { return i.o.Key[strings.LastIndexByte(i.o.Key, '/')+1:] }
func (i info) Size() int64        { return i.o.Size }
func (i info) Mode() fs.FileMode  { return 0o444 }
func (i info) ModTime() time.Time { return i.o.Modified }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
