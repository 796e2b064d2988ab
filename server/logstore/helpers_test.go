package logstore

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/ids"
)

var testBucket = ids.Bucket{Table: 7, Bucket: 3}

const testDir = "data/log/7/3"

// fake returns a batch with the fixed header and arbitrary bytes behind it:
// good for all but columns.
func fake(rng *rand.Rand, base ids.Offset, rows int, ms int64, index uint64, body int) []byte {
	le := binary.LittleEndian
	const head = 64
	body = (body + 63) &^ 63
	b := make([]byte, batch.HeaderSize+head+body)
	for i := batch.HeaderSize; i < len(b); i++ {
		b[i] = byte(rng.Uint32())
	}
	copy(b, "FLB1")
	le.PutUint32(b[4:], uint32(len(b)))
	le.PutUint32(b[12:], batch.CRC(b[batch.HeaderSize:batch.HeaderSize+head]))
	b[16] = 1
	le.PutUint32(b[20:], uint32(rows))
	le.PutUint64(b[24:], uint64(base))
	le.PutUint64(b[32:], uint64(ms))
	le.PutUint64(b[40:], 1)
	le.PutUint64(b[48:], index)
	le.PutUint32(b[68:], 1)
	le.PutUint32(b[72:], 40)
	le.PutUint32(b[76:], 24)
	le.PutUint32(b[80:], uint32(body))
	le.PutUint32(b[84:], uint32(body))
	le.PutUint32(b[8:], batch.CRC(b[12:batch.HeaderSize]))
	return b
}

// putBase gives a batch another base offset.
func putBase(b []byte, base ids.Offset) {
	binary.LittleEndian.PutUint64(b[24:], uint64(base))
	binary.LittleEndian.PutUint32(b[8:], batch.CRC(b[12:batch.HeaderSize]))
}

// model is what a log has to hold: all batches ever appended.
type model struct {
	rng     *rand.Rand
	batches [][]byte
	ms      int64
}

func newModel(seed uint64) *model {
	return &model{rng: rand.New(rand.NewPCG(seed, 1)), ms: 1000}
}

func header(t testing.TB, b []byte) batch.Header {
	h, err := batch.ParseHeader(b)
	require.NoError(t, err)
	return h
}

func (m *model) end(t testing.TB) ids.Offset {
	if len(m.batches) == 0 {
		return 0
	}
	h := header(t, m.batches[len(m.batches)-1])
	return h.EndOffset()
}

// make adds a batch with a body of about size bytes to the model and returns it.
func (m *model) make(t testing.TB, size int) []byte {
	m.ms += int64(m.rng.IntN(5))
	b := fake(m.rng, m.end(t), 1+m.rng.IntN(20), m.ms, uint64(len(m.batches)+1), 1+m.rng.IntN(size))
	m.batches = append(m.batches, b)
	return b
}

// from returns the batches that hold the rows from on.
func (m *model) from(t testing.TB, from ids.Offset) [][]byte {
	for i, b := range m.batches {
		if h := header(t, b); h.EndOffset() > from {
			return m.batches[i:]
		}
	}
	return nil
}

// replay appends what the model has and the log has not.
func (m *model) replay(t testing.TB, l *Log) {
	for _, b := range m.from(t, l.State().End) {
		_, err := l.Append(b)
		require.NoError(t, err)
	}
}

func whole(t testing.TB, b *Batch) []byte {
	body, err := b.ReadColumns(nil)
	require.NoError(t, err)
	defer body.Free()
	return append(append([]byte(nil), b.bytes[:headBytes(&b.header)]...), body.Materialize()...)
}

// check reads the log from an offset and compares with the model up to end.
func (m *model) check(t testing.TB, l *Log, from, end ids.Offset) {
	c, err := l.Cursor(from)
	require.NoError(t, err)
	defer c.Close()
	for _, want := range m.from(t, from) {
		if header(t, want).BaseOffset >= end {
			break
		}
		b, err := c.Next()
		require.NoError(t, err)
		require.NotNil(t, b, "the log ends at %d", c.Offset())
		got := whole(t, b)
		b.Release()
		require.Equal(t, header(t, want).BaseOffset, header(t, got).BaseOffset)
		require.True(t, string(want) == string(got), "batch at %d differs", header(t, want).BaseOffset)
	}
	b, err := c.Next()
	require.NoError(t, err)
	require.Nil(t, b)
	require.Equal(t, end, c.Offset())
}

func smallStore(fs vfs.FS) *Store {
	return NewStore(Options{FS: fs, TailBytes: 16 << 10, PendingBytes: 32 << 10, WriteBytes: 4 << 10, Writers: 2, MaxOpenFiles: 2})
}

var smallLog = LogOptions{SegmentBytes: 32 << 10}

func syncLog(t testing.TB, l *Log) State {
	st := l.State()
	require.NoError(t, l.Sync(context.Background()))
	return st
}
