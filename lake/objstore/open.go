package objstore

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Options say how a store that speaks S3 is reached. Other stores do not look at them.
type Options struct {
	// Endpoint is a URL like http://127.0.0.1:9000, without a path; empty means AWS.
	Endpoint string
	// Region of the bucket; when empty the store is asked for it.
	Region string
	// PathStyle addresses objects as endpoint/bucket/key, and not as bucket.endpoint/key. MinIO
	// needs it, unless it is set up with a domain.
	PathStyle bool
	// AccessKey and SecretKey are static keys; both are needed.
	AccessKey, SecretKey string
}

// Open opens the store at place: s3://bucket/prefix, file:///path, a path, or mem://,
// which is a new one. A bucket must exist; a directory is made. The caller closes it.
// What fails for a while is tried again where that can help: see S3.
func Open(ctx context.Context, place string, o Options) (Store, error) {
	scheme, rest, ok := strings.Cut(place, "://")
	if !ok {
		if place == "" {
			return nil, fmt.Errorf("the place of the lake is empty: name a directory or s3://bucket/prefix")
		}
		return OpenDir(place)
	}
	switch scheme {
	case "mem":
		return &Memory{}, nil
	case "file":
		if !strings.HasPrefix(rest, "/") {
			return nil, fmt.Errorf("%q is no place: a file URL has three slashes and an absolute path", place)
		}
		return OpenDir(rest)
	case "s3":
		u, err := url.Parse(place)
		if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return nil, fmt.Errorf("%q is no place in an object store: write s3://bucket/prefix", place)
		}
		if o.AccessKey == "" || o.SecretKey == "" {
			return nil, fmt.Errorf("%s needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", place)
		}
		return openS3(ctx, u, o)
	}
	return nil, fmt.Errorf("%q is no place: the lake is in a directory or at s3://bucket/prefix", place)
}
