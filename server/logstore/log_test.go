package logstore

import (
	"context"
	stdsync "sync"
	"testing"
	"time"
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

func TestAppendReadReopen(t *testing.T) {
	fs := vfs.NewMem()
	s := smallStore(fs)
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(1)
	for range 300 {
		_, err := l.Append(m.make(t, 4000))
		require.NoError(t, err)
	}
	m.check(t, l, 0, m.end(t))
	st := syncLog(t, l)
	require.Equal(t, m.end(t), st.End)
	require.Zero(t, s.Pending())
	require.Zero(t, s.writing.Load(), "a synced log has no file open for writing")
	segments, err := l.Segments()
	require.NoError(t, err)
	require.Greater(t, len(segments), 10)
	for i, seg := range segments {
		require.Equal(t, i < len(segments)-1, seg.Sealed)
		in, err := InspectSegment(fs, seg.Path, nil)
		require.NoError(t, err)
		require.NoError(t, in.Damage)
		require.Equal(t, seg.Sealed, in.Sealed)
		require.Equal(t, seg.End, in.End)
	}
	l.Close()

	l = s.Open(testDir, testBucket, st, smallLog)
	for from := ids.Offset(0); from <= st.End; from += 97 {
		m.check(t, l, from, st.End)
	}
	for range 50 {
		_, err := l.Append(m.make(t, 4000))
		require.NoError(t, err)
	}
	m.check(t, l, 0, m.end(t))
	require.LessOrEqual(t, s.files.open(), 2)
}

func TestCursorRange(t *testing.T) {
	s := smallStore(vfs.NewMem())
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(2)
	_, err := l.Append(m.make(t, 100))
	require.NoError(t, err)
	for _, from := range []ids.Offset{-1, m.end(t) + 1} {
		_, err = l.Cursor(from)
		require.Equal(t, errcode.OffsetOutOfRange, errcode.Of(err))
		require.Equal(t, "0", errcode.From(err).Facts["start"])
	}
	l.Close()
	_, err = l.Cursor(0)
	require.Equal(t, errcode.ShuttingDown, errcode.Of(err))
}

func TestAppendRefuses(t *testing.T) {
	s := smallStore(vfs.NewMem())
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(3)
	good := m.make(t, 100)
	for _, tc := range []struct {
		name string
		in   []byte
	}{
		{"short", good[:100]},
		{"wrong offset", fake(m.rng, 5, 1, 1, 1, 64)},
		{"no rows", fake(m.rng, 0, 0, 1, 1, 64)},
		{"more bytes than told", append(append([]byte(nil), good...), 0)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := l.Append(tc.in)
			require.Error(t, err)
			require.Equal(t, State{}, l.State())
		})
	}
	_, err := l.Append(good)
	require.NoError(t, err)
}

func TestRollByAge(t *testing.T) {
	s := smallStore(vfs.NewMem())
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, LogOptions{SegmentAge: time.Second})
	m := newModel(4)
	for i, ms := range []int64{1000, 1999, 2000, 2001, 9000} {
		st, err := l.Append(fake(m.rng, ids.Offset(i), 1, ms, 1, 64))
		require.NoError(t, err)
		require.Equal(t, []ids.Offset{0, 0, 2, 2, 4}[i], st.SegmentBase)
	}
}

func TestTimes(t *testing.T) {
	fs := vfs.NewMem()
	s := smallStore(fs)
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(5)
	for range 200 {
		_, err := l.Append(m.make(t, 4000))
		require.NoError(t, err)
	}
	st := syncLog(t, l)
	reopened := smallStore(fs)
	defer reopened.Close()
	for _, l := range []*Log{l, reopened.Open(testDir, testBucket, st, smallLog)} {
		for ms := int64(990); ms < m.ms+3; ms++ {
			want := m.end(t)
			for _, b := range m.batches {
				if h := header(t, b); h.CommitTimestamp >= ms {
					want = h.BaseOffset
					break
				}
			}
			got, err := l.OffsetAt(context.Background(), ms)
			require.NoError(t, err)
			require.Equal(t, want, got, "at %d", ms)
		}
		segments, err := l.Segments()
		require.NoError(t, err)
		require.Equal(t, ids.Offset(0), l.Expired(0))
		require.Equal(t, m.end(t), l.Expired(m.ms+1))
		first := header(t, m.from(t, segments[3].Base)[0]).CommitTimestamp
		require.Contains(t, []ids.Offset{segments[2].Base, segments[3].Base}, l.Expired(first))
		bytes, err := l.Bytes()
		require.NoError(t, err)
		require.Equal(t, segments[2].Base, l.ExpiredBySize(bytes-segments[0].Bytes-segments[1].Bytes))
		require.Equal(t, segments[len(segments)-1].Base, l.ExpiredBySize(0))
	}
}

