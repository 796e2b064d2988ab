package logstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	stdsync "sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// step is one thing that the history of a log has; a replay does the same again.
type step struct {
	append []byte
	trim   ids.Offset // the state's Start after the step
	sync   bool
}

// history returns n random steps and the model of their batches.
func history(t testing.TB, seed uint64, n int) ([]step, *model) {
	m := newModel(seed)
	steps := make([]step, n)
	start := ids.Offset(0)
	for i := range steps {
		switch k := m.rng.IntN(20); {
		case k < 3:
			steps[i].sync = true
		case k == 3 && m.rng.IntN(3) > 0:
			start += ids.Offset(m.rng.IntN(int(m.end(t)-start) + 1))
		case k == 3:
			start = m.end(t)
		default:
			steps[i].append = m.make(t, 3000)
		}
		steps[i].trim = start
	}
	return steps, m
}

// play does the steps on l and calls durable with the state and the number of
// steps done after each Sync. It stops at the first error.
func play(l *Log, steps []step, durable func(State, int)) error {
	for i, s := range steps {
		if s.append != nil {
			if _, err := l.Append(s.append); err != nil {
				return err
			}
		}
		if _, err := l.Trim(s.trim); err != nil {
			return err
		}
		if s.sync {
			if err := l.Sync(context.Background()); err != nil {
				return err
			}
			durable(l.State(), i+1)
		}
	}
	return nil
}

// A crash at any operation on the file system, with any part of what was not
// synced surviving, loses nothing that a Sync covered; and after the replay of the
// rest the log is as if nothing had happened.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crashAnywhere(t, seed) })
	}
}

type crashed struct {
	fs    *vfs.MemFS
	state State
	done  int
	op    string
}

func crashAnywhere(t *testing.T, seed uint64) {
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(seed, 2))
	var mu stdsync.Mutex
	var state State
	var done int
	var crashes []crashed
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, percent := range []int{0, 50, 100} {
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			crashes = append(crashes, crashed{clone, state, done, fmt.Sprintf("%d %s %d%%", op.Kind, op.Path, percent)})
		}
		return nil
	}))
	steps, m := history(t, seed, 150)
	s := smallStore(fs)
	err := play(s.Open(testDir, testBucket, State{}, smallLog), steps, func(st State, n int) {
		mu.Lock()
		defer mu.Unlock()
		state, done = st, n
	})
	require.NoError(t, err)
	s.Close()
	require.Greater(t, len(crashes), 200)
	for i, c := range crashes {
		recoverFrom(t, c, steps, m, i%7 == 0)
	}
}

func recoverFrom(t *testing.T, c crashed, steps []step, m *model, again bool) {
	s := smallStore(c.fs)
	l := s.Open(testDir, testBucket, c.state, smallLog)
	_, err := l.Segments() // finds out what was dropped after the state was recorded
	require.NoError(t, err, c.op)
	require.LessOrEqual(t, l.Start(), steps[len(steps)-1].trim, c.op)
	m.check(t, l, l.Start(), c.state.End)
	var last State
	require.NoError(t, play(l, steps[c.done:], func(st State, _ int) { last = st }), c.op)
	last = syncLog(t, l)
	m.check(t, l, last.Start, last.End)
	s.wg.Wait()
	s.Close()
	if !again {
		return
	}
	s = smallStore(c.fs)
	defer s.Close()
	l = s.Open(testDir, testBucket, last, smallLog)
	m.check(t, l, last.Start, last.End)
	segments, err := l.Segments()
	require.NoError(t, err)
	for _, seg := range segments {
		if seg.Bytes == 0 || seg.End <= last.Start {
			continue
		}
		in, err := InspectSegment(c.fs, seg.Path, nil)
		require.NoError(t, err)
		require.NoError(t, in.Damage, c.op)
	}
}

