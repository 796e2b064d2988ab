package sdk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// Scanner opens a scan of a table and waits for the server to accept it: it fails
// with UNKNOWN_TABLE, INVALID_PROJECTION, INVALID_FILTER (position),
// UNKNOWN_PARTITION, UNKNOWN_BUCKET, OFFSET_OUT_OF_RANGE and INVALID_ARGUMENT.
func (c *Client) Scanner(ctx context.Context, path string, o ScanOptions) (*Scanner, error) {
	meta, err := c.metadata.refresh(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := o.ensure(meta.info.Descriptor.HasPrimaryKey()); err != nil {
		return nil, err
	}
	if err := c.fixStarts(ctx, path, &o); err != nil {
		return nil, err
	}
	s := &Scanner{c: c, table: meta, options: o, left: o.Limit, positions: map[ids.Bucket]position{}, readers: &readerCache{}}
	if s.streams, err = s.plan(); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(c.life)
	s.out = make(chan scanItem, o.Prefetch*len(s.streams))
	s.open = len(s.streams)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		s.end()
		return nil, errClientClosed()
	}
	c.scanners[s] = struct{}{}
	c.mu.Unlock()
	for _, stream := range s.streams {
		s.wg.Go(stream.run)
	}
	// The first thing of a stream is its schema or why there is none.
	select {
	case item := <-s.out:
		s.take(item)
	case <-ctx.Done():
		s.failed = errcode.From(ctx.Err())
	}
	if s.failed != nil {
		failed := s.failed
		_ = s.Close()
		return nil, failed
	}
	return s, nil
}

// fixStarts turns a start that moves with time into offsets, so that a scan that
// follows and breaks off before anything came goes on from where it began.
func (c *Client) fixStarts(ctx context.Context, path string, o *ScanOptions) error {
	if !o.Follow || o.From.kind != offsetLatest && o.From.kind != offsetTimestamp {
		return nil
	}
	offsets, err := c.Admin().Offsets(ctx, path, OffsetQuery{Spec: o.From, Partitions: o.Partitions, Buckets: o.Buckets})
	if err != nil {
		return err
	}
	given := o.Starts
	o.Starts, o.From = map[ids.Bucket]ids.Offset{}, Earliest() // what comes later is wanted whole
	for _, at := range offsets {
		o.Starts[at.Bucket] = at.Offset
	}
	maps.Copy(o.Starts, given)
	return nil
}

// discovers reports whether the server looks for partitions that come, and leaves
// those that go: for a scan that follows all of them.
func (s *Scanner) discovers() bool {
	return s.options.Follow && len(s.options.Partitions) == 0 && len(s.table.info.Descriptor.PartitionKeys) > 0
}

func (o *ScanOptions) ensure(keyed bool) error {
	if o.From.IsZero() {
		o.From = Full()
	}
	if o.From.kind == offsetFull && (!keyed || o.What != ScanRows) {
		o.From = Earliest()
	}
	if o.Streams == 0 {
		o.Streams = DefaultScanStreams
	}
	if o.Prefetch == 0 {
		o.Prefetch = DefaultPrefetch
	}
	switch {
	case int(o.What) >= len(scanWhats):
		return errcode.New(errcode.InvalidArgument, nil, "ScanOptions.What is %d, which is nothing that can be scanned", o.What)
	case o.Limit < 0:
		return errcode.New(errcode.InvalidArgument, nil, "ScanOptions.Limit is %d: it must not be negative", o.Limit)
	case o.Streams < 1 || o.Streams > 64:
		return errcode.New(errcode.InvalidArgument, nil, "ScanOptions.Streams is %d: it must be 1 to 64", o.Streams)
	case o.Prefetch < 1 || o.Prefetch > 1024:
		return errcode.New(errcode.InvalidArgument, nil, "ScanOptions.Prefetch is %d: it must be 1 to 1024", o.Prefetch)
	case o.Until.kind == offsetEarliest || o.Until.kind == offsetFull:
		return errcode.New(errcode.InvalidArgument, nil, "ScanOptions.Until must not be Earliest or Full")
	}
	return nil
}

// Schema is the Arrow schema of the batches: the columns asked for and the system columns.
func (s *Scanner) Schema() *arrow.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schema
}

