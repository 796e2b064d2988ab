package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

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

// Bounds of one look-up.
const (
	// maxLookupKeys is how many keys a request may have.
	maxLookupKeys = 1 << 16
	// maxLookupBytes bounds the rows of an answer: clients take no larger message.
	maxLookupBytes = codec.MaxMessageBytes - 1<<20
)

// Lookups is the gRPC service fluss.v1.Lookup. A look-up runs on the goroutine of
// its call, beside writes and never behind them.
type Lookups struct {
	flussv1.UnimplementedLookupServer

	catalog Catalog
	host    *tablet.Host
	limits  batch.Limits
	clock   clock.Clock
	metrics *metrics.Server

	keys    *cache[keyShapeKey, *keyShape]
	answers *cache[rowShapeKey, *rowShape]
	formats *formats
	room    *room
	scratch sync.Pool // of *lookup
}

// LookupOptions are what a Lookups is made of.
type LookupOptions struct {
	Catalog Catalog
	Host    *tablet.Host
	// Limits are those of a batch of keys.
	Limits batch.Limits
	// AnswerBytes is the memory of answers that are made or not yet on the wire, at
	// least MinAnswerBytes, and AnswerWait how long a look-up waits for some.
	AnswerBytes int64
	AnswerWait  time.Duration
	Clock       clock.Clock
	Metrics     *metrics.Server
}

// NewLookups returns the service.
func NewLookups(o LookupOptions) *Lookups {
	limits := o.Limits
	limits.MaxRows = maxLookupKeys
	return &Lookups{
		catalog: o.Catalog, host: o.Host, limits: limits, clock: o.Clock, metrics: o.Metrics,
		keys: newCache[keyShapeKey, *keyShape](maxKeyedColumns), answers: newCache[rowShapeKey, *rowShape](maxKeyedColumns),
		formats: newFormats(o.Catalog), room: newRoom(o.AnswerBytes, o.AnswerWait), scratch: sync.Pool{New: func() any { return new(lookup) }},
	}
}

// Lookup implements flussv1.LookupServer.
//
// It fails with UNKNOWN_TABLE, UNKNOWN_PARTITION, UNKNOWN_BUCKET, UNKNOWN_SCHEMA,
// NOT_PRIMARY_KEY_TABLE, INVALID_ARGUMENT, INVALID_BATCH(column, row),
// LIMIT_EXCEEDED(limit), NOT_LEADER, NO_LEADER, STORAGE_PRESSURE(retry_after_ms) and CORRUPT.
func (s *Lookups) Lookup(ctx context.Context, req *flussv1.LookupRequest) (*flussv1.LookupResponse, error) {
	arrived := s.clock.Now()
	l := s.scratch.Get().(*lookup)
	defer func() {
		l.forget()
		s.scratch.Put(l)
	}()
	if err := s.prepare(l, req); err != nil {
		return nil, err
	}
	if req.GetInsertIfAbsent() {
		if err := s.insertAbsent(ctx, l, req); err != nil {
			return nil, err
		}
	}
	resp, err := s.answer(ctx, l, req)
	if err != nil {
		return nil, err
	}
	s.metrics.LookupKeys.Add(float64(len(resp.GetRowCounts())))
	s.metrics.LookupRows.Add(float64(l.answer.rows))
	s.metrics.LookupSeconds.Observe(s.clock.Now().Sub(arrived).Seconds())
	return resp, nil
}

// prepare resolves what a request names against its table.
func (s *Lookups) prepare(l *lookup, req *flussv1.LookupRequest) error {
	t, err := s.catalog.Catalog().TableByID(ids.TableID(req.GetTableId()))
	if err != nil {
		return err
	}
	if !t.Info.Descriptor.HasPrimaryKey() {
		return errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key to look rows up by: scan it", t.Info.Path)
	}
	if _, known := flussv1.LookupConsistency_name[int32(req.GetConsistency())]; !known {
		return errcode.New(errcode.InvalidArgument, nil, "look-up consistency %d is not known to this server", req.GetConsistency())
	}
	if req.GetInsertIfAbsent() && req.GetPrefix() {
		return errcode.New(errcode.InvalidArgument, nil, "a prefix names no row that could be inserted: look up by the whole primary key, or leave insert_if_absent out")
	}
	if err := checkKeyCount(req); err != nil {
		return err
	}
	l.lookups, l.info = s, t.Info
	if l.shape, err = s.keyShape(t.Info, req); err != nil {
		return err
	}
	shape, err := s.rowShape(t.Info, ids.SchemaID(req.GetSchemaId()), req.GetColumns())
	if err != nil {
		return err
	}
	l.answer = shape.take(s.formats)
	return nil
}

