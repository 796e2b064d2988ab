package rpc

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
	"github.com/fluss-go/fluss/server/tablet"
)

const wideColumns = "id BIGINT NOT NULL, a STRING, b STRING, c BIGINT, d DOUBLE, e INT"

// wideRows is a bucket with n rows of about 100 bytes, ids from 0 on.
func wideRows(t testing.TB, n int) (*table.Info, rowsAdapter) {
	info := testInfo(t, wideColumns, table.Descriptor{BucketCount: 1}, "id")
	host, err := tablet.OpenHost(t.Context(), tablet.HostOptions{FS: vfs.NewMem(), Dir: "data", Tablets: []ids.TabletID{1}, Durability: tablet.DurabilityMemory})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Close()) })
	tab, ok := host.Tablet(1)
	require.True(t, ok)
	require.NoError(t, tab.OpenBuckets(t.Context(), info.Proto(), 0, []ids.BucketID{0}))
	bucket := ids.Bucket{Table: info.ID}
	const step = 20_000
	b := array.NewRecordBuilder(memory.DefaultAllocator, info.Schema().Arrow())
	e := batch.NewEncoder(batch.NewLayout(info.Schema().Columns), batch.EncoderOptions{})
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
		encoded, err := e.Encode(nil, rec, batch.EncodeInfo{SchemaID: 1})
		require.NoError(t, err)
		rec.Release()
		done := make(chan tablet.AppendResult, 1)
		require.NoError(t, tab.Upsert(context.Background(), tablet.Upsert{Bucket: bucket, Batch: encoded}, func(r tablet.AppendResult) { done <- r }))
		require.NoError(t, (<-done).Err)
	}
	f := newFormats(nil)
	f.add(formatKey{info.ID, 1}, row.NewFormat(info.Schema()), 1)
	rows, err := tab.Rows(bucket)
	require.NoError(t, err)
	t.Cleanup(rows.Close)
	return info, rowsAdapter{Rows: rows, table: info.ID, formats: f}
}

// scanIDs reads a scan in batches of up to maxRows rows, and checks that the
// batches are as they say.
func scanIDs(t *testing.T, rows rowsAdapter, scan flight.RowScan, maxRows int) (got []int64, last []byte) {
	c, err := rows.Scan(scan)
	require.NoError(t, err)
	defer c.Close()
	l := batch.NewLayout(scan.Schema.Columns)
	for {
		b, key, err := c.Next(maxRows, 1<<20)
		require.NoError(t, err)
		if b == nil {
			return got, last
		}
		last = bytes.Clone(key)
		h := b.View().Header()
		require.LessOrEqual(t, int(h.RowCount), maxRows)
		require.Equal(t, batch.None, h.Codec)
		pieces, err := b.ReadColumns(nil)
		require.NoError(t, err)
		var m batch.Meta
		b.View().Meta(&m)
		b.Release()
		rec, err := batch.Decode(l, &m, pieces.Materialize(), batch.DecodeOptions{Validate: true})
		require.NoError(t, err)
		got = append(got, rec.Column(0).(*array.Int64).Int64Values()...)
		rec.Release()
		pieces.Free()
	}
}

func TestRowsAreScannedInKeyOrder(t *testing.T) {
	info, rows := wideRows(t, 1000)
	require.EqualValues(t, 1000, rows.Count())
	reduced := &schema.Schema{ID: 1, Columns: info.Schema().Columns[:1]}
	for _, s := range []*schema.Schema{info.Schema(), reduced} {
		got, last := scanIDs(t, rows, flight.RowScan{Schema: s}, 64)
		require.Len(t, got, 1000)
		for i, id := range got {
			require.EqualValues(t, i, id)
		}
		rest, _ := scanIDs(t, rows, flight.RowScan{Schema: s, After: last}, 64)
		require.Empty(t, rest)
	}
}

func TestARowScanGoesOnBehindAKey(t *testing.T) {
	info, rows := wideRows(t, 100)
	key := func(id int) []byte {
		c, err := rows.Scan(flight.RowScan{Schema: info.Schema()})
		require.NoError(t, err)
		defer c.Close()
		b, k, err := c.Next(id+1, 1<<20)
		require.NoError(t, err)
		b.Release()
		return bytes.Clone(k)
	}
	for _, tc := range []struct {
		name       string
		scan       flight.RowScan
		first, len int
	}{
		{"after", flight.RowScan{After: key(9)}, 10, 90},
		{"from", flight.RowScan{From: key(9)}, 9, 91},
		{"from is above after", flight.RowScan{After: key(5), From: key(9)}, 9, 91},
		{"after is above from", flight.RowScan{After: key(9), From: key(5)}, 10, 90},
		{"to", flight.RowScan{To: key(9)}, 0, 9},
		{"between", flight.RowScan{After: key(9), To: key(20)}, 10, 10},
		{"nothing", flight.RowScan{After: key(99)}, 0, 0},
		{"the wrong way", flight.RowScan{From: key(9), To: key(5)}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.scan.Schema = info.Schema()
			got, _ := scanIDs(t, rows, tc.scan, 7)
			require.Len(t, got, tc.len)
			if tc.len > 0 {
				require.EqualValues(t, tc.first, got[0])
			}
		})
	}
}

func TestRowsWithoutColumnsAreCounted(t *testing.T) {
	_, rows := wideRows(t, 100)
	c, err := rows.Scan(flight.RowScan{Schema: &schema.Schema{ID: 1}})
	require.NoError(t, err)
	defer c.Close()
	n := 0
	for {
		b, _, err := c.Next(30, 1<<20)
		require.NoError(t, err)
		if b == nil {
			break
		}
		h := b.View().Header()
		n += int(h.RowCount)
		pieces, err := b.ReadColumns(nil)
		require.NoError(t, err)
		pieces.Free()
		b.Release()
	}
	require.Equal(t, 100, n)
}

// Columns may be read one by one, and after the batch was released.
func TestColumnsOfARowBatch(t *testing.T) {
	info, rows := wideRows(t, 5000)
	c, err := rows.Scan(flight.RowScan{Schema: info.Schema()})
	require.NoError(t, err)
	defer c.Close()
	b, _, err := c.Next(5000, 1<<20)
	require.NoError(t, err)
	_, err = b.ReadColumns([]int{6})
	require.Error(t, err)
	pieces, err := b.ReadColumns([]int{3, 0})
	require.NoError(t, err)
	_, n := b.View().ColumnRange(3)
	b.Release()
	require.Len(t, pieces, 2)
	require.EqualValues(t, n, pieces[0].Len())
	require.Equal(t, byte(7), pieces[0].ReadOnlyData()[8], "c of the second row")
	pieces.Free()
}

func BenchmarkRowScan(b *testing.B) {
	const n = 500_000
	info, rows := wideRows(b, n)
	b.ReportAllocs()
	for b.Loop() {
		c, err := rows.Scan(flight.RowScan{Schema: info.Schema()})
		require.NoError(b, err)
		for {
			got, _, err := c.Next(8192, 1<<20)
			require.NoError(b, err)
			if got == nil {
				break
			}
			got.Release()
		}
		c.Close()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
