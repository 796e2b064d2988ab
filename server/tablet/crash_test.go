package tablet

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
)

// seedOf prints the seed of a random test; FLUSS_SEED replays one.
func seedOf(t testing.TB) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FLUSS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		seed = n
	}
	t.Logf("FLUSS_SEED=%d", seed)
	return seed
}

func rounds(normal int) int {
	if n, err := strconv.Atoi(os.Getenv("FLUSS_ROUNDS")); err == nil {
		return n
	}
	return normal
}

// crasher takes a picture of the disk before sync number at, with what was
// promised then.
type crasher struct {
	mem     *vfs.MemFS
	syncs   atomic.Int64
	at      int64
	cfg     vfs.CrashCloneCfg
	promise func() map[ids.Bucket]modelBucket

	mu       sync.Mutex
	clone    *vfs.MemFS
	promised map[ids.Bucket]modelBucket
}

func (c *crasher) MaybeError(op errorfs.Op) error {
	switch op.Kind { //nolint:exhaustive // the points of interest
	case errorfs.OpFileSync, errorfs.OpFileSyncData:
		if c.syncs.Add(1) == c.at {
			c.crash()
		}
	}
	return nil
}

// renaming is a MemFS whose ReuseForWrite does not take the file system's lock
// twice, which a CrashClone that waits for it in between would block for ever.
type renaming struct{ vfs.FS }

// ReuseForWrite implements vfs.FS.
func (f renaming) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Rename(old, name); err != nil {
		return nil, err
	}
	return f.OpenReadWrite(name, category)
}

func (c *crasher) String() string { return "crasher" }

func (c *crasher) crash() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clone == nil {
		c.promised = c.promise()
		c.clone = c.mem.CrashClone(c.cfg)
	}
}

func (c *crasher) crashed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clone != nil
}

// TestCrashAtSyncs runs random histories, cuts the power at a random sync of
// anything (write-ahead log, segments, key-value store), opens what is left, compares it
// with what was promised, and goes on from there, several times over.
func TestCrashAtSyncs(t *testing.T) {
	seed := seedOf(t)
	for round := range rounds(8) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			clock := newManualClock()
			w := newWorld(seed, uint64(round), clock)
			mem := vfs.NewCrashableMem()
			for life := range 4 {
				rng := rand.New(rand.NewPCG(seed, uint64(1000*round+life)))
				c := &crasher{mem: mem, at: 1 + rng.Int64N(80), promise: w.promise}
				if life%2 == 1 {
					c.cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}
				}
				before := w.promise()
				o := testOptions(errorfs.Wrap(renaming{mem}, c))
				o.Clock = clock
				h := openHost(t, o)
				w.verify(t, h, before)
				for !c.crashed() {
					w.step(t, h)
					require.False(t, w.stopped)
				}
				require.NoError(t, h.Close())
				mem = c.clone
				h = openHost(t, func() HostOptions { o := testOptions(mem); o.Clock = clock; return o }())
				w.verify(t, h, c.promised)
				if life%2 == 0 { // else the next life begins after a crash of this one
					require.NoError(t, h.Close())
				} else {
					defer func() { _ = h.Close() }()
					mem = mem.CrashClone(vfs.CrashCloneCfg{})
				}
			}
		})
	}
}

// TestRestarts is the same without crashes, and longer.
func TestRestarts(t *testing.T) {
	seed := seedOf(t)
	for _, d := range []Durability{DurabilityFsync, DurabilityMemory} {
		t.Run(string(d), func(t *testing.T) {
			clock := newManualClock()
			w := newWorld(seed, 7, clock)
			mem := vfs.NewMem()
			for range 5 {
				before := w.promise()
				o := testOptions(mem)
				o.Clock, o.Durability = clock, d
				h := openHost(t, o)
				w.verify(t, h, before)
				for range 150 {
					w.step(t, h)
				}
				require.False(t, w.stopped)
				w.verify(t, h, w.promise())
				require.NoError(t, h.Close())
			}
		})
	}
}

// TestEveryOperationFails fails operation i of everything, once, and then
// opens the directory again: nothing acknowledged is lost.
func TestEveryOperationFails(t *testing.T) {
	seed := seedOf(t)
	stride := max(1, 12/max(1, rounds(1)))
	start := int(seed % uint64(stride))
	for fail := start; ; fail += stride {
		clock := newManualClock()
		w := newWorld(seed, 1, clock)
		mem := vfs.NewCrashableMem()
		inj := errorfs.OnIndex(int32(fail))
		var hit atomic.Bool
		o := testOptions(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if inj.MaybeError(op) == nil {
				return nil
			}
			hit.Store(true)
			return []error{syscall.EIO, syscall.ENOSPC}[fail%2]
		})))
		o.Clock = clock
		h, err := OpenHost(t.Context(), o)
		if err == nil {
			for range 60 {
				if w.step(t, h); w.stopped {
					break
				}
			}
			_ = h.Close() // may fail: that is the point
		}
		// As by the end of the process: locks go, all written bytes stay.
		o = testOptions(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))}))
		o.Clock = clock
		h = openHost(t, o)
		require.Equal(t, StateLeading, tabletOf(t, h, 1).Status().State, "operation %d: %s", fail, tabletOf(t, h, 1).Status().Cause)
		w.verify(t, h, w.promise())
		for range 10 {
			w.step(t, h)
		}
		require.False(t, w.stopped, "operation %d", fail)
		require.NoError(t, h.Close())
		if !hit.Load() {
			return
		}
	}
}
