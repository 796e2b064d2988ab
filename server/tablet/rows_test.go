package tablet

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// rowKeys counts what the key-value store has of rows and their counts.
func rowKeys(t *testing.T, h *Host) int {
	n := 0
	for _, space := range []byte{spaceRow, spaceRowState} {
		require.NoError(t, h.kv.Scan(appendSpace(nil, 1, space), func(_, _ []byte) error { n++; return nil }))
	}
	return n
}

func TestDropTakesRowsAway(t *testing.T) {
	w := newRowsWorld(t, 1, 0)
	h := w.open(vfs.NewMem())
	defer func() { require.NoError(t, h.Close()) }()
	for len(w.rows) < 5 {
		w.pending = w.draw()
		w.send(h)
	}
	require.NoError(t, h.Checkpoint(context.Background()))
	require.Equal(t, len(w.rows)+1, rowKeys(t, h))
	w.pending = w.draw() // rows that no checkpoint has written go, too
	w.send(h)
	tab := tabletOf(t, h, 1)
	rows, err := tab.Rows(bucket1)
	require.NoError(t, err)
	require.NoError(t, tab.DropBuckets(context.Background(), 1, 0))
	require.NoError(t, h.Checkpoint(context.Background()))
	require.Zero(t, rowKeys(t, h))
	_, err = tab.Count(bucket1)
	require.Equal(t, errcode.UnknownBucket, errcode.Of(err))
	it, err := rows.Iterate(nil, nil) // a scan that began before goes on
	require.NoError(t, err)
	n := 0
	for it.Next() {
		n++
	}
	require.NoError(t, it.Err())
	require.Equal(t, len(w.rows), n)
	it.Close()
	rows.Close()
}

// A bucket of one kind of table does not take what is for the other.
func TestKindsOfTablesAreApart(t *testing.T) {
	w := newRowsWorld(t, 1, 0)
	h := w.open(vfs.NewMem())
	defer func() { require.NoError(t, h.Close()) }()
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 2, 1)
	log := ids.Bucket{Table: 2}
	require.Equal(t, errcode.NotLogTable, errcode.Of(appendNow(tab, bucket1, makeBatch(0, 0, 1, 64)).Err))
	o := w.draw()
	o.upsert.Bucket = log
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(upsertNow(tab, o.upsert).Err))
	_, err := tab.Rows(log)
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(err))
	_, err = tab.Count(log)
	require.Equal(t, errcode.NotPrimaryKeyTable, errcode.Of(err))
}

// A refused row refuses its batch, and says which one it is.
func TestRefusedRowRefusesTheBatch(t *testing.T) {
	w := newRowsWorld(t, 1, 0)
	h := w.open(vfs.NewMem())
	defer func() { require.NoError(t, h.Close()) }()
	tab := tabletOf(t, h, 1)
	o := &op{schema: w.schema(), upsert: Upsert{Bucket: bucket1}}
	for i := range 3 {
		o.changes = append(o.changes, change{row: values{fieldID: int32(i), fieldName: "a", fieldText: "x"}})
	}
	o.changes[1].row[fieldName] = strings.Repeat("k", maxKeyBytes)
	w.encode(o)
	r := upsertNow(tab, o.upsert)
	require.Equal(t, errcode.RecordTooLarge, errcode.Of(r.Err))
	require.ErrorContains(t, r.Err, "the row with ")
	require.ErrorContains(t, r.Err, "name = "+strings.Repeat("k", maxKeyText)+"..., row 1 of the batch")
	n, err := tab.Count(bucket1)
	require.NoError(t, err)
	require.Zero(t, n)
	w.seq = 0 // nothing happened: the writer's next batch is its first
	w.pending = w.draw()
	w.send(h)
	w.check(h)
}

// Rows of many megabytes are merged, logged in batches that readers can take, and read.
func TestLargeRows(t *testing.T) {
	for _, image := range []table.ChangelogImage{table.FullImage, table.WALImage} {
		t.Run(string(image), func(t *testing.T) {
			for _, tc := range []struct {
				rows  int32
				bytes int
			}{{2, 6 << 20}, {20, 300 << 10}} {
				largeRows(t, image, tc.rows, tc.bytes)
			}
		})
	}
}

// largeRows writes rows of so many bytes thrice.
func largeRows(t *testing.T, image table.ChangelogImage, rows int32, bytes int) {
	w := newRowsWorld(t, 1, 0)
	w.wal = image == table.WALImage
	w.info.Descriptor_.Properties["table.changelog.image"] = string(image)
	o := w.options(vfs.NewMem())
	o.RowsBytes = MaxRowsBytes // held back, the manual clock would stand still
	h := openHost(t, o)
	require.NoError(t, tabletOf(t, h, 1).OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0}))
	defer func() { require.NoError(t, h.Close()) }()
	for i := range 3 {
		o := &op{schema: w.schema(), seq: w.seq, upsert: Upsert{Bucket: bucket1}}
		for id := range rows {
			o.changes = append(o.changes, change{row: values{
				fieldID: id, fieldName: "a", fieldText: strings.Repeat(string(rune('a'+i)), bytes),
			}})
		}
		w.encode(o)
		w.pending = o
		w.send(h)
	}
	w.check(h)
	tab := tabletOf(t, h, 1)
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	c, err := l.Cursor(0)
	require.NoError(t, err)
	defer c.Close()
	for {
		b, err := c.Next()
		require.NoError(t, err)
		if b == nil {
			break
		}
		require.Less(t, int(b.Header().TotalBytes), maxChangeBytes+2*bytes+(64<<10))
		b.Release()
	}
}
