package catalog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/lake/objstore"
)

// maxMetadataBytes bounds the metadata of one table.
const maxMetadataBytes = 256 << 20

// How often a call of the store that failed is made in all, and how long the first pause is.
const (
	storeAttempts = 3
	storePause    = 20 * time.Millisecond
)

// cleanupTimeout bounds the removal of files that nobody needs any more.
const cleanupTimeout = 10 * time.Second

// storeRetry calls f until it succeeds or tells of an object that is, or is not, there.
func storeRetry(ctx context.Context, f func() error) error {
	pause := storePause
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrExists) || attempt == storeAttempts {
			return err
		}
		if errPause := sleep(ctx, pause); errPause != nil {
			return err
		}
		pause *= 2
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// keyAt returns the store's key of a location. It fails with errInvalid.
func (c *Catalog) keyAt(location string) (string, error) {
	key, ok := strings.CutPrefix(location, c.store.URL()+"/")
	if !ok || key == "" || slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return part == "" || part == "." || part == ".." }) {
		return "", say(errInvalid, "%s is not in the lake at %s", location, c.store.URL())
	}
	return key, nil
}

// metadata reads a metadata file. It fails with objstore.ErrNotFound.
func (c *Catalog) metadata(ctx context.Context, location string) (meta table.Metadata, raw []byte, err error) {
	key, err := c.keyAt(location)
	if err != nil {
		return nil, nil, err
	}
	err = storeRetry(ctx, func() error {
		body, err := c.store.Get(ctx, key, 0, -1)
		if err != nil {
			return err
		}
		raw, err = readBounded(body)
		return errors.Join(err, body.Close())
	})
	if err != nil {
		return nil, nil, err
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %s: %w", errMetadata, location, err)
		}
		if raw, err = readBounded(zip); err != nil {
			return nil, nil, fmt.Errorf("%w: %s: %w", errMetadata, location, err)
		}
	}
	err = guarded(func() (err error) {
		meta, err = table.ParseMetadataBytes(raw)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", errMetadata, location, err)
	}
	return meta, raw, nil
}

// errMetadata tells of a file that is no table's metadata.
var errMetadata = errors.New("the metadata cannot be read")

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxMetadataBytes+1))
	if err == nil && len(data) > maxMetadataBytes {
		err = fmt.Errorf("%w: it has more than %d bytes", errMetadata, maxMetadataBytes)
	}
	return data, err
}

// write puts the metadata of s into a new file, numbered after the one at previous.
func (c *Catalog) write(ctx context.Context, s *state, previous string) error {
	number := -1
	_, _ = fmt.Sscanf(path.Base(previous), "%d-", &number) // the number is for people
	s.Metadata = fmt.Sprintf("%s/metadata/%05d-%s.metadata.json", s.meta.Location(), number+1, uuid.NewString())
	key, err := c.keyAt(s.Metadata)
	if err != nil {
		return err
	}
	err = guarded(func() error {
		if s.raw, err = json.Marshal(s.meta); err != nil {
			return err
		}
		_, err = table.ParseMetadataBytes(s.raw)
		return err
	})
	if err != nil { // nobody could read the table any more
		return say(errInvalid, "the change makes metadata that cannot be read: %v", err)
	}
	if len(s.raw) > maxMetadataBytes {
		return say(errInvalid, "the table's metadata would have more than %d bytes", maxMetadataBytes)
	}
	failed := false
	return storeRetry(ctx, func() error {
		err := c.store.PutIfAbsent(ctx, key, bytes.NewReader(s.raw), int64(len(s.raw)))
		if failed && errors.Is(err, objstore.ErrExists) {
			return nil // the name is ours alone: the attempt that failed wrote it
		}
		failed = failed || err != nil
		return err
	})
}

// forget removes metadata files that no table points at. What cannot be removed stays.
func (c *Catalog) forget(ctx context.Context, locations ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	for _, l := range locations {
		if key, err := c.keyAt(l); err == nil {
			_ = c.store.Delete(ctx, key) // an orphan, as after a crash
		}
	}
}

// outdated returns the metadata files that a commit made superfluous: those that the log of base
// has and next's has not, when the table says that they shall go.
func outdated(base, next table.Metadata) []string {
	if base == nil || !next.Properties().GetBool(table.MetadataDeleteAfterCommitEnabledKey, table.MetadataDeleteAfterCommitEnabledDefault) {
		return nil
	}
	kept := map[string]bool{}
	for file := range previous(next) {
		kept[file] = true
	}
	var out []string
	for file := range previous(base) {
		// The log is the clients' word: nothing but metadata of this table is removed for it.
		name, ours := strings.CutPrefix(file, base.Location()+"/metadata/")
		if ours && !kept[file] && !strings.Contains(name, "/") && strings.HasSuffix(name, ".metadata.json") {
			out = append(out, file)
		}
	}
	return out
}

// previous yields the locations of the metadata before this.
func previous(meta table.Metadata) iter.Seq[string] {
	return func(yield func(string) bool) {
		for e := range meta.PreviousFiles() {
			if !yield(e.MetadataFile) {
				return
			}
		}
	}
}

// removeBelow removes all files of a table.
func (c *Catalog) removeBelow(ctx context.Context, location string) error {
	key, err := c.keyAt(location)
	if err != nil {
		return err
	}
	const batch = 500
	var keys []string
	remove := func() error {
		err := storeRetry(ctx, func() error { return c.store.Delete(ctx, keys...) })
		keys = keys[:0]
		return err
	}
	for o, err := range c.store.List(ctx, key+"/") {
		if err != nil {
			return err
		}
		if keys = append(keys, o.Key); len(keys) == batch {
			if err := remove(); err != nil {
				return err
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return remove()
}

// notMetadata makes a failure to read the file that a caller named the caller's, if it is.
func notMetadata(location string, err error) error {
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return say(errInvalid, "there is no file %s", location)
	case errors.Is(err, errMetadata):
		return say(errInvalid, "%v", err)
	}
	return err
}
