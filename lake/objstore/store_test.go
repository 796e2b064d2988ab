package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore/miniotest"
)

// stores are all that there are; S3 is MinIO, when there is one.
func stores(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("memory", func(t *testing.T) { test(t, &Memory{}) })
	t.Run("directory", func(t *testing.T) {
		s, err := OpenDir(filepath.Join(t.TempDir(), "a lake"))
		require.NoError(t, err)
		test(t, s)
	})
	t.Run("faulty without faults", func(t *testing.T) { test(t, NewFaulty(&Memory{}, 1, Faults{})) })
	t.Run("s3", func(t *testing.T) {
		server := miniotest.Start(t)
		s, err := Open(t.Context(), "s3://"+server.Bucket+"/some/prefix/", Options{
			Endpoint: server.Endpoint, Region: "us-east-1", PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.Equal(t, "s3://"+server.Bucket+"/some/prefix", s.URL())
		test(t, s)
	})
}

func put(t *testing.T, s Store, key, text string) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), key, strings.NewReader(text), int64(len(text))))
}

func get(t *testing.T, s Store, key string, off, length int64) string {
	t.Helper()
	r, err := s.Get(t.Context(), key, off, length)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(data)
}

func list(t *testing.T, s Store, prefix string) (keys []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

func TestObjects(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		put(t, s, "a/b/c", "hello, world")
		require.Equal(t, "hello, world", get(t, s, "a/b/c", 0, -1))
		require.Equal(t, "world", get(t, s, "a/b/c", 7, -1))
		require.Equal(t, "lo", get(t, s, "a/b/c", 3, 2))
		require.Equal(t, "world", get(t, s, "a/b/c", 7, 100))
		require.Empty(t, get(t, s, "a/b/c", 3, 0))
		require.Empty(t, get(t, s, "a/b/c", 12, -1))
		require.Empty(t, get(t, s, "a/b/c", 99, 5))
		o, err := s.Stat(ctx, "a/b/c")
		require.NoError(t, err)
		require.Equal(t, "a/b/c", o.Key)
		require.EqualValues(t, 12, o.Size)
		require.False(t, o.Modified.IsZero())
		put(t, s, "a/b/c", "again")
		require.Equal(t, "again", get(t, s, "a/b/c", 0, -1))
		require.ErrorIs(t, s.PutIfAbsent(ctx, "a/b/c", strings.NewReader("x"), 1), ErrExists)
		require.Equal(t, "again", get(t, s, "a/b/c", 0, -1))
		require.NoError(t, s.PutIfAbsent(ctx, "a/empty", strings.NewReader(""), 0))
		require.Empty(t, get(t, s, "a/empty", 0, -1))

		for _, missing := range []string{"nothing", "a/b", "a/b/c/d", "a/b/"} {
			if strings.HasSuffix(missing, "/") {
				continue
			}
			_, err = s.Get(ctx, missing, 0, -1)
			require.ErrorIs(t, err, ErrNotFound, missing)
			_, err = s.Stat(ctx, missing)
			require.ErrorIs(t, err, ErrNotFound, missing)
		}
		require.NoError(t, s.Delete(ctx, "a/b/c", "a/nothing", "a/empty"))
		_, err = s.Stat(ctx, "a/b/c")
		require.ErrorIs(t, err, ErrNotFound)
		require.Empty(t, list(t, s, ""))
	})
}

