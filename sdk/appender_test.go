package sdk_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

type row struct {
	A int64  `fluss:"a"`
	B string `fluss:"b"`
}

var plain = map[string]string{"table.log.arrow.compression.type": "NONE"}

func open(t testing.TB, c *sdk.Client, path string, opts ...sdk.AppenderOption) *sdk.Appender {
	t.Helper()
	a, err := c.Appender(context.Background(), path, opts...)
	require.NoError(t, err)
	return a
}

func TestAppendAndWait(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	c := f.connect(t)
	var acks []sdk.Ack
	a := open(t, c, "t", sdk.WithOnAck(func(ack sdk.Ack) { acks = append(acks, ack) }))
	ctx := context.Background()
	for i := range int64(3) {
		future, err := a.Append(ctx, row{A: i, B: "x"})
		require.NoError(t, err)
		ack, err := future.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, ids.Offset(i), ack.Base)
		require.Equal(t, 1, ack.Rows())
	}
	_, err := a.Append(ctx, map[string]any{"a": 3})
	require.NoError(t, err)
	_, err = a.Append(ctx, map[string]any{"b": "x"})
	require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
	require.NoError(t, a.Close(ctx))
	_, err = a.Append(ctx, row{})
	require.Equal(t, errcode.Canceled, errcode.Of(err))
	require.Equal(t, []int64{0, 1, 2, 3}, f.rows()[ids.Bucket{Table: 1}])
	require.Len(t, acks, 4)
}

// Each way in which a batch may go wrong once, and how it must end.
func TestOneFault(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   fate
		want errcode.Code // of the faulty batch; "" when it must be written
	}{
		{"connection lost before", fate{dropBefore: true}, ""},
		{"connection lost after", fate{dropAfter: true}, ""},
		{"no answer", fate{silent: true}, ""},
		{"late answer", fate{delay: 20 * time.Millisecond}, ""},
		{"not leader", fate{refuse: errcode.NotLeader}, ""},
		{"no leader", fate{refuse: errcode.NoLeader}, ""},
		{"storage pressure", fate{refuse: errcode.StoragePressure}, ""},
		{"disk full", fate{refuse: errcode.DiskFull}, ""},
		{"damaged on the way", fate{refuse: errcode.BadChecksum}, ""},
		{"outcome unknown", fate{refuse: errcode.OutcomeUnknown}, ""},
		{"unknown writer", fate{refuse: errcode.UnknownWriter}, ""},
		{"unknown bucket", fate{refuse: errcode.UnknownBucket}, ""},
		{"unknown schema", fate{refuse: errcode.UnknownSchema}, ""},
		{"invalid batch", fate{refuse: errcode.InvalidBatch}, errcode.InvalidBatch},
		{"too large", fate{refuse: errcode.RecordTooLarge}, errcode.RecordTooLarge},
		{"out of order", fate{refuse: errcode.OutOfOrderSequence}, errcode.OutOfOrderSequence},
		{"a code from the future", fate{refuse: "NEW_CODE"}, "NEW_CODE"},
	} {
		for at := 1; at <= 4; at++ {
			t.Run(fmt.Sprintf("%s at request %d", tc.name, at), func(t *testing.T) {
				f := newFake(t)
				f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
				f.decide = func(n int, _ *codec.WriteRequest, _ batch.Header) fate {
					if n == at {
						return tc.do
					}
					return fate{}
				}
				limit := sdk.DefaultRequestTimeout
				if tc.do.silent {
					limit = 300 * time.Millisecond
				}
				c := f.connect(t, sdk.WithRequestTimeout(limit))
				a := open(t, c, "t", sdk.WithBatchBytes(1<<10))
				ctx := context.Background()
				futures := make([]sdk.Future, 400)
				for i := range futures {
					var err error
					futures[i], err = a.Append(ctx, &row{A: int64(i), B: "0123456789"})
					require.NoError(t, err)
				}
				err := a.Flush(ctx)
				require.Equal(t, tc.want, errcode.Of(err))
				stored := f.rows()[ids.Bucket{Table: 1}]
				var want []int64
				for i, future := range futures {
					ack, err := future.Wait(ctx)
					if err == nil {
						require.Equal(t, int64(i), stored[ack.Base])
						want = append(want, int64(i))
					} else {
						require.Equal(t, tc.want, errcode.Of(err))
					}
				}
				require.Equal(t, want, stored, "each acked row once, in order, nothing else")
				require.Equal(t, tc.want == "", len(want) == len(futures))
				_, err = a.Append(ctx, &row{A: 999})
				require.NoError(t, err)
				require.NoError(t, a.Close(ctx), "goes on after a failure")
			})
		}
	}
}