// answer looks up the keys in the smallest room that the rows fit in.
func (s *Lookups) answer(ctx context.Context, l *lookup, req *flussv1.LookupRequest) (*flussv1.LookupResponse, error) {
	for level := range levels {
		lease, err := s.room.take(ctx, level)
		if err != nil {
			return nil, err
		}
		l.answer.limit = levels[level] / copies
		resp, err := s.find(ctx, l, req)
		if err == nil {
			lease.leave(ctx, int64(len(resp.GetRows())+4*len(resp.GetRowCounts())))
			return resp, nil
		}
		l.answer.reset()
		l.counts = nil
		lease.shrink(0)
		if !errors.Is(err, errNoFit) {
			return nil, err
		}
	}
	return nil, errcode.New(errcode.Internal, nil, "no room is large enough for the largest answer")
}

// find looks up the keys of all buckets.
func (s *Lookups) find(ctx context.Context, l *lookup, req *flussv1.LookupRequest) (*flussv1.LookupResponse, error) {
	for _, b := range req.GetBuckets() {
		if err := ctx.Err(); err != nil {
			return nil, errcode.From(err)
		}
		rec, free, err := l.open(ctx, b)
		if err != nil {
			return nil, err
		}
		rec.Release() // l.list has the keys
		free()
		if req.GetPrefix() {
			err = l.prefixes(ctx)
		} else {
			err = l.at.tablet.Lookup(l.bucket, l.list, l.visitFunc())
		}
		if err != nil {
			return nil, err
		}
	}
	rows, err := l.answer.encode()
	if err != nil {
		return nil, err
	}
	return &flussv1.LookupResponse{RowCounts: l.counts, Rows: rows, SchemaId: int32(l.answer.shape.schema)}, nil
}

// lookup is one request on its way, with memory that is used again. It is for
// one goroutine.
type lookup struct {
	lookups *Lookups
	info    *table.Info
	shape   *keyShape
	answer  *answer

	// The bucket at hand, and its keys.
	at     hosted
	bucket ids.Bucket
	keyScratch
	// counts has the rows of each key so far.
	counts []uint32
	visit  func(int, []byte) error // l.row, made once
}

// forget lets go of the request, and gives the answer's memory back.
func (l *lookup) forget() {
	if l.answer != nil {
		l.answer.free()
	}
	clear(l.list)
	l.lookups, l.info, l.shape, l.answer, l.at, l.counts = nil, nil, nil, nil, hosted{}, nil
	l.meta.Nodes, l.meta.Buffers = l.meta.Nodes[:0], l.meta.Buffers[:0]
	l.keyScratch.shrink()
}

func (l *lookup) visitFunc() func(int, []byte) error {
	if l.visit == nil {
		l.visit = l.row
	}
	return l.visit
}

// row takes the row of a key.
func (l *lookup) row(_ int, r []byte) error {
	if r == nil {
		l.counts = append(l.counts, 0)
		return nil
	}
	l.counts = append(l.counts, 1)
	return l.answer.add(r)
}

// open makes a bucket that at hand, and its keys those in list. The caller
// releases the record of the keys, and then calls free, before it proposes anything.
func (l *lookup) open(ctx context.Context, b *flussv1.LookupKeys) (rec arrow.RecordBatch, free func(), err error) {
	l.bucket = ids.Bucket{Table: l.info.ID, Partition: ids.PartitionID(b.GetPartitionId()), Bucket: ids.BucketID(b.GetBucket())}
	if l.at, err = locate(l.lookups.catalog, l.lookups.host, l.bucket); err != nil {
		return nil, nil, err
	}
	limits := l.lookups.limits
	if free, err = reserve(ctx, l.lookups.host, b.GetKeys(), limits); err != nil {
		return nil, nil, err
	}
	if rec, err = l.shape.read(&l.keyScratch, b.GetKeys(), limits, l.bucket, partitionName(l.lookups.catalog, l.bucket)); err != nil {
		free()
		return nil, nil, err
	}
	return rec, free, nil
}

// checkKeyCount reports batches that are none, or that have too many keys in all.
func checkKeyCount(req *flussv1.LookupRequest) error {
	total := int64(0)
	for _, b := range req.GetBuckets() {
		h, err := batch.ParseHeader(b.GetKeys())
		if err != nil {
			return err
		}
		if total += int64(h.RowCount); total > maxLookupKeys {
			return errcode.New(errcode.LimitExceeded, nil, "the look-up has more than %d keys: send fewer at a time", maxLookupKeys).
				With("limit", maxLookupKeys)
		}
	}
	return nil
}

// prefixes looks up all rows under the prefixes in list.
func (l *lookup) prefixes(ctx context.Context) error {
	rows, err := l.at.tablet.Rows(l.bucket)
	if err != nil {
		return err
	}
	defer rows.Close()
	for _, prefix := range l.list {
		if err := ctx.Err(); err != nil {
			return errcode.From(err)
		}
		n, err := l.prefix(ctx, rows, prefix)
		if err != nil {
			return err
		}
		l.counts = append(l.counts, n)
	}
	return nil
}