// plan spreads the wanted buckets over streams: one group for each server, and
// the bucket numbers of a server over several streams.
func (s *Scanner) plan() ([]*scanStream, error) {
	partitions, err := s.wantedPartitions()
	if err != nil {
		return nil, err
	}
	byEndpoint := map[string][]ids.Bucket{}
	info := s.table.info
	for _, b := range s.options.Buckets {
		if count := max(1, info.Descriptor.BucketCount); b < 0 || int(b) >= count {
			return nil, errcode.New(errcode.UnknownBucket, nil, "%s has no bucket %d: its buckets are 0 to %d", info.Path, b, count-1)
		}
	}
	for _, p := range partitions {
		for b := range ids.BucketID(max(1, info.Descriptor.BucketCount)) { //nolint:gosec // at most 4096
			if len(s.options.Buckets) > 0 && !slices.Contains(s.options.Buckets, b) {
				continue
			}
			endpoint := s.table.endpoint(p, b)
			byEndpoint[endpoint] = append(byEndpoint[endpoint], ids.Bucket{Table: info.ID, Partition: p, Bucket: b})
		}
	}
	var out []*scanStream
	for endpoint, buckets := range byEndpoint {
		n := min(s.options.Streams, len(buckets))
		if s.options.Limit > 0 {
			n = 1 // others would send rows that nobody wants
		}
		groups := make([][]ids.Bucket, n)
		for _, b := range buckets {
			i := int(b.Bucket) % n
			groups[i] = append(groups[i], b)
		}
		for _, g := range groups {
			if len(g) > 0 {
				out = append(out, s.newStream(endpoint, len(out), g))
			}
		}
	}
	if len(out) == 0 {
		// Nothing is there to be read; the server tells the schema, or what is wrong.
		out = append(out, s.newStream("", 0, nil))
	}
	return out, nil
}

