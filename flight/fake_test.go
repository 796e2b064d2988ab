package flight_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"log/slog"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/rpcerr"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// memLog is the log of one bucket in memory.
type memLog struct {
	mu       sync.Mutex // guards all
	bucket   ids.Bucket
	start    ids.Offset
	end      ids.Offset
	batches  []stored
	watchers map[int]func()
	nextID   int
	err      error // of cursors that have given errAfter batches
	errAfter int
	// reads counts ReadColumns, open the cursors that are not closed.
	reads, open int
}

type stored struct {
	bytes  []byte
	header batch.Header
	layout *batch.Layout
}

// append stores the rows of rec as one batch committed at ms.
func (l *memLog) append(t testing.TB, s *schema.Schema, rec arrow.RecordBatch, c batch.Codec, ms int64) {
	t.Helper()
	l.appendAs(t, batch.NewLayout(s.Columns), s.ID, rec, c, ms)
}

// appendAs is append with a layout of batches of the schema version id.
func (l *memLog) appendAs(t testing.TB, layout *batch.Layout, id ids.SchemaID, rec arrow.RecordBatch, c batch.Codec, ms int64) {
	t.Helper()
	b, err := batch.NewEncoder(layout, batch.EncoderOptions{Codec: c}).Encode(nil, rec, batch.EncodeInfo{SchemaID: id})
	require.NoError(t, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := batch.ParseHeader(b)
	require.NoError(t, err)
	h.BaseOffset, h.CommitTimestamp = l.end, ms
	batch.PutHeader(b, h)
	l.batches = append(l.batches, stored{b, h, layout})
	l.end = h.EndOffset()
	for _, f := range l.watchers {
		f()
	}
}

func (l *memLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	for _, f := range l.watchers {
		f()
	}
}

func (l *memLog) Start() ids.Offset         { l.mu.Lock(); defer l.mu.Unlock(); return l.start }
func (l *memLog) HighWatermark() ids.Offset { l.mu.Lock(); defer l.mu.Unlock(); return l.end }

func (l *memLog) OffsetAt(_ context.Context, ms int64) (ids.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		if b.header.CommitTimestamp >= ms {
			return b.header.BaseOffset, nil
		}
	}
	return l.end, nil
}

func (l *memLog) Cursor(from ids.Offset) (flight.Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.start || from > l.end {
		return nil, errcode.New(errcode.OffsetOutOfRange, nil, "out of range").With("start", l.start).With("end", l.end)
	}
	at := slices.IndexFunc(l.batches, func(b stored) bool { return b.header.EndOffset() > from })
	if at < 0 {
		at = len(l.batches)
	}
	l.open++
	return &memCursor{l, at}, nil
}

func (l *memLog) Watch(f func()) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers == nil {
		l.watchers = map[int]func(){}
	}
	id := l.nextID
	l.nextID++
	l.watchers[id] = f
	return func() { l.mu.Lock(); defer l.mu.Unlock(); delete(l.watchers, id) }
}

type memCursor struct {
	log *memLog
	at  int
}

func (c *memCursor) Next() (flight.Batch, error) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.log.err != nil && c.at >= c.log.errAfter {
		return nil, c.log.err
	}
	if c.at == len(c.log.batches) {
		return nil, nil
	}
	b := &c.log.batches[c.at]
	c.at++
	v, err := batch.ParseView(b.bytes, b.layout)
	return &memBatch{c.log, b, v}, err
}

func (c *memCursor) Close() { c.log.mu.Lock(); c.log.open--; c.log.mu.Unlock() }

type memBatch struct {
	log  *memLog
	b    *stored
	view batch.View
}

func (b *memBatch) View() *batch.View { return &b.view }
func (b *memBatch) Release()          {}