func TestKeysAndLists(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		keys := []string{
			"t/data/a b.parquet", "t/data/p=ü/x", "t/data/p=%2F/x", "t/data/p=a+b'c/x", "t/data/p=/x"[:len("t/data/p=")] + "null/x",
			"t/data/~(x)!*;:@&=$,?#[]", "t/metadata/00001.json", "t2/metadata/00001.json",
		}
		for _, key := range keys {
			put(t, s, key, key)
		}
		slices.Sort(keys)
		require.Equal(t, keys, list(t, s, ""))
		require.Equal(t, keys[:len(keys)-1], list(t, s, "t/"))
		require.Equal(t, []string{"t2/metadata/00001.json"}, list(t, s, "t2"))
		require.Len(t, list(t, s, "t/data/p="), 4)
		require.Empty(t, list(t, s, "u/"))
		for _, key := range keys {
			require.Equal(t, key, get(t, s, key, 0, -1))
		}
		for o, err := range s.List(t.Context(), "t") {
			require.NoError(t, err)
			require.EqualValues(t, len(o.Key), o.Size)
			break // a caller may stop
		}
		require.NoError(t, s.Delete(t.Context(), keys...))
		for _, bad := range []string{"", "/a", "a//b", "a/../b", "..", "a/", "a\x00b", "\xff", strings.Repeat("x", 300)} {
			require.Error(t, s.Put(t.Context(), bad, strings.NewReader("x"), 1), "%q", bad)
			_, err := s.Get(t.Context(), bad, 0, -1)
			require.Error(t, err, "%q", bad)
		}
	})
}

func TestLargeObjects(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		data := make([]byte, 40<<20+7)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		require.NoError(t, s.PutIfAbsent(t.Context(), "big", bytes.NewReader(data), int64(len(data))))
		require.Equal(t, string(data[20<<20:20<<20+1000]), get(t, s, "big", 20<<20, 1000))
		require.True(t, string(data) == get(t, s, "big", 0, -1)) //nolint:testifylint // not to print 40 MB
		require.ErrorIs(t, s.PutIfAbsent(t.Context(), "big", bytes.NewReader(data), int64(len(data))), ErrExists)
	})
}

// Of many who write one object at once, one does, and its object is whole.
func TestOneOfManyWritesIfAbsent(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				text := strings.Repeat(fmt.Sprint(i), 100_000)
				switch err := s.PutIfAbsent(t.Context(), "one/of/many", strings.NewReader(text), int64(len(text))); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrExists):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		text := get(t, s, "one/of/many", 0, -1)
		require.Equal(t, strings.Repeat(text[:1], 100_000), text)
	})
}

// A body of another length than was said, one that fails, and a canceled write leave nothing.
func TestWritesThatFailLeaveNothing(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		require.Error(t, s.Put(ctx, "x", strings.NewReader("ab"), 3))
		require.Error(t, s.Put(ctx, "x", strings.NewReader("ab"), 1))
		require.Error(t, s.Put(ctx, "x", io.MultiReader(strings.NewReader("a"), errReader{}), 2))
		require.Error(t, s.Put(ctx, "x", strings.NewReader(""), -1))
		require.Error(t, s.Put(ctx, "x", strings.NewReader("a"), 0))
		canceled, cancel := context.WithCancel(ctx)
		require.ErrorIs(t, s.Put(canceled, "x", cancelingReader(cancel), 9), context.Canceled)
		require.ErrorIs(t, s.Delete(canceled, "x"), context.Canceled)
		for _, err := range s.List(canceled, "") {
			require.ErrorIs(t, err, context.Canceled)
		}
		_, err := s.Get(ctx, "x", -1, 1)
		require.ErrorContains(t, err, "begin at 0")
		require.Error(t, s.Put(canceled, "x", strings.NewReader("ab"), 2))
		_, err = s.Get(canceled, "x", 0, -1)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, list(t, s, ""))
	})
}

// Large bodies of a wrong length are seen too, also when they end where a part does.
func TestLargeBodiesOfAnotherLength(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		const size = 2 * partBytes
		data := make([]byte, size+1)
		require.ErrorContains(t, s.Put(t.Context(), "x", bytes.NewReader(data), size), "more than")
		require.ErrorContains(t, s.Put(t.Context(), "x", bytes.NewReader(data[:partBytes]), size), "bytes and not")
		require.ErrorContains(t, s.Put(t.Context(), "x", bytes.NewReader(data[:partBytes+1]), size), "bytes and not")
		require.ErrorContains(t, s.Put(t.Context(), "x", io.MultiReader(bytes.NewReader(data[:partBytes+1]), errReader{}), size), "no more")
		require.Empty(t, list(t, s, ""))
		require.NoError(t, s.Put(t.Context(), "x", bytes.NewReader(data[:size]), size))
	})
}

