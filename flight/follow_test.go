package flight_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// following reads a stream in the background.
type following struct {
	chunks chan chunk
	err    chan error
	cancel context.CancelFunc
}

func follow(t testing.TB, c arrowflight.Client, tk string) *following {
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: []byte(tk)})
	require.NoError(t, err)
	f := &following{make(chan chunk, 10_000), make(chan error, 1), cancel}
	go func() {
		r, err := arrowflight.NewRecordReader(stream)
		if err != nil {
			f.err <- err
			return
		}
		defer r.Release()
		for r.Next() {
			var ch chunk
			_ = json.Unmarshal(r.LatestAppMetadata(), &ch.meta)
			ch.rows = rowsOf(r.RecordBatch())
			f.chunks <- ch
		}
		f.err <- r.Err()
	}()
	t.Cleanup(cancel)
	return f
}

// next returns the next batch with rows.
func (f *following) next(t testing.TB) chunk {
	for {
		select {
		case c := <-f.chunks:
			if len(c.rows) > 0 {
				return c
			}
		case err := <-f.err:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "no batch came")
		}
	}
}

func TestFollow(t *testing.T) {
	source := newSource()
	tab := numbers(t, source, 3, 2)
	s := tab.Info.Schema()
	c := stockClient(t, serve(t, source, flight.Options{}))
	f := follow(t, c, `{"table": "db.n", "columns": ["n"], "until": "never"}`)
	for range 3 {
		require.Equal(t, []string{"0", "1"}, f.next(t).rows)
	}
	for i := range 20 {
		appendNumbers(t, source.log(tab, i%3), s, 100+i, 1, 5000)
		got := f.next(t)
		require.Equal(t, []string{fmt.Sprint(100 + i)}, got.rows)
		require.EqualValues(t, i%3, got.meta.Bucket)
		require.EqualValues(t, got.meta.HighWatermark, got.meta.NextOffset)
		require.False(t, got.meta.BucketEnd)
	}
	latest := follow(t, c, `{"table": "db.n", "columns": ["n"], "from": "latest", "until": "never", "limit": 2}`)
	// The schema has come, so the start is fixed, when a keep-alive or a row comes;
	// rows are added until it has both of its two.
	require.Eventually(t, func() bool {
		appendNumbers(t, source.log(tab, 0), s, 500, 1, 6000)
		select {
		case err := <-latest.err:
			require.NoError(t, err)
			return true
		default:
			return false
		}
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, []string{"500"}, latest.next(t).rows)
}

func TestFollowPartitionsThatComeAndGo(t *testing.T) {
	source := newSource()
	s := newSchema(t, "p STRING NOT NULL, n INT")
	tab := source.create(t, "db.p", 2, s)
	info := *tab.Info
	d := *info.Descriptor
	d.PartitionKeys = []string{"p"}
	info.Descriptor = &d
	partition := func(list ...ids.PartitionID) {
		next := &flight.Table{Info: &info}
		source.mu.Lock()
		defer source.mu.Unlock()
		for _, id := range list {
			next.Partitions = append(next.Partitions, flight.Partition{ID: id, Name: fmt.Sprint("p", id)})
			for b := range ids.BucketID(2) {
				ref := ids.Bucket{Table: info.ID, Partition: id, Bucket: b}
				if source.logs[ref] == nil {
					source.logs[ref] = &memLog{bucket: ref}
				}
			}
		}
		source.tables[info.Path] = next
	}
	logOf := func(p ids.PartitionID, b ids.BucketID) *memLog {
		source.mu.Lock()
		defer source.mu.Unlock()
		return source.logs[ids.Bucket{Table: info.ID, Partition: p, Bucket: b}]
	}
	partition(1)
	rec := fromJSON(t, s, `[{"p": "p1", "n": 1}]`)
	logOf(1, 0).append(t, s, rec, batch.None, 1)
	c := stockClient(t, serve(t, source, flight.Options{PartitionCheck: 10 * time.Millisecond}))
	f := follow(t, c, `{"table": "db.p", "until": "never"}`)
	require.EqualValues(t, 1, f.next(t).meta.PartitionID)
	partition(1, 2)
	logOf(2, 1).append(t, s, rec, batch.None, 1)
	got := f.next(t)
	require.EqualValues(t, 2, got.meta.PartitionID)
	require.EqualValues(t, 1, got.meta.Bucket)
	logOf(1, 0).fail(errcode.New(errcode.UnknownPartition, nil, "dropped"))
	logOf(1, 1).fail(errcode.New(errcode.UnknownBucket, nil, "dropped"))
	partition(2)
	logOf(2, 0).append(t, s, rec, batch.None, 1)
	require.EqualValues(t, 2, f.next(t).meta.PartitionID)

	// One that is dropped when some of its rows are gathered, and one that is gone
	// again before it is opened.
	source.mu.Lock()
	source.logs[ids.Bucket{Table: info.ID, Partition: 3}] = &memLog{
		err: errcode.New(errcode.UnknownBucket, nil, "dropped"), errAfter: 2,
	}
	source.mu.Unlock()
	for range 2 {
		logOf(3, 0).append(t, s, rec, batch.None, 1)
	}
	source.mu.Lock()
	source.tables[info.Path] = &flight.Table{Info: &info, Partitions: []flight.Partition{{ID: 2, Name: "p2"}, {ID: 3, Name: "p3"}, {ID: 4, Name: "p4"}}}
	source.mu.Unlock()
	got = f.next(t)
	require.EqualValues(t, 3, got.meta.PartitionID)
	require.Len(t, got.rows, 2)
	require.EqualValues(t, 2, got.meta.NextOffset)
	logOf(2, 0).append(t, s, rec, batch.None, 1)
	got = f.next(t)
	require.EqualValues(t, 2, got.meta.PartitionID)
	require.Len(t, got.rows, 1)
	require.EqualValues(t, 1, got.meta.BaseOffset)

	chunks, _, err := read(t, c, `{"table": "db.p", "partitions": ["p2"]}`)
	require.NoError(t, err)
	require.Len(t, flatten(chunks), 3)
	_, _, err = read(t, c, `{"table": "db.p", "partitions": ["p1"]}`)
	require.Equal(t, errcode.UnknownPartition, codeOf(err))
}

func TestKeepAlive(t *testing.T) {
	source := newSource()
	numbers(t, source, 2, 3)
	addr := serve(t, source, flight.Options{KeepAlive: 20 * time.Millisecond})
	f := follow(t, stockClient(t, addr), `{"table": "db.n", "until": "never", "filter": "n < 0"}`)
	seen := map[int32]bool{}
	for len(seen) < 2 {
		select {
		case c := <-f.chunks:
			require.Empty(t, c.rows)
			require.EqualValues(t, 3, c.meta.NextOffset)
			seen[c.meta.Bucket] = true
		case <-time.After(10 * time.Second):
			require.FailNow(t, "no keep-alive came")
		}
	}
}

func TestBucketsTakeTurns(t *testing.T) {
	source := newSource()
	s := newSchema(t, "n BIGINT NOT NULL, pad STRING")
	tab := source.create(t, "db.b", 8, s)
	r := rand.New(rand.NewPCG(1, 1))
	rec := randomRecord(r, s, 5000, 0)
	for b := range 8 {
		if b == 3 {
			continue // a bucket without rows
		}
		for range 10 {
			source.log(tab, b).append(t, s, rec, batch.None, 1)
		}
	}
	chunks, _, err := read(t, stockClient(t, serve(t, source, flight.Options{})), `{"table": "db.b"}`)
	require.NoError(t, err)
	most := map[int32]int{}
	for _, c := range chunks {
		most[c.meta.Bucket]++
		least := 10
		for b := range int32(8) {
			if b != 3 {
				least = min(least, most[b])
			}
		}
		if c.meta.Bucket != 3 {
			require.LessOrEqual(t, most[c.meta.Bucket], least+1)
		}
	}
	require.Len(t, flatten(chunks), 7*10*5000)
}

func TestClientThatNeverReadsIsEnded(t *testing.T) {
	s := newSchema(t, "n BIGINT NOT NULL, pad STRING")
	rec := randomRecord(rand.New(rand.NewPCG(1, 1)), s, 50_000, 0)
	for _, tc := range []struct {
		name    string
		options flight.Options
		want    errcode.Code
	}{
		{"for long", flight.Options{Stall: 100 * time.Millisecond}, errcode.DeadlineExceeded},
		{"while memory is short", flight.Options{ShortStall: 100 * time.Millisecond, Short: func() bool { return true }}, errcode.StoragePressure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := newSource()
			tab := source.create(t, "db.b", 1, s)
			for range 60 {
				source.log(tab, 0).append(t, s, rec, batch.None, 1)
			}
			c := stockClient(t, serve(t, source, tc.options))
			stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte(`{"table": "db.b"}`)})
			require.NoError(t, err)
			log := source.log(tab, 0)
			require.Eventually(t, func() bool {
				log.mu.Lock()
				defer log.mu.Unlock()
				return log.open == 0 && log.reads > 0 && log.reads < 60
			}, 10*time.Second, 10*time.Millisecond)
			for err == nil {
				_, err = stream.Recv()
			}
			require.Equal(t, tc.want, codeOf(err), "%v", err)
		})
	}
}

