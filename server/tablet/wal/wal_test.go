package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fluss-go/fluss/proto/errcode"
)

func entry(term, index uint64, n int) *pb.Entry {
	data := bytes.Repeat([]byte{byte(index)}, n)
	return &pb.Entry{Term: new(term), Index: new(index), Data: data}
}

func state(term, vote uint64) *pb.HardState {
	return &pb.HardState{Term: new(term), Vote: new(vote), Commit: new(uint64(0))}
}

func options(fs vfs.FS) Options { return Options{FS: fs, Dir: "wal", FileBytes: 4 << 10} }

func mustOpen(t testing.TB, o Options, applied uint64) (*WAL, Recovered) {
	t.Helper()
	w, r, err := Open(o, applied)
	require.NoError(t, err)
	return w, r
}

func requireEntries(t testing.TB, want, got []*pb.Entry) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].GetIndex(), got[i].GetIndex())
		require.Equal(t, want[i].GetTerm(), got[i].GetTerm())
		require.True(t, bytes.Equal(want[i].Data, got[i].Data))
	}
}

func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	w, r := mustOpen(t, options(fs), 0)
	require.Empty(t, r.Entries)
	require.Zero(t, r.State.GetTerm())
	require.Zero(t, r.Last)
	var want []*pb.Entry
	for i := uint64(1); i <= 40; i++ {
		e := entry(2, i, int(i*i*40))
		want = append(want, e)
		require.NoError(t, w.Save(state(2, 1), []*pb.Entry{e}, true))
	}
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	w, r = mustOpen(t, options(fs), 0)
	requireEntries(t, want, r.Entries)
	require.Equal(t, uint64(2), r.State.GetTerm())
	require.Equal(t, uint64(1), r.State.GetVote())

	t.Run("entries from another leader replace the tail", func(t *testing.T) {
		e := entry(3, 30, 10)
		require.NoError(t, w.Save(state(3, 2), []*pb.Entry{e}, true))
		require.NoError(t, w.Close())
		w, r = mustOpen(t, options(fs), 5)
		requireEntries(t, append(want[5:29:29], e), r.Entries)
		require.Equal(t, uint64(30), r.Last)
		require.Equal(t, uint64(3), r.State.GetTerm())
	})
	t.Run("released files go and the state stays", func(t *testing.T) {
		require.NoError(t, w.Release(30))
		require.NoError(t, w.Close())
		w, r = mustOpen(t, options(fs), 30)
		require.Empty(t, r.Entries)
		require.Equal(t, uint64(30), r.Last)
		require.Equal(t, uint64(3), r.State.GetTerm())
		names, err := fs.List("wal")
		require.NoError(t, err)
		require.LessOrEqual(t, len(names), 2)
	})
	require.NoError(t, w.Close())
}

func TestFilesAreUsedAgain(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	w, _ := mustOpen(t, o, 0)
	index := uint64(0)
	for round := range 50 {
		for range 7 {
			index++
			require.NoError(t, w.Save(nil, []*pb.Entry{entry(1, index, 500+int(index)%97)}, round%2 == 0))
		}
		require.NoError(t, w.Release(index-3))
		if round%10 == 9 {
			require.NoError(t, w.Close())
			var r Recovered
			w, r = mustOpen(t, o, index-3)
			require.Len(t, r.Entries, 3)
		}
	}
	names, err := fs.List("wal")
	require.NoError(t, err)
	require.LessOrEqual(t, len(names), 4)
	require.NoError(t, w.Close())
}

// history saves a random history and tells after each step what is promised.
type history struct {
	w       *WAL
	rng     *rand.Rand
	term    uint64
	ever    []*pb.Entry // from 1
	entries []*pb.Entry // from applied+1
	applied uint64
	durable int // of entries
}

func (h *history) release() error {
	if h.rng.IntN(8) > 0 {
		return nil
	}
	n := h.rng.IntN(h.durable + 1)
	h.applied += uint64(n)
	h.entries, h.durable = h.entries[n:], h.durable-n
	return h.w.Release(h.applied)
}

func (h *history) step() error {
	var st *pb.HardState
	if h.rng.IntN(5) == 0 {
		h.term++
		st = state(h.term, 1)
	}
	var add []*pb.Entry
	for range h.rng.IntN(4) {
		size := h.rng.IntN(300)
		if h.rng.IntN(10) == 0 {
			size = h.rng.IntN(80 << 10)
		}
		add = append(add, entry(h.term, h.applied+uint64(len(h.entries)+len(add))+1, size))
	}
	h.ever = append(h.ever, add...)
	sync := h.rng.IntN(3) > 0
	if err := h.w.Save(st, add, sync); err != nil {
		return err
	}
	h.entries = append(h.entries, add...)
	if sync && (len(add) > 0 || st != nil) {
		h.durable = len(h.entries)
	}
	return nil
}

func TestCrashAtEverySync(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range 12 {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		mem := vfs.NewCrashableMem()
		var clone *vfs.MemFS
		var syncs, crashAt atomic.Int64
		crashAt.Store(1 + rng.Int64N(60))
		percent := []int{0, 50, 90}[round%3]
		crash := rand.New(rand.NewPCG(seed, uint64(round)+1000))
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch op.Kind { //nolint:exhaustive // the points of interest
			case errorfs.OpFileSync, errorfs.OpFileSyncData:
				if syncs.Add(1) == crashAt.Load() {
					clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: crash})
				}
			}
			return nil
		}))
		w, _ := mustOpen(t, options(fs), 0)
		h := &history{w: w, rng: rng, term: 1}
		before := *h
		for clone == nil {
			require.NoError(t, h.release())
			before = *h
			require.NoError(t, h.step())
		}
		_ = w.Close()
		w2, r, err := Open(options(clone), before.applied)
		require.NoError(t, err, "round %d", round)
		require.GreaterOrEqual(t, r.Last, before.applied+uint64(before.durable), "round %d", round)
		requireEntries(t, h.ever[before.applied:r.Last], r.Entries)
		// What was recovered is there for good, also when more is written and the power fails again.
		next := entry(99, r.Last+1, 100)
		require.NoError(t, w2.Save(state(99, 1), []*pb.Entry{next}, true))
		_, r2, err := Open(options(clone.CrashClone(vfs.CrashCloneCfg{})), before.applied)
		require.NoError(t, err)
		requireEntries(t, append(r.Entries, next), r2.Entries)
		require.NoError(t, w2.Close())
	}
}

