package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// partBytes is the size of the parts of large objects; one is in memory at a time.
	partBytes = 16 << 20
	// s3Retries is how often a request that failed for a while is tried; minio-go waits
	// longer each time, about 10 s in all. What fails after that may be tried again later.
	s3Retries = 5
)

// S3 is a Store in a bucket of S3, or of what speaks its protocol.
type S3 struct {
	core           *minio.Core
	bucket, prefix string // prefix ends in a slash, or is empty
	transport      *http.Transport
}

var _ Store = (*S3)(nil)

// openS3 makes a store of the objects below s3://bucket/prefix. The bucket must exist.
func openS3(ctx context.Context, place *url.URL, o Options) (*S3, error) {
	endpoint, secure := "s3.amazonaws.com", true
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("the S3 endpoint %q is no URL like http://host:9000", o.Endpoint)
		}
		endpoint, secure = u.Host, u.Scheme == "https"
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: secure, Region: o.Region,
		BucketLookup: lookup, Transport: transport, MaxRetries: s3Retries,
	})
	if err != nil {
		return nil, fmt.Errorf("the S3 client cannot be made: %w", err)
	}
	s := &S3{core: core, bucket: place.Host, transport: transport}
	if p := strings.Trim(place.Path, "/"); p != "" {
		s.prefix = p + "/"
	}
	exists, err := core.BucketExists(ctx, s.bucket)
	if err != nil {
		return nil, fmt.Errorf("the bucket %s at %s cannot be asked for, check the endpoint and the keys: %w", s.bucket, endpoint, err)
	}
	if !exists {
		return nil, fmt.Errorf("there is no bucket %s at %s: make it, or name another", s.bucket, endpoint)
	}
	return s, nil
}

// s3Error gives what minio-go answers the errors of a Store.
func s3Error(key string, err error) error {
	if err == nil {
		return nil
	}
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey, r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket:
		return fmt.Errorf("%s: %w", key, ErrNotFound)
	case r.StatusCode == http.StatusPreconditionFailed, r.Code == "ConditionalRequestConflict":
		return fmt.Errorf("%s: %w", key, ErrExists)
	}
	return fmt.Errorf("object %s: %w", key, err)
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return s.put(ctx, key, body, size, minio.PutObjectOptions{})
}

// PutIfAbsent implements Store. The answer to a write may get lost and the
// write be repeated, so ErrExists may tell of the caller's own object.
func (s *S3) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	var o minio.PutObjectOptions
	o.SetMatchETagExcept("*")
	return s.put(ctx, key, body, size, o)
}

func (s *S3) put(ctx context.Context, key string, body io.Reader, size int64, o minio.PutObjectOptions) error {
	if err := checkKey(key); err != nil {
		return err
	}
	o.PartSize = partBytes
	counted := &counter{r: io.LimitReader(body, size+1)}
	_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix+key, counted, size, o)
	if counted.n != size && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
		return errSize(key, size, counted.n)
	}
	return s3Error(key, err)
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Get implements Store.
func (s *S3) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if length == 0 {
		_, err := s.Stat(ctx, key)
		return http.NoBody, err
	}
	var o minio.GetObjectOptions
	switch {
	case length > 0:
		if err := o.SetRange(off, off+length-1); err != nil {
			return nil, err
		}
	case off > 0:
		if err := o.SetRange(off, 0); err != nil {
			return nil, err
		}
	}
	body, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix+key, o)
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, s3Error(key, err)
	}
	return body, nil
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, key string) (Object, error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return Object{}, s3Error(key, err)
	}
	return Object{key, info.Size, info.LastModified}, nil
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing when yield wants no more
		for info := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
			if info.Err != nil {
				yield(Object{}, s3Error(prefix, info.Err))
				return
			}
			if !yield(Object{strings.TrimPrefix(info.Key, s.prefix), info.Size, info.LastModified}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
		}
	}
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		if err := s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{}); err != nil {
			return s3Error(key, err)
		}
	}
	return nil
}

// URL implements Store.
func (s *S3) URL() string { return strings.TrimSuffix("s3://"+s.bucket+"/"+s.prefix, "/") }

// Close implements Store.
func (s *S3) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
