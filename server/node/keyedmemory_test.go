package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

var pressure = &errcode.Error{Code: errcode.StoragePressure}

// What a batch has when decompressed is taken from the budget of writes before it
// is decompressed, of a write and of the keys of a look-up.
func TestCompressedBatchesAreBounded(t *testing.T) {
	cfg := testConfig(t)
	cfg.InflightWait = 50 * time.Millisecond
	n := start(t, cfg)
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id STRING NOT NULL", table.Descriptor{BucketCount: 1}, "id")
	key := strings.Repeat("k", 8<<10)
	rows := make([]string, 1000)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id": "%03d%s"}`, i, key)
	}
	all := w.record(w.columns(), "["+strings.Join(rows, ",")+"]")
	l := batch.NewLayout(nullable(w.columns()))
	bomb, err := batch.NewEncoder(l, batch.EncoderOptions{Codec: batch.Zstd}).Encode(nil, all, batch.EncodeInfo{SchemaID: 1})
	require.NoError(t, err)
	require.Less(t, len(bomb), 64<<10)

	write := func(b []byte, kind flussv1.WriteKind) error {
		resp, err := w.write.Append(t.Context(), &flussv1.WriteRequest{TableId: int64(w.info.ID), Kind: kind, Batch: b})
		require.NoError(t, err)
		if resp.GetError() == nil {
			return nil
		}
		return errcode.New(errcode.Code(resp.GetError().GetCode()), nil, "refused")
	}
	look := func(b []byte, insert bool) error {
		_, err := w.lookup.Lookup(t.Context(), &flussv1.LookupRequest{
			TableId: int64(w.info.ID), KeyColumns: []int32{1}, InsertIfAbsent: insert, Columns: []int32{1},
			Buckets: []*flussv1.LookupKeys{{Keys: b}},
		})
		if err == nil {
			return nil
		}
		return errcode.From(err)
	}
	plain := encodeRows(t, w.columns(), w.record(w.columns(), `[{"id": "a"}]`), false)
	free, err := n.Host().Reserve(t.Context(), int64(cfg.MemoryInflight)-1<<20)
	require.NoError(t, err)
	require.NoError(t, write(plain, flussv1.WriteKind_WRITE_KIND_UPSERT))
	require.ErrorIs(t, write(bomb, flussv1.WriteKind_WRITE_KIND_UPSERT), pressure)
	require.ErrorIs(t, write(bomb, flussv1.WriteKind_WRITE_KIND_DELETE), pressure)
	require.ErrorIs(t, look(bomb, false), pressure)
	require.ErrorIs(t, look(bomb, true), pressure)
	free()
	free()
	require.NoError(t, write(bomb, flussv1.WriteKind_WRITE_KIND_UPSERT))
	require.NoError(t, look(bomb, true))
	free, err = n.Host().Reserve(t.Context(), int64(cfg.MemoryInflight))
	require.NoError(t, err, "all of it came back")
	free()
}

func nullable(fields []schema.Field) []schema.Field {
	out := append([]schema.Field(nil), fields...)
	for i := range out {
		out[i].Type.Nullable = true
	}
	return out
}
