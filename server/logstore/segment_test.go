package logstore

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

func testFooter() *footer {
	f := &footer{base: 10, end: 40, dataBytes: 640, firstTime: 5, lastTime: 9, lastIndex: 77}
	f.index = []indexEntry{{10, 0, 5}, {20, 192, 6}, {30, 448, 9}}
	f.batches = 4
	f.schemas = []schemaCount{{1, 3, 20, 448}, {2, 1, 10, 192}}
	return f
}

func TestFooterRoundTrip(t *testing.T) {
	f := testFooter()
	tables, trailer := encodeFooter(f)
	require.Len(t, trailer, trailerSize)
	size := f.dataBytes + int64(len(tables)) + trailerSize
	info, err := decodeTrailer(trailer, size)
	require.NoError(t, err)
	got, err := info.decodeTables(tables)
	require.NoError(t, err)
	require.Equal(t, f, got)
	_, err = decodeTrailer(trailer, size-1)
	require.Error(t, err)
	for i := range trailer {
		bad := bytes.Clone(trailer)
		bad[i] ^= 4
		_, err := decodeTrailer(bad, size)
		require.Error(t, err, "byte %d", i)
	}
	for i := range tables {
		bad := bytes.Clone(tables)
		bad[i] ^= 4
		_, err := info.decodeTables(bad)
		require.Error(t, err, "byte %d", i)
	}
}

func TestHoleRoundTrip(t *testing.T) {
	b := encodeHole(10, 40, 640)
	end, n, ok := decodeHole(b, 10, 1000)
	require.True(t, ok)
	require.Equal(t, ids.Offset(40), end)
	require.Equal(t, int64(640), n)
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 4
		_, _, ok := decodeHole(bad, 10, 1000)
		require.False(t, ok, "byte %d", i)
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, "00000000000000000042.log", segmentName(42))
	got, ok := parseName("00000000000000000042.log", segmentSuffix)
	require.True(t, ok)
	require.Equal(t, ids.Offset(42), got)
	for _, bad := range []string{"42.log", "00000000000000000042.trim", "0000000000000000004x.log", "99999999999999999999.log", "-0000000000000000042.log"} {
		_, ok := parseName(bad, segmentSuffix)
		require.False(t, ok, bad)
	}
	_, err := InspectSegment(vfs.NewMem(), "nonsense", nil)
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
}

// segmentFiles returns a sealed and an active segment.
func segmentFiles(t testing.TB) (sealed, active []byte) {
	fs := vfs.NewMem()
	s := smallStore(fs)
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, LogOptions{SegmentBytes: 4 << 10})
	m := newModel(21)
	for l.State().SegmentBase == 0 || l.State().SegmentBytes < 1000 {
		_, err := l.Append(m.make(t, 1000))
		require.NoError(t, err)
	}
	st := syncLog(t, l)
	read := func(base ids.Offset) []byte {
		b, err := fs.UnsafeGetFileDataBuffer(l.path(base))
		require.NoError(t, err)
		return bytes.Clone(b)
	}
	return read(0), read(st.SegmentBase)
}

func writeFile(t testing.TB, fs vfs.FS, path string, b []byte) {
	require.NoError(t, fs.MkdirAll(fs.PathDir(path), 0o755))
	f, err := fs.Create(path, writeCategory)
	require.NoError(t, err)
	_, err = f.Write(bytes.Clone(b))
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// Whatever a segment file holds, nothing panics, and what is read are batches
// whose header and head are intact.
func FuzzSegment(f *testing.F) {
	sealed, active := segmentFiles(f)
	f.Add(sealed)
	f.Add(active)
	f.Add(sealed[:len(sealed)-1])
	f.Add(append(encodeHole(0, 9, 64), active...))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := vfs.NewMem()
		path := fs.PathJoin(testDir, segmentName(0))
		writeFile(t, fs, path, b)
		in, err := InspectSegment(fs, path, nil)
		require.NoError(t, err)
		require.LessOrEqual(t, in.DataBytes, in.FileBytes)
		s := smallStore(fs)
		defer s.Close()
		n := ids.Offset(1000)
		l := s.Open(testDir, testBucket, State{End: n + 1, SegmentBase: n, SegmentBytes: 64}, smallLog)
		writeFile(t, fs, l.path(n), make([]byte, 64))
		for _, from := range []ids.Offset{0, 5, n} {
			c, err := l.Cursor(from)
			require.NoError(t, err)
			for {
				b, err := c.Next()
				if err != nil {
					require.Equal(t, errcode.Corrupt, errcode.Of(err))
					require.Contains(t, errcode.From(err).Facts, "position")
					break
				}
				require.NotNil(t, b)
				body, err := b.ReadColumns(nil)
				require.NoError(t, err)
				body.Free()
				b.Release()
			}
			c.Close()
		}
	})
}