// Many goroutines, several appenders, random faults: each acked row is stored
// once at its offset, each goroutine's rows are in order within a bucket, rows of
// unknown outcome at most once, failed ones never.
func TestRandomFaults(t *testing.T) {
	r := seeded(t)
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 3, nil, nil, plain)
	codes := []errcode.Code{
		errcode.StoragePressure, errcode.NotLeader, errcode.UnknownWriter, errcode.InvalidBatch, errcode.OutcomeUnknown, errcode.UnknownSchema,
		errcode.RecordTooLarge, errcode.BadChecksum, errcode.ShuttingDown,
	}
	f.decide = func(int, *codec.WriteRequest, batch.Header) fate {
		switch r.IntN(20) {
		case 0:
			return fate{dropBefore: true}
		case 1:
			return fate{dropAfter: true}
		case 2:
			return fate{refuse: codes[r.IntN(len(codes))]}
		case 3:
			return fate{delay: time.Millisecond}
		case 4:
			return fate{silent: r.IntN(10) == 0}
		}
		return fate{}
	}
	c := f.connect(t, sdk.WithRequestTimeout(300*time.Millisecond), sdk.WithConnections(2))
	type outcome struct {
		ack sdk.Ack
		err error
	}
	const writers, each = 8, 1500
	results := make([][]outcome, writers)
	var wg sync.WaitGroup
	for w := range writers {
		results[w] = make([]outcome, each)
		a := open(t, c, "t", sdk.WithBatchBytes(1<<10))
		wg.Go(func() {
			futures := make([]sdk.Future, each)
			for i := range futures {
				var err error
				if futures[i], err = a.Append(context.Background(), &row{A: int64(w*each + i), B: "01234567890123456789012345678901234567890123456789"}); err != nil {
					results[w][i].err = err
				}
				if i%200 == 0 {
					_, _ = futures[i].Wait(context.Background())
				}
			}
			_ = a.Close(context.Background())
			for i := range futures {
				results[w][i].ack, results[w][i].err = futures[i].Wait(context.Background())
			}
		})
	}
	wg.Wait()
	stored := f.rows()
	times := map[int64]int{}
	for _, values := range stored {
		last := map[int64]int64{}
		for _, v := range values {
			times[v]++
			w := v / each
			if before, ok := last[w]; ok {
				require.Less(t, before, v, "order of writer %d", w)
			}
			last[w] = v
		}
	}
	failed := 0
	for w := range results {
		for i, o := range results[w] {
			v := int64(w*each + i)
			switch {
			case o.err == nil:
				require.Equal(t, 1, times[v], "acked row %d", v)
				require.Equal(t, v, stored[o.ack.Bucket][o.ack.Base])
			case errcode.Of(o.err) == errcode.OutcomeUnknown:
				require.LessOrEqual(t, times[v], 1)
			default:
				failed++
				require.Zero(t, times[v], "failed row %d: %v", v, o.err)
			}
		}
	}
	t.Logf("%d requests, %d rows failed", f.requests, failed)
}

func TestHashedAndPartitioned(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING NOT NULL, k STRING", 4, []string{"k"}, []string{"b"}, plain)
	c := f.connect(t)
	a := open(t, c, "t")
	ctx := context.Background()
	for i := range 200 {
		_, err := a.Append(ctx, map[string]any{"a": i, "b": fmt.Sprintf("p%d", i%3), "k": fmt.Sprint(i % 17)})
		require.NoError(t, err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
		{Name: "b", Type: arrow.BinaryTypes.LargeString}, {Name: "a", Type: arrow.PrimitiveTypes.Int32},
	}, nil))
	for i := 200; i < 400; i++ {
		require.NoError(t, b.Field(0).AppendValueFromString(fmt.Sprint(i%17)))
		b.Field(1).(*array.LargeStringBuilder).Append(fmt.Sprintf("p%d", i%3))
		b.Field(2).(*array.Int32Builder).Append(int32(i))
	}
	future, err := a.AppendBatch(ctx, b.NewRecordBatch())
	require.NoError(t, err)
	acks, err := future.WaitAll(ctx)
	require.NoError(t, err)
	rows := 0
	for _, ack := range acks {
		rows += ack.Rows()
	}
	require.Equal(t, 200, rows)
	require.NoError(t, a.Close(ctx))
	var all []int64
	home := map[string]ids.Bucket{}
	for id, values := range f.rows() {
		require.NotZero(t, id.Partition)
		for _, v := range values {
			key := fmt.Sprint(v%3, "/", v%17)
			if at, ok := home[key]; ok {
				require.Equal(t, at, id, "rows of one key are in one bucket")
			}
			home[key] = id
			all = append(all, v)
		}
	}
	slices.Sort(all)
	require.Equal(t, upTo(400), all)
	require.EqualValues(t, 399, all[399])
	_, err = open(t, c, "t", sdk.WithoutDynamicPartitions()).Append(ctx, map[string]any{"a": 1, "b": "new", "k": "x"})
	require.Equal(t, errcode.UnknownPartition, errcode.Of(err))
}

