package objstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// partBytes is the size of the parts of large objects, and the size up to which
	// objects are written at once. A write holds that much in memory, or the object when it is smaller.
	partBytes = 16 << 20
	// s3Attempts is how often minio-go sends a request, see S3.
	s3Attempts = 8
	// conflictAttempts is how often a conditional write is sent that S3 wants to be repeated, because
	// it met another write or a removal of the object.
	conflictAttempts = 5
	conflictWait     = 50 * time.Millisecond
	// tokenHeader is metadata of an object: which call wrote it.
	tokenHeader = "Fluss-Write"
	// maxPrefixBytes and maxKeyBytes together are less than the 1024 bytes that S3 allows.
	maxPrefixBytes = 120
)

// S3 is a Store in a bucket of S3, or of what speaks its protocol.
//
// What fails for a while is tried again by minio-go: connections that are refused or
// break off, and the statuses 408, 429, 499, 500, 502, 503, 504 and 520. It sends a
// request up to s3Attempts times, and waits between them for a random time of up
// to 0.2, 0.4, 0.8 and then 1 second: on average 3 seconds in all. A read that breaks off after
// Get returned is the caller's to repeat. What fails then may be tried again later; a call
// that fails otherwise than with ErrExists or ErrNotFound may have done its work.
//
// The parts of a large write that a crash ended are no object, and stay in the bucket until
// its life cycle rule (AbortIncompleteMultipartUpload) removes them.
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
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
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
		BucketLookup: lookup, Transport: transport, MaxRetries: s3Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("the S3 client cannot be made: %w", err)
	}
	s := &S3{core: core, bucket: place.Host, transport: transport}
	if p := strings.Trim(place.Path, "/"); p != "" {
		if err := checkKey(p); err != nil || len(p) > maxPrefixBytes {
			return nil, fmt.Errorf("%s: the path in the bucket must have at most %d bytes, and no empty parts, . or ..", place, maxPrefixBytes)
		}
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
func (s *S3) s3Error(key string, err error) error {
	if err == nil {
		return nil
	}
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey:
		return fmt.Errorf("%s: %w", key, ErrNotFound)
	case r.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%s: %w", key, ErrExists)
	case r.Code == minio.NoSuchBucket:
		return fmt.Errorf("object %s: the bucket %s is no longer there: make it again: %w", key, s.bucket, err)
	}
	return fmt.Errorf("object %s: %w", key, err)
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return s.put(ctx, key, body, size, false)
}

// PutIfAbsent implements Store, by a conditional write (If-None-Match: *).
func (s *S3) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return s.put(ctx, key, body, size, true)
}

// put writes an object that knows which call wrote it. So a call whose answer was lost and
// that minio-go repeats is not told that its own object is in its way, or that the upload it
// has ended does not exist.
func (s *S3) put(ctx context.Context, key string, body io.Reader, size int64, ifAbsent bool) error {
	if err := checkKey(key); err != nil {
		return err
	}
	var token string
	var o minio.PutObjectOptions
	o.PartSize = partBytes
	if ifAbsent {
		o.SetMatchETagExcept("*")
	}
	if ifAbsent || size > partBytes {
		token = rand.Text()
		o.UserMetadata = map[string]string{tokenHeader: token}
	}
	err := s.send(ctx, key, &exact{key: key, body: body, size: size}, size, o)
	if err == nil || token == "" {
		return s.s3Error(key, err)
	}
	if r := minio.ToErrorResponse(err); r.StatusCode == http.StatusPreconditionFailed || r.Code == minio.NoSuchUpload {
		info, statErr := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
		if statErr != nil && minio.ToErrorResponse(statErr).Code != minio.NoSuchKey {
			return fmt.Errorf("object %s: who wrote it is not known: %w", key, statErr)
		}
		if info.UserMetadata[tokenHeader] == token {
			return nil
		}
	}
	return s.s3Error(key, err)
}

// send writes an object. minio-go repeats only what can be read again, so a small one is
// read into memory first; of a large one minio-go does that for each part.
func (s *S3) send(ctx context.Context, key string, body io.Reader, size int64, o minio.PutObjectOptions) error {
	if size > partBytes {
		_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix+key, body, size, o)
		return err
	}
	var data bytes.Buffer
	data.Grow(int(max(size, 0)) + bytes.MinRead) // the room that ReadFrom wants to see the end
	if _, err := data.ReadFrom(body); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix+key, bytes.NewReader(data.Bytes()), size, o)
		if minio.ToErrorResponse(err).Code != "ConditionalRequestConflict" || attempt == conflictAttempts {
			return err
		}
		select {
		case <-time.After(conflictWait << attempt):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Get implements Store.
func (s *S3) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := checkRange(key, off); err != nil {
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
		return nil, s.s3Error(key, err)
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
		return Object{}, s.s3Error(key, err)
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
				yield(Object{}, s.s3Error(prefix, info.Err))
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
			return s.s3Error(key, err)
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
