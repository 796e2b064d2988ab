package node_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// keyedWorld is a client that speaks to the services itself: it can send what
// the SDK would not.
type keyedWorld struct {
	t      testing.TB
	sdk    *sdk.Client
	write  flussv1.WriteClient
	lookup flussv1.LookupClient
	admin  flussv1.AdminClient
	info   *table.Info
}

func newKeyedWorld(t testing.TB, addr string, c *sdk.Client) *keyedWorld {
	conn, err := grpc.NewClient(addr, append(codec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return &keyedWorld{t: t, sdk: c, write: flussv1.NewWriteClient(conn), lookup: flussv1.NewLookupClient(conn), admin: flussv1.NewAdminClient(conn)}
}

// create makes the table "t" the one that the world works with.
func (w *keyedWorld) create(columns string, d table.Descriptor, primaryKey ...string) {
	fields, err := schema.ParseColumns(columns)
	require.NoError(w.t, err)
	d.Schema, err = schema.New(fields, primaryKey)
	require.NoError(w.t, err)
	w.info, err = w.sdk.Admin().CreateTable(w.t.Context(), "t", &d)
	require.NoError(w.t, err)
}

func (w *keyedWorld) record(fields []schema.Field, rows string) arrow.RecordBatch {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Type.Nullable = true
	}
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.ArrowFields(fields), strings.NewReader(rows))
	require.NoError(w.t, err)
	return rec
}

func encodeRows(t testing.TB, fields []schema.Field, rec arrow.RecordBatch, changes bool) []byte {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Type.Nullable = true
	}
	l := batch.NewLayout(fields)
	if changes {
		l = l.WithChangeTypes()
	}
	b, err := batch.NewEncoder(l, batch.EncoderOptions{}).Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
	require.NoError(t, err)
	return b
}

// columns are those of the table with the names, in that order; all when there are none.
func (w *keyedWorld) columns(names ...string) []schema.Field {
	if len(names) == 0 {
		return w.info.Schema().Columns
	}
	out := make([]schema.Field, len(names))
	for i, n := range names {
		f, err := w.info.Schema().Column(n)
		require.NoError(w.t, err)
		out[i] = f
	}
	return out
}

func fieldIDs(fields []schema.Field) (out []int32) {
	for i := range fields {
		out = append(out, int32(fields[i].ID))
	}
	return out
}

// split returns the rows of each bucket.
func (w *keyedWorld) split(fields []schema.Field, rec arrow.RecordBatch) []keys.Part {
	h, err := keys.NewHasher(&schema.Schema{Columns: fields}, w.info.Descriptor.BucketKeys)
	require.NoError(w.t, err)
	buckets, err := h.Buckets(rec, w.info.Descriptor.BucketCount, nil)
	require.NoError(w.t, err)
	parts, err := keys.SplitByBucket(rec, buckets)
	require.NoError(w.t, err)
	return parts
}

// upsert writes rows of JSON, of the columns named or all, and returns the first error.
func (w *keyedWorld) upsert(rows string, names ...string) *flussv1.WriteError {
	fields := w.columns(names...)
	return w.send(&flussv1.WriteRequest{Kind: flussv1.WriteKind_WRITE_KIND_UPSERT, TargetColumns: fieldIDs(w.columns(names...))}, fields, rows)
}

func (w *keyedWorld) send(form *flussv1.WriteRequest, fields []schema.Field, rows string) *flussv1.WriteError {
	for _, part := range w.split(fields, w.record(fields, rows)) {
		req := &flussv1.WriteRequest{
			TableId: int64(w.info.ID), Bucket: part.Bucket, Kind: form.GetKind(), TargetColumns: form.GetTargetColumns(), MergeMode: form.GetMergeMode(),
			Batch: encodeRows(w.t, fields, part.Rec, false),
		}
		resp, err := w.write.Append(w.t.Context(), req)
		require.NoError(w.t, err)
		if resp.GetError() != nil {
			return resp.GetError()
		}
	}
	return nil
}