func TestManyWaitersShareBatches(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 4, nil, nil, plain)
	f.decide = func(int, *codec.WriteRequest, batch.Header) fate { return fate{delay: time.Millisecond} }
	c := f.connect(t)
	const writers, each = 500, 20
	var wg sync.WaitGroup
	start := time.Now()
	for w := range writers {
		a := open(t, c, "t")
		wg.Go(func() {
			for i := range each {
				future, err := a.Append(context.Background(), &row{A: int64(w*each + i)})
				if err == nil {
					_, err = future.Wait(context.Background())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d rows, %d requests, %v", writers*each, f.requests, time.Since(start))
	require.Less(t, f.requests, writers*each/20, "rows of many goroutines must travel together")
}

// After the greatest sequence the next one is 0, as the server wants it.
func TestSequencesBeginAgain(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	var seen []ids.Sequence
	f.decide = func(_ int, _ *codec.WriteRequest, h batch.Header) fate {
		seen = append(seen, h.Sequence)
		return fate{}
	}
	a := open(t, f.connect(t), "t", sdk.WithoutIdempotence()) // the fake has no writer that is so far
	a.SetSequence(0, math.MaxInt32-1)
	ctx := context.Background()
	for range 4 {
		_, err := a.Append(ctx, &row{})
		require.NoError(t, err)
		require.NoError(t, a.Flush(ctx))
	}
	require.Equal(t, []ids.Sequence{math.MaxInt32 - 1, math.MaxInt32, 0, 1}, seen)
}

// A batch that turns out too large while the one before it is refused does not
// keep its bucket waiting.
func TestTooLargeBehindARefusedBatch(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, map[string]string{"table.log.arrow.compression.type": "ZSTD"})
	f.hello.MaxBatchBytes = 256 << 10
	arrived, refuse := make(chan struct{}), make(chan struct{})
	f.decide = func(n int, _ *codec.WriteRequest, _ batch.Header) fate {
		if n > 1 {
			return fate{}
		}
		close(arrived)
		<-refuse
		return fate{refuse: errcode.StoragePressure}
	}
	c := f.connect(t)
	a := open(t, c, "t", sdk.WithBatchBytes(4<<20))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	first, err := a.Append(ctx, &row{A: 1})
	require.NoError(t, err)
	<-arrived
	rng := seeded(t)
	text := make([]byte, 8<<10)
	for range 450 { // of open, which is large
		for i := range text {
			text[i] = byte(' ' + rng.IntN(95))
		}
		_, err := a.Append(ctx, &row{A: 2, B: string(text)})
		require.NoError(t, err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, a.Schema().Arrow())
	defer b.Release()
	for range 4 << 10 {
		b.Field(0).(*array.Int64Builder).Append(3)
		b.Field(1).(*array.StringBuilder).Append("small")
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	last, err := a.AppendBatch(ctx, rec) // makes the sender encode what is open
	require.NoError(t, err)
	close(refuse)
	_, err = first.Wait(ctx)
	require.NoError(t, err)
	_, err = last.Wait(ctx)
	require.NoError(t, err)
	require.Equal(t, errcode.RecordTooLarge, errcode.Of(a.Flush(ctx)))
}

func TestSchemaChange(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	c := f.connect(t)
	a := open(t, c, "t")
	ctx := context.Background()
	f.decide = func(_ int, _ *codec.WriteRequest, h batch.Header) fate {
		if h.SchemaID == 1 {
			return fate{refuse: errcode.UnknownSchema}
		}
		return fate{}
	}
	future, err := a.Append(ctx, &row{A: 1, B: "x"})
	require.NoError(t, err)
	f.mu.Lock()
	f.infos["t"] = altered(t, f.infos["t"])
	f.mu.Unlock()
	_, err = future.Wait(ctx)
	require.NoError(t, err)
	_, err = a.Append(ctx, map[string]any{"a": 2, "bb": "y", "c": 1.5})
	require.NoError(t, err)
	require.NoError(t, a.Close(ctx))
	require.Equal(t, []int64{1, 2}, f.rows()[ids.Bucket{Table: 1}])
	rec := f.buckets[ids.Bucket{Table: 1}].records[0]
	require.Equal(t, `["x"]`, rec.Column(1).String(), "the renamed column keeps its values")
	require.True(t, rec.Column(2).IsNull(0))
}

// altered renames b to bb and adds c.
func altered(t *testing.T, info *flussv1.TableInfo) *flussv1.TableInfo {
	t.Helper()
	s, err := schema.FromProto(info.GetDescriptor_().GetSchema())
	require.NoError(t, err)
	s, err = s.Apply([]*flussv1.TableChange{
		{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: "b", NewName: "bb"}}},
		{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{Column: schema.Field{Name: "c", Type: schema.Type{Kind: schema.Double, Nullable: true}}.Proto()}}},
	})
	require.NoError(t, err)
	next := proto.CloneOf(info)
	next.Descriptor_.Schema = s.Proto()
	next.Schemas = append(next.Schemas, s.Proto())
	next.Version++
	return next
}

func TestMemoryIsBounded(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	release := make(chan struct{})
	f.decide = func(n int, _ *codec.WriteRequest, _ batch.Header) fate {
		select {
		case <-release:
			return fate{}
		default:
			return fate{refuse: errcode.StoragePressure}
		}
	}
	c := f.connect(t, sdk.WithBufferMemory(1<<20))
	a := open(t, c, "t")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	big := row{B: string(make([]byte, 10<<10))}
	n := 0
	var err error
	for ; err == nil; n++ {
		_, err = a.Append(ctx, &big)
	}
	require.Equal(t, errcode.DeadlineExceeded, errcode.Of(err))
	require.Less(t, n, 110)
	close(release)
	require.NoError(t, a.Close(context.Background()))
	require.Len(t, f.rows()[ids.Bucket{Table: 1}], n-1)
}

func TestGivesUpInTime(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	var down atomic.Bool
	f.decide = func(int, *codec.WriteRequest, batch.Header) fate { return fate{dropAfter: down.Load()} }
	c := f.connect(t, sdk.WithRetryTimeout(60*time.Millisecond))
	a := open(t, c, "t")
	ctx := context.Background()
	down.Store(true)
	_, err := a.Append(ctx, &row{A: 1})
	require.NoError(t, err)
	require.Equal(t, errcode.OutcomeUnknown, errcode.Of(a.Flush(ctx)))
	down.Store(false)
	_, err = a.Append(ctx, &row{A: 2})
	require.NoError(t, err)
	require.NoError(t, a.Flush(ctx))
	f.grpc.Stop()
	_, err = a.Append(ctx, &row{A: 3})
	require.NoError(t, err)
	err = a.Flush(ctx)
	require.Contains(t, []errcode.Code{errcode.Unavailable, errcode.OutcomeUnknown}, errcode.Of(err))
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 4, nil, nil, plain)
	before := runtime.NumGoroutine()
	for range 3 {
		c := f.connect(t, sdk.WithConnections(3))
		a := open(t, c, "t", sdk.WithBatchBytes(1<<10), sdk.WithLinger(time.Millisecond))
		var last sdk.Future
		for i := range 500 {
			var err error
			last, err = a.Append(context.Background(), &row{A: int64(i), B: "0123456789012345678901234567890"})
			require.NoError(t, err)
		}
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		if _, err := last.Wait(context.Background()); err != nil {
			require.Contains(t, []errcode.Code{errcode.Canceled, errcode.OutcomeUnknown}, errcode.Of(err))
		}
		_, err := a.Append(context.Background(), &row{})
		require.Equal(t, errcode.Canceled, errcode.Of(err))
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 5*time.Second, 10*time.Millisecond)
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := sdk.Connect(context.Background(), "x:1", sdk.WithConnections(0), sdk.WithBufferMemory(1))
	require.ErrorContains(t, err, "WithConnections(0)")
	require.ErrorContains(t, err, "WithBufferMemory(1)")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err = sdk.Connect(ctx, "127.0.0.1:1")
	require.ErrorContains(t, err, "no server answers at 127.0.0.1:1")
	require.Equal(t, errcode.Unavailable, errcode.Of(err))
	_, err = sdk.Connect(ctx, "")
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	f := newFake(t)
	f.hello.MinProtocolVersion = 99
	_, err = sdk.Connect(ctx, "passthrough:///fake", sdk.WithDialOptions(f.dial()))
	require.ErrorContains(t, err, "update the client")
}
