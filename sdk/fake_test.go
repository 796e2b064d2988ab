package sdk_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// fate is what the fake server does with one write request.
type fate struct {
	// refuse answers with the code instead of writing.
	refuse errcode.Code
	// drop ends the stream instead of answering: before or after writing.
	dropBefore, dropAfter bool
	// silent never answers, having written.
	silent bool
	delay  time.Duration
}

// fakeServer keeps tables in memory and takes writes by the rules of a tablet:
// sequences without gaps, repeated ones answered with their first range.
type fakeServer struct {
	flussv1.UnimplementedMetadataServer
	flussv1.UnimplementedAdminServer
	flussv1.UnimplementedWriteServer
	flussv1.UnimplementedLookupServer

	listener *bufconn.Listener
	grpc     *grpc.Server

	mu      sync.Mutex
	infos   map[string]*flussv1.TableInfo
	parts   map[string][]*flussv1.PartitionInfo
	buckets map[ids.Bucket]*fakeBucket
	writer  int64
	// decide chooses a request's fate; nil means that all goes well. n counts requests.
	decide   func(n int, r *codec.WriteRequest, h batch.Header) fate
	requests int
	hello    *flussv1.HelloResponse
	// forget: rows are counted and not kept.
	forget bool
	// lookups are the look-ups that came; lookupFate refuses the nth with a code,
	// lookupDelay holds each back, garble spoils answers.
	lookups     []*flussv1.LookupRequest
	lookupFate  func(n int, r *flussv1.LookupRequest) errcode.Code
	lookupDelay time.Duration
	garble      func(r *flussv1.LookupResponse)
	// mostRows bounds the rows of an answer; 0 does not.
	mostRows int
	// oldestSchema is the first version that look-ups may ask for.
	oldestSchema ids.SchemaID
	// flight serves scans once it is set.
	flight atomic.Pointer[flightFake]
	// scans serves them instead.
	scans atomic.Pointer[flight.FlightServer]
}

type fakeBucket struct {
	end     ids.Offset
	records []arrow.RecordBatch
	writers map[ids.WriterID]*fakeWriter
	// ops and rows are of primary-key tables.
	ops  []keyedOp
	rows map[string]map[string]any
}

type fakeWriter struct {
	next   ids.Sequence
	ranges map[ids.Sequence][2]ids.Offset
}

func newFake(t testing.TB) *fakeServer {
	f := &fakeServer{
		listener: bufconn.Listen(1 << 20), infos: map[string]*flussv1.TableInfo{}, parts: map[string][]*flussv1.PartitionInfo{},
		buckets: map[ids.Bucket]*fakeBucket{}, hello: &flussv1.HelloResponse{Version: "0.1.0", ProtocolVersion: 1, MaxBatchBytes: 8 << 20},
	}
	f.grpc = grpc.NewServer(codec.ServerOptions()...)
	flussv1.RegisterMetadataServer(f.grpc, f)
	flussv1.RegisterAdminServer(f.grpc, f)
	flussv1.RegisterWriteServer(f.grpc, f)
	flussv1.RegisterLookupServer(f.grpc, f)
	flight.RegisterFlightServiceServer(f.grpc, &flightSwitch{f: f})
	go func() { _ = f.grpc.Serve(f.listener) }()
	t.Cleanup(f.grpc.Stop)
	return f
}

type flightSwitch struct {
	flight.BaseFlightServer
	f *fakeServer
}

func (s *flightSwitch) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	if other := s.f.scans.Load(); other != nil {
		return (*other).DoGet(t, stream)
	}
	return s.f.flight.Load().DoGet(t, stream)
}

func (f *fakeServer) dial() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return f.listener.DialContext(ctx) })
}

