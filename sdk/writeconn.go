package sdk

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"google.golang.org/grpc"
)

// connKey names one of the connections to a server.
type connKey struct {
	endpoint string
	index    int
}

// writeConn sends the batches of some buckets over one connection: one goroutine
// sends, one for each stream receives. The stream is opened when there is
// something to send, and again when it broke.
type writeConn struct {
	c   *Client
	key connKey

	// wake has a token when ready has grown.
	wake chan struct{}

	mu sync.Mutex
	// ready are the buckets that may have a batch to send.
	ready  []*bucketWriter
	stream *writeStream
	nextID uint64
}

// writeStream is one stream's life.
type writeStream struct {
	conn   *writeConn
	grpc   grpc.BidiStreamingClient[flussv1.WriteRequest, flussv1.WriteResponse]
	cancel context.CancelCauseFunc
	// pending are the batches that wait for an answer, by request id; guarded by
	// the conn's mu.
	pending map[uint64]*writeBatch
	broken  bool
}

// writeConn returns the connection for the buckets of the number, to endpoint.
func (c *Client) writeConn(endpoint string, n int) *writeConn {
	key := connKey{endpoint, n % c.opts.connections}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.conns[key]
	if w == nil {
		w = &writeConn{c: c, key: key, wake: make(chan struct{}, 1)}
		c.conns[key] = w
		if !c.closed {
			c.wg.Go(w.send)
		}
	}
	return w
}

func (w *writeConn) enqueue(bw *bucketWriter) {
	w.mu.Lock()
	w.ready = append(w.ready, bw)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// send is the sending goroutine; it ends with the client.
func (w *writeConn) send() {
	pauses := w.c.opts.backoff()
	defer w.stop()
	for {
		select {
		case <-w.c.life.Done():
			return
		case <-w.wake:
		}
		// Whoever is about to append gets its turn first, so that the rows of many
		// goroutines that one ack has woken travel together.
		runtime.Gosched()
		for w.hasReady() {
			stream, err := w.connected()
			if err != nil {
				w.unreachable(err, pauses.pause(err))
				if w.c.life.Err() != nil {
					return
				}
				continue
			}
			pauses.reset()
			w.sendReady(stream)
		}
	}
}

func (w *writeConn) hasReady() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ready) > 0 && w.c.life.Err() == nil
}

// unreachable waits before the next try and gives up batches that were tried for too long.
func (w *writeConn) unreachable(e *errcode.Error, pause time.Duration) {
	w.c.opts.hooks.Retried("connect", e, pause)
	_ = sleep(w.c.life, pause)
	w.mu.Lock()
	ready := w.ready
	w.ready = nil
	w.mu.Unlock()
	for _, bw := range ready {
		bw.mu.Lock()
		bw.scheduled = false
		bw.mu.Unlock()
		bw.expire(e)
		// Its leader may be elsewhere by now.
		if w.key.endpoint != "" {
			_ = bw.w.refresh(w.c.life)
		}
		bw.again()
	}
}

// connected returns the stream, opening one when there is none.
func (w *writeConn) connected() (*writeStream, *errcode.Error) {
	w.mu.Lock()
	s := w.stream
	w.mu.Unlock()
	if s != nil {
		return s, nil
	}
	conn, err := w.c.servers.conn(w.key.endpoint, w.key.index)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(w.c.life)
	g, openErr := flussv1.NewWriteClient(conn).Stream(ctx)
	if openErr != nil {
		cancel(nil)
		return nil, errcode.From(openErr)
	}
	s = &writeStream{conn: w, grpc: g, cancel: cancel, pending: map[uint64]*writeBatch{}}
	w.mu.Lock()
	w.stream = s
	w.mu.Unlock()
	w.c.spawn(s.receive)
	w.c.spawn(func() { s.watch(ctx) })
	return s, nil
}

// sendReady sends what the ready buckets have, one batch of each in turn.
func (w *writeConn) sendReady(s *writeStream) {
	w.mu.Lock()
	ready := w.ready
	w.ready = nil
	w.mu.Unlock()
	for i, bw := range ready {
		b, data := bw.take()
		if b == nil {
			continue
		}
		if !s.send(b, data) {
			w.mu.Lock()
			w.ready = append(ready[i+1:], w.ready...)
			w.mu.Unlock()
			return
		}
		bw.again()
	}
}

