package flight

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
)

// DoGet streams the scan of a ticket: the schema, then batches, each with a
// fluss.v1.ScanMetadata. Buckets take turns, one message each; one that has
// nothing to send costs the others nothing. The rows of a primary-key table are
// read one bucket after the other.
func (s *Service) DoGet(tk *flight.Ticket, server flight.FlightService_DoGetServer) error {
	leave, err := s.admit()
	if err != nil {
		return err
	}
	defer leave()
	r, err := ticket.Decode(tk.GetTicket())
	if err != nil {
		return err
	}
	sc, err := s.resolve(server.Context(), r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(server.Context())
	defer cancel(nil)
	st := &stream{service: s, scan: sc, server: server, left: unlimited, keepAlive: s.options.KeepAlive}
	if r.GetLimit() > 0 {
		st.left = r.GetLimit()
	}
	if ms := r.GetKeepAliveMs(); ms > 0 {
		st.keepAlive = max(minKeepAlive, min(time.Duration(ms)*time.Millisecond, s.options.Stall))
	}
	done := s.work(func() error { return st.run(ctx) })
	return s.supervise(server.Context(), &st.flow, done)
}

// flow lets the supervisor of a stream see whether the client takes what it is sent.
type flow struct {
	sending atomic.Bool
	sent    atomic.Int64
}

// send sends m and frees it.
func (f *flow) send(server grpc.ServerStream, m *codec.FlightData) error {
	f.sending.Store(true)
	err := server.SendMsg(m)
	f.sending.Store(false)
	f.sent.Add(1)
	m.Free()
	return err
}

// supervise waits for the end of a stream, and ends one whose client takes nothing
// for Stall, or for ShortStall while memory is short.
func (s *Service) supervise(ctx context.Context, f *flow, done <-chan error) error {
	const looks = 4 // per stall
	every := max(min(s.options.Stall, s.options.ShortStall)/looks, time.Millisecond)
	tick := time.NewTicker(every)
	defer tick.Stop()
	var sent int64
	var still time.Duration
	for {
		select {
		case err := <-done:
			return err
		case <-s.ctx.Done():
			return errShutdown()
		case <-ctx.Done():
			return errcode.From(ctx.Err())
		case <-tick.C:
		}
		if n := f.sent.Load(); n != sent || !f.sending.Load() {
			sent, still = n, 0
			continue
		}
		switch still += every; {
		case still > s.options.Stall:
			return errcode.New(errcode.DeadlineExceeded, nil,
				"the client took nothing for %s and the stream was ended: read on from the last next_offset", s.options.Stall)
		case still > s.options.ShortStall && s.options.Short():
			return errcode.New(errcode.StoragePressure, nil,
				"the client took nothing for %s while the server is short of memory, and the stream was ended: read on from the last next_offset or resume token", s.options.ShortStall).
				With("retry_after_ms", time.Second.Milliseconds())
		}
	}
}

// unlimited is the limit of a scan that has none.
const unlimited = int64(1)<<62 - 1

// stream is one running DoGet. Its goroutine owns all but the flow and the queue.
type stream struct {
	service   *Service
	scan      *scan
	server    flight.FlightService_DoGetServer
	wire      *project.Wire
	plans     map[planKey]*project.Plan
	keepAlive time.Duration
	// left is how many rows may still be sent, untold how many of those sent
	// Options.Sent has not heard of.
	left, untold int64

	open  map[bucketKey]*bucketScan
	queue queue
	idle  *time.Timer // of a scan that follows
	turns int         // of keep-alives

	data     codec.FlightData
	metadata []byte
	token    []byte
	keys     keys.Keys

	flow flow
}

// queue holds the buckets that may have something to send, in order.
type queue struct {
	mu sync.Mutex // guards waiting and the queued of all buckets
	// waiting[first:] are queued.
	waiting []*bucketScan
	first   int
	signal  chan struct{}
}

// push queues b unless it is queued, and wakes the stream. Any goroutine may call it.
func (q *queue) push(b *bucketScan) {
	q.mu.Lock()
	if !b.queued {
		b.queued = true
		q.waiting = append(q.waiting, b)
	}
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// pushFront queues b before all others unless it is queued. The stream calls it.
func (q *queue) pushFront(b *bucketScan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.queued {
		return
	}
	b.queued = true
	if q.first == 0 {
		q.waiting = slices.Insert(q.waiting, 0, b)
		return
	}
	q.first--
	q.waiting[q.first] = b
}

// pop returns the next bucket, nil when there is none.
func (q *queue) pop() *bucketScan {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.first == len(q.waiting) {
		q.waiting, q.first = q.waiting[:0], 0
		return nil
	}
	b := q.waiting[q.first]
	q.waiting[q.first] = nil
	q.first++
	if q.first > len(q.waiting)/2 {
		n := copy(q.waiting, q.waiting[q.first:])
		clear(q.waiting[n:])
		q.waiting, q.first = q.waiting[:n], 0
	}
	b.queued = false
	return b
}

// run sends the whole scan.
func (st *stream) run(ctx context.Context) error {
	st.wire = project.NewWire(ctx, st.scan.out, st.scan.filter, codec.Buffers)
	st.plans = map[planKey]*project.Plan{}
	st.open = map[bucketKey]*bucketScan{}
	st.queue.signal = make(chan struct{}, 1)
	st.idle = time.NewTimer(st.keepAlive)
	defer st.idle.Stop()
	defer func() {
		for _, b := range st.open {
			b.close()
		}
	}()
	for _, b := range st.scan.refs() {
		if err := st.openBucket(ctx, b); err != nil {
			return err
		}
	}
	st.data.Header = schemaMessage(st.scan.out.Schema())
	if err := st.transmit(); err != nil {
		return err
	}
	if st.scan.request.GetFollow() {
		return st.follow(ctx)
	}
	for b := st.queue.pop(); b != nil && st.left > 0; b = st.queue.pop() {
		if err := st.turn(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// follow sends rows as they come, until the limit or the end of ctx.
func (st *stream) follow(ctx context.Context) error {
	check := st.partitionTicker()
	defer check.Stop()
	for st.left > 0 {
		wake := closed // while buckets are queued
		if b := st.queue.pop(); b == nil {
			wake = st.queue.signal
		} else if err := st.turn(ctx, b); err != nil {
			return err
		}
		var err error
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-st.idle.C:
			err = st.sendKeepAlive()
		case <-check.C:
			err = st.findPartitions(ctx)
		case <-wake:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// closed is always ready to be received from.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// followsPartitions reports whether partitions that come are part of the scan.
func (sc *scan) followsPartitions() bool {
	return sc.request.GetFollow() && len(sc.table.Info.Descriptor.PartitionKeys) > 0 && len(sc.request.GetPartitions()) == 0
}

// partitionTicker ticks when to look for new partitions, which may be never.
func (st *stream) partitionTicker() *time.Ticker {
	t := time.NewTicker(st.service.options.PartitionCheck)
	if !st.scan.followsPartitions() {
		t.Stop()
	}
	return t
}

// findPartitions opens the buckets of partitions that came since; they are read
// from their start, or their rows first.
func (st *stream) findPartitions(ctx context.Context) error {
	t, err := st.service.source.Table(ctx, st.scan.table.Info.Path)
	if err != nil {
		return err
	}
	if t.Info.ID != st.scan.table.Info.ID {
		return errcode.New(errcode.UnknownTable, nil, "table %s was dropped while it was read", t.Info.Path)
	}
	known := map[ids.PartitionID]bool{}
	for _, p := range st.scan.partitions {
		known[p.ID] = true
	}
	st.scan.partitions = t.Partitions
	for _, p := range t.Partitions {
		if known[p.ID] {
			continue
		}
		for _, b := range st.scan.buckets {
			if st.scan.rows == nil || st.scan.request.GetStart() != nil {
				st.scan.starts[bucketKey{p.ID, b}] = bucketStart{}
			}
			err := st.openBucket(ctx, ids.Bucket{Table: t.Info.ID, Partition: p.ID, Bucket: b})
			if err != nil && !gone(err) { // one may be gone again by now
				return err
			}
		}
	}
	return nil
}

// take accounts for n rows that are about to be sent.
func (st *stream) take(n int) {
	st.left -= int64(n)
	st.untold += int64(n)
}

// transmit sends st.data and frees it.
func (st *stream) transmit() error {
	bytes := len(st.data.Header) + len(st.data.AppMetadata) + st.data.Body.Len()
	err := st.flow.send(st.server, &st.data)
	if err == nil {
		st.service.options.Sent(st.untold, int64(bytes))
		st.untold = 0
	}
	st.idle.Reset(st.keepAlive)
	return err
}

// sendKeepAlive sends an empty batch with the place of the next bucket in turn.
func (st *stream) sendKeepAlive() error {
	if len(st.open) == 0 {
		st.wire.Finish(&st.data)
		return st.transmit()
	}
	refs := st.scan.refs()
	for range refs {
		b, ok := st.open[keyOf(refs[st.turns%len(refs)])]
		st.turns++
		if ok {
			return st.send(st.position(b))
		}
	}
	st.idle.Reset(st.keepAlive)
	return nil
}

// send sends what the wire has gathered, which may be nothing, with metadata m.
func (st *stream) send(m *flussv1.ScanMetadata) error {
	st.wire.Finish(&st.data)
	return st.sendWith(m)
}

// sendWith sends st.data with metadata m.
func (st *stream) sendWith(m *flussv1.ScanMetadata) error {
	st.metadata = ticket.AppendMetadata(st.metadata[:0], m, st.scan.request.GetJsonMetadata())
	st.data.AppMetadata = st.metadata
	if st.data.Body == nil {
		st.data.Body = mem.BufferSlice{}
	}
	return st.transmit()
}

// planKey names a form of stored batches.
type planKey struct {
	schema  ids.SchemaID
	changes bool
}

// plan returns how batches like the one with the header h become the output.
func (st *stream) plan(ctx context.Context, h *batch.Header) (*project.Plan, error) {
	key := planKey{h.SchemaID, h.Flags&batch.FlagChangeTypes != 0}
	if p, ok := st.plans[key]; ok {
		return p, nil
	}
	stored, ok := st.scan.table.Info.SchemaByID(key.schema)
	if !ok { // made since the scan began
		t, err := st.service.source.Table(ctx, st.scan.table.Info.Path)
		if err != nil {
			return nil, err
		}
		if stored, ok = t.Info.SchemaByID(key.schema); !ok {
			// Tablets write a schema just before the catalog tells of it.
			return nil, errcode.New(errcode.Conflict, nil, "table %s is being altered: a batch has its schema version %d, which is not known here yet; try again",
				t.Info.Path, key.schema)
		}
	}
	p, err := st.scan.out.Plan(stored, key.changes)
	if err != nil {
		return nil, err
	}
	st.plans[key] = p
	return p, nil
}
