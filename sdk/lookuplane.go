package sdk

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

const (
	// laneRequests is how many look-ups to one server are under way at most: with
	// more, requests carry fewer keys each and cost more.
	laneRequests = 2
	// laneKeys is how many keys a request has at most.
	laneKeys = 512
)

// lookupLane sends a lookuper's requests to one server. Keys that come while
// laneRequests are under way wait in queue and travel together.
type lookupLane struct {
	l        *Lookuper
	endpoint string

	mu sync.Mutex
	// queue are requests that no sender has taken; keys are added to the last.
	queue []*lookupRequest
	// senders are the goroutines that send; each takes requests until there are none.
	senders int
	pauses  backoff
	// sent counts requests, which are spread over the connections to the server.
	sent atomic.Uint32
}

// lookupRequest is keys that travel together. Until a sender takes it, the lane's
// mu guards it.
type lookupRequest struct {
	v      *lookupVersion
	groups []*lookupGroup
	keys   int
}

// lookupGroup is the keys of one bucket.
type lookupGroup struct {
	bucket  ids.Bucket
	builder *rowcodec.Builder
	// calls are those the keys are of, in order.
	calls []*lookupCall
}

// lookupCall is keys of one bucket that someone waits for.
type lookupCall struct {
	keys int
	// done gets a token when what follows is set.
	done   chan struct{}
	rows   LookupRows
	counts []uint32
	err    error

	// bounded: the caller's context has a deadline; else the call is given up at
	// until, set at the first failure.
	bounded bool
	until   time.Time
	// gone: nobody waits any more.
	gone atomic.Bool
	// last is why the call was sent again; nil when it was not.
	last atomic.Pointer[errcode.Error]
}

var lookupCalls = sync.Pool{New: func() any { return &lookupCall{done: make(chan struct{}, 1)} }}

func newLookupCall(ctx context.Context, keys int) *lookupCall {
	c := lookupCalls.Get().(*lookupCall)
	_, c.bounded = ctx.Deadline()
	c.keys = keys
	return c
}

// free gives back a call that was waited for to the end.
func (c *lookupCall) free() {
	c.rows, c.counts, c.err, c.until = LookupRows{}, nil, nil, time.Time{}
	c.last.Store(nil)
	lookupCalls.Put(c)
}

func (c *lookupCall) finish(err error) {
	c.err = err
	c.done <- struct{}{}
}

// wait waits for the call's end. It fails with the call's error, or with CANCELED
// and DEADLINE_EXCEEDED when ctx or the lookuper ends first; then the call must
// not be freed.
func (c *lookupCall) wait(ctx context.Context, l *Lookuper) (ended bool, err error) {
	select {
	case <-c.done:
		return true, c.err
	case <-ctx.Done():
		c.gone.Store(true)
		e := errcode.From(ctx.Err())
		if last := c.last.Load(); last != nil {
			return false, errcode.New(e.Code, last, "the look-up did not end in time; it was sent again because: %s", last.Message)
		}
		return false, errcode.New(e.Code, ctx.Err(), "the look-up did not end in time")
	case <-l.life.Done():
		c.gone.Store(true)
		return false, errcode.New(errcode.Canceled, nil, "the lookuper is closed")
	}
}

// submit hands rows of src, keys of one bucket, to the lane of the bucket's leader.
func (l *Lookuper) submit(v *lookupVersion, b ids.Bucket, src *rowcodec.Builder, rows []int32, call *lookupCall) {
	lane := l.lane(l.meta.Load().endpoint(b.Partition, b.Bucket))
	lane.mu.Lock()
	g := lane.openFor(v, len(rows)).group(b)
	for _, i := range rows {
		g.builder.AppendRow(src, int(i))
	}
	g.calls = append(g.calls, call)
	start := lane.senders < laneRequests
	if start {
		lane.senders++
	}
	lane.mu.Unlock()
	if start {
		l.c.spawn(lane.send)
	}
}

// openFor returns the request for n more keys of version v; mu is held.
func (ln *lookupLane) openFor(v *lookupVersion, n int) *lookupRequest {
	if last := len(ln.queue) - 1; last >= 0 {
		if r := ln.queue[last]; r.v == v && r.keys+n <= laneKeys {
			r.keys += n
			return r
		}
	}
	r := &lookupRequest{v: v, keys: n}
	ln.queue = append(ln.queue, r)
	return r
}