func (b *memBatch) ReadColumns(cols []int) (mem.BufferSlice, error) {
	b.log.mu.Lock()
	b.log.reads++
	b.log.mu.Unlock()
	body := b.b.bytes[b.b.header.HeadBytes():]
	if cols == nil {
		return mem.BufferSlice{mem.SliceBuffer(body)}, nil
	}
	var out mem.BufferSlice
	for i, c := range cols {
		off, n := b.view.ColumnRange(c)
		if i > 0 && cols[i-1] == c-1 { // adjacent ranges are one piece
			last := len(out) - 1
			from := off - int64(out[last].Len())
			out[last] = mem.SliceBuffer(body[from : off+n])
			continue
		}
		out = append(out, mem.SliceBuffer(body[off:off+n]))
	}
	return out, nil
}

// memSource is a Source in memory.
type memSource struct {
	mu     sync.Mutex // guards all but closed
	tables map[table.Path]*flight.Table
	logs   map[ids.Bucket]*memLog
	puts   []*memPutter
	keyed  map[ids.Bucket]*keyedBucket
	// closed says that a Looker was.
	closed atomic.Bool
}

func (s *memSource) Tables(context.Context) ([]*table.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*table.Info
	for _, t := range s.tables {
		out = append(out, t.Info)
	}
	slices.SortFunc(out, func(a, b *table.Info) int { return a.Path.Compare(b.Path) })
	return out, nil
}

func (s *memSource) Table(_ context.Context, p table.Path) (*flight.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tables[p]; ok {
		return t, nil
	}
	return nil, errcode.New(errcode.UnknownTable, nil, "there is no table %s", p)
}

func (s *memSource) Log(_ context.Context, b ids.Bucket) (flight.Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.logs[b]; ok {
		return l, nil
	}
	return nil, errcode.New(errcode.UnknownBucket, nil, "there is no %s", b)
}

func (s *memSource) Endpoints(context.Context, ids.Bucket) ([]string, error) {
	return []string{"127.0.0.1:9123"}, nil
}

// memPutter appends to bucket 0.
type memPutter struct {
	t      *flight.Table
	log    *memLog
	source *memSource
	err    error
	// request and rows are what the client asked for and sent, to keyed tables only.
	request flight.PutRequest
	columns []string
	rows    []string
}

func (s *memSource) Put(_ context.Context, r flight.PutRequest) (flight.Putter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[r.Path]
	p := &memPutter{t: t, source: s, request: r, log: s.logs[ids.Bucket{Table: t.Info.ID}]}
	s.puts = append(s.puts, p)
	return p, nil
}

func (p *memPutter) Write(_ context.Context, rec arrow.RecordBatch, acked func(flight.Ack)) error {
	if p.err != nil {
		return p.err
	}
	if len(p.t.Info.Schema().PrimaryKey) > 0 {
		p.columns = nil
		for _, f := range rec.Schema().Fields() {
			p.columns = append(p.columns, f.Name)
		}
		p.rows = append(p.rows, rowsOf(rec)...)
		acked(flight.Ack{Bucket: p.log.bucket, Rows: rec.NumRows()})
		return nil
	}
	layout := batch.NewLayout(p.t.Info.Schema().Columns)
	b, err := batch.NewEncoder(layout, batch.EncoderOptions{}).Encode(nil, rec, batch.EncodeInfo{SchemaID: p.t.Info.Schema().ID})
	if err != nil {
		return err
	}
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := batch.ParseHeader(b)
	if err != nil {
		return err
	}
	h.BaseOffset = l.end
	batch.PutHeader(b, h)
	l.batches = append(l.batches, stored{b, h, layout})
	l.end = h.EndOffset()
	for _, f := range l.watchers {
		f()
	}
	acked(flight.Ack{Bucket: l.bucket, Base: h.BaseOffset, End: l.end, Rows: rec.NumRows()})
	return nil
}

func (p *memPutter) Close(context.Context) error { return p.err }