// cancelingReader is a body of nine bytes; when it is read the context ends.
func cancelingReader(cancel context.CancelFunc) io.Reader {
	return io.MultiReader(strings.NewReader("some"), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	}), strings.NewReader("bytes"))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("no more") }

// While some remove the last object of a directory others write into it.
func TestWritesBesideRemovals(t *testing.T) {
	s, err := OpenDir(t.TempDir())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				key := fmt.Sprintf("a/b/%d", i)
				if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); err != nil {
					t.Error(err)
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, list(t, s, ""))
}

// What a crash left of unfinished objects is not seen, and goes at the next start; what another
// process or store writes stays.
func TestUnfinishedObjectsGo(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenDir(dir)
	require.NoError(t, err)
	left := filepath.Join(dir, partial, "object-1")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
	require.Empty(t, list(t, s, ""))
	_, err = s.Get(t.Context(), partial+"/object-1", 0, -1)
	require.ErrorContains(t, err, "unfinished")
	body, writer := io.Pipe()
	written := make(chan error, 1)
	go func() { written <- s.Put(t.Context(), "slow", body, 2) }()
	_, err = writer.Write([]byte("a")) // returns when it is read: the file is there
	require.NoError(t, err)

	again, err := OpenDir(dir)
	require.NoError(t, err)
	require.NoFileExists(t, left)
	put(t, again, "a", "1")
	_, err = writer.Write([]byte("b"))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, <-written)
	require.Equal(t, []string{"a", "slow"}, list(t, again, ""))
	require.Equal(t, "ab", get(t, again, "slow", 0, -1))
	unfinished, err := os.ReadDir(filepath.Join(dir, partial))
	require.NoError(t, err)
	require.Empty(t, unfinished)
}

// While stores are opened over and over, writes to the directory succeed.
func TestWritesBesideOpens(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenDir(dir)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for j := range 100 {
				if err := s.PutIfAbsent(t.Context(), fmt.Sprintf("%d/%d", i, j), strings.NewReader("x"), 1); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 300 {
				if _, err := OpenDir(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, list(t, s, ""), 200)
}

// An object is a file that others than the writer may read, and not also a directory.
func TestObjectsAreFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenDir(dir)
	require.NoError(t, err)
	put(t, s, "a/b", "1")
	info, err := os.Stat(filepath.Join(dir, "a", "b"))
	require.NoError(t, err)
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o644))
	want, err := os.Stat(plain)
	require.NoError(t, err)
	require.Equal(t, want.Mode(), info.Mode())
	for _, write := range []func(context.Context, string, io.Reader, int64) error{s.Put, s.PutIfAbsent} {
		err := write(t.Context(), "a", strings.NewReader("1"), 1)
		require.ErrorContains(t, err, "objects below it")
		require.NotErrorIs(t, err, ErrExists)
		require.Error(t, write(t.Context(), "a/b/c", strings.NewReader("1"), 1))
	}
	require.Equal(t, "1", get(t, s, "a/b", 0, -1))
}

