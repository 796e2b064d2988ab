package lake

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/lake/iceberg"
	"github.com/fluss-go/fluss/lake/iceberg/catalog"
	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/lake/objstore/miniotest"
	"github.com/fluss-go/fluss/lake/tiering"
	"github.com/fluss-go/fluss/sdk"
)

// world is a server and a lake.
type world struct {
	server *harness.Server
	client *sdk.Client
	lake   *iceberg.Lake
	tierer *tiering.Tierer
}

func newWorld(t *testing.T, store objstore.Store) *world {
	t.Helper()
	w := &world{server: harness.TestServer(t)}
	w.client = w.server.Client(t)
	w.lake = iceberg.New(catalog.New(&catalog.MemKV{}, store), store)
	w.tierer = tiering.New(w.client, w.lake, t.TempDir())
	return w
}

// rows reads a table's copy: the ids and what is asked for of each row, as text. Every
// id is there once.
func (w *world) rows(t *testing.T, path string, columns ...string) map[int64]string {
	t.Helper()
	info, err := w.client.Admin().Table(t.Context(), path)
	require.NoError(t, err)
	def, err := tiering.Definition(info)
	require.NoError(t, err)
	tbl, err := w.lake.Open(t.Context(), def)
	require.NoError(t, err)
	files, err := tbl.LiveFiles(t.Context())
	require.NoError(t, err)
	fields := append(slices.Clone(info.Schema().Columns), iceberg.SystemFields()...)
	out := map[int64]string{}
	for _, f := range files {
		for r, err := range tbl.Read(t.Context(), f, fields) {
			require.NoError(t, err)
			for i := range int(r.Record.NumRows()) {
				id := r.Record.Column(0).(*array.Int64).Value(i)
				require.NotContains(t, out, id)
				out[id] = text(r.Record.Columns(), names(fields), columns, i)
			}
		}
	}
	return out
}

// scanned is what rows is, by a scan of the server.
func (w *world) scanned(t *testing.T, path string, columns ...string) map[int64]string {
	t.Helper()
	info, err := w.client.Admin().Table(t.Context(), path)
	require.NoError(t, err)
	scanner, err := w.client.Scanner(t.Context(), path, sdk.ScanOptions{})
	require.NoError(t, err)
	out := map[int64]string{}
	for b, err := range batches(t, scanner) {
		require.NoError(t, err)
		for i := range int(b.Record.NumRows()) {
			out[b.Record.Column(0).(*array.Int64).Value(i)] = text(b.Record.Columns(), names(info.Schema().Columns), columns, i)
		}
	}
	return out
}

func (w *world) round(t *testing.T, path string) tiering.Result {
	t.Helper()
	r, err := w.tierer.Round(t.Context(), path, 99)
	require.NoError(t, err)
	return r
}

func TestALogTableIsCopied(t *testing.T) {
	t.Run("memory", func(t *testing.T) { copyLog(t, &objstore.Memory{}) })
	t.Run("directory", func(t *testing.T) {
		s, err := objstore.OpenDir(t.TempDir())
		require.NoError(t, err)
		copyLog(t, s)
	})
	t.Run("s3", func(t *testing.T) {
		m := miniotest.Start(t)
		s, err := objstore.Open(t.Context(), "s3://"+m.Bucket+"/wh", objstore.Options{
			Endpoint: m.Endpoint, PathStyle: true, Region: "us-east-1", AccessKey: m.AccessKey, SecretKey: m.SecretKey,
		})
		require.NoError(t, err)
		copyLog(t, s)
	})
}

func copyLog(t *testing.T, store objstore.Store) {
	w := newWorld(t, store)
	w.server.OK(t, "table", "create", "logs", "--columns", "id BIGINT, s STRING, d DECIMAL(20, 3), ts TIMESTAMP(3), a ARRAY<INT>", "--buckets", "3")
	require.Empty(t, w.round(t, "logs").Rows, "an empty table is a table")
	for i := range 3 {
		var in strings.Builder
		for j := range 500 {
			fmt.Fprintf(&in, `{"id": %d, "s": "ü%d", "d": "%d.125", "ts": "1969-12-31 23:59:59.%03d", "a": [%d, null]}`+"\n", i*500+j, j, j, j, j)
		}
		w.server.OKIn(t, in.String(), "write", "logs", "--from", "-", "--format", "json")
		require.EqualValues(t, 500, w.round(t, "logs").Rows)
		require.Zero(t, w.round(t, "logs").Rows, "there is nothing more")
		require.Equal(t, w.scanned(t, "logs", "s", "d", "ts", "a"), w.rows(t, "logs", "s", "d", "ts", "a"))
	}
	require.Len(t, w.rows(t, "logs"), 1500)
}

// Random upserts and deletes, with rounds between them: the lake is what the table is, and
// a server that is killed and a store that fails change nothing about it.
func TestAPrimaryKeyTableIsCopied(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	faulty := objstore.NewFaulty(&objstore.Memory{}, seed, objstore.Faults{})
	w := newWorld(t, faulty)
	w.server.OK(t, "table", "create", "kv", "--columns", "id BIGINT NOT NULL, p STRING NOT NULL, v INT", "--primary-key", "id,p",
		"--partition-by", "p", "--buckets", "2")
	type row struct {
		ID int64  `fluss:"id"`
		P  string `fluss:"p"`
		V  *int32 `fluss:"v"`
	}
	model := map[int64]string{}
	part := func(id int64) string { return []string{"a", "b", "c"}[id%3] }
	for round := range 12 {
		u, err := w.client.Upserter(t.Context(), "kv")
		require.NoError(t, err)
		for range 1 + rng.IntN(200) {
			id := rng.Int64N(150)
			if rng.IntN(4) == 0 {
				_, err = u.Delete(t.Context(), row{ID: id, P: part(id)})
				delete(model, id)
			} else {
				v := int32(rng.IntN(1000))
				_, err = u.Upsert(t.Context(), row{ID: id, P: part(id), V: &v})
				model[id] = fmt.Sprint(v)
			}
			require.NoError(t, err)
		}
		require.NoError(t, u.Flush(t.Context()))
		require.NoError(t, u.Close(t.Context()))
		faulty.Set(objstore.Faults{Before: 0.04, After: 0.04, Cut: 0.04})
		ctx := harness.Context(t, time.Minute)
		for {
			_, err := w.tierer.Round(ctx, "kv", int64(1+round))
			if err == nil {
				break
			}
			require.ErrorIs(t, err, objstore.ErrInjected)
			require.NoError(t, ctx.Err())
		}
		faulty.Set(objstore.Faults{})
		require.Equal(t, model, w.rows(t, "kv", "v"), "round %d", round)
	}
	require.Equal(t, w.scanned(t, "kv", "v", "p"), w.rows(t, "kv", "v", "p"))
	t.Log("faults", faulty.Injected().Failed())

	w.server.OK(t, "table", "alter", "kv", "--widen", "v BIGINT", "--add", "n STRING")
	u, err := w.client.Upserter(t.Context(), "kv")
	require.NoError(t, err)
	_, err = u.Upsert(t.Context(), map[string]any{"id": int64(0), "p": "a", "v": int64(1) << 40, "n": "new"})
	require.NoError(t, err)
	require.NoError(t, u.Close(t.Context()))
	w.round(t, "kv")
	require.Equal(t, w.scanned(t, "kv", "v", "p", "n"), w.rows(t, "kv", "v", "p", "n"))
	_, err = w.tierer.Round(t.Context(), "kv", 0)
	require.NoError(t, err, "there is nothing to commit")
}
