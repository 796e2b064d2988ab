package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/clock"
	"github.com/fluss-go/fluss/server/metrics"
	"github.com/fluss-go/fluss/server/tablet"
)

// maxStreamRequests bounds the requests of one stream that wait for their
// answer. A client that sends more is held back by gRPC's flow control.
const maxStreamRequests = 4096

// Writes is the gRPC service fluss.v1.Write.
type Writes struct {
	flussv1.UnimplementedWriteServer

	catalog Catalog
	host    *tablet.Host
	ids     WriterIDs
	limits  batch.Limits
	shapes  shapes
	clock   clock.Clock
	metrics *metrics.Server

	closing sync.Once
	stop    chan struct{} // closed by Close
}

// WriterIDs hands out writer ids, each once in the cluster's life.
type WriterIDs interface {
	NextWriterID(ctx context.Context) (ids.WriterID, error)
}

// WriteOptions are what a Writes is made of.
type WriteOptions struct {
	Catalog Catalog
	Host    *tablet.Host
	IDs     WriterIDs
	// Limits are those of one batch.
	Limits  batch.Limits
	Clock   clock.Clock
	Metrics *metrics.Server
}

// NewWrites returns the service.
func NewWrites(o WriteOptions) *Writes {
	return &Writes{
		catalog: o.Catalog, host: o.Host, ids: o.IDs, limits: o.Limits, shapes: newShapes(), clock: o.Clock, metrics: o.Metrics,
		stop: make(chan struct{}),
	}
}

// Close ends the streams with SHUTTING_DOWN, each once everything that it took is
// answered, and refuses others. A client keeps its stream open between writes,
// so that no graceful stop would end otherwise. Close does not wait: the gRPC
// server does. It may be called twice.
func (s *Writes) Close() { s.closing.Do(func() { close(s.stop) }) }

// InitWriter implements flussv1.WriteServer.
func (s *Writes) InitWriter(ctx context.Context, _ *flussv1.InitWriterRequest) (*flussv1.InitWriterResponse, error) {
	id, err := s.ids.NextWriterID(ctx)
	if err != nil {
		return nil, err
	}
	return &flussv1.InitWriterResponse{WriterId: int64(id)}, nil
}