func TestOpen(t *testing.T) {
	for place, want := range map[string]string{
		"": "is empty", "gs://a": "in a directory or at s3", "s3:///x": "write s3://bucket/prefix", "file://x/y": "three slashes",
		"s3://bucket/x":     "AWS_ACCESS_KEY_ID",
		"s3://bucket/x?y=1": "write s3://bucket/prefix", "s3://bucket/#x": "write s3://bucket/prefix",
	} {
		_, err := Open(t.Context(), place, Options{})
		require.ErrorContains(t, err, want, place)
	}
	for _, endpoint := range []string{"localhost:1", "ftp://localhost", "http://localhost/path"} {
		_, err := Open(t.Context(), "s3://bucket", Options{AccessKey: "a", SecretKey: "b", Endpoint: endpoint})
		require.ErrorContains(t, err, "no URL", endpoint)
	}
	for _, place := range []string{"s3://bucket/a//b", "s3://bucket/a/../b", "s3://bucket/" + strings.Repeat("x", 121)} {
		_, err := Open(t.Context(), place, Options{AccessKey: "a", SecretKey: "b", Endpoint: "http://localhost:1"})
		require.ErrorContains(t, err, "the path in the bucket", place)
	}
	dir := t.TempDir()
	for _, place := range []string{dir, "file://" + dir} {
		s, err := Open(t.Context(), place, Options{})
		require.NoError(t, err)
		require.Equal(t, "file://"+dir, s.URL())
	}
	server := miniotest.Start(t)
	_, err := Open(t.Context(), "s3://"+server.Bucket, Options{Endpoint: server.Endpoint, PathStyle: true, AccessKey: server.AccessKey, SecretKey: "wrong"})
	require.ErrorContains(t, err, "check the endpoint and the keys")
	_, err = Open(t.Context(), "s3://nowhere", Options{Endpoint: server.Endpoint, PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey})
	require.ErrorContains(t, err, "there is no bucket nowhere")
}

func TestFaults(t *testing.T) {
	inner := &Memory{}
	seed := rand.Uint64()
	t.Log("seed", seed)
	f := NewFaulty(inner, seed, Faults{Before: 0.3, After: 0.3, Cut: 0.5})
	failed, cuts := 0, 0
	for i := range 500 {
		key := fmt.Sprint("k", i)
		if err := f.Put(t.Context(), key, strings.NewReader(strings.Repeat("x", 200)), 200); err != nil {
			require.ErrorIs(t, err, ErrInjected)
			failed++
		}
		r, err := f.Get(t.Context(), key, 0, -1)
		if err != nil {
			continue
		}
		if _, err := io.ReadAll(r); err != nil {
			require.ErrorIs(t, err, ErrInjected)
			cuts++
		}
		require.NoError(t, r.Close())
	}
	stored := len(list(t, inner, ""))
	require.Greater(t, failed, 100)
	require.Greater(t, stored, 500-failed, "some fail after they were done")
	require.Less(t, stored, 500, "some fail before")
	require.Positive(t, cuts)
	done := f.Injected()
	require.Equal(t, cuts, done.Cut)
	require.GreaterOrEqual(t, done.Failed(), failed+cuts)
	require.Equal(t, done.Before+done.After+done.Cut, done.Failed())

	f.Set(Faults{Cut: 1})
	var seen []string
	for o, err := range f.List(t.Context(), "") {
		seen = append(seen, o.Key)
		require.Equal(t, len(seen) == 2, errors.Is(err, ErrInjected))
	}
	require.Len(t, seen, 2)

	f.Set(Faults{})
	f.Hook = func(op, key string) error { return fmt.Errorf("%s of %s", op, key) }
	require.ErrorContains(t, f.Delete(t.Context(), "k1"), "Delete of [k1]")
	require.Equal(t, 1, f.Injected().Hook)
}

// A slow call takes its time, and ends with its context.
func TestSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaulty(&Memory{}, 1, Faults{Slow: 1, Delay: time.Minute})
		start := time.Now()
		require.NoError(t, f.Put(t.Context(), "a", strings.NewReader("1"), 1))
		require.Equal(t, time.Minute, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.Delete(ctx, "a"), context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
		require.Equal(t, 2, f.Injected().Slow)
	})
}

// The same seed makes the same calls fail.
func TestFaultsRepeat(t *testing.T) {
	run := func() (failed []int) {
		f := NewFaulty(&Memory{}, 7, Faults{Before: 0.2, After: 0.2})
		for i := range 100 {
			if f.Put(t.Context(), "a", strings.NewReader("1"), 1) != nil {
				failed = append(failed, i)
			}
		}
		return failed
	}
	require.Equal(t, run(), run())
}
