package logstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

const wideColumns = 20

// wide is the layout of 4 INT, 4 BIGINT, 4 DOUBLE and 8 STRING columns.
func wide() *batch.Layout {
	kinds := []schema.Kind{schema.Int, schema.BigInt, schema.Double, schema.String, schema.String}
	fields := make([]schema.Field, wideColumns)
	for i := range fields {
		fields[i] = schema.Field{ID: ids.FieldID(i + 1), Name: fmt.Sprint("c", i), Type: schema.Type{Kind: kinds[i/4], Nullable: i%3 == 0}}
	}
	return batch.NewLayout(fields)
}

// encode returns a batch of rows rows of the wide layout, ready to be appended at base.
func encode(t testing.TB, l *batch.Layout, rng *rand.Rand, base ids.Offset, rows, text int) []byte {
	b := array.NewRecordBuilder(memory.DefaultAllocator, l.Schema())
	for i := range wideColumns {
		for row := range rows {
			if i%3 == 0 && row%7 == 3 {
				b.Field(i).AppendNull()
				continue
			}
			switch f := b.Field(i).(type) {
			case *array.Int32Builder:
				f.Append(rng.Int32())
			case *array.Int64Builder:
				f.Append(rng.Int64())
			case *array.Float64Builder:
				f.Append(rng.Float64())
			case *array.StringBuilder:
				f.Append(fmt.Sprintf("%0*d", text, rng.Uint32()))
			}
		}
	}
	out, err := batch.NewEncoder(l, batch.EncoderOptions{}).Encode(nil, b.NewRecordBatch(), batch.EncodeInfo{SchemaID: 1})
	require.NoError(t, err)
	h := header(t, out)
	h.BaseOffset, h.CommitTimestamp, h.Index = base, int64(base)+1000, uint64(base)+1
	batch.PutHeader(out, h)
	return out
}

// wideLog fills a log and returns the state and what it was filled with.
func wideLog(t testing.TB, fs vfs.FS, dir string, n, rows, text int, opt LogOptions) (State, [][]byte) {
	s := NewStore(Options{FS: fs})
	defer s.Close()
	l := s.Open(dir, testBucket, State{}, opt)
	rng := rand.New(rand.NewPCG(5, 5))
	layout, err := opt.Layouts(1)
	require.NoError(t, err)
	batches := make([][]byte, n)
	for i := range batches {
		batches[i] = encode(t, layout, rng, l.State().End, rows, text)
		_, err := l.Append(batches[i])
		require.NoError(t, err)
	}
	return syncLog(t, l), batches
}

func wideOptions(segment int64) LogOptions {
	layout := wide()
	return LogOptions{SegmentBytes: segment, Layouts: func(ids.SchemaID) (*batch.Layout, error) { return layout, nil }}
}