// get looks keys of JSON up, and returns the rows found as JSON, a line each, and
// how many each key has.
func (w *keyedWorld) get(req *flussv1.LookupRequest, keyColumns []string, given string, columns ...string) (string, []uint32, error) {
	fields := w.columns(keyColumns...)
	req.TableId, req.KeyColumns = int64(w.info.ID), fieldIDs(fields)
	if len(columns) > 0 {
		req.Columns = fieldIDs(w.columns(columns...))
	}
	for _, part := range w.split(fields, w.record(fields, given)) {
		req.Buckets = append(req.Buckets, &flussv1.LookupKeys{Bucket: part.Bucket, Keys: encodeRows(w.t, fields, part.Rec, false)})
	}
	resp, err := w.lookup.Lookup(w.t.Context(), req)
	if err != nil {
		return "", nil, errcode.From(err)
	}
	if len(resp.GetRows()) == 0 {
		return "", resp.GetRowCounts(), nil
	}
	want := slices.Clone(w.columns(columns...))
	for i := range want {
		want[i].Type.Nullable = true
	}
	l := batch.NewLayout(want)
	parsed, err := batch.Validate(l, resp.GetRows(), batch.Limits{MaxBytes: codec.MaxMessageBytes})
	require.NoError(w.t, err)
	v, err := batch.ParseView(parsed.Bytes, l)
	require.NoError(w.t, err)
	var m batch.Meta
	v.Meta(&m)
	h := v.Header()
	rec, err := batch.Decode(l, &m, parsed.Bytes[h.HeadBytes():], batch.DecodeOptions{Validate: true})
	require.NoError(w.t, err)
	defer rec.Release()
	lines := make([]string, rec.NumRows())
	for i := range lines {
		row := rec.NewSlice(int64(i), int64(i+1))
		text, err := array.RecordToStructArray(row).MarshalJSON()
		require.NoError(w.t, err)
		lines[i] = strings.Trim(string(text), "[]\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), resp.GetRowCounts(), nil
}

func (w *keyedWorld) count() int64 {
	resp, err := w.admin.CountRows(w.t.Context(), &flussv1.CountRowsRequest{Path: w.info.Path.Proto()})
	require.NoError(w.t, err)
	return resp.GetRows()
}

func total(counts []uint32) (n int) {
	for _, c := range counts {
		n += int(c)
	}
	return n
}

func TestRowsAreUpsertedAndLookedUp(t *testing.T) {
	cfg := testConfig(t)
	n := start(t, cfg)
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id BIGINT NOT NULL, name STRING, age INT", table.Descriptor{BucketCount: 3}, "id")
	require.Nil(t, w.upsert(`[{"id": 1, "name": "ann", "age": 30}, {"id": 2, "name": "bob"}, {"id": 3, "name": "cid", "age": 5}]`))
	require.EqualValues(t, 3, w.count())

	id := []string{"id"}
	got, counts, err := w.get(&flussv1.LookupRequest{}, id, `[{"id": 1}, {"id": 2}, {"id": 9}]`)
	require.NoError(t, err)
	require.Equal(t, `{"age":30,"id":1,"name":"ann"}`+"\n"+`{"age":null,"id":2,"name":"bob"}`, got)
	require.Len(t, counts, 3)
	require.Equal(t, 2, total(counts))

	require.Nil(t, w.upsert(`[{"age": 31, "id": 1}]`, "age", "id"), "a partial update")
	got, _, err = w.get(&flussv1.LookupRequest{Consistency: flussv1.LookupConsistency_LOOKUP_CONSISTENCY_STALE}, id, `[{"id": 1}]`, "age", "name")
	require.NoError(t, err)
	require.Equal(t, `{"age":31,"name":"ann"}`, got)

	require.Nil(t, w.send(&flussv1.WriteRequest{Kind: flussv1.WriteKind_WRITE_KIND_DELETE}, w.columns("id"), `[{"id": 2}, {"id": 7}]`))
	require.EqualValues(t, 2, w.count())
	got, counts, err = w.get(&flussv1.LookupRequest{}, id, `[{"id": 2}]`)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, []uint32{0}, counts)

	require.NoError(t, n.Close(context.Background()))
	n = start(t, cfg)
	info := w.info
	w = newKeyedWorld(t, n.Addr(), connect(t, n))
	w.info = info
	got, _, err = w.get(&flussv1.LookupRequest{}, id, `[{"id": 1}, {"id": 2}, {"id": 3}]`)
	require.NoError(t, err)
	require.Equal(t, `{"age":31,"id":1,"name":"ann"}`+"\n"+`{"age":5,"id":3,"name":"cid"}`, got)
	require.EqualValues(t, 2, w.count())
}

// A scan of the rows is a snapshot of each bucket, with what was upserted last.
func TestRowsAreScanned(t *testing.T) {
	cfg := testConfig(t)
	n := start(t, cfg)
	c := connect(t, n)
	w := newKeyedWorld(t, n.Addr(), c)
	w.create("id BIGINT NOT NULL, name STRING, age INT", table.Descriptor{BucketCount: 3}, "id")
	for round := range 3 {
		var rows []string
		for id := range 500 {
			rows = append(rows, fmt.Sprintf(`{"id": %d, "name": "n%d", "age": %d}`, id, id, round))
		}
		require.Nil(t, w.upsert("["+strings.Join(rows, ",")+"]"))
	}
	require.Nil(t, w.send(&flussv1.WriteRequest{Kind: flussv1.WriteKind_WRITE_KIND_DELETE}, w.columns("id"), `[{"id": 7}]`))
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	stream, err := flight.NewClientFromConn(conn, nil).DoGet(t.Context(), &flight.Ticket{Ticket: []byte(`{"table": "t", "columns": ["age", "id", "name"]}`)})
	require.NoError(t, err)
	r, err := flight.NewRecordReader(stream)
	require.NoError(t, err)
	defer r.Release()
	seen := map[int64]bool{}
	for r.Next() {
		rec := r.RecordBatch()
		for i := range int(rec.NumRows()) {
			id := rec.Column(1).(*array.Int64).Value(i)
			require.False(t, seen[id], "row %d came twice", id)
			seen[id] = true
			require.EqualValues(t, 2, rec.Column(0).(*array.Int32).Value(i))
			require.Equal(t, fmt.Sprint("n", id), rec.Column(2).(*array.String).Value(i))
		}
	}
	require.NoError(t, r.Err())
	require.Len(t, seen, 499)
	require.False(t, seen[7])
}

func TestRowsAreLookedUpByPrefix(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("who STRING NOT NULL, nr BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 2, BucketKeys: []string{"who"}}, "who", "nr")
	require.Nil(t, w.upsert(`[{"who": "a", "nr": 1, "v": "x"}, {"who": "a", "nr": -2, "v": "y"}, {"who": "ab", "nr": 1, "v": "z"}]`))
	got, counts, err := w.get(&flussv1.LookupRequest{Prefix: true}, []string{"who"}, `[{"who": "a"}]`, "nr", "v")
	require.NoError(t, err)
	require.Equal(t, `{"nr":-2,"v":"y"}`+"\n"+`{"nr":1,"v":"x"}`, got)
	require.Equal(t, []uint32{2}, counts)
	_, counts, err = w.get(&flussv1.LookupRequest{Prefix: true}, []string{"who"}, `[{"who": "a"}, {"who": "zz"}, {"who": "ab"}]`)
	require.NoError(t, err)
	require.Equal(t, 3, total(counts))
}

// Of many who insert the same key at the same time, one does.
func TestAbsentRowsAreInsertedOnce(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id BIGINT NOT NULL, name STRING", table.Descriptor{BucketCount: 2}, "id")
	require.Nil(t, w.upsert(`[{"id": 1, "name": "ann"}]`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, counts, err := w.get(&flussv1.LookupRequest{InsertIfAbsent: true}, []string{"id"}, `[{"id": 1}, {"id": 2}, {"id": 3}, {"id": 3}]`)
			require.NoError(t, err)
			require.Equal(t, 4, total(counts))
			require.Equal(t, `{"id":1,"name":"ann"}`, strings.Split(got, "\n")[0])
		})
	}
	wg.Wait()
	require.EqualValues(t, 3, w.count())
}

// Who looks up a name that is new gets a number that nobody else has.
func TestAbsentRowsGetNumbers(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("name STRING NOT NULL, nr BIGINT NOT NULL, note STRING",
		table.Descriptor{BucketCount: 2, Custom: map[string]string{"auto-increment.fields": "nr"}}, "name")
	var mu sync.Mutex
	numbers := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			got, counts, err := w.get(&flussv1.LookupRequest{InsertIfAbsent: true}, []string{"name"}, fmt.Sprintf(`[{"name": "n%d"}]`, i/2), "nr")
			require.NoError(t, err)
			require.Equal(t, []uint32{1}, counts)
			mu.Lock()
			defer mu.Unlock()
			numbers[got] = true
		})
	}
	wg.Wait()
	require.EqualValues(t, 10, w.count())
	require.Len(t, numbers, 10)
}

