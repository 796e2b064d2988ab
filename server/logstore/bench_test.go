package logstore

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
)

func benchStore(b *testing.B, tail int64) (*Store, string) {
	dir := b.TempDir()
	s := NewStore(Options{FS: vfs.Default, Root: dir, TailBytes: tail})
	b.Cleanup(s.Close)
	return s, dir
}

// Appends, with a Sync for each 64 MiB as a checkpoint does it.
func BenchmarkAppendSync(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("batch=%dKiB", size>>10), func(b *testing.B) {
			s, dir := benchStore(b, 64<<20)
			m := newModel(1)
			batch := fake(m.rng, 0, 10, 1, 1, size)
			l := s.Open(dir+"/log", testBucket, State{}, LogOptions{})
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			unsynced := 0
			for b.Loop() {
				st := l.State()
				if st.SegmentBytes > 120<<20 {
					// The files need not pile up.
					_, err := l.Trim(st.End)
					require.NoError(b, err)
				}
				next := rebase(batch, st.End)
				_, err := l.Append(next)
				require.NoError(b, err)
				if unsynced += len(batch); unsynced > 64<<20 {
					require.NoError(b, l.Sync(context.Background()))
					unsynced = 0
				}
			}
			require.NoError(b, l.Sync(context.Background()))
			require.NoError(b, l.Remove())
		})
	}
}

// A read of 64 MiB from files, a batch each iteration.
func BenchmarkCursor(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		for _, body := range []bool{true, false} {
			b.Run(fmt.Sprintf("batch=%dKiB/body=%v", size>>10, body), func(b *testing.B) { benchCursor(b, size, body) })
		}
	}
}

func benchCursor(b *testing.B, size int, body bool) {
	s, dir := benchStore(b, 4<<10)
	m := newModel(1)
	batch := fake(m.rng, 0, 10, 1, 1, size)
	l := s.Open(dir+"/log", testBucket, State{}, LogOptions{})
	for total := 0; total < 64<<20; total += len(batch) {
		_, err := l.Append(rebase(batch, l.State().End))
		require.NoError(b, err)
	}
	require.NoError(b, l.Sync(context.Background()))
	s.wg.Wait()
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	c, err := l.Cursor(0)
	require.NoError(b, err)
	for b.Loop() {
		got, err := c.Next()
		require.NoError(b, err)
		if got == nil {
			c.Close()
			c, err = l.Cursor(0)
			require.NoError(b, err)
			continue
		}
		if body {
			bufs, err := got.ReadColumns(nil)
			require.NoError(b, err)
			bufs.Free()
		}
		got.Release()
	}
	c.Close()
}

// rebase returns a copy of a batch with another base offset.
func rebase(b []byte, base ids.Offset) []byte {
	out := append([]byte(nil), b...)
	putBase(out, base)
	return out
}