func TestDamageIsFound(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	o.FileBytes = 1 << 20
	w, _ := mustOpen(t, o, 0)
	for i := uint64(1); i <= 6; i++ {
		require.NoError(t, w.Save(nil, []*pb.Entry{entry(1, i, 40*int(i))}, true))
	}
	require.NoError(t, w.Close())
	path := fs.PathJoin("wal", fileName(1))
	whole := readFile(t, fs, path)
	var lastAt int64
	end, size, err := Inspect(fs, path, func(r Record) error { lastAt = r.Position; return nil })
	require.NoError(t, err)
	require.Equal(t, size, end)
	for at := range len(whole) {
		bad := bytes.Clone(whole)
		bad[at] ^= 1 << (at % 8)
		writeFile(t, fs, path, bad)
		_, r, err := Open(o, 0)
		if int64(at) >= lastAt { // cannot be told from a torn end
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(r.Entries), 5)
			continue
		}
		require.Equal(t, errcode.Corrupt, errcode.Of(err), "byte %d: %v", at, err)
	}
	t.Run("a file is missing", func(t *testing.T) {
		writeFile(t, fs, path, whole)
		_, _, err := Open(o, 0)
		require.NoError(t, err)
		require.NoError(t, fs.Remove(path))
		w, r, err := Open(o, 3)
		require.NoError(t, err)
		require.Zero(t, r.Last) // the tablet sees that it is below its applied index
		require.NoError(t, w.Close())
	})
}

func readFile(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	b := make([]byte, info.Size())
	_, err = f.ReadAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return b
}

func writeFile(t testing.TB, fs vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = f.Write(b)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}

// TestEveryOperationFails fails each operation in turn, once, and checks that
// what Save said holds.
func TestEveryOperationFails(t *testing.T) {
	for fail := int32(0); ; fail++ {
		mem := vfs.NewMem()
		inj := errorfs.OnIndex(fail)
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if err := inj.MaybeError(op); err != nil {
				return syscall.ENOSPC
			}
			return nil
		}))
		o := options(fs)
		w, _, err := Open(o, 0)
		hit := err != nil
		if err == nil {
			var want []*pb.Entry
			unknown := false
			for i := 0; i < 25 && !unknown; i++ {
				e := entry(1, uint64(len(want))+1, 200+i*300%5000)
				err := w.Save(state(1, 1), []*pb.Entry{e}, true)
				switch {
				case err == nil:
					want = append(want, e)
				case errors.Is(err, ErrUndone):
					hit = true
				default:
					hit, unknown = true, true
				}
				if i%10 == 9 && !unknown {
					hit = w.Release(1) != nil || hit
				}
			}
			hit = w.Close() != nil || hit
			_, r, err := Open(options(mem), 1)
			require.NoError(t, err, "operation %d", fail)
			if !unknown {
				requireEntries(t, want[min(1, len(want)):], r.Entries)
			} else {
				require.GreaterOrEqual(t, len(r.Entries), len(want)-1)
			}
		}
		if !hit && fail > 20 {
			return
		}
		require.Less(t, fail, int32(1000))
	}
}

func TestDiskFullAndBack(t *testing.T) {
	mem := vfs.NewMem()
	var full atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && (op.Kind == errorfs.OpFileWriteAt || op.Kind == errorfs.OpCreate) {
			return syscall.ENOSPC
		}
		return nil
	}))
	w, _ := mustOpen(t, options(fs), 0)
	require.NoError(t, w.Save(nil, []*pb.Entry{entry(1, 1, 100)}, true))
	full.Store(true)
	for range 3 {
		require.ErrorIs(t, w.Save(nil, []*pb.Entry{entry(1, 2, 100)}, true), ErrUndone)
	}
	full.Store(false)
	require.NoError(t, w.Save(nil, []*pb.Entry{entry(2, 2, 50)}, true))
	require.NoError(t, w.Close())
	_, r := mustOpen(t, options(mem), 0)
	requireEntries(t, []*pb.Entry{entry(1, 1, 100), entry(2, 2, 50)}, r.Entries)
}

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, header{kind: TypeEntry, salt: 7, term: 1, index: 2}, []byte("data")))
	f.Add(appendRecord(nil, header{kind: TypeFile, salt: 7}, (&fileData{seq: 1}).append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerSize { // make the checksum right, so that the rest is reached
			h := bytes.Clone(b)
			binary.LittleEndian.PutUint32(h, crcOf(h[4:headerSize]))
			b = h
		}
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		var out [headerSize]byte
		h.put(out[:])
		require.Equal(t, b[:headerSize], out[:])
		if d, err := parseFileData(b[headerSize:]); err == nil {
			require.Equal(t, b[headerSize:], d.append(nil))
		}
		_, err = recordOf(h, b[headerSize:])
		_ = fmt.Sprint(err, h.kind)
		_, err = scan(bytes.NewReader(b), h.salt, int64(len(b)), func(header, []byte) error { return nil })
		require.NoError(t, err)
	})
}
