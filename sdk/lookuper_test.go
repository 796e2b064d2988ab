package sdk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// filledAccounts has the accounts 0 to n-1.
func filledAccounts(t testing.TB, buckets, n int, opts ...sdk.Option) (*fakeServer, *sdk.Client) {
	f, c := newAccounts(t, buckets, opts...)
	u := upserter(t, c, "accounts")
	for i := range int64(n) {
		_, err := u.Upsert(context.Background(), account{ID: i, Owner: fmt.Sprint("owner ", i)})
		require.NoError(t, err)
	}
	require.NoError(t, u.Close(context.Background()))
	return f, c
}

func lookuper(t testing.TB, c *sdk.Client, path string, opts ...sdk.LookupOption) *sdk.Lookuper {
	t.Helper()
	l, err := c.Lookuper(context.Background(), path, opts...)
	require.NoError(t, err)
	return l
}

func TestLookup(t *testing.T) {
	for _, buckets := range []int{1, 5} {
		t.Run(fmt.Sprint(buckets, " buckets"), func(t *testing.T) {
			_, c := filledAccounts(t, buckets, 20)
			l := lookuper(t, c, "accounts")
			ctx := context.Background()
			for i := range int64(20) {
				a, ok, err := sdk.LookupOne[account](ctx, l, sdk.Key{i})
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, account{ID: i, Owner: fmt.Sprint("owner ", i)}, a)
			}
			_, ok, err := sdk.LookupOne[account](ctx, l, account{ID: 20})
			require.NoError(t, err)
			require.False(t, ok)
			m, ok, err := sdk.LookupOne[map[string]any](ctx, l, map[string]any{"id": 3, "other": 1})
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, map[string]any{"id": int64(3), "owner": "owner 3", "note": nil}, m)
			all, err := sdk.LookupAll[account](ctx, l, &account{ID: 4})
			require.NoError(t, err)
			require.Len(t, all, 1)
			rows, err := l.Lookup(ctx, sdk.Key{7})
			require.NoError(t, err)
			require.Equal(t, 1, rows.Len())
			rec := rows.Record()
			rows.Release()
			require.Equal(t, `["owner 7"]`, rec.Column(1).String())
			rec.Release()
			rows, err = l.Lookup(ctx, sdk.Key{77})
			require.NoError(t, err)
			require.Zero(t, rows.Record().NumRows())
			require.EqualValues(t, 3, rows.Record().NumCols())
			require.Equal(t, "id", l.KeyColumns()[0].Name)
			require.Equal(t, "accounts", l.Table().Path.Table)
		})
	}
}

func TestLookupErrors(t *testing.T) {
	f, c := filledAccounts(t, 3, 3)
	l := lookuper(t, c, "accounts")
	ctx := context.Background()
	for key, want := range map[any]string{
		5:                   "a key must be",
		"x":                 "a key must be",
		(*account)(nil):     "a key must be",
		row{}:               `does not have the column "id"`,
		struct{ ID int }{1}: "no field with a tag",
	} {
		_, err := l.Lookup(ctx, key)
		require.ErrorContains(t, err, want)
		require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	}
	_, err := l.Lookup(ctx, sdk.Key{nil})
	require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
	_, _, err = sdk.LookupOne[row](ctx, l, sdk.Key{1})
	require.Equal(t, errcode.UnknownColumn, errcode.Of(err))
	_, _, err = l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{ownerField}, `[{}]`))
	require.ErrorContains(t, err, `the batch does not have the column "id"`)
	for want, opts := range map[string][]sdk.LookupOption{
		"no column":                  {sdk.WithLookupColumns()},
		"twice":                      {sdk.WithLookupColumns("id", "id")},
		"size":                       {sdk.WithLookupColumns("size")},
		"does not go with WithInser": {sdk.WithPrefix(), sdk.WithInsertIfAbsent()},
		"NOT NULL and not written":   {sdk.WithInsertIfAbsent()},
	} {
		_, err := c.Lookuper(ctx, "accounts", opts...)
		require.ErrorContains(t, err, want)
	}
	f.mu.Lock()
	delete(f.infos, "accounts")
	f.mu.Unlock()
	_, err = l.Lookup(ctx, sdk.Key{1})
	require.Equal(t, errcode.UnknownTable, errcode.Of(err))
	require.NoError(t, l.Close())
	_, err = l.Lookup(ctx, sdk.Key{1})
	require.Equal(t, errcode.Canceled, errcode.Of(err))
}