// wantedPartitions lists the ids of the partitions; 0 alone for a table without.
func (s *Scanner) wantedPartitions() ([]ids.PartitionID, error) {
	if len(s.table.info.Descriptor.PartitionKeys) == 0 {
		if len(s.options.Partitions) > 0 {
			return nil, errcode.New(errcode.UnknownPartition, nil, "%s is not partitioned", s.table.info.Path)
		}
		return []ids.PartitionID{0}, nil
	}
	var out []ids.PartitionID
	if len(s.options.Partitions) == 0 {
		for _, id := range s.table.partitions {
			out = append(out, id)
		}
		slices.Sort(out)
		return out, nil
	}
	for _, name := range s.options.Partitions {
		id, ok := s.table.partitions[s.table.info.Descriptor.CanonicalPartitionName(name)]
		if !ok {
			return nil, errcode.New(errcode.UnknownPartition, nil, "%s has no partition %q", s.table.info.Path, name)
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// scanStream reads a group of buckets of one server, over one DoGet after another.
type scanStream struct {
	s        *Scanner
	endpoint string
	index    int
	buckets  []ids.Bucket
	// position is where each bucket goes on, for those of which something came.
	position map[ids.Bucket]position
	ended    map[ids.Bucket]bool
	// names are those of partitions that came after the scan began.
	names  map[ids.PartitionID]string
	schema *arrow.Schema
	layout *batch.Layout
	meta   batch.Meta
	pauses backoff
	// progress is when something last came.
	progress time.Time
}

func (s *Scanner) newStream(endpoint string, index int, buckets []ids.Bucket) *scanStream {
	st := &scanStream{
		s: s, endpoint: endpoint, index: index, buckets: buckets, pauses: s.c.opts.backoff(),
		position: map[ids.Bucket]position{}, ended: map[ids.Bucket]bool{},
	}
	for _, b := range buckets {
		offset, given := s.options.Starts[b]
		resume := s.options.Resume[b]
		if given || len(resume) > 0 {
			st.position[b] = position{offset, resume}
		}
	}
	return st
}

// run reads until the scan ends, mending what breaks.
func (st *scanStream) run() {
	st.progress = time.Now()
	for {
		err := st.once()
		if err == nil {
			st.s.emit(scanItem{end: true})
			return
		}
		if st.s.life.Err() != nil {
			return
		}
		e := errcode.From(err)
		if e.Code == errcode.UnknownSchema {
			e = errcode.New(errcode.UnknownSchema, e, "the columns of %s were changed, and those that the scan began with cannot hold what comes now: scan on with Rest",
				st.s.table.info.Path)
			st.s.emit(scanItem{err: e})
			return
		}
		if !scanAgain(e.Code) || time.Since(st.progress) > st.s.c.opts.retryTimeout {
			st.s.emit(scanItem{err: e})
			return
		}
		d := st.pauses.pause(e)
		st.s.c.opts.hooks.Retried("scan", e, d)
		st.s.c.opts.logger.Debug("a scan stream will be opened again", "pause", d, "error", e)
		if sleep(st.s.life, d) != nil {
			return
		}
		if err := st.relocate(); err != nil {
			st.s.emit(scanItem{err: err})
			return
		}
	}
}

func scanAgain(code errcode.Code) bool {
	return code.Retry() != errcode.Never
}

// relocate asks who leads the buckets now.
func (st *scanStream) relocate() error {
	meta, err := st.s.c.metadata.refresh(st.s.life, st.s.table.info.Path.String())
	if err != nil {
		if errcode.Of(err) == errcode.UnknownTable {
			return err
		}
		return nil // the next try tells
	}
	if meta.info.ID != st.s.table.info.ID {
		return errcode.New(errcode.UnknownTable, nil, "%s was dropped and created again during the scan", meta.info.Path)
	}
	if len(st.buckets) > 0 {
		st.endpoint = meta.endpoint(st.buckets[0].Partition, st.buckets[0].Bucket)
	}
	return nil
}

// emit hands an item to Next; false when the scanner is closed.
func (s *Scanner) emit(item scanItem) bool {
	select {
	case s.out <- item:
		return true
	case <-s.life.Done():
		if item.batch != nil {
			item.batch.Release()
		}
		return false
	}
}

// once opens a stream and reads it to its end; nil when the scan has ended.
func (st *scanStream) once() error {
	s := st.s
	conn, connErr := s.c.servers.conn(st.endpoint, st.index)
	if connErr != nil {
		return connErr
	}
	ticketBytes, err := ticket.Encode(st.request())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	get, err := flight.NewFlightServiceClient(conn).DoGet(ctx, &flight.Ticket{Ticket: ticketBytes})
	if err != nil {
		return errcode.From(err)
	}
	if err = st.readSchema(get); err != nil {
		return err
	}
	for {
		data := &codec.FlightData{}
		err = get.RecvMsg(data)
		if errors.Is(err, io.EOF) {
			return st.atEnd()
		}
		if err != nil {
			return errcode.From(err)
		}
		st.pauses.reset()
		st.progress = time.Now()
		item, err := st.decode(data)
		if err != nil {
			return err
		}
		if item.batch != nil && !s.emit(item) {
			return errClientClosed()
		}
	}
}

// atEnd judges a stream that the server has ended.
func (st *scanStream) atEnd() error {
	if !st.s.options.Follow {
		return nil
	}
	return errcode.New(errcode.Unavailable, nil, "the server ended a following scan")
}

// request asks for the buckets that have not ended, from where they are.
func (st *scanStream) request() *flussv1.ScanRequest {
	o := &st.s.options
	info := st.s.table.info
	r := &flussv1.ScanRequest{
		Path:    &flussv1.TablePath{Database: info.Path.Database, Table: info.Path.Table},
		TableId: int64(info.ID), SchemaId: int32(info.Schema().ID), Filter: o.Filter, Start: o.From.proto(), Stop: o.Until.proto(),
		Follow: o.Follow, Limit: o.Limit, KeepAliveMs: o.KeepAlive.Milliseconds(), What: scanWhats[o.What],
	}
	if o.Columns != nil {
		r.Projection = &flussv1.Projection{Names: o.Columns}
	}
	for _, c := range o.SystemColumns {
		r.SystemColumns = append(r.SystemColumns, flussv1.SystemColumn(c))
	}
	for b, at := range st.position {
		r.BucketStarts = append(r.BucketStarts, &flussv1.BucketStart{
			PartitionId: int64(b.Partition), Bucket: int32(b.Bucket), Offset: int64(at.offset), Resume: at.resume,
		})
	}
	for _, b := range st.buckets {
		if st.ended[b] {
			continue
		}
		if !slices.Contains(r.Buckets, int32(b.Bucket)) {
			r.Buckets = append(r.Buckets, int32(b.Bucket))
		}
		if name := st.s.table.names[b.Partition]; b.Partition != 0 && !st.s.discovers() && !slices.Contains(r.Partitions, name) {
			r.Partitions = append(r.Partitions, name)
		}
	}
	if len(st.buckets) == 0 {
		r.Partitions = o.Partitions
		for _, b := range o.Buckets {
			r.Buckets = append(r.Buckets, int32(b))
		}
	}
	return r
}

// readSchema reads the first message of a stream.
func (st *scanStream) readSchema(get grpc.ClientStream) error {
	var data codec.FlightData
	defer data.Free()
	err := get.RecvMsg(&data)
	if errors.Is(err, io.EOF) {
		return errcode.New(errcode.Unavailable, nil, "the server ended the stream before its schema")
	}
	if err != nil {
		return errcode.From(err)
	}
	as, err := batch.ParseSchemaMessage(data.Header)
	if err != nil {
		return err
	}
	if st.schema != nil {
		if !as.Equal(st.schema) {
			return errcode.New(errcode.UnknownSchema, nil, "the table's columns changed while the scan was away")
		}
		return nil
	}
	fields, err := schema.FromArrow(as)
	if err != nil {
		return err
	}
	st.schema, st.layout = as, batch.NewLayout(fields)
	if !st.s.emit(scanItem{schema: as}) {
		return errClientClosed()
	}
	return nil
}

// decode turns a message into a batch; one without rows tells a position only. It
// takes data over.
func (st *scanStream) decode(data *codec.FlightData) (scanItem, error) {
	var md flussv1.ScanMetadata
	if err := ticket.ParseMetadata(data.AppMetadata, &md); err != nil {
		data.Free()
		return scanItem{}, err
	}
	info := st.s.table.info
	bucket := ids.Bucket{Table: info.ID, Partition: ids.PartitionID(md.GetPartitionId()), Bucket: ids.BucketID(md.GetBucket())}
	was := st.ended[bucket]
	st.ended[bucket] = was || md.GetBucketEnd()
	if len(data.Header) == 0 || was {
		data.Free() // a sign of life, or a bucket that was resumed only because its number was
		return scanItem{}, nil
	}
	size := len(data.Data)
	rec, err := decodeRecord(st, data)
	if err != nil {
		return scanItem{}, batch.Unreadable(err, bucket, ids.Offset(md.GetBaseOffset()), ids.Offset(md.GetNextOffset()))
	}
	b := &Batch{
		Record: rec, Bucket: bucket, Partition: st.partitionName(bucket.Partition),
		BaseOffset: ids.Offset(md.GetBaseOffset()), NextOffset: ids.Offset(md.GetNextOffset()),
		HighWatermark: ids.Offset(md.GetHighWatermark()), CommittedAt: time.UnixMilli(md.GetCommitTimestampMs()).UTC(),
		SchemaID: ids.SchemaID(md.GetSchemaId()), Resume: md.GetResume(), readers: st.s.readers,
	}
	before, known := st.position[bucket]
	if rec.NumRows() == 0 && b.NextOffset <= before.offset && bytes.Equal(before.resume, b.Resume) && (known || b.NextOffset == 0) {
		b.Release()
		return scanItem{}, nil
	}
	st.position[bucket] = position{max(before.offset, b.NextOffset), b.Resume}
	st.s.c.opts.hooks.BatchRead(bucket, int(rec.NumRows()), size)
	return scanItem{batch: b}, nil
}

// partitionName is the name of a partition; empty when it cannot be had.
func (st *scanStream) partitionName(id ids.PartitionID) string {
	if id == 0 {
		return ""
	}
	if name, ok := st.names[id]; ok {
		return name
	}
	if name, ok := st.s.table.names[id]; ok {
		return name
	}
	// One that came after the scan began.
	if meta, err := st.s.c.metadata.refresh(st.s.life, st.s.table.info.Path.String()); err == nil {
		st.names = meta.names
	}
	return st.names[id]
}
