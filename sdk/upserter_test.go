package sdk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// account is a row of the table "accounts" of newAccounts.
type account struct {
	ID    int64   `fluss:"id"`
	Owner string  `fluss:"owner"`
	Note  *string `fluss:"note"`
}

const accountColumns = "id BIGINT NOT NULL, owner STRING NOT NULL, note STRING"

func newAccounts(t testing.TB, buckets int, opts ...sdk.Option) (*fakeServer, *sdk.Client) {
	f := newFake(t)
	f.createKeyed(t, "accounts", accountColumns, table.Descriptor{BucketCount: buckets}, "id")
	return f, f.connect(t, opts...)
}

func upserter(t testing.TB, c *sdk.Client, path string, opts ...sdk.UpserterOption) *sdk.Upserter {
	t.Helper()
	u, err := c.Upserter(context.Background(), path, opts...)
	require.NoError(t, err)
	return u
}

func jsonRecord(t testing.TB, fields []arrow.Field, rows string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

var (
	idField    = arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int32, Nullable: true}
	ownerField = arrow.Field{Name: "owner", Type: arrow.BinaryTypes.String, Nullable: true}
)

func TestUpsertAndDelete(t *testing.T) {
	for _, buckets := range []int{1, 4} {
		t.Run(fmt.Sprint(buckets, " buckets"), func(t *testing.T) {
			f, c := newAccounts(t, buckets)
			flags := map[uint8]int{}
			f.decide = func(_ int, r *codec.WriteRequest, h batch.Header) fate {
				require.Equal(t, flussv1.WriteKind_WRITE_KIND_UPSERT, r.Kind)
				require.Equal(t, batch.None, h.Codec)
				flags[h.Flags]++
				return fate{}
			}
			ctx := context.Background()
			acked := 0
			u := upserter(t, c, "accounts", sdk.WithOnAck(func(a sdk.Ack) { acked += a.Rows() }))
			for i := range int64(10) {
				_, err := u.Upsert(ctx, &account{ID: i, Owner: "ann"})
				require.NoError(t, err)
			}
			require.NoError(t, u.Flush(ctx))
			require.Len(t, f.keyed(), 10)
			require.NotContains(t, flags, uint8(batch.FlagChangeTypes), "batches without deletes have no change types")
			_, err := u.Upsert(ctx, map[string]any{"id": 1, "owner": "bob", "note": "new"})
			require.NoError(t, err)
			_, err = u.Delete(ctx, sdk.Key{2})
			require.NoError(t, err)
			_, err = u.Delete(ctx, account{ID: 3})
			require.NoError(t, err)
			_, err = u.Delete(ctx, map[string]any{"id": 4, "what": "is this"})
			require.NoError(t, err)
			future, err := u.Delete(ctx, sdk.Key{5})
			require.NoError(t, err)
			_, err = u.Upsert(ctx, account{ID: 5, Owner: "back"})
			require.NoError(t, err)
			require.NoError(t, u.Close(ctx))
			ack, err := future.Wait(ctx)
			require.NoError(t, err)
			require.Equal(t, 1, ack.Rows())
			require.Equal(t, 16, acked)
			rows := f.keyed()
			require.Len(t, rows, 7)
			require.Equal(t, map[string]any{"id": int64(1), "owner": "bob", "note": "new"}, rows["1"])
			require.Equal(t, "back", rows["5"]["owner"])
			require.Positive(t, flags[batch.FlagChangeTypes])
		})
	}
}

func TestUpsertBatches(t *testing.T) {
	for _, buckets := range []int{1, 4} {
		for _, size := range []int{10, 20_000} {
			t.Run(fmt.Sprint(buckets, " buckets, ", size, " rows"), func(t *testing.T) {
				f, c := newAccounts(t, buckets)
				ctx := context.Background()
				u := upserter(t, c, "accounts", sdk.WithBatchBytes(16<<10))
				b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{ownerField, idField}, nil))
				for i := range size {
					b.Field(0).(*array.StringBuilder).Append("x")
					b.Field(1).(*array.Int32Builder).Append(int32(i))
				}
				rec := b.NewRecordBatch()
				defer rec.Release()
				future, err := u.UpsertBatch(ctx, rec)
				require.NoError(t, err)
				half := rec.NewSlice(int64(size/2), int64(size))
				defer half.Release()
				_, err = u.DeleteBatch(ctx, half)
				require.NoError(t, err)
				_, err = u.Upsert(ctx, account{ID: int64(size - 1), Owner: "last"})
				require.NoError(t, err)
				require.NoError(t, u.Close(ctx))
				acks, err := future.WaitAll(ctx)
				require.NoError(t, err)
				rows := 0
				for _, a := range acks {
					rows += a.Rows()
				}
				require.Equal(t, size, rows)
				require.Len(t, f.keyed(), size/2+1)
				require.Equal(t, "last", f.keyed()[fmt.Sprint(size-1)]["owner"])
			})
		}
	}
}