func TestLookupColumns(t *testing.T) {
	f, c := filledAccounts(t, 1, 3)
	l := lookuper(t, c, "accounts", sdk.WithLookupColumns("note", "owner"), sdk.WithStaleReads())
	rows, err := l.Lookup(context.Background(), sdk.Key{1})
	require.NoError(t, err)
	rec := rows.Record()
	require.Equal(t, "note", rec.ColumnName(0))
	require.Equal(t, `["owner 1"]`, rec.Column(1).String())
	require.Equal(t, []int32{3, 2}, f.lookups[0].GetColumns())
	require.Equal(t, flussv1.LookupConsistency_LOOKUP_CONSISTENCY_STALE, f.lookups[0].GetConsistency())
	require.Len(t, l.Schema().Columns, 2)
}

// TestCallersShareLookups has many callers at once: their keys travel together, and
// each gets its own rows.
func TestCallersShareLookups(t *testing.T) {
	const callers, each = 64, 50
	f, c := filledAccounts(t, 4, 1000)
	f.lookupDelay = 500 * time.Microsecond
	l := lookuper(t, c, "accounts")
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range each {
				id := r.Int64N(1200)
				a, ok, err := sdk.LookupOne[account](context.Background(), l, sdk.Key{id})
				if err != nil || ok != (id < 1000) || ok && a.Owner != fmt.Sprint("owner ", id) {
					panic(fmt.Sprint(id, a, ok, err))
				}
			}
		})
	}
	wg.Wait()
	require.Less(t, len(f.lookups), callers*each/5)
	keys := 0
	for _, r := range f.lookups {
		require.LessOrEqual(t, len(r.GetBuckets()), 4)
		for range r.GetBuckets() {
			keys++
		}
	}
	require.Less(t, keys, callers*each)
}

func TestLookupsAreRetried(t *testing.T) {
	for _, code := range []errcode.Code{
		errcode.NotLeader, errcode.NoLeader, errcode.Unavailable, errcode.ShuttingDown, errcode.StoragePressure, errcode.UnknownSchema, errcode.UnknownBucket,
	} {
		t.Run(string(code), func(t *testing.T) {
			f, c := filledAccounts(t, 2, 10)
			f.lookupFate = func(n int, _ *flussv1.LookupRequest) errcode.Code {
				if n < 4 {
					return code
				}
				return ""
			}
			l := lookuper(t, c, "accounts")
			a, ok, err := sdk.LookupOne[account](context.Background(), l, sdk.Key{5})
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, "owner 5", a.Owner)
		})
	}
	f, c := filledAccounts(t, 2, 10, sdk.WithRetryTimeout(50*time.Millisecond))
	f.lookupFate = func(int, *flussv1.LookupRequest) errcode.Code { return errcode.NotLeader }
	l := lookuper(t, c, "accounts")
	_, err := l.Lookup(context.Background(), sdk.Key{5})
	require.Equal(t, errcode.NotLeader, errcode.Of(err), "without a deadline the retry timeout counts")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = l.Lookup(ctx, sdk.Key{5})
	require.Equal(t, errcode.DeadlineExceeded, errcode.Of(err))
	require.ErrorContains(t, err, "sent again because: refused by the test")
	require.GreaterOrEqual(t, time.Since(start), 100*time.Millisecond)
}

// TestASilentServerIsAskedAgain has the first request never answered.
func TestASilentServerIsAskedAgain(t *testing.T) {
	f, c := filledAccounts(t, 1, 10, sdk.WithRequestTimeout(50*time.Millisecond))
	f.lookupFate = func(n int, _ *flussv1.LookupRequest) errcode.Code {
		if n == 1 {
			time.Sleep(200 * time.Millisecond)
		}
		return ""
	}
	l := lookuper(t, c, "accounts")
	_, ok, err := sdk.LookupOne[account](context.Background(), l, sdk.Key{5})
	require.NoError(t, err)
	require.True(t, ok)
}

