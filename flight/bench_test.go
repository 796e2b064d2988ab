package flight_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// The data of the benchmarks: wide rows of about 2 KB, 500 to a batch.
const (
	benchBatches   = 64
	benchBatchRows = 500
	benchServerEnv = "FLUSS_FLIGHT_BENCH_SERVER"
)

func wideColumns() string {
	var sb strings.Builder
	for i := range 20 {
		kind := []string{"INT", "BIGINT", "DOUBLE", "STRING", "STRING"}[i%5]
		fmt.Fprintf(&sb, "c%d %s,", i, kind)
	}
	return strings.TrimSuffix(sb.String(), ",")
}

func wideRecord(s *schema.Schema, r *rand.Rand) arrow.RecordBatch {
	words := strings.Fields("stream table bucket batch offset of and the log server column reader writes an arrow flight without copies")
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	for range benchBatchRows {
		for i, f := range s.Columns {
			if f.Type.Kind != schema.String {
				appendRandom(r, b.Field(i), schema.Type{Kind: f.Type.Kind}, 0)
				continue
			}
			var text strings.Builder
			for text.Len() < 235 {
				text.WriteString(words[r.IntN(len(words))])
				text.WriteByte(' ')
			}
			b.Field(i).(*array.StringBuilder).Append(text.String())
		}
	}
	return b.NewRecordBatch()
}

// stockService is the Flight server that one writes with arrow-go: it encodes
// record batches that it has in memory.
type stockService struct {
	arrowflight.BaseFlightServer
	recs []arrow.RecordBatch
}

func (s *stockService) DoGet(tk *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) error {
	columns := strings.Fields(string(tk.GetTicket()))
	recs := s.recs
	if len(columns) > 0 {
		recs = nil
		for _, rec := range s.recs {
			at := rec.Schema().FieldIndices(columns[0])[0]
			recs = append(recs, array.NewRecordBatch(arrow.NewSchema([]arrow.Field{rec.Schema().Field(at)}, nil), []arrow.Array{rec.Column(at)}, rec.NumRows()))
		}
	}
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(recs[0].Schema()))
	defer w.Close()
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	return nil
}

// TestBenchServer is the server process of BenchmarkScan, not a test.
func TestBenchServer(t *testing.T) {
	if os.Getenv(benchServerEnv) == "" {
		t.Skip("the server process of BenchmarkScan")
	}
	s := newSchema(t, wideColumns())
	source := newSource()
	plain, zstd := source.create(t, "db.plain", 1, s), source.create(t, "db.zstd", 1, s)
	var recs []arrow.RecordBatch
	r := rand.New(rand.NewPCG(1, 1))
	for range benchBatches {
		rec := wideRecord(s, r)
		recs = append(recs, rec)
		source.log(plain, 0).append(t, s, rec, batch.None, 1)
		source.log(zstd, 0).append(t, s, rec, batch.Zstd, 1)
	}
	own := grpc.NewServer(codec.ServerOptions()...)
	flight.New(source, flight.Options{}).Register(own)
	stock := grpc.NewServer()
	arrowflight.RegisterFlightServiceServer(stock, &stockService{recs: recs})
	for _, g := range []*grpc.Server{own, stock} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		fmt.Println("listening", l.Addr())
		go func() { _ = g.Serve(l) }()
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
}

// startBenchServer returns the addresses of our server and the stock one, and
// what tells their process' CPU time.
func startBenchServer(b *testing.B) (own, stock string, cpu func() time.Duration) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$", "-test.v")
	cmd.Env = append(os.Environ(), benchServerEnv+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	var addrs []string
	for len(addrs) < 2 && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "listening" {
			addrs = append(addrs, f[1])
		}
	}
	require.Len(b, addrs, 2)
	return addrs[0], addrs[1], func() time.Duration {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		require.NoError(b, err)
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
		user, _ := strconv.Atoi(f[12-1])
		system, _ := strconv.Atoi(f[13-1])
		return time.Duration(user+system) * 10 * time.Millisecond
	}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// scanOwn reads with our codec and decoder and returns rows.
func scanOwn(b *testing.B, c arrowflight.FlightServiceClient, tk []byte, layout *batch.Layout) (rows int64) {
	stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: tk})
	require.NoError(b, err)
	var d codec.FlightData
	var meta batch.Meta
	require.NoError(b, stream.RecvMsg(&d))
	for {
		err := stream.RecvMsg(&d)
		if errors.Is(err, io.EOF) {
			return rows
		}
		require.NoError(b, err)
		require.NoError(b, batch.ParseMeta(d.Header, &meta))
		rec, err := batch.Decode(layout, &meta, d.Data, batch.DecodeOptions{})
		require.NoError(b, err)
		rows += rec.NumRows()
		rec.Release()
		d.Free()
	}
}

func scanStock(b *testing.B, c arrowflight.Client, tk []byte) (rows int64) {
	stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: tk})
	require.NoError(b, err)
	r, err := arrowflight.NewRecordReader(stream)
	require.NoError(b, err)
	defer r.Release()
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	require.NoError(b, r.Err())
	return rows
}

