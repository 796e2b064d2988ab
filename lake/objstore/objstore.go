// Package objstore keeps objects: on S3 and what speaks its protocol, in a directory,
// or in memory.
package objstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// What a Store answers, wrapped with the key. Anything else is the store's failure, or the caller's
// (a key or a body that cannot be). After a failure of the store the call may be made again; what it was to
// do may be done or not.
var (
	ErrNotFound = errors.New("object does not exist")
	ErrExists   = errors.New("object exists")
)

// Store is a flat set of objects. Keys are UTF-8, relative to the store's root, with
// slashes and no leading one, and without parts that are empty or dots (. and ..). It is safe for concurrent use.
// A write is seen whole or not at all, also after a crash, and is durable when it returns.
type Store interface {
	// Put writes an object of size bytes, whether or not there was one. It fails, and writes
	// nothing, when body has another size.
	Put(ctx context.Context, key string, body io.Reader, size int64) error
	// PutIfAbsent is Put that fails with ErrExists when there is an object, and writes for one
	// of several callers at once. ErrExists tells of another's object; but a caller who repeats a write after a
	// failure may find the one it wrote itself.
	PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error
	// Get reads length bytes from off, or all to the end when length is negative. It
	// fails with ErrNotFound; a range that begins past the end is empty. The caller closes the reader.
	Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error)
	// Stat fails with ErrNotFound.
	Stat(ctx context.Context, key string) (Object, error)
	// List yields the objects whose keys begin with prefix, in order of the bytes of the keys.
	// An error ends it. Objects that are written or removed meanwhile may be in it or not.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes objects; those that do not exist are no error. When it fails some may be gone.
	Delete(ctx context.Context, keys ...string) error
	// URL is where the root is, for other programs: s3://bucket/prefix or file:///path,
	// without a slash at the end.
	URL() string
	// Close ends what the store holds open. It may be called twice.
	Close() error
}

// Object is what a store knows of an object.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}