// One operation of the file system fails: either Sync says so, or what it
// covered is there. A log that failed is opened again and replayed.
func TestEveryOperationFails(t *testing.T) {
	steps, m := history(t, 11, 120)
	failures := 0
	for i := int32(0); ; i++ {
		index := errorfs.OnIndex(i)
		mem := vfs.NewMem()
		s := smallStore(errorfs.Wrap(mem, index))
		var state State
		done := 0
		from := 0
		durable := func(st State, n int) { state, done = st, from+n }
		err := play(s.Open(testDir, testBucket, State{}, smallLog), steps, durable)
		for tries := 0; err != nil; tries++ {
			failures++
			require.Less(t, tries, 3)
			require.Contains(t, []errcode.Code{errcode.Corrupt, errcode.Unavailable}, errcode.Of(err))
			s.wg.Wait()
			s.Close()
			s = smallStore(errorfs.Wrap(mem, index))
			from = done
			err = play(s.Open(testDir, testBucket, state, smallLog), steps[done:], durable)
		}
		s.wg.Wait()
		s.Close()
		recoverFrom(t, crashed{mem, state, done, fmt.Sprint("operation ", i)}, steps, m, true)
		if index.Load() >= 0 {
			break // the run had fewer operations
		}
	}
	require.Greater(t, failures, 20)
}

// A full disk stops the writing, not the log: rows stay readable, Sync says
// DISK_FULL, and goes through when there is room again.
func TestDiskFull(t *testing.T) {
	mem := vfs.NewMem()
	full := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWriteAt || op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpMkdirAll {
			return syscall.ENOSPC
		}
		return nil
	})}
	s := smallStore(errorfs.Wrap(mem, full))
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(12)
	for round := range 6 {
		if round%2 == 1 {
			full.On()
		}
		for range 60 {
			_, err := l.Append(m.make(t, 3000))
			require.NoError(t, err)
		}
		m.check(t, l, 0, m.end(t))
		err := l.Sync(context.Background())
		if round%2 == 1 {
			require.Equal(t, errcode.DiskFull, errcode.Of(err))
			require.Positive(t, s.Pending())
			require.Equal(t, err, s.SyncAll(context.Background(), []*Log{l}).(interface{ Unwrap() []error }).Unwrap()[0])
			m.check(t, l, 0, m.end(t))
			full.Off()
			err = l.Sync(context.Background())
		}
		require.NoError(t, err)
		require.Zero(t, s.Pending())
	}
	again := smallStore(mem)
	defer again.Close()
	m.check(t, again.Open(testDir, testBucket, l.State(), smallLog), 0, m.end(t))
}

// After a failed fdatasync nothing is believed any more.
func TestFailedSyncIsFinal(t *testing.T) {
	t.Run("broken", func(t *testing.T) { testFailedSync(t, errors.New("the disk went away")) })
	t.Run("full", func(t *testing.T) { testFailedSync(t, syscall.ENOSPC) })
}

func testFailedSync(t *testing.T, cause error) {
	broken := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			return cause
		}
		return nil
	})}
	s := smallStore(errorfs.Wrap(vfs.NewMem(), broken))
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	m := newModel(13)
	_, err := l.Append(m.make(t, 3000))
	require.NoError(t, err)
	broken.On()
	require.Equal(t, errcode.Corrupt, errcode.Of(l.Sync(context.Background())))
	broken.Off()
	require.Equal(t, errcode.Corrupt, errcode.Of(l.Sync(context.Background())))
	_, err = l.Append(m.make(t, 3000))
	require.Equal(t, errcode.Corrupt, errcode.Of(err))
	m.batches = m.batches[:1]
	m.check(t, l, 0, m.end(t))
	l.Close()
	require.Zero(t, s.Pending())
}

func TestSyncHonoursContext(t *testing.T) {
	s := smallStore(vfs.NewMem())
	defer s.Close()
	l := s.Open(testDir, testBucket, State{}, smallLog)
	_, err := l.Append(newModel(14).make(t, 100))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Equal(t, errcode.Canceled, errcode.Of(l.Sync(ctx)))
	l.turns() <- struct{}{}
	require.Equal(t, errcode.Canceled, errcode.Of(l.Sync(ctx)))
	l.release()
	require.NoError(t, l.Sync(context.Background()))
}