func TestRowsThatDoNotFit(t *testing.T) {
	f, c := newAccounts(t, 4)
	ctx := context.Background()
	u := upserter(t, c, "accounts")
	for _, tc := range []struct {
		name string
		do   func() error
		code errcode.Code
		want string
	}{
		{"null in a NOT NULL column", func() error { _, err := u.Upsert(ctx, map[string]any{"id": 1}); return err }, errcode.InvalidBatch, "column owner is NOT NULL"},
		{"null key", func() error { _, err := u.Upsert(ctx, map[string]any{"owner": "x"}); return err }, errcode.InvalidBatch, "column id is NOT NULL"},
		{"unknown column", func() error { _, err := u.Upsert(ctx, map[string]any{"id": 1, "owner": "x", "size": 1}); return err }, errcode.UnknownColumn, "size"},
		{"key too short", func() error { _, err := u.Delete(ctx, sdk.Key{}); return err }, errcode.InvalidArgument, "the key has 0 values; it takes 1: id"},
		{"key of another type", func() error { _, err := u.Delete(ctx, sdk.Key{"x"}); return err }, errcode.InvalidBatch, "column id BIGINT"},
		{"null in a key", func() error { _, err := u.Delete(ctx, sdk.Key{nil}); return err }, errcode.InvalidBatch, "column id is NOT NULL"},
		{"key without column", func() error { _, err := u.Delete(ctx, map[string]any{"owner": "x"}); return err }, errcode.InvalidArgument, `the key does not have the column "id"`},
		{"struct without column", func() error { _, err := u.Delete(ctx, row{}); return err }, errcode.InvalidArgument, `sdk_test.row does not have the column "id"`},
		{"no key", func() error { _, err := u.Delete(ctx, 7); return err }, errcode.InvalidArgument, "not int"},
		{"batch with a null", func() error {
			_, err := u.UpsertBatch(ctx, jsonRecord(t, []arrow.Field{idField, ownerField}, `[{"id": 1, "owner": "x"}, {"id": 2}]`))
			return err
		}, errcode.InvalidBatch, "column owner is NOT NULL and row 1"},
		{"batch of keys with a null", func() error {
			_, err := u.DeleteBatch(ctx, jsonRecord(t, []arrow.Field{ownerField, idField}, `[{"id": 1, "owner": "x"}, {}]`))
			return err
		}, errcode.InvalidBatch, "column id is NOT NULL and row 1"},
		{"batch without key", func() error {
			_, err := u.DeleteBatch(ctx, jsonRecord(t, []arrow.Field{ownerField}, `[{"owner": "x"}]`))
			return err
		}, errcode.InvalidArgument, `the batch does not have the column "id"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.do()
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.code, errcode.Of(err))
		})
	}
	require.NoError(t, u.Close(ctx))
	require.Empty(t, f.ops())
	_, err := u.Delete(ctx, sdk.Key{1})
	require.ErrorContains(t, err, "the upserter is closed")
}

func TestWritersOfTheWrongTable(t *testing.T) {
	f, c := newAccounts(t, 1)
	f.create(t, "log", "a BIGINT NOT NULL, b STRING", 1, nil, nil, plain)
	f.createKeyed(t, "first", accountColumns, table.Descriptor{Properties: map[string]string{"table.merge-engine": "first_row"}}, "id")
	ctx := context.Background()
	_, err := c.Upserter(ctx, "log")
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(err))
	_, err = c.Deleter(ctx, "log")
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(err))
	_, err = c.Lookuper(ctx, "log")
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(err))
	_, err = c.Appender(ctx, "accounts")
	require.Equal(t, errcode.NotLogTable, errcode.Of(err))
	for want, opts := range map[string][]sdk.UpserterOption{
		"no column is named":              {sdk.WithTargetColumns()},
		"owner":                           {sdk.WithTargetColumns("note")}, // NOT NULL and left out
		"numb":                            {sdk.WithTargetColumns("owner", "numb")},
		"twice":                           {sdk.WithTargetColumns("owner", "owner")},
		"unknown merge mode":              {sdk.WithMergeMode(7)},
		"WithMaxInFlight(9): must be 1 t": {sdk.WithMaxInFlight(9)},
	} {
		_, err = c.Upserter(ctx, "accounts", opts...)
		require.ErrorContains(t, err, want)
	}
	_, err = c.Upserter(ctx, "first", sdk.WithTargetColumns("owner"))
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	_, err = c.Deleter(ctx, "accounts", sdk.WithTargetColumns("id"))
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
}

func TestPartialUpdatesAndOverwrites(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "id BIGINT NOT NULL, a STRING, b STRING, c STRING", table.Descriptor{BucketCount: 2}, "id")
	c := f.connect(t)
	ctx := context.Background()
	a := upserter(t, c, "t", sdk.WithTargetColumns("a"))
	b := upserter(t, c, "t", sdk.WithTargetColumns("b", "id"), sdk.WithMergeMode(sdk.MergeOverwrite))
	_, err := a.Upsert(ctx, map[string]any{"id": 1, "a": "x", "c": "not looked at"})
	require.NoError(t, err)
	require.NoError(t, a.Flush(ctx))
	_, err = b.UpsertBatch(ctx, jsonRecord(t, []arrow.Field{idField, {Name: "c", Type: arrow.BinaryTypes.String}, {Name: "b", Type: arrow.BinaryTypes.String}}, `[{"id": 1, "b": "y", "c": "z"}]`))
	require.NoError(t, err)
	require.NoError(t, b.Flush(ctx))
	_, err = a.Upsert(ctx, map[string]any{"id": 1, "d": "no such column"})
	require.Equal(t, errcode.UnknownColumn, errcode.Of(err))
	require.Equal(t, map[string]any{"id": int64(1), "a": "x", "b": "y"}, f.keyed()["1"])
	ops := f.ops()
	require.Equal(t, []int32{1, 2}, ops[0].targets)
	require.Equal(t, flussv1.MergeMode_MERGE_MODE_DEFAULT, ops[0].mode)
	require.Equal(t, []int32{3, 1}, ops[1].targets)
	require.Equal(t, flussv1.MergeMode_MERGE_MODE_OVERWRITE, ops[1].mode)
	_, err = b.Delete(ctx, sdk.Key{1})
	require.NoError(t, err)
	require.NoError(t, b.Flush(ctx))
	last := f.ops()[2]
	require.Equal(t, batch.Delete, last.change)
	require.Equal(t, []int32{3, 1}, last.targets)
}

func TestDeleter(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "v STRING, b STRING NOT NULL, a BIGINT NOT NULL", table.Descriptor{BucketCount: 3, BucketKeys: []string{"a"}}, "a", "b")
	c := f.connect(t)
	ctx := context.Background()
	u := upserter(t, c, "t")
	for i := range 20 {
		_, err := u.Upsert(ctx, map[string]any{"a": i, "b": "x", "v": "y"})
		require.NoError(t, err)
	}
	require.NoError(t, u.Close(ctx))
	d, err := c.Deleter(ctx, "t")
	require.NoError(t, err)
	_, err = d.Delete(ctx, sdk.Key{1, "x"}) // in the order of the key
	require.NoError(t, err)
	_, err = d.Delete(ctx, map[string]any{"b": "x", "a": 2, "v": 7})
	require.NoError(t, err)
	_, err = d.DeleteBatch(ctx, jsonRecord(t, []arrow.Field{{Name: "b", Type: arrow.BinaryTypes.String}, {Name: "q", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "a", Type: arrow.PrimitiveTypes.Int16}},
		`[{"a": 3, "b": "x"}, {"a": 4, "b": "x"}, {"a": 5, "b": "other"}]`))
	require.NoError(t, err)
	require.NoError(t, d.Close(ctx))
	require.Len(t, f.keyed(), 16)
	partial, err := c.Deleter(ctx, "t", sdk.WithTargetColumns("v"))
	require.NoError(t, err)
	_, err = partial.Delete(ctx, sdk.Key{6, "x"})
	require.NoError(t, err)
	require.NoError(t, partial.Close(ctx))
	seen := false
	for _, op := range f.ops() {
		if len(op.targets) > 0 {
			seen = true
			require.Equal(t, keyedOp{kind: flussv1.WriteKind_WRITE_KIND_DELETE, mode: flussv1.MergeMode_MERGE_MODE_DEFAULT, targets: []int32{1}, values: map[string]any{"a": int64(6), "b": "x"}}, op)
		}
	}
	require.True(t, seen)
	_, err = d.Delete(ctx, sdk.Key{1, "x"})
	require.ErrorContains(t, err, "the deleter is closed")
}

func TestKeyedPartitions(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "day STRING NOT NULL, id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 2, PartitionKeys: []string{"day"}}, "day", "id")
	c := f.connect(t)
	ctx := context.Background()
	u := upserter(t, c, "t")
	future, err := u.Delete(ctx, sdk.Key{"monday", 1})
	require.NoError(t, err)
	_, err = future.Wait(ctx)
	require.NoError(t, err)
	_, err = u.DeleteBatch(ctx, jsonRecord(t, []arrow.Field{idField, {Name: "day", Type: arrow.BinaryTypes.String}}, `[{"id": 1, "day": "monday"}]`))
	require.NoError(t, err)
	require.NoError(t, u.Flush(ctx))
	require.Empty(t, f.parts["t"], "no partition is made to delete from")
	for i := range 10 {
		_, err = u.Upsert(ctx, map[string]any{"day": []string{"monday", "friday"}[i%2], "id": i})
		require.NoError(t, err)
	}
	_, err = u.DeleteBatch(ctx, jsonRecord(t, []arrow.Field{idField, {Name: "day", Type: arrow.BinaryTypes.String}},
		`[{"id": 0, "day": "monday"}, {"id": 9, "day": "friday"}, {"id": 9, "day": "sunday"}]`))
	require.NoError(t, err)
	require.NoError(t, u.Close(ctx))
	require.Len(t, f.parts["t"], 2)
	require.Len(t, f.keyed(), 8)
}

func TestAutoIncrementColumnIsTheServers(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "name STRING NOT NULL, n BIGINT, v STRING", table.Descriptor{Custom: map[string]string{"auto-increment.fields": "n"}}, "name")
	c := f.connect(t)
	ctx := context.Background()
	u := upserter(t, c, "t")
	type named struct {
		Name string `fluss:"name"`
		N    int64  `fluss:"n"`
		V    string `fluss:"v"`
	}
	_, err := u.Upsert(ctx, named{Name: "a", N: 7, V: "x"})
	require.NoError(t, err)
	_, err = u.Upsert(ctx, map[string]any{"name": "b", "n": nil})
	require.NoError(t, err)
	_, err = u.Upsert(ctx, map[string]any{"name": "b", "n": 1})
	require.ErrorContains(t, err, `column "n" is filled by the server`)
	_, err = u.UpsertBatch(ctx, jsonRecord(t, []arrow.Field{{Name: "name", Type: arrow.BinaryTypes.String}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}}, `[{"name": "c", "n": 3}]`))
	require.ErrorContains(t, err, `column "n" is filled by the server`)
	require.NoError(t, u.Close(ctx))
	require.Len(t, f.ops(), 2)
	require.Equal(t, map[string]any{"name": "a", "v": "x"}, f.ops()[0].values)
}

// TestUpsertsAreRetriedOnce loses answers and connections at random: the rows are
// those of a model, so that nothing was lost, repeated or put out of order.
func TestUpsertsAreRetriedOnce(t *testing.T) {
	r := seeded(t)
	f, c := newAccounts(t, 3, sdk.WithRetryTimeout(time.Minute))
	f.decide = func(int, *codec.WriteRequest, batch.Header) fate {
		switch r.IntN(12) {
		case 0:
			return fate{dropBefore: true}
		case 1:
			return fate{dropAfter: true}
		case 2:
			return fate{refuse: errcode.StoragePressure}
		case 3:
			return fate{refuse: errcode.NotLeader}
		}
		return fate{}
	}
	ctx := context.Background()
	u := upserter(t, c, "accounts", sdk.WithBatchBytes(1<<10))
	model := map[string]map[string]any{}
	choose := seeded(t)
	for i := range 4000 {
		id := choose.Int64N(50)
		var err error
		if choose.IntN(4) == 0 {
			_, err = u.Delete(ctx, sdk.Key{id})
			delete(model, fmt.Sprint(id))
		} else {
			owner := fmt.Sprint("owner ", i)
			_, err = u.Upsert(ctx, account{ID: id, Owner: owner})
			model[fmt.Sprint(id)] = map[string]any{"id": id, "owner": owner, "note": nil}
		}
		require.NoError(t, err)
	}
	require.NoError(t, u.Close(ctx))
	require.Len(t, f.ops(), 4000)
	require.Equal(t, model, f.keyed())
}

// TestKeyedSchemaChange has the server refuse the old schema while a batch with
// deletes is on its way.
func TestKeyedSchemaChange(t *testing.T) {
	f := newFake(t)
	f.createKeyed(t, "t", "id BIGINT NOT NULL, b STRING, owner STRING NOT NULL", table.Descriptor{}, "id")
	c := f.connect(t)
	ctx := context.Background()
	u := upserter(t, c, "t", sdk.WithLinger(20*time.Millisecond))
	f.decide = func(_ int, _ *codec.WriteRequest, h batch.Header) fate {
		if h.SchemaID == 1 {
			return fate{refuse: errcode.UnknownSchema}
		}
		return fate{}
	}
	_, err := u.Upsert(ctx, map[string]any{"id": 1, "b": "x", "owner": "ann"})
	require.NoError(t, err)
	_, err = u.Upsert(ctx, map[string]any{"id": 2, "b": "y", "owner": "bob"})
	require.NoError(t, err)
	future, err := u.Delete(ctx, sdk.Key{1})
	require.NoError(t, err)
	f.mu.Lock()
	f.infos["t"] = altered(t, f.infos["t"])
	f.mu.Unlock()
	_, err = future.Wait(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]map[string]any{"2": {"id": int64(2), "bb": "y", "c": nil, "owner": "bob"}}, f.keyed())
	require.EqualValues(t, 2, u.Schema().ID)
	require.NoError(t, u.Close(ctx))
}

func TestDeletesAreForbidden(t *testing.T) {
	f, c := newAccounts(t, 1)
	f.decide = func(int, *codec.WriteRequest, batch.Header) fate { return fate{refuse: errcode.DeletionDisabled} }
	u := upserter(t, c, "accounts")
	ctx := context.Background()
	_, err := u.Delete(ctx, sdk.Key{1})
	require.NoError(t, err)
	require.Equal(t, errcode.DeletionDisabled, errcode.Of(u.Flush(ctx)))
	require.NoError(t, u.Close(ctx))
}

// TestWritersShareBatches checks that writers with the same options share
// accumulators, and others do not.
func TestWritersShareBatches(t *testing.T) {
	f, c := newAccounts(t, 1)
	ctx := context.Background()
	hold := make(chan struct{})
	f.decide = func(n int, _ *codec.WriteRequest, _ batch.Header) fate {
		if n == 1 {
			<-hold
		}
		return fate{}
	}
	all := []*sdk.Upserter{
		upserter(t, c, "accounts"), upserter(t, c, "accounts"), upserter(t, c, "accounts", sdk.WithTargetColumns("owner")),
		upserter(t, c, "accounts", sdk.WithMergeMode(sdk.MergeOverwrite)),
	}
	_, err := all[0].Upsert(ctx, account{ID: 0, Owner: "x"})
	require.NoError(t, err)
	for i := range int64(8) {
		_, err := all[i%4].Upsert(ctx, account{ID: i, Owner: "x"})
		require.NoError(t, err)
	}
	close(hold)
	for _, u := range all {
		require.NoError(t, u.Close(ctx))
	}
	require.Len(t, f.keyed(), 8)
	require.LessOrEqual(t, f.requests, 8)
	require.Len(t, f.buckets[ids.Bucket{Table: 1}].writers, 3)
}