// A client that has nothing to read is not ended.
func TestShortMemoryEndsOnlyStalledStreams(t *testing.T) {
	source := newSource()
	tab := numbers(t, source, 1, 5)
	c := stockClient(t, serve(t, source, flight.Options{
		ShortStall: 10 * time.Millisecond, Short: func() bool { return true }, KeepAlive: 50 * time.Millisecond,
	}))
	f := follow(t, c, `{"table": "db.n", "until": "never"}`)
	require.Len(t, f.next(t).rows, 5)
	for range 3 { // keep-alives
		select {
		case <-f.chunks:
		case err := <-f.err:
			require.NoError(t, err)
		}
	}
	appendNumbers(t, source.log(tab, 0), tab.Info.Schema(), 5, 1, 2000)
	require.Len(t, f.next(t).rows, 1)
}

func TestClientThatVanishesLeavesNothing(t *testing.T) {
	source := newSource()
	tab := numbers(t, source, 2, 5)
	addr := serve(t, source, flight.Options{})
	for range 5 {
		f := follow(t, stockClient(t, addr), `{"table": "db.n", "until": "never"}`)
		f.next(t)
		f.cancel()
	}
	for b := range 2 {
		log := source.log(tab, b)
		require.Eventually(t, func() bool {
			log.mu.Lock()
			defer log.mu.Unlock()
			return log.open == 0 && len(log.watchers) == 0
		}, 10*time.Second, 5*time.Millisecond)
	}
}