func (f *fakeServer) connect(t testing.TB, opts ...sdk.Option) *sdk.Client {
	t.Helper()
	all := append([]sdk.Option{sdk.WithDialOptions(f.dial()), sdk.WithBackoff(time.Millisecond, 5*time.Millisecond)}, opts...)
	c, err := sdk.Connect(context.Background(), "passthrough:///fake", all...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (f *fakeServer) create(t testing.TB, name, columns string, buckets int, keys, partitions []string, properties map[string]string) {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	d := &table.Descriptor{Schema: s, BucketCount: buckets, BucketKeys: keys, PartitionKeys: partitions, Properties: properties}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.infos[name] = &flussv1.TableInfo{
		Path: &flussv1.TablePath{Database: "fluss", Table: name}, TableId: int64(len(f.infos) + 1), Descriptor_: d.Proto(),
		Schemas: []*flussv1.Schema{s.Proto()}, Version: 1,
	}
}

func (f *fakeServer) Hello(context.Context, *flussv1.HelloRequest) (*flussv1.HelloResponse, error) {
	return f.hello, nil
}

func (f *fakeServer) GetTableMetadata(_ context.Context, r *flussv1.GetTableMetadataRequest) (*flussv1.GetTableMetadataResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.GetPath().GetTable()
	info := f.infos[name]
	if info == nil {
		return nil, errcode.ToStatus(errcode.New(errcode.UnknownTable, nil, "there is no table %s", name))
	}
	resp := &flussv1.GetTableMetadataResponse{Table: proto.CloneOf(info), Partitions: f.parts[name]}
	resp.Leaders = []*flussv1.TabletLeader{{TabletId: 1, ServerId: 1, Endpoint: "elsewhere:1"}}
	place := func(p int64) {
		resp.Placements = append(resp.Placements, &flussv1.BucketPlacement{PartitionId: p, Tablets: make([]int32, info.GetDescriptor_().GetBucketCount())})
	}
	if len(info.GetDescriptor_().GetPartitionKeys()) == 0 {
		place(0)
	}
	for _, p := range f.parts[name] {
		place(p.GetPartitionId())
	}
	return resp, nil
}

func (f *fakeServer) CreatePartition(_ context.Context, r *flussv1.CreatePartitionRequest) (*flussv1.CreatePartitionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.GetPath().GetTable()
	text := ""
	for i, v := range r.GetValues() {
		if i > 0 {
			text += "$"
		}
		text += v.GetValue()
	}
	for _, p := range f.parts[name] {
		if p.GetName() == text {
			return &flussv1.CreatePartitionResponse{Partition: p}, nil
		}
	}
	p := &flussv1.PartitionInfo{PartitionId: int64(len(f.parts[name]) + 1), Name: text, Values: r.GetValues()}
	f.parts[name] = append(f.parts[name], p)
	return &flussv1.CreatePartitionResponse{Partition: p}, nil
}

func (f *fakeServer) InitWriter(context.Context, *flussv1.InitWriterRequest) (*flussv1.InitWriterResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writer++
	return &flussv1.InitWriterResponse{WriterId: f.writer}, nil
}

// Stream answers requests in turn, like a server whose tablets are all one.
func (f *fakeServer) Stream(s grpc.BidiStreamingServer[flussv1.WriteRequest, flussv1.WriteResponse]) error {
	for {
		r := &codec.WriteRequest{}
		if err := s.RecvMsg(r); err != nil {
			return nil //nolint:nilerr // the client is gone
		}
		h, err := batch.ParseHeader(r.Batch)
		if err != nil {
			return errcode.ToStatus(err)
		}
		f.mu.Lock()
		f.requests++
		var do fate
		if f.decide != nil {
			do = f.decide(f.requests, r, h)
		}
		f.mu.Unlock()
		if do.dropBefore {
			return errcode.ToStatus(errcode.New(errcode.Unavailable, nil, "dropped"))
		}
		if do.delay > 0 {
			time.Sleep(do.delay)
		}
		resp := &flussv1.WriteResponse{RequestId: r.RequestID}
		if do.refuse != "" {
			resp.Error = &flussv1.WriteError{Code: string(do.refuse), Message: "refused by the test"}
		} else {
			f.apply(r, h, resp)
		}
		if do.dropAfter {
			return errcode.ToStatus(errcode.New(errcode.ShuttingDown, nil, "dropped"))
		}
		if do.silent {
			continue
		}
		if err := s.Send(resp); err != nil {
			return nil //nolint:nilerr // the client is gone
		}
	}
}

func (f *fakeServer) apply(r *codec.WriteRequest, h batch.Header, resp *flussv1.WriteResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := ids.Bucket{Table: r.Table, Partition: r.Partition, Bucket: r.Bucket}
	b := f.buckets[id]
	if b == nil {
		b = &fakeBucket{writers: map[ids.WriterID]*fakeWriter{}}
		f.buckets[id] = b
	}
	if h.WriterID != 0 {
		w := b.writers[h.WriterID]
		switch {
		case w == nil && h.Sequence != 0:
			resp.Error = &flussv1.WriteError{Code: string(errcode.UnknownWriter), Message: "unknown writer"}
			return
		case w == nil:
			w = &fakeWriter{ranges: map[ids.Sequence][2]ids.Offset{}}
			b.writers[h.WriterID] = w
		}
		if at, ok := w.ranges[h.Sequence]; ok {
			resp.BaseOffset, resp.EndOffset = int64(at[0]), int64(at[1])
			return
		}
		if h.Sequence != w.next {
			resp.Error = &flussv1.WriteError{Code: string(errcode.OutOfOrderSequence), Message: "out of order"}
			return
		}
		w.next = w.next.Next()
		defer func() {
			w.ranges[h.Sequence] = [2]ids.Offset{ids.Offset(resp.GetBaseOffset()), ids.Offset(resp.GetEndOffset())}
			delete(w.ranges, h.Sequence-8)
		}()
	}
	rows := int(h.RowCount)
	switch {
	case f.forget:
		r.Free()
	case r.Kind != flussv1.WriteKind_WRITE_KIND_APPEND:
		rows = f.applyKeyed(b, r, h)
	default:
		b.records = append(b.records, f.decode(r, h))
	}
	resp.BaseOffset = int64(b.end)
	b.end += ids.Offset(rows)
	resp.EndOffset = int64(b.end)
}

func (f *fakeServer) decode(r *codec.WriteRequest, h batch.Header) arrow.RecordBatch {
	for _, info := range f.infos {
		if info.GetTableId() != int64(r.Table) {
			continue
		}
		for _, m := range info.GetSchemas() {
			if m.GetId() != int32(h.SchemaID) {
				continue
			}
			s, err := schema.FromProto(m)
			if err != nil {
				panic(err)
			}
			var meta batch.Meta
			if err = batch.ParseMeta(r.Batch[batch.HeaderSize:batch.HeaderSize+int(h.MetadataBytes)], &meta); err != nil {
				panic(err)
			}
			rec, err := batch.Decode(batch.NewLayout(s.Columns), &meta, r.Batch[len(r.Batch)-int(h.BodyBytes):], batch.DecodeOptions{Validate: true})
			if err != nil {
				panic(err)
			}
			return rec
		}
	}
	panic("a batch of no table or schema")
}

// rows returns the values of the first column of every bucket, a BIGINT, by offset.
func (f *fakeServer) rows() map[ids.Bucket][]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[ids.Bucket][]int64{}
	for id, b := range f.buckets {
		for _, rec := range b.records {
			col := rec.Column(0).(interface{ Value(i int) int64 })
			for i := range int(rec.NumRows()) {
				out[id] = append(out[id], col.Value(i))
			}
		}
	}
	return out
}

func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
