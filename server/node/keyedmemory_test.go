package node_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

var pressure = &errcode.Error{Code: errcode.StoragePressure}

// unread sends a look-up n times, returns when all are answered, and reads no answer.
func unread(ctx context.Context, t *testing.T, addr string, req *flussv1.LookupRequest, n int) *grpc.ClientConn {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
	require.NoError(t, err)
	streams := make([]grpc.ClientStream, n)
	for i := range streams {
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, flussv1.Lookup_Lookup_FullMethodName)
		require.NoError(t, err)
		require.NoError(t, s.SendMsg(req))
		require.NoError(t, s.CloseSend())
		streams[i] = s
	}
	for _, s := range streams {
		_, err := s.Header()
		require.NoError(t, err)
	}
	return conn
}

// Clients that read no answers fill the memory for answers and no more: large
// look-ups are asked to try again, small ones go on, and the memory comes back when
// the calls, or the connections, end.
func TestAnswersThatNobodyReads(t *testing.T) {
	cfg := testConfig(t)
	cfg.InflightWait = 50 * time.Millisecond
	n := start(t, cfg)
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 1}, "id")
	for i := range 4 {
		require.Nil(t, w.upsert(fmt.Sprintf(`[{"id": %d, "v": %q}]`, i, strings.Repeat("x", 4<<20-4096))))
	}
	require.Nil(t, w.upsert(`[{"id": 4, "v": "small"}]`))
	const largeKeys = `[{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}]`
	large := func() error {
		_, _, err := w.get(&flussv1.LookupRequest{}, []string{"id"}, largeKeys)
		return err
	}
	id := w.columns("id")
	req := &flussv1.LookupRequest{TableId: int64(w.info.ID), KeyColumns: fieldIDs(id), Buckets: []*flussv1.LookupKeys{
		{Keys: encodeRows(t, id, w.record(id, largeKeys), false)},
	}}
	for _, tc := range []struct {
		name string
		end  func(cancel context.CancelFunc, conn *grpc.ClientConn)
	}{
		{"the calls end", func(cancel context.CancelFunc, _ *grpc.ClientConn) { cancel() }},
		{"the connection ends", func(_ context.CancelFunc, conn *grpc.ClientConn) { require.NoError(t, conn.Close()) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := int(cfg.MemoryLimit)/16/(16<<20) + 16
			conn := unread(ctx, t, n.Addr(), req, calls)
			defer func() { _ = conn.Close() }()
			require.ErrorIs(t, large(), pressure)
			_, counts, err := w.get(&flussv1.LookupRequest{}, []string{"id"}, `[{"id": 4}]`)
			require.NoError(t, err)
			require.Equal(t, 1, total(counts))

			tc.end(cancel, conn)
			for { // nothing tells when the server sees it
				err := large()
				if err == nil {
					break
				}
				require.ErrorIs(t, err, pressure)
				runtime.GC()
			}
		})
	}
}

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
