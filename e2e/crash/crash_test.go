// Package crash kills the real server over and over while clients write and
// read, and checks what was promised: every acked row is there once, at the
// offset that the ack told; offsets are dense; a writer's rows keep their order. Of
// tables with a primary key: rows, look-ups and changelog are what the acked
// changes say.
package crash

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// row is one written row; Writer and Seq name it.
type row struct {
	Writer int32  `fluss:"writer"`
	Seq    int64  `fluss:"seq"`
	Pad    string `fluss:"pad"`
}

// placed is a row as it is read.
type placed struct {
	Writer int32 `fluss:"writer"`
	Seq    int64 `fluss:"seq"`
	Bucket int32 `fluss:"__bucket"`
	Offset int64 `fluss:"__offset"`
}

type name struct {
	writer int32
	seq    int64
}

type place struct {
	bucket ids.BucketID
	offset ids.Offset
}

const (
	buckets = 4
	writers = 4
	// inFlight is how many rows a writer may have unacked.
	inFlight  = 2000
	tableName = "crash"
)

// checker knows what was acked.
type checker struct {
	mu    sync.Mutex
	acked map[name]place // guarded by mu
}

func TestNothingLostByKill(t *testing.T) {
	for _, durability := range []string{"fsync", "memory"} {
		t.Run(durability, func(t *testing.T) { killLoop(t, durability, roundsOf(t, 4, 100)) })
	}
}

func killLoop(t *testing.T, durability string, rounds int) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // not a secret
	ctx := harness.Context(t, time.Duration(rounds)*30*time.Second)
	args := []string{"--durability", durability, "--checkpoint-bytes", "8MiB", "--checkpoint-interval", "1s"}
	server, err := harness.Start(ctx, t.TempDir(), args...)
	require.NoError(t, err)
	defer func() { server.Kill() }()
	client := server.Client(t, sdk.WithRetryTimeout(time.Minute), sdk.WithRequestTimeout(10*time.Second))
	createTable(ctx, t, client)

	c := &checker{acked: map[name]place{}}
	stop := make(chan struct{})
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() { c.write(ctx, t, client, int32(w), stop) }) //nolint:gosec // small
	}
	follower := follow(ctx, t, client)
	for round := range rounds {
		before := c.count()
		resumed := c.waitBeyond(ctx, t, before) // every kill hits a server under load
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		acked := c.count() - before
		server.Kill()
		start := time.Now()
		server, err = harness.StartAt(ctx, server.Dir, server.Addr, server.HTTP, args...)
		require.NoError(t, err, "round %d", round)
		t.Logf("round %d: first ack after %s; killed after %d rows more were acked; ready again in %s",
			round, resumed.Round(time.Millisecond), acked, time.Since(start).Round(time.Millisecond))
	}
	close(stop)
	running.Wait()
	require.Positive(t, c.count())
	t.Logf("%d rows acked in all", c.count())
	c.check(ctx, t, client)
	follower.check(ctx, t, c)
}

func createTable(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	columns, err := schema.ParseColumns("writer INT NOT NULL, seq BIGINT NOT NULL, pad STRING")
	require.NoError(t, err)
	s, err := schema.New(columns, nil)
	require.NoError(t, err)
	_, err = client.Admin().CreateTable(ctx, tableName, &table.Descriptor{
		Schema: s, BucketCount: buckets, Properties: map[string]string{"table.log.segment-size": "4mb"},
	})
	require.NoError(t, err)
}

func (c *checker) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// waitBeyond waits until more than n rows are acked and returns how long that took.
func (c *checker) waitBeyond(ctx context.Context, t *testing.T, n int) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.count() <= n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no row was acked any more after %d", n)
		}
	}
	return time.Since(start)
}

// write appends rows with rising sequences until stop, and notes the acks.
func (c *checker) write(ctx context.Context, t *testing.T, client *sdk.Client, writer int32, stop <-chan struct{}) {
	appender, err := client.Appender(ctx, tableName, sdk.WithAssignment(sdk.RoundRobin))
	if err != nil {
		t.Errorf("writer %d: %v", writer, err)
		return
	}
	type pending struct {
		seq    int64
		future sdk.Future
	}
	waiting := make(chan pending, inFlight)
	var acks sync.WaitGroup
	acks.Go(func() {
		for p := range waiting {
			ack, err := p.future.Wait(ctx)
			if err != nil {
				t.Errorf("writer %d row %d: %v", writer, p.seq, err)
				continue
			}
			c.mu.Lock()
			c.acked[name{writer, p.seq}] = place{ack.Bucket.Bucket, ack.Base}
			c.mu.Unlock()
		}
	})
	pad := string(make([]byte, 100))
	for seq := int64(0); ; seq++ {
		select {
		case <-stop:
		default:
			future, err := appender.Append(ctx, row{Writer: writer, Seq: seq, Pad: pad})
			if err == nil {
				waiting <- pending{seq, future}
				continue
			}
			t.Errorf("writer %d row %d: %v", writer, seq, err)
		}
		break
	}
	close(waiting)
	acks.Wait()
	if err := appender.Close(ctx); err != nil {
		t.Errorf("writer %d: %v", writer, err)
	}
}