func TestRowsOfPartitionsAreLookedUp(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	w := newKeyedWorld(t, n.Addr(), c)
	w.create("day STRING NOT NULL, id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 1, PartitionKeys: []string{"day"}}, "day", "id")
	parts := map[string]int64{}
	for _, day := range []string{"mon", "tue"} {
		p, err := c.Admin().CreatePartition(t.Context(), "t", map[string]string{"day": day})
		require.NoError(t, err)
		parts[day] = int64(p.ID)
		rec := w.record(w.columns(), fmt.Sprintf(`[{"day": %q, "id": 1, "v": "of %s"}]`, day, day))
		resp, err := w.write.Append(t.Context(), &flussv1.WriteRequest{
			TableId: int64(w.info.ID), PartitionId: parts[day], Kind: flussv1.WriteKind_WRITE_KIND_UPSERT, Batch: encodeRows(t, w.columns(), rec, false),
		})
		require.NoError(t, err)
		require.Nil(t, resp.GetError())
	}
	key := w.columns("day", "id")
	monday := encodeRows(t, key, w.record(key, `[{"day": "mon", "id": 1}, {"day": "mon", "id": 2}]`), false)
	tuesday := encodeRows(t, key, w.record(key, `[{"day": "tue", "id": 1}]`), false)
	req := &flussv1.LookupRequest{TableId: int64(w.info.ID), KeyColumns: fieldIDs(key), Buckets: []*flussv1.LookupKeys{
		{PartitionId: parts["mon"], Keys: monday}, {PartitionId: parts["tue"], Keys: tuesday},
	}}
	resp, err := w.lookup.Lookup(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, []uint32{1, 0, 1}, resp.GetRowCounts())

	req.Buckets[1].PartitionId = parts["mon"]
	_, err = w.lookup.Lookup(t.Context(), req)
	require.ErrorContains(t, err, `row 0: it belongs into partition "tue" and was sent to partition "mon"`)
	req.Buckets[1].PartitionId = 0
	_, err = w.lookup.Lookup(t.Context(), req)
	require.Equal(t, errcode.UnknownBucket, errcode.Of(err), err)

	rec := w.record(w.columns(), `[{"day": "tue", "id": 1}]`)
	wrong, err := w.write.Append(t.Context(), &flussv1.WriteRequest{
		TableId: int64(w.info.ID), PartitionId: parts["mon"], Kind: flussv1.WriteKind_WRITE_KIND_UPSERT, Batch: encodeRows(t, w.columns(), rec, false),
	})
	require.NoError(t, err)
	require.Equal(t, string(errcode.InvalidBatch), wrong.GetError().GetCode())
}

func TestWhatALookupRefuses(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	w := newKeyedWorld(t, n.Addr(), c)
	w.create("id BIGINT NOT NULL, name STRING", table.Descriptor{BucketCount: 1}, "id")
	createOrders(t, c, 1)
	orders, err := c.Admin().Table(t.Context(), "orders")
	require.NoError(t, err)
	id := w.columns("id")
	good := encodeRows(t, id, w.record(id, `[{"id": 1}]`), false)
	many := encodeRows(t, id, w.record(id, "["+strings.Repeat(`{"id": 1},`, 1<<16)+`{"id": 1}]`), false)
	half := encodeRows(t, id, w.record(id, "["+strings.Repeat(`{"id": 1},`, 1<<15)+`{"id": 1}]`), false)
	broken := slices.Clone(good)
	broken[len(broken)-64]++
	for _, tc := range []struct {
		name string
		code errcode.Code
		edit func(r *flussv1.LookupRequest)
	}{
		{"no such table", errcode.UnknownTable, func(r *flussv1.LookupRequest) { r.TableId = 999 }},
		{"a log table", errcode.NotPrimaryKeyTable, func(r *flussv1.LookupRequest) { r.TableId = int64(orders.ID) }},
		{"no such bucket", errcode.UnknownBucket, func(r *flussv1.LookupRequest) { r.Buckets[0].Bucket = 1 }},
		{"negative bucket", errcode.UnknownBucket, func(r *flussv1.LookupRequest) { r.Buckets[0].Bucket = -1 }},
		{"no such partition", errcode.UnknownPartition, func(r *flussv1.LookupRequest) { r.Buckets[0].PartitionId = 5 }},
		{"no key columns", errcode.InvalidArgument, func(r *flussv1.LookupRequest) { r.KeyColumns = nil }},
		{"a column outside the key", errcode.InvalidArgument, func(r *flussv1.LookupRequest) { r.KeyColumns = []int32{2} }},
		{"an unknown column wanted", errcode.UnknownColumn, func(r *flussv1.LookupRequest) { r.Columns = []int32{1, 77} }},
		{"an unknown schema", errcode.UnknownSchema, func(r *flussv1.LookupRequest) { r.SchemaId = 12 }},
		{"an unknown consistency", errcode.InvalidArgument, func(r *flussv1.LookupRequest) { r.Consistency = 9 }},
		{"an insert by prefix", errcode.InvalidArgument, func(r *flussv1.LookupRequest) { r.Prefix, r.InsertIfAbsent = true, true }},
		{"no bytes", errcode.InvalidBatch, func(r *flussv1.LookupRequest) { r.Buckets[0].Keys = nil }},
		{"bytes that are no batch", errcode.InvalidBatch, func(r *flussv1.LookupRequest) { r.Buckets[0].Keys = []byte(strings.Repeat("x", 500)) }},
		{"a damaged batch", errcode.BadChecksum, func(r *flussv1.LookupRequest) { r.Buckets[0].Keys = broken }},
		{"a cut batch", errcode.InvalidBatch, func(r *flussv1.LookupRequest) { r.Buckets[0].Keys = good[:len(good)-64] }},
		{"a batch of other columns", errcode.InvalidBatch, func(r *flussv1.LookupRequest) {
			name := w.columns("name")
			r.Buckets[0].Keys = encodeRows(t, name, w.record(name, `[{"name": "x"}]`), false)
		}},
		{"a null key", errcode.InvalidBatch, func(r *flussv1.LookupRequest) {
			r.Buckets[0].Keys = encodeRows(t, id, w.record(id, `[{"id": 1}, {}]`), false)
		}},
		{"a column wanted twice", errcode.InvalidProjection, func(r *flussv1.LookupRequest) { r.Columns = []int32{2, 1, 2} }},
		{"too many keys", errcode.LimitExceeded, func(r *flussv1.LookupRequest) { r.Buckets[0].Keys = many }},
		{"too many keys in all", errcode.LimitExceeded, func(r *flussv1.LookupRequest) {
			r.Buckets = []*flussv1.LookupKeys{{Keys: half}, {Keys: half}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := &flussv1.LookupRequest{TableId: int64(w.info.ID), KeyColumns: []int32{1}, Buckets: []*flussv1.LookupKeys{{Keys: good}}}
			tc.edit(req)
			_, err := w.lookup.Lookup(t.Context(), req)
			require.Error(t, err)
			require.Equal(t, tc.code, errcode.Of(err), err)
		})
	}
	resp, err := w.lookup.Lookup(t.Context(), &flussv1.LookupRequest{TableId: int64(w.info.ID), KeyColumns: []int32{1}})
	require.NoError(t, err, "no keys at all are fine")
	require.Empty(t, resp.GetRowCounts())
}

// An answer that no client would take is refused with what to do.
func TestALookupOfTooMuch(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 1}, "id")
	for i := range 9 {
		require.Nil(t, w.upsert(fmt.Sprintf(`[{"id": %d, "v": %q}]`, i, strings.Repeat("x", 4<<20-4096))))
	}
	_, counts, err := w.get(&flussv1.LookupRequest{}, []string{"id"}, `[{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}]`)
	require.NoError(t, err)
	require.Equal(t, 6, total(counts))
	_, _, err = w.get(&flussv1.LookupRequest{}, []string{"id"}, `[{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}, {"id": 6}, {"id": 7}]`)
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.LimitExceeded})
	_, counts, err = w.get(&flussv1.LookupRequest{}, []string{"id"}, `[{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}, {"id": 6}, {"id": 7}]`, "id")
	require.NoError(t, err)
	require.Equal(t, 8, total(counts))
}