// Append implements flussv1.WriteServer: one request of the stream.
func (s *Writes) Append(ctx context.Context, req *flussv1.WriteRequest) (*flussv1.WriteResponse, error) {
	r := codec.WriteRequest{
		RequestID: req.GetRequestId(), Table: ids.TableID(req.GetTableId()), Partition: ids.PartitionID(req.GetPartitionId()),
		Bucket: ids.BucketID(req.GetBucket()), Kind: req.GetKind(), TargetColumns: req.GetTargetColumns(),
		MergeMode: req.GetMergeMode(), Batch: req.GetBatch(),
	}
	done := make(chan *flussv1.WriteResponse, 1)
	s.write(ctx, &r, func(resp *flussv1.WriteResponse) { done <- resp })
	select {
	case resp := <-done:
		return resp, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Stream implements flussv1.WriteServer. One goroutine receives and checks,
// the tablets' drivers hand answers to another that sends them.
func (s *Writes) Stream(stream grpc.BidiStreamingServer[flussv1.WriteRequest, flussv1.WriteResponse]) error {
	answers := make(chan *flussv1.WriteResponse, maxStreamRequests)
	open := make(chan struct{}, maxStreamRequests)
	sent := make(chan error, 1)
	go func() { sent <- sendAnswers(stream, answers, open) }()

	r := &receiver{s: s, stream: stream, answers: answers, open: open, done: make(chan error, 1)}
	go r.run() // when the handler returns gRPC ends the RecvMsg that it waits in
	var err error
	select {
	case err = <-r.done:
	case <-s.stop:
		r.end()
		err = errcode.New(errcode.ShuttingDown, nil, "the server is shutting down: write on when it is back")
	}
	for range maxStreamRequests { // every request that is open gives its place back when answered
		open <- struct{}{}
	}
	close(answers)
	return errors.Join(err, <-sent)
}

// receiver takes the requests of one stream.
type receiver struct {
	s       *Writes
	stream  grpc.ServerStream
	answers chan<- *flussv1.WriteResponse
	open    chan struct{}
	done    chan error // gets why it has ended

	mu    sync.Mutex // held while a request is taken
	ended bool       // no more are
}

// end returns when no request is taken any more.
func (r *receiver) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
}

func (r *receiver) run() {
	for {
		var req codec.WriteRequest
		err := r.stream.RecvMsg(&req)
		if err == nil {
			var more bool
			if more, err = r.take(&req); more {
				continue
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		r.done <- err
		return
	}
}

// take gives one request to its tablet; false when no more are to be taken. A
// panic ends the stream, not the server.
func (r *receiver) take(req *codec.WriteRequest) (more bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false, nil
	}
	r.open <- struct{}{}
	defer func() {
		if v := recover(); v != nil {
			<-r.open // no answer will come
			more, err = false, fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r.s.write(r.stream.Context(), req, func(resp *flussv1.WriteResponse) { r.answers <- resp })
	req.Free()
	return true, nil
}

// sendAnswers sends until answers is closed. After a failed send it goes on
// taking answers, so that no driver ever waits for a client that is gone.
func sendAnswers(stream grpc.ServerStream, answers <-chan *flussv1.WriteResponse, open <-chan struct{}) error {
	var failed error
	for resp := range answers {
		if failed == nil {
			failed = stream.SendMsg(resp)
		}
		<-open
	}
	return failed
}

// write checks one request and gives it to its tablet; answer is called once,
// maybe before write returns. req.Batch may be reused when it returns.
func (s *Writes) write(ctx context.Context, req *codec.WriteRequest, answer func(*flussv1.WriteResponse)) {
	p := &pending{
		writes: s, answer: answer, request: req.RequestID, arrived: s.clock.Now(), bytes: int64(len(req.Batch)),
		bucket: ids.Bucket{Table: req.Table, Partition: req.Partition, Bucket: req.Bucket},
	}
	if err := s.propose(ctx, p, req); err != nil {
		p.done(tablet.AppendResult{Err: err})
	}
}

// pending is a request that waits for its answer. It has what the answer needs
// of the request, whose memory is used again meanwhile.
type pending struct {
	writes  *Writes
	answer  func(*flussv1.WriteResponse)
	request uint64
	bucket  ids.Bucket
	arrived time.Time
	// bytes are those of the batch, rows are in it, and deletes of them delete.
	bytes, rows, deletes int64
	keyed                bool
}

// done counts and answers.
func (p *pending) done(r tablet.AppendResult) {
	p.count(r)
	p.answer(writeResponse(p.request, p.bucket, r))
}

func (p *pending) count(r tablet.AppendResult) {
	m := p.writes.metrics
	if r.Err != nil {
		m.WriteErrors.WithLabelValues(string(errcode.Of(r.Err))).Inc()
		return
	}
	m.RowsWritten.Add(float64(p.rows))
	m.BytesWritten.Add(float64(p.bytes))
	m.BatchesWritten.Inc()
	m.WriteSeconds.Observe(p.writes.clock.Now().Sub(p.arrived).Seconds())
	if p.keyed {
		m.RowsUpserted.Add(float64(p.rows - p.deletes))
		m.RowsDeleted.Add(float64(p.deletes))
	}
}

func (s *Writes) propose(ctx context.Context, p *pending, req *codec.WriteRequest) error {
	at, err := locate(s.catalog, s.host, p.bucket)
	if err != nil {
		return err
	}
	if err := checkKind(at.info, req); err != nil {
		return err
	}
	header, err := batch.ParseHeader(req.Batch)
	if err != nil {
		return err
	}
	p.rows = int64(header.RowCount)
	if req.Kind != flussv1.WriteKind_WRITE_KIND_APPEND {
		p.keyed = true
		return s.proposeKeyed(ctx, p, at, &header, req)
	}
	shape, err := s.shapes.ofLog(at.info, header.SchemaID)
	if err != nil {
		return err
	}
	free, err := reserve(ctx, s.host, req.Batch, s.limits)
	if err != nil {
		return err
	}
	parsed, err := batch.Validate(shape.layout, req.Batch, s.limits)
	free()
	if err != nil {
		return err
	}
	return at.tablet.Append(ctx, tablet.Append{Bucket: p.bucket, Batch: parsed.Bytes}, p.done)
}

// checkKind reports a write that is not for this kind of table.
func checkKind(info *table.Info, req *codec.WriteRequest) error {
	keyed := info.Descriptor.HasPrimaryKey()
	switch req.Kind {
	case flussv1.WriteKind_WRITE_KIND_APPEND:
		if keyed {
			return errcode.New(errcode.NotLogTable, nil, "table %s has a primary key: rows are upserted into it, not appended", info.Path)
		}
		if len(req.TargetColumns) > 0 {
			return errcode.New(errcode.InvalidArgument, nil, "table %s takes whole rows: leave the target columns out", info.Path)
		}
	case flussv1.WriteKind_WRITE_KIND_UPSERT, flussv1.WriteKind_WRITE_KIND_DELETE:
		if !keyed {
			return errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key: rows are appended to it, not upserted or deleted", info.Path)
		}
		if _, known := flussv1.MergeMode_name[int32(req.MergeMode)]; !known {
			return errcode.New(errcode.InvalidArgument, nil, "merge mode %d is not known to this server", req.MergeMode)
		}
	default:
		return errcode.New(errcode.InvalidArgument, nil, "the kind of write %d is not known to this server", req.Kind)
	}
	return nil
}

// proposeKeyed proposes a batch for a primary-key table. Its rows are looked at
// first, for the machine behind the tablet can refuse what merging makes of rows,
// but must not meet a batch that cannot be decoded.
func (s *Writes) proposeKeyed(ctx context.Context, p *pending, at hosted, header *batch.Header, req *codec.WriteRequest) error {
	shape, err := s.shapes.ofKeyed(at.info, header, req.Kind, req.TargetColumns)
	if err != nil {
		return err
	}
	parsed, err := s.look(ctx, p, shape, req.Batch)
	if err != nil {
		return err
	}
	kind := tablet.UpsertRows
	if req.Kind == flussv1.WriteKind_WRITE_KIND_DELETE {
		kind, p.deletes = tablet.DeleteKeys, p.rows
	}
	return at.tablet.Upsert(ctx, tablet.Upsert{
		Bucket: p.bucket, Batch: parsed.Bytes, Kind: kind, Mode: mergeMode(req.MergeMode), Targets: shape.targets,
	}, p.done)
}

// look validates the batch of a keyed write, and looks at its rows.
func (s *Writes) look(ctx context.Context, p *pending, shape *shape, b []byte) (batch.Parsed, error) {
	free, err := reserve(ctx, s.host, b, s.limits)
	if err != nil {
		return batch.Parsed{}, err
	}
	defer free()
	var m batch.Meta
	parsed, rec, err := readRows(shape.layout, b, s.limits, &m)
	if err != nil {
		return parsed, err
	}
	defer rec.Release()
	p.deletes, err = shape.check(rec, p.bucket, partitionName(s.catalog, p.bucket))
	return parsed, err
}

func mergeMode(m flussv1.MergeMode) flussv1.MergeMode {
	if m == flussv1.MergeMode_MERGE_MODE_UNSPECIFIED {
		return flussv1.MergeMode_MERGE_MODE_DEFAULT
	}
	return m
}

func writeResponse(request uint64, bucket ids.Bucket, r tablet.AppendResult) *flussv1.WriteResponse {
	resp := &flussv1.WriteResponse{
		RequestId: request, BaseOffset: int64(r.Base), EndOffset: int64(r.End),
		Bucket: &flussv1.BucketRef{TableId: int64(bucket.Table), PartitionId: int64(bucket.Partition), Bucket: int32(bucket.Bucket)},
	}
	if r.Err != nil {
		e := errcode.From(r.Err)
		resp.Error = &flussv1.WriteError{Code: string(e.Code), Message: e.Message, Metadata: e.Facts}
	}
	return resp
}