// history collects rows in the order in which they are read and checks the promises.
type history struct {
	next map[int32]int64
	last map[[2]int32]int64 // of a writer in a bucket
	seen map[name]place
}

func newHistory() *history {
	return &history{next: map[int32]int64{}, last: map[[2]int32]int64{}, seen: map[name]place{}}
}

func (h *history) add(t *testing.T, r placed) {
	t.Helper()
	require.Equal(t, h.next[r.Bucket], r.Offset, "offsets of bucket %d are not dense", r.Bucket)
	h.next[r.Bucket]++
	key := [2]int32{r.Writer, r.Bucket}
	if last, ok := h.last[key]; ok {
		require.Greater(t, r.Seq, last, "the rows of writer %d lost their order, or came twice, in bucket %d at offset %d", r.Writer, r.Bucket, r.Offset)
	}
	h.last[key] = r.Seq
	n := name{r.Writer, r.Seq}
	if at, twice := h.seen[n]; twice {
		t.Fatalf("row %v is in bucket %d at %d and in bucket %d at %d", n, at.bucket, at.offset, r.Bucket, r.Offset)
	}
	h.seen[n] = place{ids.BucketID(r.Bucket), ids.Offset(r.Offset)}
}

func scanOptions() sdk.ScanOptions {
	return sdk.ScanOptions{
		Columns: []string{"writer", "seq"}, SystemColumns: []sdk.SystemColumn{sdk.BucketColumn, sdk.OffsetColumn},
	}
}

// check reads everything and compares.
func (c *checker) check(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	s, err := client.Scanner(ctx, tableName, scanOptions())
	require.NoError(t, err)
	h := newHistory()
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for r, err := range sdk.BatchRows[placed](b) {
			require.NoError(t, err)
			h.add(t, r)
		}
		b.Release()
	}
	require.NoError(t, s.Close())
	c.compare(t, h)
}

func (c *checker) compare(t *testing.T, h *history) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, want := range c.acked {
		got, ok := h.seen[n]
		require.True(t, ok, "row %v was acked at bucket %d offset %d and is lost", n, want.bucket, want.offset)
		require.Equal(t, want, got, "row %v is not where its ack told", n)
	}
}

// tail is what a following reader has read so far.
type tail struct {
	scanner *sdk.Scanner
	// grew gets a token after each change.
	grew chan struct{}

	mu   sync.Mutex
	rows []placed // guarded by mu
	err  error    // guarded by mu
}

// follow starts a reader that follows through all the crashes.
func follow(ctx context.Context, t *testing.T, client *sdk.Client) *tail {
	t.Helper()
	o := scanOptions()
	o.Follow = true
	s, err := client.Scanner(ctx, tableName, o)
	require.NoError(t, err)
	f := &tail{scanner: s, grew: make(chan struct{}, 1)}
	go func() {
		for f.next(ctx) {
			select {
			case f.grew <- struct{}{}:
			default:
			}
		}
		close(f.grew)
	}()
	return f
}

func (f *tail) next(ctx context.Context) bool {
	b, err := f.scanner.Next(ctx)
	var rows []placed
	if err == nil {
		for r, rowErr := range sdk.BatchRows[placed](b) {
			rows, err = append(rows, r), errors.Join(err, rowErr)
		}
		b.Release()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows, f.err = append(f.rows, rows...), err
	return err == nil
}

func (f *tail) take() ([]placed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := f.rows
	f.rows = nil
	return rows, f.err
}

// check waits until the reader has every acked row, and checks the promises.
func (f *tail) check(ctx context.Context, t *testing.T, c *checker) {
	t.Helper()
	h := newHistory()
	for !c.in(h) {
		select {
		case <-f.grew:
		case <-ctx.Done():
			t.Fatalf("the follower has %d rows, and %d were acked", len(h.seen), c.count())
		}
		rows, err := f.take()
		for _, r := range rows {
			h.add(t, r)
		}
		require.NoError(t, err)
	}
	require.NoError(t, f.scanner.Close())
	c.compare(t, h)
}

// in tells whether h has all that was acked.
func (c *checker) in(h *history) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(h.seen) < len(c.acked) {
		return false
	}
	for n := range c.acked {
		if _, ok := h.seen[n]; !ok {
			return false
		}
	}
	return true
}