// group returns the group of a bucket.
func (r *lookupRequest) group(b ids.Bucket) *lookupGroup {
	// Those of the buckets that were looked up last are found first.
	for i := len(r.groups) - 1; i >= 0; i-- {
		if r.groups[i].bucket == b {
			return r.groups[i]
		}
	}
	g := &lookupGroup{bucket: b, builder: r.v.builder()}
	r.groups = append(r.groups, g)
	return g
}

// send is a sending goroutine: it ends when nothing is queued.
func (ln *lookupLane) send() {
	for {
		// Whoever is about to look up gets its turn first, so that the keys of many
		// goroutines that one answer has woken travel together.
		runtime.Gosched()
		ln.mu.Lock()
		if len(ln.queue) == 0 {
			ln.senders--
			ln.mu.Unlock()
			return
		}
		r := ln.queue[0]
		ln.queue[0] = nil
		ln.queue = ln.queue[1:]
		ln.mu.Unlock()
		ln.perform(r)
	}
}

// perform sends a request and hands its answer out.
func (ln *lookupLane) perform(r *lookupRequest) {
	resp, err := ln.ask(r)
	if err == nil {
		err = r.deliver(resp)
	}
	if err == nil {
		ln.mu.Lock()
		ln.pauses.reset()
		ln.mu.Unlock()
		r.free()
		return
	}
	if ln.l.life.Err() != nil {
		return // nobody waits any more
	}
	e := errcode.From(err)
	if e.Code == errcode.DeadlineExceeded {
		e = errcode.New(errcode.Unavailable, err, "the server gave no answer for %v", ln.l.c.opts.requestTimeout)
	}
	switch {
	case e.Code.Retry() != errcode.Never:
		ln.mu.Lock()
		pause := ln.pauses.pause(e)
		ln.mu.Unlock()
		ln.l.c.spawn(func() { ln.l.again(r, e, pause) })
	case r.divisible(e):
		ln.divide(r)
	default:
		r.fail(e)
	}
}

// ask makes the call.
func (ln *lookupLane) ask(r *lookupRequest) (*flussv1.LookupResponse, error) {
	l := ln.l
	conn, connErr := l.c.servers.conn(ln.endpoint, int(ln.sent.Add(1)))
	if connErr != nil {
		return nil, connErr
	}
	req := &flussv1.LookupRequest{}
	proto.Merge(req, r.v.template)
	encoder := r.v.encoders.Get().(*batch.Encoder)
	defer r.v.encoders.Put(encoder)
	for _, g := range r.groups {
		keys, err := r.v.encodeKeys(encoder, g.builder)
		if err != nil {
			return nil, err
		}
		req.Buckets = append(req.Buckets, &flussv1.LookupKeys{PartitionId: int64(g.bucket.Partition), Bucket: int32(g.bucket.Bucket), Keys: keys})
	}
	ctx, cancel := context.WithTimeout(l.life, l.c.opts.requestTimeout)
	defer cancel()
	return flussv1.NewLookupClient(conn).Lookup(ctx, req)
}

// deliver hands the rows of an answer to the calls. It fails with INTERNAL, having
// done nothing, when it is no answer to the request.
func (r *lookupRequest) deliver(resp *flussv1.LookupResponse) error {
	counts := resp.GetRowCounts()
	if len(counts) != r.keys || ids.SchemaID(resp.GetSchemaId()) != r.v.columns.ID {
		return errcode.New(errcode.Internal, nil, "the server answered %d keys of schema version %d with %d of version %d",
			r.keys, r.v.columns.ID, len(counts), resp.GetSchemaId())
	}
	rec, err := r.v.decode(resp.GetRows())
	if err != nil {
		return err
	}
	have, told := 0, 0
	if rec != nil {
		have = int(rec.NumRows())
	}
	for _, n := range counts {
		told += int(n)
	}
	if told != have {
		return errcode.New(errcode.Internal, nil, "the server answered with %d rows and told %d", have, told)
	}
	at := 0
	for _, g := range r.groups {
		for _, call := range g.calls {
			call.counts, counts = counts[:call.keys:call.keys], counts[call.keys:]
			call.rows = LookupRows{version: r.v, record: rec, from: at}
			for _, n := range call.counts {
				at += int(n)
			}
			call.rows.to = at
			call.finish(nil)
		}
	}
	return nil
}