// BenchmarkScan compares, in one run, our server and client with stock ones on
// the same rows. CPU is per GB of plain stored rows, whatever is projected.
func BenchmarkScan(b *testing.B) {
	own, stock, serverCPU := startBenchServer(b)
	s := newSchema(b, wideColumns())
	encoded, err := batch.NewEncoder(batch.NewLayout(s.Columns), batch.EncoderOptions{}).Encode(nil, wideRecord(s, rand.New(rand.NewPCG(1, 1))), batch.EncodeInfo{})
	require.NoError(b, err)
	gb := float64(len(encoded)) * benchBatches / 1e9
	conn, err := grpc.NewClient(own, append(codec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(b, err)
	defer conn.Close()
	client := arrowflight.NewFlightServiceClient(conn)
	stockOfOwn, stockOfStock := stockClient(b, own), stockClient(b, stock)
	tk := func(table string, p *flussv1.Projection) []byte {
		t, err := ticket.Encode(&flussv1.ScanRequest{Path: &flussv1.TablePath{Database: "db", Table: table}, Projection: p})
		require.NoError(b, err)
		return t
	}
	one := &flussv1.Projection{Names: []string{"c5"}}
	all, single := batch.NewLayout(s.Columns), batch.NewLayout(s.Columns[5:6])
	for _, bc := range []struct {
		name string
		scan func(b *testing.B) int64
	}{
		{"all/own", func(b *testing.B) int64 { return scanOwn(b, client, tk("plain", nil), all) }},
		{"all/own-server-stock-client", func(b *testing.B) int64 { return scanStock(b, stockOfOwn, tk("plain", nil)) }},
		{"all/stock", func(b *testing.B) int64 { return scanStock(b, stockOfStock, nil) }},
		{"zstd/own", func(b *testing.B) int64 { return scanOwn(b, client, tk("zstd", nil), all) }},
		{"one-int/own", func(b *testing.B) int64 { return scanOwn(b, client, tk("plain", one), single) }},
		{"one-int/own-server-stock-client", func(b *testing.B) int64 { return scanStock(b, stockOfOwn, tk("plain", one)) }},
		{"one-int/stock", func(b *testing.B) int64 { return scanStock(b, stockOfStock, []byte("c5")) }},
		{"one-int-zstd/own", func(b *testing.B) int64 { return scanOwn(b, client, tk("zstd", one), single) }},
		{"filter/own", func(b *testing.B) int64 {
			t, _ := ticket.Encode(&flussv1.ScanRequest{Path: &flussv1.TablePath{Database: "db", Table: "plain"}, Filter: "c5 < -250"})
			return scanOwn(b, client, t, all)
		}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			bc.scan(b)
			rows := int64(0)
			server, self := serverCPU(), ownCPU()
			for b.Loop() {
				rows += bc.scan(b)
			}
			server, self = serverCPU()-server, ownCPU()-self
			scanned := gb * float64(b.N)
			b.ReportMetric(server.Seconds()/scanned, "srv-s/GB")
			b.ReportMetric(self.Seconds()/scanned, "cli-s/GB")
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			b.ReportMetric((server+self).Seconds()/float64(rows)*1e6, "cpu-s/Mrow")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkProject measures the work per stored batch without a network.
func BenchmarkProject(b *testing.B) {
	s := newSchema(b, wideColumns())
	source := newSource()
	tab := source.create(b, "db.t", 1, s)
	source.log(tab, 0).append(b, s, wideRecord(s, rand.New(rand.NewPCG(1, 1))), batch.None, 1)
	cursor, err := source.log(tab, 0).Cursor(0)
	require.NoError(b, err)
	stored, err := cursor.Next()
	require.NoError(b, err)
	for name, p := range map[string]*flussv1.Projection{
		"whole": nil, "half": {Names: []string{"c9", "c1", "c2", "c3", "c4", "c15", "c14", "c0", "c7", "c6"}}, "one": {Names: []string{"c5"}},
	} {
		out, err := project.NewOutput(s, p, nil)
		require.NoError(b, err)
		plan, err := out.Plan(s, false)
		require.NoError(b, err)
		w := project.NewWire(context.Background(), out, nil, codec.Buffers)
		var d codec.FlightData
		b.Run("slice/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, w.Raw(&d, plan, stored, project.Origin{}))
				d.Free()
			}
		})
		b.Run("gather/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, w.Append(plan, stored, project.Origin{}, project.Rows{To: benchBatchRows}))
				if rows, bytes := w.Pending(); rows >= 64<<10 || bytes >= 256<<10 {
					w.Finish(&d)
					d.Free()
				}
			}
			w.Finish(&d)
			d.Free()
		})
	}
}

// BenchmarkFollow appends a row and waits until a reader that follows has it:
// the cost of a message that nothing is gathered with.
func BenchmarkFollow(b *testing.B) {
	s := newSchema(b, wideColumns())
	source := newSource()
	tab := source.create(b, "db.t", 1, s)
	rec := wideRecord(s, rand.New(rand.NewPCG(1, 1))).NewSlice(0, 1)
	conn, err := grpc.NewClient(serve(b, source, flight.Options{}), append(codec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(b, err)
	defer conn.Close()
	tk, err := ticket.Encode(&flussv1.ScanRequest{
		Path: &flussv1.TablePath{Database: "db", Table: "t"}, Follow: true, Projection: &flussv1.Projection{Names: []string{"c5", "c0"}},
	})
	require.NoError(b, err)
	stream, err := arrowflight.NewFlightServiceClient(conn).DoGet(context.Background(), &arrowflight.Ticket{Ticket: tk})
	require.NoError(b, err)
	var d codec.FlightData
	require.NoError(b, stream.RecvMsg(&d))
	log := source.log(tab, 0)
	log.append(b, s, rec, batch.None, 1)
	require.NoError(b, stream.RecvMsg(&d))
	again := log.batches[0]
	self := ownCPU()
	for b.Loop() {
		log.mu.Lock()
		next := again
		next.bytes = bytes.Clone(again.bytes)
		next.header.BaseOffset = log.end
		batch.PutHeader(next.bytes, next.header)
		log.batches = append(log.batches, next)
		log.end++
		watcher := log.watchers[0]
		log.mu.Unlock()
		watcher()
		require.NoError(b, stream.RecvMsg(&d))
		d.Free()
	}
	b.ReportMetric(float64((ownCPU()-self).Microseconds())/float64(b.N), "cpu-us/op")
}