func TestLookupEndsWithItsContext(t *testing.T) {
	f, c := filledAccounts(t, 1, 10)
	f.lookupDelay = time.Minute
	l := lookuper(t, c, "accounts")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := l.Lookup(ctx, sdk.Key{1})
	require.Equal(t, errcode.Canceled, errcode.Of(err))
	_, _, err = l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{idField}, `[{"id": 1}]`))
	require.Equal(t, errcode.Canceled, errcode.Of(err))
	time.AfterFunc(20*time.Millisecond, func() { _ = c.Close() })
	_, err = l.Lookup(context.Background(), sdk.Key{1})
	require.Equal(t, errcode.Canceled, errcode.Of(err))
}

// TestOneKeyDoesNotFailOthers has the server refuse requests with a certain key.
// A caller that leaves reads nothing of a call that is being answered: what this
// looks for is found by the race detector.
func TestLookupsEndWhileTheyAreAnswered(t *testing.T) {
	_, c := filledAccounts(t, 1, 3)
	l := lookuper(t, c, "accounts")
	for i := range 1000 {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, found, err := sdk.LookupOne[account](ctx, l, sdk.Key{2})
			if err == nil {
				require.True(t, found)
				return
			}
			require.Equal(t, errcode.Canceled, errcode.Of(err))
		})
		for range i % 100 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
	}
}

func TestOneKeyDoesNotFailOthers(t *testing.T) {
	f, c := filledAccounts(t, 1, 100)
	f.lookupDelay = 5 * time.Millisecond
	l := lookuper(t, c, "accounts")
	f.garble = func(r *flussv1.LookupResponse) {
		if len(r.GetRowCounts()) > 1 {
			r.RowCounts = r.GetRowCounts()[1:] // INTERNAL in the client
		}
	}
	var wg sync.WaitGroup
	for i := range int64(40) {
		wg.Go(func() {
			a, ok, err := sdk.LookupOne[account](context.Background(), l, sdk.Key{i})
			if err != nil || !ok || a.ID != i {
				panic(fmt.Sprint(i, a, ok, err))
			}
		})
	}
	wg.Wait()
}

func TestHostileAnswers(t *testing.T) {
	f, c := filledAccounts(t, 1, 10)
	l := lookuper(t, c, "accounts")
	for name, garble := range map[string]func(r *flussv1.LookupResponse){
		"no rows":      func(r *flussv1.LookupResponse) { r.Rows = nil },
		"counts":       func(r *flussv1.LookupResponse) { r.RowCounts = []uint32{1 << 31} },
		"more counts":  func(r *flussv1.LookupResponse) { r.RowCounts = append(r.GetRowCounts(), 0) },
		"cut short":    func(r *flussv1.LookupResponse) { r.Rows = r.GetRows()[:len(r.GetRows())-9] },
		"no batch":     func(r *flussv1.LookupResponse) { r.Rows = []byte("x") },
		"other schema": func(r *flussv1.LookupResponse) { r.SchemaId = 7 },
		"long metadata": func(r *flussv1.LookupResponse) {
			copy(r.GetRows()[20:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
		},
		"other metadata": func(r *flussv1.LookupResponse) { clear(r.GetRows()[80:120]) },
	} {
		t.Run(name, func(t *testing.T) {
			f.mu.Lock()
			f.garble = garble
			f.mu.Unlock()
			_, err := l.Lookup(context.Background(), sdk.Key{1})
			require.Error(t, err)
		})
	}
}

func TestLookupBatch(t *testing.T) {
	f, c := filledAccounts(t, 4, 3000)
	l := lookuper(t, c, "accounts")
	ctx := context.Background()
	for _, most := range []int{0, 100} {
		f.mostRows = most
		r := seeded(t)
		var rows []string
		var wanted []int64
		for range 2500 {
			id := r.Int64N(4000)
			wanted = append(wanted, id)
			rows = append(rows, fmt.Sprintf(`{"id": %d, "owner": "not looked at"}`, id))
		}
		keys := jsonRecord(t, []arrow.Field{ownerField, idField}, "["+strings.Join(rows, ",")+"]")
		rec, counts, err := l.LookupBatch(ctx, keys)
		require.NoError(t, err)
		require.Len(t, counts, len(wanted))
		at := 0
		for i, id := range wanted {
			if id >= 3000 {
				require.Zero(t, counts[i])
				continue
			}
			require.EqualValues(t, 1, counts[i])
			require.Equal(t, id, rec.Column(0).(*array.Int64).Value(at))
			require.Equal(t, fmt.Sprint("owner ", id), rec.Column(1).(*array.String).Value(at))
			require.True(t, rec.Column(2).IsNull(at))
			at++
		}
		require.EqualValues(t, at, rec.NumRows())
		rec.Release()
		keys.Release()
	}
	rec, counts, err := l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{idField}, `[]`))
	require.NoError(t, err)
	require.Empty(t, counts)
	require.Zero(t, rec.NumRows())
	rec, counts, err = l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{idField}, `[{"id": 9999}]`))
	require.NoError(t, err)
	require.Equal(t, []uint32{0}, counts)
	require.Zero(t, rec.NumRows())
}

