package tablet

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/logstore"
)

// makeBatch returns a batch of testTable's column whose body says who wrote it;
// n is the body's size, a multiple of 64. It does not depend on rows, which
// nothing here looks at.
func makeBatch(w ids.WriterID, seq ids.Sequence, rows, n int) []byte {
	meta := batch.Meta{
		Rows: int64(rows), BodyBytes: int64(n), Nodes: []batch.Node{{Length: int64(rows)}},
		Buffers: []batch.BufferRange{{}, {Len: int64(n)}},
	}
	b := batch.AppendMeta(make([]byte, batch.HeaderSize, 512+n), &meta)
	h := batch.Header{RowCount: uint32(rows), WriterID: w, Sequence: seq, SchemaID: 1,
		MetadataBytes: uint32(len(b) - batch.HeaderSize), ColumnTableBytes: 16, BodyBytes: uint32(n), UncompressedBytes: uint32(n)}
	crc := len(b)
	b = append(b, make([]byte, h.HeadBytes()-len(b)+n)...)
	body := b[h.HeadBytes():]
	for i := 0; i+16 <= n; i += 16 {
		binary.LittleEndian.PutUint64(body[i:], uint64(w))
		binary.LittleEndian.PutUint64(body[i+8:], uint64(seq))
	}
	binary.LittleEndian.PutUint32(b[crc:], batch.CRC(body))
	h.TotalBytes = uint32(len(b))
	h.HeadCRC = batch.CRC(b[batch.HeaderSize:h.HeadBytes()])
	batch.PutHeader(b, h)
	return b
}

func testTable(id ids.TableID, version int64, options map[string]string) *flussv1.TableInfo {
	s := &flussv1.Schema{Id: 1, HighestFieldId: 1, Columns: []*flussv1.Field{{
		Id: 1, Name: "a", Type: &flussv1.DataType{Kind: flussv1.TypeKind_TYPE_KIND_BIGINT},
	}}}
	return &flussv1.TableInfo{
		Path:    &flussv1.TablePath{Database: "db", Table: fmt.Sprintf("t%d", id)},
		TableId: int64(id), Version: version, Schemas: []*flussv1.Schema{s},
		Descriptor_: &flussv1.TableDescriptor{Schema: s, BucketCount: 4, Properties: options},
	}
}

func testOptions(fs vfs.FS) HostOptions {
	return HostOptions{FS: fs, Dir: "data", Tablets: []ids.TabletID{1}, WALFileBytes: 32 << 10, Clock: newManualClock()}
}

func openHost(t testing.TB, o HostOptions) *Host {
	t.Helper()
	h, err := OpenHost(context.Background(), o)
	require.NoError(t, err)
	return h
}

func tabletOf(t testing.TB, h *Host, id ids.TabletID) *Tablet {
	t.Helper()
	tab, ok := h.Tablet(id)
	require.True(t, ok)
	return tab
}

var bucket1 = ids.Bucket{Table: 1, Bucket: 0}

func openBuckets(t testing.TB, tab *Tablet, table ids.TableID, n int) {
	t.Helper()
	var buckets []ids.BucketID
	for i := range n {
		buckets = append(buckets, ids.BucketID(i))
	}
	require.NoError(t, tab.OpenBuckets(context.Background(), testTable(table, 1, nil), 0, buckets))
}

// appendNow appends and waits for the answer.
func appendNow(tab *Tablet, b ids.Bucket, data []byte) AppendResult {
	ch := make(chan AppendResult, 1)
	if err := tab.Append(context.Background(), Append{Bucket: b, Batch: data}, func(r AppendResult) { ch <- r }); err != nil {
		return AppendResult{Err: err}
	}
	return <-ch
}

// logRow is one batch as a reader sees it.
type logRow struct {
	Writer    ids.WriterID
	Sequence  ids.Sequence
	Base, End ids.Offset
}

// readLog reads every batch of a log and checks that offsets are dense and
// bodies whole.
func readLog(t testing.TB, l *logstore.Log) []logRow {
	t.Helper()
	c, err := l.Cursor(l.Start())
	require.NoError(t, err)
	defer c.Close()
	var out []logRow
	at := l.Start()
	for {
		b, err := c.Next()
		require.NoError(t, err)
		if b == nil {
			require.Equal(t, l.HighWatermark(), at)
			return out
		}
		h := b.Header()
		if at == l.Start() {
			at = min(at, h.BaseOffset) // a log that was trimmed begins within a batch
		}
		require.Equal(t, at, ids.Offset(h.BaseOffset))
		at += ids.Offset(h.RowCount)
		out = append(out, logRow{h.WriterID, h.Sequence, ids.Offset(h.BaseOffset), at})
		body, err := b.ReadColumns(nil)
		require.NoError(t, err)
		data := body.Materialize()
		body.Free()
		require.Len(t, data, int(h.BodyBytes))
		if len(data) >= 16 {
			require.Equal(t, uint64(h.WriterID), binary.LittleEndian.Uint64(data[len(data)-16:]))
			require.Equal(t, uint64(h.Sequence), binary.LittleEndian.Uint64(data[len(data)-8:]))
		}
		b.Release()
	}
}

// manualClock is a clock that tests move.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []manualTimer
}

type manualTimer struct {
	at time.Time
	ch chan time.Time
}

func newManualClock() *manualClock { return &manualClock{now: time.UnixMilli(1_700_000_000_000)} }

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.timers = append(c.timers, manualTimer{c.now.Add(d), ch})
	return ch
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	keep := c.timers[:0]
	for _, t := range c.timers {
		if t.at.After(c.now) {
			keep = append(keep, t)
			continue
		}
		t.ch <- c.now
	}
	c.timers = keep
}