func TestErrorsOfALogReachTheClient(t *testing.T) {
	source := newSource()
	tab := numbers(t, source, 1, 5)
	c := stockClient(t, serve(t, source, flight.Options{}))
	f := follow(t, c, `{"table": "db.n", "until": "never"}`)
	f.next(t)
	source.log(tab, 0).fail(errcode.New(errcode.Corrupt, errors.New("secret"), "segment 5 is damaged").With("segment", 5))
	err := <-f.err
	require.Equal(t, errcode.Corrupt, codeOf(err))
	require.Equal(t, "5", errcode.From(err).Facts["segment"])
	require.NotContains(t, err.Error(), "secret")
}

func TestTooManyStreams(t *testing.T) {
	source := newSource()
	numbers(t, source, 1, 5)
	c := stockClient(t, serve(t, source, flight.Options{MaxStreams: 1}))
	follow(t, c, `{"table": "db.n", "until": "never"}`).next(t)
	_, _, err := read(t, c, `{"table": "db.n"}`)
	require.Equal(t, errcode.StoragePressure, codeOf(err), "%v", err)
}

func TestServerThatCloses(t *testing.T) {
	source := newSource()
	numbers(t, source, 1, 5)
	c := stockClient(t, serveService(t, source))
	f := follow(t, c, `{"table": "db.n", "until": "never"}`)
	f.next(t)
	closeService(t)
	require.Equal(t, errcode.ShuttingDown, codeOf(<-f.err))
}
