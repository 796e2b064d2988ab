package tablet

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/clock"
)

// benchDir is a directory on a real disk: FLUSS_BENCH_DIR or the temporary one.
func benchHost(b *testing.B, tablets int, d Durability) *Host {
	b.Helper()
	dir := b.TempDir()
	if root := os.Getenv("FLUSS_BENCH_DIR"); root != "" {
		var err error
		dir, err = os.MkdirTemp(root, "tablet")
		require.NoError(b, err)
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	var ts []ids.TabletID
	for i := range tablets {
		ts = append(ts, ids.TabletID(i+1))
	}
	h := openHost(b, HostOptions{FS: vfs.Default, Dir: dir, Tablets: ts, Durability: d, Clock: clock.System()})
	b.Cleanup(func() { _ = h.Close() })
	for i, t := range h.Tablets() {
		openBuckets(b, t, ids.TableID(i+1), 4)
	}
	return h
}

// BenchmarkSmallAppends is 500 writers that each wait for the answer to one small batch.
func BenchmarkSmallAppends(b *testing.B) {
	for name, tablets := range map[string]int{"tablets=1": 1, "tablets=8": 8} {
		b.Run(name, func(b *testing.B) {
			h := benchHost(b, tablets, DurabilityFsync)
			const writers = 500
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					tab := h.tablets[w%tablets]
					bucket := ids.Bucket{Table: ids.TableID(w%tablets + 1), Bucket: ids.BucketID(w / tablets % 4)}
					ch := make(chan AppendResult, 1)
					done := func(r AppendResult) { ch <- r }
					for seq := ids.Sequence(0); left.Add(-1) >= 0; seq++ {
						batch := makeBatch(ids.WriterID(w+1), seq, 1, 256)
						if err := tab.Append(context.Background(), Append{bucket, batch}, done); err != nil {
							panic(err)
						}
						if r := <-ch; r.Err != nil {
							panic(r.Err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkBulkAppends is a few writers with 1 MiB batches, five in flight each.
func BenchmarkBulkAppends(b *testing.B) {
	for _, tc := range []struct {
		name    string
		tablets int
		d       Durability
	}{{"tablets=1", 1, DurabilityFsync}, {"tablets=8", 8, DurabilityFsync}, {"tablets=8,memory", 8, DurabilityMemory}} {
		b.Run(tc.name, func(b *testing.B) {
			h := benchHost(b, tc.tablets, tc.d)
			const writers, inflight, size = 8, 5, 1<<20 - 128
			b.SetBytes(1 << 20)
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					i := w % tc.tablets
					bucket := ids.Bucket{Table: ids.TableID(i + 1), Bucket: ids.BucketID(w / tc.tablets % 4)}
					slots := make(chan struct{}, inflight)
					batch := makeBatch(0, 0, 1000, size)
					for left.Add(-1) >= 0 {
						slots <- struct{}{}
						err := h.tablets[i].Append(context.Background(), Append{bucket, batch}, func(r AppendResult) {
							if r.Err != nil {
								panic(r.Err)
							}
							<-slots
						})
						if err != nil {
							panic(err)
						}
					}
					for range inflight {
						slots <- struct{}{}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkLatency is one writer that waits for each small batch.
func BenchmarkLatency(b *testing.B) {
	h := benchHost(b, 1, DurabilityFsync)
	b.ResetTimer()
	for i := range b.N {
		if r := appendNow(h.tablets[0], bucket1, makeBatch(1, ids.Sequence(i), 1, 256)); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

// BenchmarkOpen is a start with 200 MiB of write-ahead log to apply again, and
// one with nothing to do.
func BenchmarkOpen(b *testing.B) {
	for name, bulk := range map[string]int{"replay=0": 0, "replay=200MiB": 200} {
		b.Run(name, func(b *testing.B) {
			h := benchHost(b, 8, DurabilityMemory)
			require.NoError(b, h.Checkpoint(context.Background()))
			for i := range bulk {
				require.NoError(b, appendNow(h.tablets[i%8], ids.Bucket{Table: ids.TableID(i%8 + 1)}, makeBatch(0, 0, 100, 1<<20)).Err)
			}
			for _, t := range h.tablets {
				t.close()
				require.NoError(b, t.wal.Close())
			}
			require.NoError(b, h.kv.Close())
			o := h.opt
			b.ResetTimer()
			for range b.N {
				again := openHost(b, o)
				b.StopTimer()
				require.NoError(b, again.Close())
				b.StartTimer()
				if bulk > 0 {
					break // it is applied now
				}
			}
		})
	}
}
