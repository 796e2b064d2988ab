package logstore

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// A random history, with restarts, against a slice of batches.
func TestModel(t *testing.T) {
	first := uint64(time.Now().UnixNano())
	for seed := first; seed < first+8; seed++ {
		t.Logf("seed %d", seed)
		newWorld(t, seed).live(400)
	}
}

// world is a log under random options, and what it has to be like.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	fs    *vfs.MemFS
	model *model
	store *Store
	log   *Log
	opt   LogOptions
	start ids.Offset
	// recorded is a state whose bytes are durable, and what goes with it.
	recorded State
	cursors  []*Cursor
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 3)), fs: vfs.NewCrashableMem(), model: newModel(seed)}
	w.opt = LogOptions{SegmentBytes: int64(4<<10 + w.rng.IntN(60<<10)), SegmentAge: time.Duration(w.rng.IntN(3)*50) * time.Millisecond}
	w.open(w.fs)
	return w
}

func (w *world) open(fs *vfs.MemFS) {
	w.fs = fs
	w.store = NewStore(Options{
		FS: fs, TailBytes: int64(4<<10 + w.rng.IntN(100<<10)), PendingBytes: int64(4<<10 + w.rng.IntN(100<<10)),
		WriteBytes: 4 << 10, Writers: 1 + w.rng.IntN(3), MaxOpenFiles: 1 + w.rng.IntN(4),
	})
	w.log = w.store.Open(testDir, testBucket, w.recorded, w.opt)
}

func (w *world) live(steps int) {
	for range steps {
		switch w.rng.IntN(16) {
		case 0:
			w.recorded = syncLog(w.t, w.log)
		case 1:
			w.trim(w.start + ids.Offset(w.rng.IntN(int(w.end()-w.start)/2+1)))
		case 2:
			w.restart()
		case 3:
			w.times()
		case 4:
			from := w.start + ids.Offset(w.rng.IntN(int(w.end()-w.start)+1))
			w.model.check(w.t, w.log, from, w.end())
		case 5, 6, 7:
			w.readSome()
		default:
			_, err := w.log.Append(w.model.make(w.t, 1+w.rng.IntN(9000)))
			require.NoError(w.t, err)
		}
		require.Equal(w.t, w.end(), w.log.HighWatermark())
		require.Equal(w.t, w.start, w.log.Start())
	}
	w.leave()
	w.store.Close()
}

func (w *world) end() ids.Offset { return w.model.end(w.t) }

func (w *world) trim(before ids.Offset) {
	if w.rng.IntN(4) == 0 {
		before = w.log.Expired(w.model.ms - int64(w.rng.IntN(100)))
	}
	st, err := w.log.Trim(before)
	require.NoError(w.t, err)
	w.start = max(w.start, before)
	require.Equal(w.t, w.start, st.Start)
}

// restart closes the log, perhaps with a crash, and opens and replays it.
func (w *world) restart() {
	w.leave()
	fs := w.fs
	if w.rng.IntN(2) == 0 {
		fs = w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: w.rng.IntN(101), RNG: w.rng})
	}
	w.log.Close()
	w.store.Close()
	w.open(fs)
	w.model.replay(w.t, w.log)
	_, err := w.log.Trim(w.start)
	require.NoError(w.t, err)
}

func (w *world) leave() {
	for _, c := range w.cursors {
		c.Close()
	}
	w.cursors = nil
}

// readSome goes on with a cursor that was left somewhere, or begins one.
func (w *world) readSome() {
	if len(w.cursors) < 3 {
		c, err := w.log.Cursor(w.start + ids.Offset(w.rng.IntN(int(w.end()-w.start)+1)))
		require.NoError(w.t, err)
		w.cursors = append(w.cursors, c)
	}
	i := w.rng.IntN(len(w.cursors))
	c := w.cursors[i]
	for range w.rng.IntN(30) {
		at := c.Offset()
		b, err := c.Next()
		if at < w.start {
			require.Equal(w.t, errcode.OffsetOutOfRange, errcode.Of(err))
			c.Close()
			w.cursors = append(w.cursors[:i], w.cursors[i+1:]...)
			return
		}
		require.NoError(w.t, err)
		if b == nil {
			require.Equal(w.t, w.end(), at)
			return
		}
		if w.rng.IntN(2) == 0 {
			require.True(w.t, string(w.model.from(w.t, at)[0]) == string(whole(w.t, b)))
		}
		b.Release()
	}
}

func (w *world) times() {
	ms := w.model.ms - int64(w.rng.IntN(300))
	want := w.end()
	for _, b := range w.model.from(w.t, w.start) {
		if h := header(w.t, b); h.CommitTimestamp >= ms {
			want = max(w.start, h.BaseOffset)
			break
		}
	}
	got, err := w.log.OffsetAt(context.Background(), ms)
	require.NoError(w.t, err)
	if w.start < w.end() {
		require.Equal(w.t, want, got)
	}
}