func TestReadColumns(t *testing.T) {
	fs := vfs.NewMem()
	opt := wideOptions(1 << 20)
	st, batches := wideLog(t, fs, testDir, 30, 200, 8, opt)
	disk := smallStore(fs)
	defer disk.Close()
	memory := NewStore(Options{FS: vfs.NewMem()})
	defer memory.Close()
	inMemory := memory.Open(testDir, testBucket, State{}, opt)
	for _, b := range batches {
		_, err := inMemory.Append(b)
		require.NoError(t, err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	for _, l := range []*Log{disk.Open(testDir, testBucket, st, opt), inMemory} {
		for _, cols := range [][]int{nil, {}, {0}, {19}, {3, 4, 5}, {5, 4}, {7, 7}, {0, 1, 2, 10, 11, 18}, rng.Perm(wideColumns)} {
			c, err := l.Cursor(0)
			require.NoError(t, err)
			for _, want := range batches {
				b, err := c.Next()
				require.NoError(t, err)
				require.NotNil(t, b.View())
				got, err := b.ReadColumns(cols)
				require.NoError(t, err)
				require.True(t, bytes.Equal(pick(t, want, b.View(), cols), got.Materialize()), "columns %v", cols)
				if len(cols) == 6 {
					require.Len(t, got, 3, "adjacent columns are one piece")
				}
				got.Free()
				b.Release()
			}
			c.Close()
		}
		c, err := l.Cursor(0)
		require.NoError(t, err)
		b, err := c.Next()
		require.NoError(t, err)
		c.Close()
		for _, col := range []int{-1, wideColumns} {
			_, err = b.ReadColumns([]int{col})
			require.Equal(t, errcode.InvalidProjection, errcode.Of(err))
		}
		b.Release()
	}
	require.Zero(t, memory.Stats().DiskBytes)
}

// pick cuts the columns out of a whole batch.
func pick(t testing.TB, b []byte, v *batch.View, cols []int) (out []byte) {
	h := header(t, b)
	body := b[h.HeadBytes():]
	if cols == nil {
		return body
	}
	for _, col := range cols {
		off, n := v.ColumnRange(col)
		out = append(out, body[off:off+n]...)
	}
	return out
}

// Projected reads touch little of the files, whole ones hardly more than all.
func TestReadAmplification(t *testing.T) {
	fs := vfs.NewMem()
	opt := wideOptions(0)
	st, batches := wideLog(t, fs, testDir, 40, 1000, 50, opt)
	total := int64(0)
	for _, b := range batches {
		total += int64(len(b))
	}
	for _, tc := range []struct {
		name string
		cols []int
		most int64
		few  int64
	}{
		{"all columns", nil, total * 105 / 100, 60},
		{"one column", []int{2}, total * 3 / 100, 85},
		{"none", []int{}, total * 2 / 100, 45},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := smallStore(fs)
			defer s.Close()
			l := s.Open(testDir, testBucket, st, opt)
			_, err := l.OffsetAt(t.Context(), 0) // walks the segment once
			require.NoError(t, err)
			before := s.Stats()
			c, err := l.Cursor(0)
			require.NoError(t, err)
			for range batches {
				b, err := c.Next()
				require.NoError(t, err)
				got, err := b.ReadColumns(tc.cols)
				require.NoError(t, err)
				got.Free()
				b.Release()
			}
			c.Close()
			require.Less(t, s.Stats().DiskBytes-before.DiskBytes, tc.most, "of %d", total)
			require.LessOrEqual(t, s.Stats().DiskReads-before.DiskReads, tc.few)
		})
	}
}

// Wherever a bit flips, in a sealed segment or the active one, it is found
// before it is served, and the error tells the file.
func TestFlippedBytes(t *testing.T) {
	fs := vfs.NewMem()
	opt := wideOptions(7 << 10)
	st, batches := wideLog(t, fs, testDir, 5, 3, 2, opt)
	require.Positive(t, st.SegmentBase)
	s := NewStore(Options{FS: fs})
	defer s.Close()
	segments, err := s.Open(testDir, testBucket, st, opt).Segments()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(segments), 2)
	for _, seg := range segments {
		data, err := fs.UnsafeGetFileDataBuffer(seg.Path)
		require.NoError(t, err)
		for i := range data {
			data[i] ^= 1 << (i % 8)
			found := flipFound(t, fs, st, opt, batches, seg.Path)
			require.True(t, found, "byte %d of %s", i, seg.Path)
			data[i] ^= 1 << (i % 8)
		}
	}
	require.False(t, flipFound(t, fs, st, opt, batches, ""))
}

