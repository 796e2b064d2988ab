package tablet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// BenchmarkUpsert is what a tablet does with a batch of 1,000 changes, 80 %
// updates, 10 % inserts and 10 % deletes of a million keys, rows of about 100 B.
func BenchmarkUpsert(b *testing.B) {
	const perBatch, keys = 1000, 1_000_000
	s, err := schema.New([]schema.Field{
		{Name: "id", Type: schema.Of(schema.BigInt)}, {Name: "a", Type: schema.Of(schema.Int)}, {Name: "b", Type: schema.Of(schema.BigInt)},
		{Name: "c", Type: schema.Of(schema.Double)}, {Name: "s", Type: schema.Of(schema.String)}, {Name: "t", Type: schema.Of(schema.String)},
	}, []string{"id"})
	require.NoError(b, err)
	d := &table.Descriptor{Schema: s, BucketCount: 1, BucketKeys: []string{"id"}}
	info := &flussv1.TableInfo{
		Path: &flussv1.TablePath{Database: "db", Table: "t"}, TableId: 1, Version: 1, Descriptor_: d.Proto(), Schemas: []*flussv1.Schema{s.Proto()},
	}
	o := HostOptions{FS: vfs.Default, Dir: b.TempDir(), Tablets: []ids.TabletID{1}, Durability: DurabilityMemory, RowsBytes: 64 << 20, CacheBytes: 256 << 20}
	h := openHost(b, o)
	defer func() { require.NoError(b, h.Close()) }()
	tab := tabletOf(b, h, 1)
	require.NoError(b, tab.OpenBuckets(context.Background(), info, 0, []ids.BucketID{0}))
	parsed, err := table.NewInfo(info)
	require.NoError(b, err)
	fields, err := parsed.WriteFields(s, nil)
	require.NoError(b, err)
	layout := batch.NewLayout(fields).WithChangeTypes()
	rng := rand.New(rand.NewPCG(1, 1))
	build := func(key func(i int) (int64, batch.ChangeType)) []byte {
		r := array.NewRecordBuilder(memory.DefaultAllocator, layout.Schema())
		defer r.Release()
		for i := range perBatch {
			id, change := key(i)
			r.Field(0).(*array.Int64Builder).Append(id)
			r.Field(1).(*array.Int32Builder).Append(rng.Int32())
			r.Field(2).(*array.Int64Builder).Append(rng.Int64())
			r.Field(3).(*array.Float64Builder).Append(rng.Float64())
			r.Field(4).(*array.StringBuilder).Append(fmt.Sprintf("%028d", rng.Int64()))
			r.Field(5).(*array.StringBuilder).Append(fmt.Sprintf("%040d", rng.Int64()))
			r.Field(6).(*array.Int8Builder).Append(int8(change))
		}
		rec := r.NewRecordBatch()
		defer rec.Release()
		out, err := batch.NewEncoder(layout, batch.EncoderOptions{}).Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
		require.NoError(b, err)
		return out
	}
	var wg sync.WaitGroup
	send := func(data []byte) {
		wg.Add(1)
		require.NoError(b, tab.Upsert(context.Background(), Upsert{Bucket: bucket1, Batch: data}, func(r AppendResult) {
			if r.Err != nil {
				b.Error(r.Err)
			}
			wg.Done()
		}))
	}
	for i := range keys / perBatch {
		send(build(func(j int) (int64, batch.ChangeType) { return int64(i*perBatch + j), batch.Insert }))
	}
	wg.Wait()
	next := int64(keys)
	hot := rand.NewZipf(rng, 1.1, 1, keys-1)
	var batches [][]byte
	for range 500 {
		batches = append(batches, build(func(int) (int64, batch.ChangeType) {
			switch p := rng.IntN(10); {
			case p == 0:
				next++
				return next, batch.Insert
			case p == 1:
				return int64(hot.Uint64()*2654435761) % keys, batch.Delete
			}
			return int64(hot.Uint64()*2654435761) % keys, batch.UpdateAfter
		}))
	}
	b.ResetTimer()
	for i := range b.N {
		send(batches[i%len(batches)])
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)*perBatch/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
