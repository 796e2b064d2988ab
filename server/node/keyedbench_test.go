package node_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/flight/codec"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
)

// cpuSeconds is what this process has used.
func cpuSeconds() float64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// fill upserts the rows [0, n), of about 100 bytes.
func (w *keyedWorld) fill(n int) {
	const step = 20_000
	b := array.NewRecordBuilder(memory.DefaultAllocator, w.info.Schema().Arrow())
	for from := 0; from < n; from += step {
		for i := from; i < min(n, from+step); i++ {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("%032d", i))
			b.Field(2).(*array.StringBuilder).Append(strings.Repeat("x", 32))
			b.Field(3).(*array.Int64Builder).Append(int64(i) * 7)
			b.Field(4).(*array.Float64Builder).Append(float64(i))
			b.Field(5).(*array.Int32Builder).Append(int32(i))
		}
		rec := b.NewRecordBatch()
		for _, part := range w.split(w.columns(), rec) {
			resp, err := w.write.Append(w.t.Context(), &flussv1.WriteRequest{
				TableId: int64(w.info.ID), Bucket: part.Bucket, Kind: flussv1.WriteKind_WRITE_KIND_UPSERT,
				Batch: encodeRows(w.t, w.columns(), part.Rec, false),
			})
			require.NoError(w.t, err)
			require.Nil(w.t, resp.GetError())
		}
		rec.Release()
	}
}

const wideColumns = "id BIGINT NOT NULL, a STRING, b STRING, c BIGINT, d DOUBLE, e INT"

// BenchmarkLookups measures 64 callers with some keys a request; client and
// server share the process. cpu-s/M is for a million rows.
func BenchmarkLookups(b *testing.B) {
	const rows = 200_000
	n := start(b, testConfig(b))
	w := newKeyedWorld(b, n.Addr(), connect(b, n))
	w.create(wideColumns, table.Descriptor{BucketCount: 1}, "id")
	w.fill(rows)
	id := w.columns("id")
	for _, tc := range []struct{ callers, keys int }{{1, 1}, {64, 1}, {64, 16}, {4, 16}, {4, 64}} {
		b.Run(fmt.Sprintf("callers=%d/keys=%d", tc.callers, tc.keys), func(b *testing.B) {
			requests := make([][]byte, 256)
			for i := range requests {
				requests[i] = encodeRows(b, id, randomKeys(tc.keys, rows), false)
			}
			b.ReportAllocs()
			var next atomic.Int64
			var wg sync.WaitGroup
			before := cpuSeconds()
			for range tc.callers {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						resp, err := w.lookup.Lookup(b.Context(), &flussv1.LookupRequest{
							TableId: int64(w.info.ID), KeyColumns: []int32{1}, Buckets: []*flussv1.LookupKeys{{Keys: requests[i%256]}},
						})
						if err != nil || total(resp.GetRowCounts()) != tc.keys {
							panic(fmt.Sprint(err, resp.GetRowCounts()))
						}
					}
				})
			}
			wg.Wait()
			found := float64(b.N * tc.keys)
			b.ReportMetric(found/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric((cpuSeconds()-before)/found*1e6, "cpu-s/M")
		})
	}
}

func randomKeys(n, below int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil))
	for range n {
		b.Field(0).(*array.Int64Builder).Append(rand.Int64N(int64(below)))
	}
	return b.NewRecordBatch()
}

// BenchmarkRowScans measures scans of all rows of two buckets over Flight; the
// client receives messages and does not decode them.
func BenchmarkRowScans(b *testing.B) {
	const rows = 1_000_000
	cfg := testConfig(b)
	cfg.Durability = "memory"
	n := start(b, cfg)
	w := newKeyedWorld(b, n.Addr(), connect(b, n))
	w.create(wideColumns, table.Descriptor{BucketCount: 2}, "id")
	w.fill(rows)
	conn, err := grpc.NewClient(n.Addr(), append(codec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close()) }()
	before := cpuSeconds()
	var bytes int64
	for b.Loop() {
		stream, err := flight.NewClientFromConn(conn, nil).DoGet(b.Context(), &flight.Ticket{Ticket: []byte(`{"table": "t"}`)})
		require.NoError(b, err)
		for {
			var d codec.FlightData
			err := stream.RecvMsg(&d)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(b, err)
			bytes += int64(len(d.Data))
			d.Free()
		}
	}
	total := float64(b.N * rows)
	b.ReportMetric(total/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric((cpuSeconds()-before)/total*1e6, "cpu-s/M")
	b.ReportMetric(float64(bytes)/total, "bytes/row")
}

// BenchmarkUpserts measures what the server makes of batches of upserts by random
// keys of a million; encoding them is not counted.
func BenchmarkUpserts(b *testing.B) {
	const batchRows = 1000
	cfg := testConfig(b)
	cfg.Durability = "memory"
	n := start(b, cfg)
	w := newKeyedWorld(b, n.Addr(), connect(b, n))
	w.create(wideColumns, table.Descriptor{BucketCount: 1}, "id")
	batches := make([][]byte, 256)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, w.info.Schema().Arrow())
	for i := range batches {
		for range batchRows {
			id := rand.Int64N(1_000_000)
			builder.Field(0).(*array.Int64Builder).Append(id)
			builder.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("%032d", id))
			builder.Field(2).(*array.StringBuilder).Append(strings.Repeat("x", 32))
			builder.Field(3).(*array.Int64Builder).Append(rand.Int64())
			builder.Field(4).(*array.Float64Builder).Append(rand.Float64())
			builder.Field(5).(*array.Int32Builder).Append(int32(i))
		}
		batches[i] = encodeRows(b, w.columns(), builder.NewRecordBatch(), false)
	}
	before := cpuSeconds()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				resp, err := w.write.Append(b.Context(), &flussv1.WriteRequest{
					TableId: int64(w.info.ID), Kind: flussv1.WriteKind_WRITE_KIND_UPSERT, Batch: batches[i%256],
				})
				if err != nil || resp.GetError() != nil {
					panic(fmt.Sprint(err, resp.GetError()))
				}
			}
		})
	}
	wg.Wait()
	rows := float64(b.N * batchRows)
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric((cpuSeconds()-before)/rows*1e6, "cpu-s/M")
}