func flipFound(t *testing.T, fs vfs.FS, st State, opt LogOptions, batches [][]byte, path string) bool {
	s := NewStore(Options{FS: fs})
	defer s.Close()
	c, err := s.Open(testDir, testBucket, st, opt).Cursor(0)
	require.NoError(t, err)
	defer c.Close()
	for i := range batches {
		b, err := c.Next()
		if err == nil {
			require.NotNil(t, b)
			body, readErr := b.ReadColumns(nil)
			if err = readErr; err == nil {
				require.True(t, bytes.Equal(batches[i][headBytes(&b.header):], body.Materialize()), "a damaged body was served")
				body.Free()
			}
			b.Release()
		}
		if err != nil {
			require.Equal(t, errcode.Corrupt, errcode.Of(err))
			require.Equal(t, path, errcode.From(err).Facts["segment"])
			require.Contains(t, errcode.From(err).Facts, "position")
			return true
		}
	}
	return false
}

// Files that are gone or too short are damage, and not an empty log.
func TestMissingBytes(t *testing.T) {
	opt := wideOptions(7 << 10)
	for _, tc := range []struct {
		name string
		hurt func(fs *vfs.MemFS, segments []Segment)
	}{
		{"first segment is missing", func(fs *vfs.MemFS, segments []Segment) { require.NoError(t, fs.Remove(segments[0].Path)) }},
		{"segment in the middle is missing", func(fs *vfs.MemFS, segments []Segment) { require.NoError(t, fs.Remove(segments[1].Path)) }},
		{"active segment is missing", func(fs *vfs.MemFS, segments []Segment) { require.NoError(t, fs.Remove(segments[len(segments)-1].Path)) }},
		{"active segment is short", func(fs *vfs.MemFS, segments []Segment) { cut(t, fs, segments[len(segments)-1].Path) }},
		{"sealed segment is short", func(fs *vfs.MemFS, segments []Segment) { cut(t, fs, segments[1].Path) }},
		{"sealed segment is empty", func(fs *vfs.MemFS, segments []Segment) { writeFile(t, fs, segments[1].Path, nil) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fs := vfs.NewMem()
			st, batches := wideLog(t, fs, testDir, 12, 3, 2, opt)
			s := NewStore(Options{FS: fs})
			defer s.Close()
			segments, err := s.Open(testDir, testBucket, st, opt).Segments()
			require.NoError(t, err)
			require.Greater(t, len(segments), 3)
			tc.hurt(fs, segments)
			l := s.Open(testDir, testBucket, st, opt)
			c, err := l.Cursor(0)
			require.NoError(t, err)
			defer c.Close()
			for range batches {
				var b *Batch
				if b, err = c.Next(); err != nil {
					break
				}
				b.Release()
			}
			require.Equal(t, errcode.Corrupt, errcode.Of(err))
			require.Positive(t, s.Stats().Corruptions)
		})
	}
}

func cut(t *testing.T, fs *vfs.MemFS, path string) {
	b, err := fs.UnsafeGetFileDataBuffer(path)
	require.NoError(t, err)
	writeFile(t, fs, path, bytes.Clone(b[:len(b)-1]))
}

// A read of a log of wide rows from files, a batch of 500 rows each iteration.
func BenchmarkScan(b *testing.B) {
	for _, bc := range []struct {
		name string
		cols []int
	}{{"all", nil}, {"1of20", []int{2}}} {
		b.Run(bc.name, func(b *testing.B) {
			dir := b.TempDir()
			opt := wideOptions(0)
			st, batches := wideLog(b, vfs.Default, dir+"/log", 64, 500, 240, opt)
			s := NewStore(Options{FS: vfs.Default})
			defer s.Close()
			l := s.Open(dir+"/log", testBucket, st, opt)
			c, err := l.Cursor(0)
			require.NoError(b, err)
			b.SetBytes(int64(len(batches[0])))
			b.ReportAllocs()
			for b.Loop() {
				got, err := c.Next()
				require.NoError(b, err)
				if got == nil {
					c.Close()
					c, err = l.Cursor(0)
					require.NoError(b, err)
					continue
				}
				bufs, err := got.ReadColumns(bc.cols)
				require.NoError(b, err)
				bufs.Free()
				got.Release()
			}
			c.Close()
		})
	}
}