func TestWhatAnUpsertRefuses(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	w := newKeyedWorld(t, n.Addr(), c)
	w.create("id BIGINT NOT NULL, name STRING NOT NULL, note STRING", table.Descriptor{BucketCount: 4}, "id")
	createOrders(t, c, 1)
	orders, err := c.Admin().Table(t.Context(), "orders")
	require.NoError(t, err)
	all := w.columns()
	rec := w.record(all, `[{"id": 1, "name": "a"}]`)
	home := w.split(all, rec)[0].Bucket
	good := encodeRows(t, all, rec, false)
	changes := append(slices.Clone(all), schema.Field{Name: schema.ColumnChangeType, Type: schema.Of(schema.TinyInt)})
	before := encodeRows(t, all, w.record(changes, `[{"id": 1, "name": "a", "__change_type": 2}]`), true)
	for _, tc := range []struct {
		name string
		code errcode.Code
		edit func(r *flussv1.WriteRequest)
	}{
		{"an append", errcode.NotLogTable, func(r *flussv1.WriteRequest) { r.Kind = flussv1.WriteKind_WRITE_KIND_APPEND }},
		{"into a log table", errcode.NotPrimaryKeyTable, func(r *flussv1.WriteRequest) { r.TableId, r.Bucket = int64(orders.ID), 0 }},
		{"a kind there is not", errcode.InvalidArgument, func(r *flussv1.WriteRequest) { r.Kind = 9 }},
		{"no kind", errcode.InvalidArgument, func(r *flussv1.WriteRequest) { r.Kind = 0 }},
		{"a merge mode there is not", errcode.InvalidArgument, func(r *flussv1.WriteRequest) { r.MergeMode = 9 }},
		{"another bucket", errcode.InvalidBatch, func(r *flussv1.WriteRequest) { r.Bucket = (home + 1) % 4 }},
		{"a bucket there is not", errcode.UnknownBucket, func(r *flussv1.WriteRequest) { r.Bucket = 4 }},
		{"a null in a NOT NULL column", errcode.InvalidBatch, func(r *flussv1.WriteRequest) {
			r.Batch = encodeRows(t, all, w.record(all, `[{"id": 1}]`), false)
		}},
		{"a null key", errcode.InvalidBatch, func(r *flussv1.WriteRequest) {
			r.Batch = encodeRows(t, all, w.record(all, `[{"name": "x"}]`), false)
		}},
		{"the row before an update", errcode.InvalidBatch, func(r *flussv1.WriteRequest) { r.Batch = before }},
		{"a delete of whole rows", errcode.InvalidBatch, func(r *flussv1.WriteRequest) { r.Kind = flussv1.WriteKind_WRITE_KIND_DELETE }},
		{"bytes that are no batch", errcode.InvalidBatch, func(r *flussv1.WriteRequest) { r.Batch = []byte("FLB1") }},
		{"no rows", errcode.InvalidBatch, func(r *flussv1.WriteRequest) { r.Batch = encodeRows(t, all, w.record(all, `[]`), false) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := &flussv1.WriteRequest{
				TableId: int64(w.info.ID), Bucket: home, Kind: flussv1.WriteKind_WRITE_KIND_UPSERT, Batch: slices.Clone(good),
			}
			tc.edit(req)
			resp, err := w.write.Append(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, string(tc.code), resp.GetError().GetCode(), resp.GetError().GetMessage())
		})
	}
	require.Zero(t, w.count())
}

