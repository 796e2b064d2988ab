package sdk

import (
	"context"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// SystemColumn is a column that the server adds after the table's own.
type SystemColumn uint8

// The system columns.
const (
	// BucketColumn is __bucket INT NOT NULL.
	BucketColumn SystemColumn = 1
	// OffsetColumn is __offset BIGINT NOT NULL.
	OffsetColumn SystemColumn = 2
	// TimestampColumn is __timestamp TIMESTAMP_LTZ(3) NOT NULL: when the row was committed.
	TimestampColumn SystemColumn = 3
	// ChangeTypeColumn is __change_type STRING NOT NULL: "+A" in a log table, "+I",
	// "-U", "+U" or "-D" in a primary-key table.
	ChangeTypeColumn SystemColumn = 4
)

// ScanWhat is what a scan returns.
type ScanWhat uint8

const (
	// ScanRows is the rows of a log table. Of a primary-key table without start, or
	// from Full, it is the rows as they are now in key order, bucket by bucket, and
	// then, when the scan follows, the changes; from elsewhere the changes.
	ScanRows ScanWhat = iota
	// ScanChangelog is the changes of a primary-key table, from its log: see
	// ChangeTypeColumn. Of a log table it is the rows.
	ScanChangelog
	// ScanBinlog is the changes of a primary-key table, an update as one row: the
	// columns before and after, both ROW and null where there is no row.
	ScanBinlog
)

var scanWhats = [...]flussv1.ScanWhat{
	ScanRows: flussv1.ScanWhat_SCAN_WHAT_ROWS, ScanChangelog: flussv1.ScanWhat_SCAN_WHAT_CHANGELOG, ScanBinlog: flussv1.ScanWhat_SCAN_WHAT_BINLOG,
}

// ScanOptions says what a scan returns. The zero value is all columns of all
// rows: of a log table from the earliest up to now, of a primary-key table as they
// are now.
type ScanOptions struct {
	// What is ScanRows unless it is set.
	What ScanWhat
	// Columns are the columns wanted, in that order; nil means all, and empty but
	// not nil none (rows are counted).
	Columns []string
	// Filter is the text of a row filter, like "delay > 60 AND origin IN ('LAX', 'SFO')".
	Filter string
	// From is where to start; not given means Full.
	From OffsetSpec
	// Until is where to end, before the offset; not given means Latest as of the
	// start. (Where a connection breaks, the rest goes on to Latest as of then.)
	Until OffsetSpec
	// Follow never ends: rows come as they are committed. Until is ignored.
	Follow bool
	// Limit ends the scan after this many rows over all buckets; 0 means no limit.
	Limit int64
	// Partitions are names; none means all that there are at the start.
	Partitions []string
	// Buckets are numbers; none means all.
	Buckets []ids.BucketID
	// Starts are where single buckets start, overriding From; as Positions returns them.
	Starts map[ids.Bucket]ids.Offset
	// Resume is where single buckets go on, overriding Starts and From; as
	// Scanner.Resume returns it, or Batch.Resume.
	Resume map[ids.Bucket][]byte
	// SystemColumns are added after the columns.
	SystemColumns []SystemColumn
	// Streams are how many streams the buckets are spread over; default 2.
	Streams int
	// Prefetch is how many decoded batches wait for Next at most, per stream; default 4.
	Prefetch int
	// KeepAlive is after how long without rows the server of a following scan
	// sends a sign of life; 0 means the server's default.
	KeepAlive time.Duration
}

// Batch is some rows of one bucket, in order of their offsets.
type Batch struct {
	// Record has the columns asked for. It is valid until Release; Retain it to
	// keep it for longer.
	Record arrow.RecordBatch
	Bucket ids.Bucket
	// Partition is empty when the table is not partitioned.
	Partition string
	// BaseOffset is that of the first row as stored; with a filter rows may be
	// missing between it and NextOffset, where a scan goes on after this batch. Of
	// the rows of a primary-key table both are where the changes since begin.
	BaseOffset, NextOffset ids.Offset
	// HighWatermark is the offset that the next row committed to the bucket got.
	HighWatermark ids.Offset
	// CommittedAt is when the rows were committed.
	CommittedAt time.Time
	SchemaID    ids.SchemaID
	// Resume is where a scan goes on after this batch when NextOffset does not say
	// it all: in the middle of the rows of a primary-key table, and among the first
	// changes after rows that were read in parts. Else it is empty.
	Resume []byte

	readers *readerCache
}

// Release gives the batch's memory back. Its Record must not be used afterwards
// unless it was retained.
func (b *Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
		b.Record = nil
	}
}

// Scanner streams rows of a table's buckets, each bucket's in order. Broken
// connections are mended from where each bucket was. Next must not be called by
// two goroutines at a time.
type Scanner struct {
	c       *Client
	table   *tableMetadata
	options ScanOptions
	streams []*scanStream

	life context.Context //nolint:containedctx // the scanner's lifetime outlives the call that opens it
	end  context.CancelFunc
	wg   sync.WaitGroup
	out  chan scanItem
	// left are the rows that the limit still allows.
	left int64
	// open counts the streams that have not ended.
	open    int
	failed  error
	readers *readerCache

	mu        sync.Mutex
	positions map[ids.Bucket]position
	schema    *arrow.Schema
}