func TestLookupByPrefix(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "day STRING NOT NULL, v STRING, b BIGINT NOT NULL, a STRING NOT NULL, c BIGINT NOT NULL",
		table.Descriptor{BucketCount: 3, PartitionKeys: []string{"day"}, BucketKeys: []string{"a", "b"}}, "day", "a", "b", "c")
	f.createKeyed(t, "odd", "a BIGINT NOT NULL, b BIGINT NOT NULL", table.Descriptor{BucketCount: 3, BucketKeys: []string{"b"}}, "a", "b")
	c := f.connect(t)
	ctx := context.Background()
	_, err := c.Lookuper(ctx, "odd", sdk.WithPrefix())
	require.ErrorContains(t, err, "no look-ups by prefix")
	u := upserter(t, c, "t")
	for i := range 40 {
		_, err := u.Upsert(ctx, map[string]any{"day": "monday", "a": fmt.Sprint("a", i%2), "b": i % 4, "c": 100 + i, "v": "x"})
		require.NoError(t, err)
	}
	require.NoError(t, u.Close(ctx))
	l := lookuper(t, c, "t", sdk.WithPrefix())
	type found struct {
		A string `fluss:"a"`
		B int64  `fluss:"b"`
		C int64  `fluss:"c"`
	}
	rows, err := sdk.LookupAll[found](ctx, l, sdk.Key{"monday", "a1", 3})
	require.NoError(t, err)
	require.Len(t, rows, 10)
	require.Equal(t, found{"a1", 3, 103}, rows[0])
	require.Equal(t, []int32{4, 3}, f.lookups[0].GetKeyColumns())
	_, _, err = sdk.LookupOne[found](ctx, l, sdk.Key{"monday", "a1", 3})
	require.ErrorContains(t, err, "10 rows have the prefix")
	none, err := sdk.LookupAll[found](ctx, l, map[string]any{"day": "sunday", "a": "a1", "b": 3})
	require.NoError(t, err)
	require.Empty(t, none)
	rec, counts, err := l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "b", Type: arrow.PrimitiveTypes.Int8}, {Name: "day", Type: arrow.BinaryTypes.String}},
		`[{"a": "a0", "b": 2, "day": "monday"}, {"a": "a0", "b": 1, "day": "monday"}, {"a": "a0", "b": 1, "day": "sunday"}, {"a": "a1", "b": 1, "day": "monday"}]`))
	require.NoError(t, err)
	require.Equal(t, []uint32{10, 0, 0, 10}, counts)
	require.EqualValues(t, 20, rec.NumRows())
	require.EqualValues(t, 102, rec.Column(4).(*array.Int64).Value(0))
	require.EqualValues(t, 101, rec.Column(4).(*array.Int64).Value(10))
}