func TestTrim(t *testing.T) {
	fs := vfs.NewMem()
	s := smallStore(fs)
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(6)
	for range 200 {
		_, err := l.Append(m.make(t, 4000))
		require.NoError(t, err)
	}
	syncLog(t, l)
	segments, err := l.Segments()
	require.NoError(t, err)
	inside, err := l.Cursor(0)
	require.NoError(t, err)
	first, err := inside.Next()
	require.NoError(t, err)
	before := segments[3].Base + 5
	st, err := l.Trim(before)
	require.NoError(t, err)
	require.Equal(t, before, st.Start)
	s.wg.Wait() // for the removal
	names, err := fs.List(testDir)
	require.NoError(t, err)
	require.NotContains(t, names, segmentName(segments[2].Base))
	require.Contains(t, names, segmentName(segments[3].Base))
	require.Contains(t, names, trimName(before))

	_, err = inside.Next()
	require.Equal(t, errcode.OffsetOutOfRange, errcode.Of(err))
	require.Equal(t, m.batches[0], whole(t, first), "a batch that was given stays good")
	first.Release()
	inside.Close()
	m.check(t, l, before, m.end(t))

	s.Close()
	s = smallStore(fs)
	defer s.Close()
	l = s.Open(testDir, testBucket, l.State(), smallLog)
	st, err = l.Trim(m.end(t))
	require.NoError(t, err)
	require.Equal(t, State{
		Start: m.end(t), End: m.end(t), SegmentBase: m.end(t), LastTimestamp: st.LastTimestamp, LastIndex: st.LastIndex,
	}, st)
	syncLog(t, l)
	s.wg.Wait()
	names, err = fs.List(testDir)
	require.NoError(t, err)
	require.Equal(t, []string{trimName(m.end(t))}, names)
	require.NoError(t, l.Remove())
	_, err = fs.List(testDir)
	require.Error(t, err)
	_, err = l.Cursor(m.end(t))
	require.Equal(t, errcode.UnknownBucket, errcode.Of(err))
}

// A reader that follows sees every batch once, in order, while batches are
// written, sealed and pushed out of memory.
func TestFollow(t *testing.T) {
	s := smallStore(vfs.NewMem())
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(7)
	const n = 1500
	batches := make([][]byte, n)
	for i := range batches {
		batches[i] = m.make(t, 2000)
	}
	var wg stdsync.WaitGroup
	for range 4 {
		wg.Go(func() {
			wake := make(chan struct{}, 1)
			defer l.Watch(func() {
				select {
				case wake <- struct{}{}:
				default:
				}
			})()
			c, err := l.Cursor(0)
			if err != nil {
				panic(err)
			}
			defer c.Close()
			for i := 0; i < n; {
				b, err := c.Next()
				if err != nil {
					panic(err)
				}
				if b == nil {
					<-wake
					continue
				}
				body, err := b.ReadColumns(nil)
				if err != nil || string(body.Materialize()) != string(batches[i][headBytes(&b.header):]) {
					panic("wrong body")
				}
				body.Free()
				b.Release()
				i++
			}
		})
	}
	for i, b := range batches {
		_, err := l.Append(b)
		require.NoError(t, err)
		if i%50 == 0 {
			require.NoError(t, l.Sync(context.Background()))
		}
	}
	wg.Wait()
}

func TestIdleLogIsSmall(t *testing.T) {
	s := NewStore(Options{FS: vfs.NewMem()})
	defer s.Close()
	st := State{End: 5, SegmentBytes: 192}
	require.LessOrEqual(t, unsafe.Sizeof(Log{}), uintptr(576))
	allocs := testing.AllocsPerRun(100, func() {
		l := s.Open(testDir, testBucket, st, LogOptions{})
		if c, err := l.Cursor(5); err != nil || l.HighWatermark() != 5 || l.Start() != 0 {
			panic("not at the end")
		} else if b, err := c.Next(); b != nil || err != nil {
			panic("rows past the end")
		}
	})
	require.LessOrEqual(t, allocs, 4.0, "the log, and what the cursor takes")
}

func TestState(t *testing.T) {
	st := State{Start: 1, End: 5, SegmentBase: 3, SegmentBytes: 640, SegmentFirstTimestamp: 7, LastTimestamp: 9, LastIndex: 11}
	b := st.Encode(nil)
	require.Len(t, b, StateSize)
	got, err := DecodeState(b)
	require.NoError(t, err)
	require.Equal(t, st, got)
	for _, bad := range [][]byte{nil, b[:StateSize-1], append([]byte{9}, b[1:]...), State{Start: 2, End: 1}.Encode(nil)} {
		_, err := DecodeState(bad)
		require.Equal(t, errcode.Corrupt, errcode.Of(err))
	}
}