func (r *lookupRequest) free() {
	for _, g := range r.groups {
		r.v.free(g.builder)
		g.builder, g.calls = nil, nil
	}
}

func (r *lookupRequest) fail(e error) {
	for _, g := range r.groups {
		for _, call := range g.calls {
			call.finish(e)
		}
	}
	r.free()
}

// divisible reports whether an error may be the fault of some keys, which others
// need not suffer: of those whose rows are too many to be answered at once.
func (r *lookupRequest) divisible(e *errcode.Error) bool {
	switch e.Code { //nolint:exhaustive // the others may be of one key
	case errcode.UnknownTable, errcode.NotPrimaryKeyTable, errcode.Unauthenticated, errcode.PermissionDenied, errcode.Unsupported:
		return false
	}
	return len(r.groups) > 1 || len(r.groups[0].calls) > 1
}

// divide queues the halves of a request by themselves, before all others.
func (ln *lookupLane) divide(r *lookupRequest) {
	calls := 0
	for _, g := range r.groups {
		calls += len(g.calls)
	}
	halves := [2]*lookupRequest{{v: r.v}, {v: r.v}}
	n := 0
	for _, g := range r.groups {
		row := 0
		for _, call := range g.calls {
			half := halves[min(1, 2*n/calls)]
			to := half.group(g.bucket)
			for range call.keys {
				to.builder.AppendRow(g.builder, row)
				row++
			}
			to.calls = append(to.calls, call)
			half.keys += call.keys
			n++
		}
	}
	r.free()
	ln.mu.Lock()
	ln.queue = append(halves[:], ln.queue...)
	ln.mu.Unlock()
}

// again sends what a request had once more, after a pause: to where its buckets
// are by then.
func (l *Lookuper) again(r *lookupRequest, e *errcode.Error, pause time.Duration) {
	l.c.opts.hooks.Retried("lookup", e, pause)
	l.c.opts.logger.Debug("a look-up will be sent again", "table", l.path, "keys", r.keys, "pause", pause, "error", e)
	seen := l.refreshes.Load()
	if sleep(l.life, pause) != nil {
		return
	}
	if refreshes(e.Code) {
		if err := l.refresh(l.life, seen); err != nil && errcode.Of(err).Retry() == errcode.Never {
			r.fail(err)
			return
		}
	}
	defer r.free()
	for _, g := range r.groups {
		row := 0
		for _, call := range g.calls {
			rows := make([]int32, call.keys)
			for i := range rows {
				rows[i] = int32(row + i) //nolint:gosec // at most laneKeys
			}
			row += call.keys
			l.callAgain(g, rows, call, e)
		}
	}
}

// callAgain sends one call once more, unless it was tried for too long.
func (l *Lookuper) callAgain(g *lookupGroup, rows []int32, call *lookupCall, e *errcode.Error) {
	call.last.Store(e)
	switch {
	case call.gone.Load():
		return
	case call.bounded:
	case call.until.IsZero():
		call.until = time.Now().Add(l.c.opts.retryTimeout)
	case time.Now().After(call.until):
		call.finish(e)
		return
	}
	v := l.version.Load()
	scratch := v.builder()
	defer v.free(scratch)
	scratch.AppendRow(g.builder, int(rows[0]))
	b, ok, err := l.bucketOf(l.life, v, scratch)
	switch {
	case err != nil && errcode.Of(err).Retry() == errcode.Never:
		call.finish(err)
	case err != nil:
		l.submit(v, g.bucket, g.builder, rows, call) // the answer will be the same, and we be back
	case !ok:
		// The partition was dropped, and its rows with it.
		call.rows, call.counts = LookupRows{version: v}, make([]uint32, call.keys)
		call.finish(nil)
	default:
		l.submit(v, b, g.builder, rows, call)
	}
}