// TestLookupsInPartitions has partitions come and go behind the client's back.
func TestLookupsInPartitions(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "day STRING NOT NULL, id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 2, PartitionKeys: []string{"day"}}, "day", "id")
	c := f.connect(t)
	ctx := context.Background()
	l := lookuper(t, c, "t")
	find := func(l *sdk.Lookuper, day string, id int) bool {
		t.Helper()
		_, ok, err := sdk.LookupOne[map[string]any](ctx, l, sdk.Key{day, id})
		require.NoError(t, err)
		return ok
	}
	require.False(t, find(l, "monday", 1))
	u := upserter(t, c, "t")
	future, err := u.Upsert(ctx, map[string]any{"day": "monday", "id": 1})
	require.NoError(t, err)
	_, err = future.Wait(ctx)
	require.NoError(t, err)
	require.True(t, find(l, "monday", 1), "a look-up sees what was acked before it")
	require.False(t, find(l, "monday", 2))
	require.False(t, find(l, "tuesday", 1))

	// The partition goes, while the lookuper believes that it is there.
	f.mu.Lock()
	f.parts["t"] = nil
	f.mu.Unlock()
	require.False(t, find(l, "monday", 1))
	rec, counts, err := l.LookupBatch(ctx, jsonRecord(t, []arrow.Field{{Name: "day", Type: arrow.BinaryTypes.String}, idField}, `[{"day": "monday", "id": 1}, {"day": "friday", "id": 2}]`))
	require.NoError(t, err)
	require.Equal(t, []uint32{0, 0}, counts)
	require.Zero(t, rec.NumRows())

	inserting := lookuper(t, c, "t", sdk.WithInsertIfAbsent())
	require.True(t, find(inserting, "friday", 7))
	require.True(t, find(l, "friday", 7))
	f.mu.Lock()
	f.parts["t"] = nil
	f.mu.Unlock()
	require.True(t, find(inserting, "friday", 8), "the partition is made again")
	require.Len(t, f.parts["t"], 1)
}

// TestLookupSchemaChange has the server refuse the old schema version.
func TestLookupSchemaChange(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "id BIGINT NOT NULL, b STRING", table.Descriptor{}, "id")
	c := f.connect(t)
	ctx := context.Background()
	u := upserter(t, c, "t")
	_, err := u.Upsert(ctx, map[string]any{"id": 1, "b": "x"})
	require.NoError(t, err)
	require.NoError(t, u.Close(ctx))
	l := lookuper(t, c, "t")
	named := lookuper(t, c, "t", sdk.WithLookupColumns("b"))
	f.mu.Lock()
	f.infos["t"] = altered(t, f.infos["t"])
	f.buckets[ids.Bucket{Table: 1}].rows["1"] = map[string]any{"id": int64(1), "bb": "x"}
	f.oldestSchema = 2
	f.mu.Unlock()
	got, ok, err := sdk.LookupOne[map[string]any](ctx, l, sdk.Key{1})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, map[string]any{"id": int64(1), "bb": "x", "c": nil}, got)
	got, _, err = sdk.LookupOne[map[string]any](ctx, named, sdk.Key{1})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"bb": "x"}, got)
	require.NoError(t, l.Refresh(ctx))
}

func TestCountRows(t *testing.T) {
	_, c := filledAccounts(t, 2, 33)
	n, err := c.Admin().CountRows(context.Background(), "accounts")
	require.NoError(t, err)
	require.EqualValues(t, 33, n)
	_, err = c.Admin().CountRows(context.Background(), "accounts", "p")
	require.Equal(t, errcode.UnknownPartition, errcode.Of(err))
}

// FuzzLookupAnswer checks that hostile rows are refused or read, and never panic.
func FuzzLookupAnswer(f *testing.F) {
	fake, client := filledAccounts(f, 1, 3)
	info := fake.infoByID(1)
	lookup := func(keys string) *flussv1.LookupResponse {
		rec := jsonRecord(f, []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, keys)
		b, err := batch.NewEncoder(batch.NewLayout(info.Schema().Columns[:1]), batch.EncoderOptions{}).Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
		require.NoError(f, err)
		resp, err := fake.Lookup(f.Context(), &flussv1.LookupRequest{TableId: 1, KeyColumns: []int32{1}, SchemaId: 1, Buckets: []*flussv1.LookupKeys{{Keys: b}}})
		require.NoError(f, err)
		return resp
	}
	f.Add(lookup(`[{"id": 1}, {"id": 2}]`).GetRows(), uint32(1), uint32(1))
	f.Add(lookup(`[{"id": 1}, {"id": 7}]`).GetRows(), uint32(1), uint32(0))
	f.Add([]byte{}, uint32(0), uint32(0))
	require.NoError(f, client.Close())
	fake.grpc.Stop()
	f.Fuzz(func(t *testing.T, rows []byte, first, second uint32) {
		read, err := sdk.ReadAnswer[account](info, &flussv1.LookupResponse{SchemaId: 1, RowCounts: []uint32{first, second}, Rows: rows})
		if err == nil {
			require.Len(t, read, int(first)+int(second))
		}
	})
}