// position is where a bucket goes on: at resume unless it is empty.
type position struct {
	offset ids.Offset
	resume []byte
}

type scanItem struct {
	batch *Batch
	// schema comes before a stream's first batch.
	schema *arrow.Schema
	err    error
	end    bool
}

// Next returns the next batch, which the caller releases. At the end of a
// bounded scan it returns io.EOF. It fails with CANCELED and DEADLINE_EXCEEDED
// when ctx ends first, after which it may be called again; with
// OFFSET_OUT_OF_RANGE (start, end) when rows wanted are gone; UNKNOWN_TABLE when
// the table was dropped; UNKNOWN_SCHEMA at a row that the columns as they were when
// the scan began cannot hold, after which another goes on with those of Rest;
// UNAVAILABLE when no server answered for the retry timeout.
func (s *Scanner) Next(ctx context.Context) (*Batch, error) {
	for s.failed == nil {
		if s.open == 0 || s.options.Limit > 0 && s.left == 0 {
			s.failed = io.EOF
			s.end()
			break
		}
		select {
		case item := <-s.out:
			if b := s.take(item); b != nil {
				return b, nil
			}
		case <-ctx.Done():
			return nil, errcode.From(ctx.Err())
		case <-s.life.Done():
			s.failed = errcode.New(errcode.Canceled, nil, "the scanner is closed")
		}
	}
	return nil, s.failed
}

// take books an item; it returns a batch that is to be given out, or nil.
func (s *Scanner) take(item scanItem) *Batch {
	switch {
	case item.err != nil:
		s.failed = item.err
		s.end()
		return nil
	case item.end:
		s.open--
		return nil
	case item.schema != nil:
		s.mu.Lock()
		s.schema = item.schema
		s.mu.Unlock()
		return nil
	}
	b := item.batch
	rows, known := b.Record.NumRows(), true
	if s.options.Limit > 0 && rows > s.left {
		known = s.cut(b)
		rows = s.left
	}
	s.left -= rows
	if known {
		s.mu.Lock()
		s.positions[b.Bucket] = position{b.NextOffset, b.Resume}
		s.mu.Unlock()
	}
	if rows == 0 {
		b.Release()
		return nil
	}
	return b
}

// cut shortens b to the rows that the limit still allows. It reports whether it is
// known where a scan goes on after them: of the rows of a primary-key table it is
// not, and the place stays that before the batch.
func (s *Scanner) cut(b *Batch) bool {
	cut := b.Record.NewSlice(0, s.left)
	b.Record.Release()
	b.Record = cut
	if len(b.Resume) > 0 || b.NextOffset <= b.BaseOffset {
		s.mu.Lock()
		before := s.positions[b.Bucket]
		s.mu.Unlock()
		b.NextOffset, b.Resume = before.offset, before.resume
		return false
	}
	if s.options.Filter == "" && s.options.What != ScanBinlog {
		b.NextOffset = b.BaseOffset + ids.Offset(s.left)
	}
	return true
}

// Positions returns where each bucket goes on after the batches that Next has
// returned, for ScanOptions.Starts of a later scan. Buckets of which nothing came
// yet are missing, as are those that Resume has. The map is the caller's.
func (s *Scanner) Positions() map[ids.Bucket]ids.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[ids.Bucket]ids.Offset, len(s.positions))
	for b, at := range s.positions {
		if len(at.resume) == 0 {
			out[b] = at.offset
		}
	}
	return out
}

// Resume returns where the buckets go on for which an offset does not say it all:
// those of a primary-key table whose rows were not all read, or in parts. It is
// for ScanOptions.Resume of a later scan, beside Positions. The map is the caller's.
func (s *Scanner) Resume() map[ids.Bucket][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[ids.Bucket][]byte{}
	for b, at := range s.positions {
		if len(at.resume) > 0 {
			out[b] = at.resume
		}
	}
	return out
}

// Rest returns the options of a scan of what is left after the batches that Next
// has returned, with the columns as they are when it begins. They are the caller's.
func (s *Scanner) Rest() ScanOptions {
	o := s.options
	o.Starts, o.Resume = maps.Clone(o.Starts), maps.Clone(o.Resume)
	if o.Starts == nil {
		o.Starts = map[ids.Bucket]ids.Offset{}
	}
	if o.Resume == nil {
		o.Resume = map[ids.Bucket][]byte{}
	}
	s.mu.Lock()
	for b, at := range s.positions {
		delete(o.Resume, b)
		o.Starts[b] = at.offset
		if len(at.resume) > 0 {
			delete(o.Starts, b)
			o.Resume[b] = at.resume
		}
	}
	s.mu.Unlock()
	if o.Limit > 0 {
		o.Limit = max(s.left, 1)
	}
	return o
}

// Close ends the scan and waits for its goroutines. Closing again does nothing.
func (s *Scanner) Close() error {
	s.end()
	s.wg.Wait()
	for {
		select {
		case item := <-s.out:
			if item.batch != nil {
				item.batch.Release()
			}
			continue
		default:
		}
		break
	}
	s.c.mu.Lock()
	delete(s.c.scanners, s)
	s.c.mu.Unlock()
	return nil
}
