package node_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
	"github.com/fluss-go/fluss/server/config"
	"github.com/fluss-go/fluss/server/node"
)

type order struct {
	ID    int64  `fluss:"id"`
	Clerk string `fluss:"clerk"`
}

func testConfig(t testing.TB) *config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	cfg.Listen, cfg.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	cfg.DiskWriteLimitRatio, cfg.DiskRecoverRatio = 1, 1 // how full the test machine is does not matter
	return cfg
}

func start(t testing.TB, cfg *config.Config) *node.Node {
	t.Helper()
	n, err := node.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n
}

func connect(t testing.TB, n *node.Node) *sdk.Client {
	t.Helper()
	c, err := sdk.Connect(t.Context(), n.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func createOrders(t *testing.T, c *sdk.Client, buckets int) {
	t.Helper()
	fields, err := schema.ParseColumns("id BIGINT NOT NULL, clerk STRING")
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	_, err = c.Admin().CreateTable(t.Context(), "orders", &table.Descriptor{Schema: s, BucketCount: buckets})
	require.NoError(t, err)
}

func appendOrders(t *testing.T, c *sdk.Client, from, to int64) {
	t.Helper()
	a, err := c.Appender(t.Context(), "orders")
	require.NoError(t, err)
	for id := from; id < to; id++ {
		_, err := a.Append(t.Context(), order{id, fmt.Sprintf("clerk %d", id%7)})
		require.NoError(t, err)
	}
	require.NoError(t, a.Close(t.Context()))
}

func readOrders(t *testing.T, c *sdk.Client, opts sdk.ScanOptions) map[int64]string {
	t.Helper()
	s, err := c.Scanner(t.Context(), "orders", opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	got := map[int64]string{}
	for row, err := range sdk.Rows[order](t.Context(), s) {
		require.NoError(t, err)
		require.NotContains(t, got, row.ID, "a row came twice")
		got[row.ID] = row.Clerk
	}
	return got
}

func TestRowsSurviveARestart(t *testing.T) {
	cfg := testConfig(t)
	n := start(t, cfg)
	c := connect(t, n)
	createOrders(t, c, 3)
	appendOrders(t, c, 0, 1000)
	require.Len(t, readOrders(t, c, sdk.ScanOptions{}), 1000)
	require.NoError(t, c.Close())
	require.NoError(t, n.Close(t.Context()))

	n = start(t, cfg)
	c = connect(t, n)
	appendOrders(t, c, 1000, 1500)
	got := readOrders(t, c, sdk.ScanOptions{})
	require.Len(t, got, 1500)
	require.Equal(t, "clerk 3", got[10])
	require.Len(t, readOrders(t, c, sdk.ScanOptions{Filter: "clerk = 'clerk 0' AND id < 70"}), 10)
}

// A stop waits for no client that merely has a stream open: a writer with
// nothing to write, or the server's own client behind DoPut.
func TestStopDoesNotWaitForIdleWriters(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	createOrders(t, c, 2)
	appendOrders(t, c, 0, 100)
	put(t, n, 100)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	require.NoError(t, n.Close(ctx))
	require.Less(t, time.Since(began), 20*time.Second)
}

// put appends a row by DoPut, as a client that knows nothing of us.
func put(t *testing.T, n *node.Node, id int64) {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	stream, err := flight.NewClientFromConn(conn, nil).DoPut(t.Context())
	require.NoError(t, err)
	columns := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	w := flight.NewRecordWriter(stream, ipc.WithSchema(columns))
	w.SetFlightDescriptor(&flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{"fluss.orders"}})
	ids := array.NewInt64Builder(memory.DefaultAllocator)
	ids.Append(id)
	require.NoError(t, w.Write(array.NewRecordBatch(columns, []arrow.Array{ids.NewArray()}, 1)))
	require.NoError(t, w.Close())
	require.NoError(t, stream.CloseSend())
	for acks := 0; ; acks++ {
		if _, err := stream.Recv(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			require.Equal(t, 1, acks)
			return
		}
	}
}

func TestADataDirectoryHasOneServer(t *testing.T) {
	cfg := testConfig(t)
	start(t, cfg)
	_, err := node.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.InvalidOption})
	require.ErrorContains(t, err, "another process")
}

func TestMetricsAndReadiness(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	createOrders(t, c, 2)
	appendOrders(t, c, 0, 100)
	require.Len(t, readOrders(t, c, sdk.ScanOptions{}), 100)

	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + n.HTTPAddr() + path)
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	for _, path := range []string{"/ready", "/healthz"} {
		status, body := get(path)
		require.Equal(t, http.StatusOK, status, body)
	}
	_, text := get("/metrics")
	for _, line := range []string{
		"fluss_write_rows_total 100", "fluss_read_rows_total 100", "fluss_tables 1", "fluss_databases 1", "fluss_buckets 2", "fluss_ready 1",
	} {
		require.Contains(t, text, line+"\n")
	}
}

// A scan that follows a partitioned table sees partitions that come and outlives
// those that go; from «latest» it means as of when it was opened.
func TestFollowingPartitions(t *testing.T) {
	n := start(t, testConfig(t))
	c := connect(t, n)
	fields, err := schema.ParseColumns("day STRING NOT NULL, id BIGINT")
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	_, err = c.Admin().CreateTable(t.Context(), "days", &table.Descriptor{Schema: s, BucketCount: 3, PartitionKeys: []string{"day"}})
	require.NoError(t, err)
	a, err := c.Appender(t.Context(), "days")
	require.NoError(t, err)
	type visit struct {
		Day string `fluss:"day"`
		ID  int64  `fluss:"id"`
	}
	write := func(day string, id int64) {
		f, err := a.Append(t.Context(), visit{day, id})
		require.NoError(t, err)
		_, err = f.Wait(t.Context())
		require.NoError(t, err)
	}
	write("mon", 1)

	scan, err := c.Scanner(t.Context(), "days", sdk.ScanOptions{From: sdk.Latest(), Follow: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, scan.Close()) }()
	next := func() (string, visit) {
		b, err := scan.Next(t.Context())
		require.NoError(t, err)
		defer b.Release()
		for row, err := range sdk.BatchRows[visit](b) {
			require.NoError(t, err)
			return b.Partition, row
		}
		return "", visit{}
	}
	write("mon", 2)
	write("tue", 3)
	got := map[visit]string{}
	for range 2 {
		partition, row := next()
		got[row] = partition
	}
	require.Equal(t, map[visit]string{{"mon", 2}: "mon", {"tue", 3}: "tue"}, got)

	require.NoError(t, c.Admin().DropPartition(t.Context(), "days", map[string]string{"day": "mon"}))
	write("wed", 4)
	partition, row := next()
	require.Equal(t, visit{"wed", 4}, row)
	require.Equal(t, "wed", partition)
}

func TestABucketThatIsNotThereIsToldAtOnce(t *testing.T) {
	c := connect(t, start(t, testConfig(t)))
	createOrders(t, c, 2)
	for _, b := range []ids.BucketID{2, -1} {
		_, err := c.Scanner(t.Context(), "orders", sdk.ScanOptions{Buckets: []ids.BucketID{0, b}})
		require.ErrorIs(t, err, &errcode.Error{Code: errcode.UnknownBucket})
	}
}