// create makes a table; the schemas are its versions, oldest first.
func (s *memSource) create(t testing.TB, name string, buckets int, schemas ...*schema.Schema) *flight.Table {
	t.Helper()
	path, err := table.ParsePath(name)
	require.NoError(t, err)
	newest := schemas[len(schemas)-1]
	m := &flussv1.TableInfo{
		Path: path.Proto(), TableId: int64(len(s.tables) + 1), Version: 1,
		Descriptor_: &flussv1.TableDescriptor{Schema: newest.Proto(), BucketCount: int32(buckets)},
	}
	for _, v := range schemas {
		m.Schemas = append(m.Schemas, v.Proto())
	}
	info, err := table.NewInfo(m)
	require.NoError(t, err)
	tab := &flight.Table{Info: info}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[path] = tab
	for b := range buckets {
		ref := ids.Bucket{Table: info.ID, Bucket: ids.BucketID(b)}
		s.logs[ref] = &memLog{bucket: ref}
	}
	return tab
}

func (s *memSource) log(t *flight.Table, b int) *memLog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs[ids.Bucket{Table: t.Info.ID, Bucket: ids.BucketID(b)}]
}

func newSource() *memSource {
	return &memSource{tables: map[table.Path]*flight.Table{}, logs: map[ids.Bucket]*memLog{}, keyed: map[ids.Bucket]*keyedBucket{}}
}

// serve starts a server and returns its address.
func serve(t testing.TB, source flight.Source, o flight.Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer(append(codec.ServerOptions(), rpcerr.Options(slog.New(slog.DiscardHandler))...)...)
	s := flight.New(source, o)
	s.Register(g)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { s.Close(); g.Stop(); <-done; s.Close() })
	return l.Addr().String()
}

// stockClient returns a client that knows nothing of us.
func stockClient(t testing.TB, addr string) arrowflight.Client {
	t.Helper()
	c, err := arrowflight.NewClientWithMiddleware(addr, nil, nil, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(codec.MaxMessageBytes)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func newSchema(t testing.TB, columns string) *schema.Schema {
	t.Helper()
	f, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	s, err := schema.New(f, nil)
	require.NoError(t, err)
	return s
}

// randomRecord makes n rows; nulls is how many of 10 nullable values are null.
func randomRecord(r *rand.Rand, s *schema.Schema, n, nulls int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	for range n {
		for i, f := range s.Columns {
			appendRandom(r, b.Field(i), f.Type, nulls)
		}
	}
	return b.NewRecordBatch()
}

func appendRandom(r *rand.Rand, b array.Builder, t schema.Type, nulls int) {
	if t.Nullable && r.IntN(10) < nulls {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.Int8Builder:
		b.Append(int8(r.Int32()))
	case *array.Int16Builder:
		b.Append(int16(r.Int32()))
	case *array.Int32Builder:
		b.Append(r.Int32N(1000) - 500)
	case *array.Int64Builder:
		b.Append(r.Int64())
	case *array.Float32Builder:
		b.Append(r.Float32())
	case *array.Float64Builder:
		b.Append(r.Float64())
	case *array.StringBuilder:
		b.Append(fmt.Sprint("word ", r.IntN(1000))[:r.IntN(7)])
	case *array.BinaryBuilder:
		b.Append([]byte(fmt.Sprint(r.Int())))
	case *array.FixedSizeBinaryBuilder:
		v := make([]byte, t.Length)
		v[0] = byte(r.Int())
		b.Append(v)
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(r.Int64N(10_000)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(r.Int32N(20_000)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(r.Int32N(80_000)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(r.Int64N(80_000)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64N(1 << 40)))
	case *array.MapBuilder:
		b.Append(true)
		for i := range r.IntN(3) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("k", i))
			appendRandom(r, b.ItemBuilder(), t.Fields[1].Type, nulls)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			appendRandom(r, b.ValueBuilder(), t.Fields[0].Type, nulls)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.Fields {
			appendRandom(r, b.FieldBuilder(i), f.Type, nulls)
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}
