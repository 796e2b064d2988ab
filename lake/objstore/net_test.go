package objstore

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore/miniotest"
)

// network is what lies between a store and its MinIO, and goes wrong.
type network struct {
	mu sync.Mutex // guards trouble
	// trouble is asked about each request, until it says that it is over. It may answer or break
	// off the request itself; deliver hands it to MinIO, and the answer to w.
	trouble func(w http.ResponseWriter, r *http.Request, deliver http.Handler) (mine bool)
}

func (n *network) set(trouble func(http.ResponseWriter, *http.Request, http.Handler) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trouble = trouble
}

// once lets the first request of a kind be handled by handle.
// The network is asked by one request at a time in these tests, so done needs no lock.
func once(match func(*http.Request) bool, handle func(http.ResponseWriter, *http.Request, http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) bool {
	done := false
	return func(w http.ResponseWriter, r *http.Request, deliver http.Handler) bool {
		if done || !match(r) {
			return false
		}
		done = true
		handle(w, r, deliver)
		return true
	}
}

func method(m string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == m }
}

// complete is the request that ends an object of several parts.
func complete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// refuse answers with a status instead of MinIO.
func refuse(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>as the test wants</Message></Error>")
	}
}

// loseAnswer has MinIO do the work, and cuts the connection.
func loseAnswer(_ http.ResponseWriter, r *http.Request, deliver http.Handler) {
	deliver.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// behindNetwork opens a store whose requests go through a network.
func behindNetwork(t *testing.T) (Store, *network) {
	t.Helper()
	server := miniotest.Start(t)
	target, err := url.Parse(server.Endpoint)
	require.NoError(t, err)
	n := &network{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		trouble := n.trouble
		n.mu.Unlock()
		if trouble == nil || !trouble(w, r, proxy) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	s, err := Open(t.Context(), "s3://"+server.Bucket, Options{
		Endpoint: front.URL, Region: "us-east-1", PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, n
}

// Of what passes, a caller sees nothing.
func TestTroubleThatPasses(t *testing.T) {
	s, n := behindNetwork(t)
	small, large := "small", strings.Repeat("large!", partBytes/3)
	for _, tc := range []struct {
		name   string
		body   string
		match  func(*http.Request) bool
		handle func(http.ResponseWriter, *http.Request, http.Handler)
	}{
		{"a write is refused once", small, method(http.MethodPut), refuse(http.StatusServiceUnavailable, "SlowDown")},
		{"the answer to a write is lost", small, method(http.MethodPut), loseAnswer},
		{"a write beside another is to be repeated", small, method(http.MethodPut), refuse(http.StatusConflict, "ConditionalRequestConflict")},
		{"a part is refused once", large, method(http.MethodPut), refuse(http.StatusServiceUnavailable, "SlowDown")},
		{"the answer to the end of many parts is lost", large, complete, loseAnswer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, write := range map[string]func(context.Context, string, io.Reader, int64) error{"if absent": s.PutIfAbsent, "always": s.Put} {
				key := tc.name + " " + name
				n.set(once(tc.match, tc.handle))
				// The reader cannot go back, as those of most callers.
				require.NoError(t, write(t.Context(), key, io.MultiReader(strings.NewReader(tc.body)), int64(len(tc.body))), name)
				n.set(nil)
				require.True(t, tc.body == get(t, s, key, 0, -1), "another body") //nolint:testifylint // not to print it
				require.ErrorIs(t, s.PutIfAbsent(t.Context(), key, strings.NewReader("x"), 1), ErrExists)
			}
		})
	}
}

// A read that the network ends too early fails, and is not just short.
func TestReadsThatAreCut(t *testing.T) {
	s, n := behindNetwork(t)
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	require.NoError(t, s.Put(t.Context(), "x", bytes.NewReader(data), int64(len(data))))
	n.set(once(method(http.MethodGet), func(w http.ResponseWriter, r *http.Request, deliver http.Handler) {
		answer := httptest.NewRecorder()
		deliver.ServeHTTP(answer, r)
		for name := range answer.Header() {
			w.Header().Set(name, answer.Header().Get(name))
		}
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		panic(http.ErrAbortHandler)
	}))
	r, err := s.Get(t.Context(), "x", 0, -1)
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.Error(t, err)
	require.NoError(t, r.Close())
}

// A call that gets no answer ends with its context.
func TestCallsEndWithTheirContext(t *testing.T) {
	s, n := behindNetwork(t)
	put(t, s, "x", "1")
	for name, call := range map[string]func(ctx context.Context) error{
		"Put":  func(ctx context.Context) error { return s.Put(ctx, "x", strings.NewReader("1"), 1) },
		"Stat": func(ctx context.Context) error { _, err := s.Stat(ctx, "x"); return err },
		"List": func(ctx context.Context) (err error) {
			for _, err = range s.List(ctx, "") {
			}
			return err
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			arrived := make(chan struct{})
			var first sync.Once
			n.set(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				_, _ = io.Copy(io.Discard, r.Body) // without it the server does not see the end of the connection
				first.Do(func() { close(arrived) })
				<-r.Context().Done()
				return true
			})
			ended := make(chan error, 1)
			go func() { ended <- call(ctx) }()
			<-arrived
			cancel()
			select {
			case err := <-ended:
				require.ErrorIs(t, err, context.Canceled)
			case <-time.After(20 * time.Second):
				t.Fatal("still waits")
			}
		})
	}
}

// When MinIO is killed while it writes, what it acked is there after its restart, what it did not ack is
// whole or not there, and a store that was open goes on.
func TestOutage(t *testing.T) {
	server := miniotest.Start(t)
	s, err := Open(t.Context(), "s3://"+server.Bucket+"/p", Options{
		Endpoint: server.Endpoint, Region: "us-east-1", PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	body := func(i int) string { return strings.Repeat(strconv.Itoa(i%10), 100_000) }
	acked := make(chan int, 1000)
	ended := make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			if err := s.PutIfAbsent(t.Context(), strconv.Itoa(i), strings.NewReader(body(i)), 100_000); err != nil {
				ended <- err
				return
			}
			acked <- i
		}
	}()
	for range 20 {
		<-acked
	}
	server.Kill()
	err = <-ended
	require.NotErrorIs(t, err, ErrExists)
	require.NotErrorIs(t, err, ErrNotFound)
	_, err = s.Stat(t.Context(), "0")
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrNotFound)

	server.Run(t)
	last := 20 + len(acked) // the number of those that were acked
	keys := list(t, s, "")
	require.GreaterOrEqual(t, len(keys), last)
	require.LessOrEqual(t, len(keys), last+1)
	for _, key := range keys {
		i, err := strconv.Atoi(key)
		require.NoError(t, err)
		require.True(t, body(i) == get(t, s, key, 0, -1), "another body") //nolint:testifylint // not to print it
	}
}