// send sends one batch; false when the stream is broken, whose receiver then
// hands the batch back.
func (s *writeStream) send(b *writeBatch, data []byte) bool {
	w := s.conn
	w.mu.Lock()
	if s.broken {
		w.mu.Unlock()
		b.bucket.refusedBy(b, errcode.New(errcode.Unavailable, nil, "the connection broke before the batch was sent"), false)
		return false
	}
	w.nextID++
	id := w.nextID
	s.pending[id] = b
	w.mu.Unlock()
	bucket, what := b.bucket.id, &b.version.writes
	w.c.opts.hooks.BatchSent(bucket, b.rows, len(data), b.sends > 1)
	err := s.grpc.SendMsg(&codec.WriteRequest{
		RequestID: id, Table: bucket.Table, Partition: bucket.Partition, Bucket: bucket.Bucket,
		Kind: what.kind, TargetColumns: b.version.targets, MergeMode: what.mode, Batch: data,
	})
	if err != nil {
		// The receiver learns why, and answers what is pending.
		s.cancel(err)
		return false
	}
	return true
}

// receive hands answers to their batches until the stream ends, then hands back
// those that got none.
func (s *writeStream) receive() {
	var err error
	for {
		var resp *flussv1.WriteResponse
		if resp, err = s.grpc.Recv(); err != nil {
			break
		}
		w := s.conn
		w.mu.Lock()
		b := s.pending[resp.GetRequestId()]
		delete(s.pending, resp.GetRequestId())
		w.mu.Unlock()
		if b == nil {
			continue
		}
		if e := resp.GetError(); e != nil {
			b.bucket.refusedBy(b, writeError(e), false)
			continue
		}
		b.bucket.acked(b, ids.Offset(resp.GetBaseOffset()), ids.Offset(resp.GetEndOffset()))
	}
	s.end(err)
}

func writeError(e *flussv1.WriteError) *errcode.Error {
	out := errcode.New(errcode.Code(e.GetCode()), nil, "%s", e.GetMessage())
	for name, value := range e.GetMetadata() {
		_ = out.With(name, value)
	}
	return out
}

// end hands back the batches of a stream that broke. Whether they were written is not known.
func (s *writeStream) end(err error) {
	s.cancel(nil)
	w := s.conn
	w.mu.Lock()
	s.broken = true
	if w.stream == s {
		w.stream = nil
	}
	lost := s.pending
	s.pending = nil
	w.mu.Unlock()
	if w.c.life.Err() != nil {
		return // Close abandons what is left
	}
	e := streamError(err)
	w.c.opts.logger.Debug("a write stream ended", "server", w.key.endpoint, "unanswered", len(lost), "error", err)
	for _, b := range lost {
		b.bucket.refusedBy(b, e, true)
	}
}

// streamError says why a stream ended: a batch on it is tried again unless the
// server does not let this client in at all.
func streamError(err error) *errcode.Error {
	e := errcode.From(err)
	switch {
	case e == nil:
	case e.Code == errcode.Unauthenticated, e.Code == errcode.PermissionDenied, e.Code == errcode.Unsupported, e.Code == errcode.RecordTooLarge:
		return e
	case e.Code.Retry() != errcode.Never:
		return e
	}
	return errcode.New(errcode.Unavailable, err, "the connection to the server broke")
}

// watch breaks the stream when a batch has waited for its answer for too long.
func (s *writeStream) watch(ctx context.Context) {
	limit := s.conn.c.opts.requestTimeout
	tick := time.NewTicker(max(limit/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.overdue(limit) {
			s.cancel(errcode.New(errcode.Unavailable, nil, "the server gave no answer for %v", limit))
			return
		}
	}
}

func (s *writeStream) overdue(limit time.Duration) bool {
	s.conn.mu.Lock()
	waiting := make([]*writeBatch, 0, len(s.pending))
	for _, b := range s.pending {
		waiting = append(waiting, b)
	}
	s.conn.mu.Unlock()
	for _, b := range waiting {
		b.bucket.mu.Lock()
		late := time.Since(b.sentAt) > limit
		b.bucket.mu.Unlock()
		if late {
			return true
		}
	}
	return false
}

// stop ends the stream with the client.
func (w *writeConn) stop() {
	w.mu.Lock()
	s := w.stream
	w.mu.Unlock()
	if s != nil {
		s.cancel(nil)
	}
}