// Rows that were written before a change of the table are found with the columns
// of any version that still holds.
func TestLookupsAcrossSchemaVersions(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	w := newKeyedWorld(t, n.Addr(), c)
	w.create("id BIGINT NOT NULL, a INT, b STRING", table.Descriptor{BucketCount: 1}, "id")
	require.Nil(t, w.upsert(`[{"id": 1, "a": 5, "b": "x"}]`))
	old := w.info
	_, err := c.Admin().AlterTable(t.Context(), "t", sdk.AddColumn(schema.Field{Name: "c", Type: schema.Of(schema.String)}), sdk.RenameColumn("b", "bb"))
	require.NoError(t, err)
	w.info, err = c.Admin().Table(t.Context(), "t")
	require.NoError(t, err)
	got, _, err := w.get(&flussv1.LookupRequest{}, []string{"id"}, `[{"id": 1}]`)
	require.NoError(t, err)
	require.Equal(t, `{"a":5,"bb":"x","c":null,"id":1}`, got)
	newest := w.info
	w.info = old
	got, _, err = w.get(&flussv1.LookupRequest{SchemaId: 1}, []string{"id"}, `[{"id": 1}]`)
	require.NoError(t, err)
	require.Equal(t, `{"a":5,"b":"x","id":1}`, got)

	w.info = newest
	_, err = c.Admin().AlterTable(t.Context(), "t", sdk.WidenColumn("a", schema.Of(schema.BigInt)))
	require.NoError(t, err)
	_, _, err = w.get(&flussv1.LookupRequest{SchemaId: 1}, []string{"id"}, `[{"id": 1}]`, "a")
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.UnknownSchema}, "a was widened")
	got, _, err = w.get(&flussv1.LookupRequest{SchemaId: 1}, []string{"id"}, `[{"id": 1}]`, "bb")
	require.NoError(t, err)
	require.Equal(t, `{"bb":"x"}`, got)
}
