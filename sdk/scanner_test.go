package sdk_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk"
)

// flightFake streams what the fake server stores. cut ends a stream with an error
// before its nth batch, counted from 1; 0 lets it go on.
type flightFake struct {
	flight.BaseFlightServer
	f   *fakeServer
	cut func(stream int) (batches int, code errcode.Code)

	streams  int
	requests []*flussv1.ScanRequest
}

func withFlight(f *fakeServer) *flightFake {
	return &flightFake{f: f, cut: func(int) (int, errcode.Code) { return 0, "" }}
}

func (s *flightFake) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	r, err := ticket.Decode(t.GetTicket())
	if err != nil {
		return errcode.ToStatus(err)
	}
	s.f.mu.Lock()
	s.streams++
	s.requests = append(s.requests, r)
	limit, code := s.cut(s.streams)
	info := s.f.infos[r.GetPath().GetTable()]
	s.f.mu.Unlock()
	if r.GetFilter() == "bad" {
		return errcode.ToStatus(errcode.New(errcode.InvalidFilter, nil, "bad filter").With("position", 1))
	}
	sent := 0
	var w *flight.Writer
	emit := func(rec arrow.RecordBatch, md *flussv1.ScanMetadata) error {
		if sent++; limit > 0 && sent >= limit {
			return errcode.ToStatus(errcode.New(code, nil, "cut by the test"))
		}
		rec = project(rec, r.GetProjection())
		if w == nil {
			w = flight.NewRecordWriter(stream, ipc.WithSchema(rec.Schema()))
		}
		return w.WriteWithAppMetadata(rec, ticket.AppendMetadata(nil, md, false))
	}
	at := map[int32]int64{}
	for _, b := range r.GetBucketStarts() {
		at[b.GetBucket()] = b.GetOffset()
	}
	if err := emit(emptyRecord(info), &flussv1.ScanMetadata{}); err != nil {
		return err
	}
	for {
		for b := range info.GetDescriptor_().GetBucketCount() {
			if len(r.GetBuckets()) > 0 && !slices.Contains(r.GetBuckets(), b) {
				continue
			}
			id := ids.Bucket{Table: ids.TableID(info.GetTableId()), Bucket: ids.BucketID(b)}
			if err := s.bucket(id, at, emit, !r.GetFollow()); err != nil {
				return err
			}
		}
		if !r.GetFollow() {
			return nil
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-time.After(time.Millisecond):
		}
	}
}

func emptyRecord(info *flussv1.TableInfo) arrow.RecordBatch {
	fields := []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}}
	_ = info
	return array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil)).NewRecordBatch()
}

func project(rec arrow.RecordBatch, p *flussv1.Projection) arrow.RecordBatch {
	if p == nil {
		p = &flussv1.Projection{Names: []string{"a", "b"}}
	}
	var fields []arrow.Field
	var columns []arrow.Array
	for _, name := range p.GetNames() {
		i := rec.Schema().FieldIndices(name)[0]
		f := rec.Schema().Field(i)
		f.Metadata = arrow.Metadata{}
		fields, columns = append(fields, f), append(columns, rec.Column(i))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rec.NumRows())
}

func (s *flightFake) bucket(id ids.Bucket, at map[int32]int64, emit func(arrow.RecordBatch, *flussv1.ScanMetadata) error, bounded bool) error {
	s.f.mu.Lock()
	var records []arrow.RecordBatch
	if b := s.f.buckets[id]; b != nil {
		records = slices.Clone(b.records)
	}
	s.f.mu.Unlock()
	base := int64(0)
	n := int32(id.Bucket)
	for _, rec := range records {
		end := base + rec.NumRows()
		if end > at[n] {
			from := max(0, at[n]-base)
			md := &flussv1.ScanMetadata{Bucket: n, BaseOffset: base + from, NextOffset: end, HighWatermark: end, SchemaId: 1, CommitTimestampMs: 1000}
			if err := emit(rec.NewSlice(from, rec.NumRows()), md); err != nil {
				return err
			}
			at[n] = end
		}
		base = end
	}
	if bounded {
		return emit(emptyRecord(nil), &flussv1.ScanMetadata{Bucket: n, NextOffset: base, BucketEnd: true})
	}
	return nil
}

// filled is a table of 4 buckets with the rows 0 to n-1.
func filled(t *testing.T, n int) (*fakeServer, *flightFake, *sdk.Client) {
	f := newFake(t)
	f.create(t, "t", "a BIGINT NOT NULL, b STRING", 4, nil, nil, plain)
	s := withFlight(f)
	f.flight.Store(s)
	c := f.connect(t, sdk.WithRetryTimeout(time.Second))
	a := open(t, c, "t", sdk.WithBatchBytes(1<<10))
	for i := range n {
		_, err := a.Append(context.Background(), &row{A: int64(i), B: "0123456789"})
		require.NoError(t, err)
	}
	require.NoError(t, a.Close(context.Background()))
	return f, s, c
}

func collect(t *testing.T, s *sdk.Scanner) (values []int64) {
	t.Helper()
	for r, err := range sdk.Rows[row](context.Background(), s) {
		require.NoError(t, err)
		require.Equal(t, "0123456789", r.B)
		values = append(values, r.A)
	}
	slices.Sort(values)
	return values
}

func upTo(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestScanAll(t *testing.T) {
	_, fl, c := filled(t, 2000)
	s, err := c.Scanner(context.Background(), "t", sdk.ScanOptions{})
	require.NoError(t, err)
	require.Equal(t, "a", s.Schema().Field(0).Name)
	require.Equal(t, upTo(2000), collect(t, s))
	_, err = s.Next(context.Background())
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, s.Positions(), 4)
	require.NoError(t, s.Close())
	require.Len(t, fl.requests, 2, "two streams")

	again, err := c.Scanner(context.Background(), "t", sdk.ScanOptions{Starts: s.Positions()})
	require.NoError(t, err)
	require.Empty(t, collect(t, again), "nothing is left")
	require.NoError(t, again.Close())
}

func TestScanLimitAndColumns(t *testing.T) {
	_, _, c := filled(t, 2000)
	s, err := c.Scanner(context.Background(), "t", sdk.ScanOptions{Columns: []string{"b"}, Limit: 77})
	require.NoError(t, err)
	defer s.Close()
	n := 0
	for m, err := range sdk.Rows[map[string]any](context.Background(), s) {
		require.NoError(t, err)
		require.Equal(t, map[string]any{"b": "0123456789"}, m)
		n++
	}
	require.Equal(t, 77, n)
}

func TestScanMendsWhatBreaks(t *testing.T) {
	for _, code := range []errcode.Code{errcode.Unavailable, errcode.NotLeader, errcode.ShuttingDown, errcode.BadChecksum} {
		t.Run(string(code), func(t *testing.T) {
			_, fl, c := filled(t, 3000)
			fl.cut = func(stream int) (int, errcode.Code) { return 3 + stream, code }
			s, err := c.Scanner(context.Background(), "t", sdk.ScanOptions{Prefetch: 1})
			require.NoError(t, err)
			require.Equal(t, upTo(3000), collect(t, s))
			require.NoError(t, s.Close())
			require.Greater(t, fl.streams, 2)
		})
	}
}

func TestScanFails(t *testing.T) {
	_, fl, c := filled(t, 100)
	ctx := context.Background()
	_, err := c.Scanner(ctx, "nowhere", sdk.ScanOptions{})
	require.Equal(t, errcode.UnknownTable, errcode.Of(err))
	_, err = c.Scanner(ctx, "t", sdk.ScanOptions{Filter: "bad"})
	require.Equal(t, errcode.InvalidFilter, errcode.Of(err))
	require.Equal(t, "1", errcode.From(err).Facts["position"])
	_, err = c.Scanner(ctx, "t", sdk.ScanOptions{Partitions: []string{"p"}})
	require.Equal(t, errcode.UnknownPartition, errcode.Of(err))
	_, err = c.Scanner(ctx, "t", sdk.ScanOptions{Streams: -1})
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	fl.cut = func(int) (int, errcode.Code) { return 2, errcode.OffsetOutOfRange }
	s, err := c.Scanner(ctx, "t", sdk.ScanOptions{})
	if err == nil {
		for err == nil {
			_, err = s.Next(ctx)
		}
		require.NoError(t, s.Close())
	}
	require.Equal(t, errcode.OffsetOutOfRange, errcode.Of(err))
}

// TestScanEndsWhereItsColumnsEnd: rows that the columns of the beginning cannot
// hold end a scan at once, and the rest is read by another.
func TestScanEndsWhereItsColumnsEnd(t *testing.T) {
	f, fl, c := filled(t, 2000)
	fl.cut = func(stream int) (int, errcode.Code) {
		if stream == 1 {
			return 4, errcode.UnknownSchema
		}
		return 0, ""
	}
	ctx := context.Background()
	s, err := c.Scanner(ctx, "t", sdk.ScanOptions{Streams: 1, Prefetch: 1})
	require.NoError(t, err)
	var got []int64
	for err == nil {
		var b *sdk.Batch
		if b, err = s.Next(ctx); err == nil {
			got = append(got, b.Record.Column(0).(*array.Int64).Int64Values()...)
			b.Release()
		}
	}
	require.Equal(t, errcode.UnknownSchema, errcode.Of(err))
	require.ErrorContains(t, err, "the columns of")
	require.NoError(t, s.Close())
	require.Equal(t, 1, fl.streams, "nothing was tried again")
	first := fl.requests[0].GetSchemaId()
	require.NotZero(t, first, "a scan keeps the columns it began with when it is opened again")

	f.mu.Lock()
	f.infos["t"] = altered(t, f.infos["t"])
	f.mu.Unlock()
	rest, err := c.Scanner(ctx, "t", s.Rest())
	require.NoError(t, err)
	got = append(got, collect(t, rest)...)
	require.NoError(t, rest.Close())
	slices.Sort(got)
	require.Equal(t, upTo(2000), got)
	require.Greater(t, fl.requests[1].GetSchemaId(), first)
}

func TestFollow(t *testing.T) {
	f, fl, c := filled(t, 100)
	before := runtime.NumGoroutine()
	fl.cut = func(stream int) (int, errcode.Code) { return 20, errcode.Unavailable }
	s, err := c.Scanner(context.Background(), "t", sdk.ScanOptions{Follow: true})
	require.NoError(t, err)
	a := open(t, c, "t")
	var got []int64
	next := 100
	for len(got) < 400 {
		if len(got) == next && next < 400 {
			_, err := a.Append(context.Background(), &row{A: int64(next), B: "0123456789"})
			require.NoError(t, err)
			next++
		}
		b, err := s.Next(context.Background())
		require.NoError(t, err)
		for r, err := range sdk.BatchRows[row](b) {
			require.NoError(t, err)
			got = append(got, r.A)
		}
		b.Release()
	}
	slices.Sort(got)
	require.Equal(t, upTo(400), got)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = s.Next(ctx)
	require.Equal(t, errcode.DeadlineExceeded, errcode.Of(err), "an idle scan waits, and may be asked again")
	require.NoError(t, s.Close())
	_, err = s.Next(context.Background())
	require.Equal(t, errcode.Canceled, errcode.Of(err))
	require.NoError(t, c.Close())
	f.grpc.Stop()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, 5*time.Second, 10*time.Millisecond)
	require.False(t, errors.Is(err, io.EOF))
}

// keyedFlight streams scripted batches of a primary-key table with one bucket, and
// goes on from where a request says.
type keyedFlight struct {
	flight.BaseFlightServer
	script   []*flussv1.ScanMetadata
	cutAfter []int
	requests []*flussv1.ScanRequest
}

func (s *keyedFlight) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	r, err := ticket.Decode(t.GetTicket())
	if err != nil {
		return errcode.ToStatus(err)
	}
	s.requests = append(s.requests, r)
	from := 0
	for _, b := range r.GetBucketStarts() {
		for i := range s.script {
			if m := s.script[i]; string(m.GetResume()) == string(b.GetResume()) && (len(b.GetResume()) > 0 || m.GetNextOffset() == b.GetOffset()) {
				from = i + 1
			}
		}
	}
	cut := len(s.script)
	if n := len(s.requests) - 1; n < len(s.cutAfter) {
		cut = s.cutAfter[n]
	}
	empty := emptyRecord(nil)
	w := flight.NewRecordWriter(stream, ipc.WithSchema(empty.Schema()))
	for i := from; i < len(s.script); i++ {
		if i == cut {
			return errcode.ToStatus(errcode.New(errcode.Unavailable, nil, "cut by the test"))
		}
		b := array.NewRecordBuilder(memory.DefaultAllocator, empty.Schema())
		for k := range 2 {
			b.Field(0).(*array.Int64Builder).Append(int64(2*i + k))
			b.Field(1).(*array.StringBuilder).Append("0123456789")
		}
		if err := w.WriteWithAppMetadata(b.NewRecordBatch(), ticket.AppendMetadata(nil, s.script[i], false)); err != nil {
			return err
		}
	}
	if r.GetFollow() {
		<-stream.Context().Done()
	}
	return nil
}

// snapshotScript is rows in three batches, and then changes, the first of which
// come while a token still matters.
func snapshotScript() []*flussv1.ScanMetadata {
	return []*flussv1.ScanMetadata{
		{BaseOffset: 50, NextOffset: 50, Resume: []byte("r1")},
		{BaseOffset: 50, NextOffset: 50, Resume: []byte("r2")},
		{BaseOffset: 50, NextOffset: 50, Resume: []byte("r3")},
		{BaseOffset: 50, NextOffset: 52, Resume: []byte("r4")},
		{BaseOffset: 52, NextOffset: 54},
		{BaseOffset: 54, NextOffset: 56},
	}
}

func keyedScan(t *testing.T, cutAfter ...int) (*keyedFlight, *sdk.Client) {
	f, c := newAccounts(t, 1)
	s := &keyedFlight{script: snapshotScript(), cutAfter: cutAfter}
	var server flight.FlightServer = s
	f.scans.Store(&server)
	return s, c
}

// TestScanOfRowsIsResumed breaks the connection among the rows and among the
// changes: each batch comes once.
func TestScanOfRowsIsResumed(t *testing.T) {
	fl, c := keyedScan(t, 0, 2, 4, 5)
	ctx := context.Background()
	s, err := c.Scanner(ctx, "accounts", sdk.ScanOptions{From: sdk.Full(), Follow: true, SystemColumns: []sdk.SystemColumn{sdk.ChangeTypeColumn}})
	require.NoError(t, err)
	var values []int64
	var resumes []string
	for len(values) < 12 {
		b, err := s.Next(ctx)
		require.NoError(t, err)
		values = append(values, b.Record.Column(0).(*array.Int64).Int64Values()...)
		resumes = append(resumes, string(b.Resume))
		if len(b.Resume) > 0 {
			require.Empty(t, s.Positions())
			require.Len(t, s.Resume(), 1)
		}
		b.Release()
	}
	require.Equal(t, upTo(12), values)
	require.Equal(t, []string{"r1", "r2", "r3", "r4", "", ""}, resumes)
	require.Len(t, s.Positions(), 1)
	require.Empty(t, s.Resume())
	require.NoError(t, s.Close())
	require.Nil(t, fl.requests[0].GetStart(), "a full scan names no start")
	require.Empty(t, fl.requests[1].GetBucketStarts(), "nothing had come")
	require.Equal(t, "r2", string(fl.requests[2].GetBucketStarts()[0].GetResume()))
	require.Equal(t, "r4", string(fl.requests[3].GetBucketStarts()[0].GetResume()))
	require.EqualValues(t, 54, fl.requests[4].GetBucketStarts()[0].GetOffset())
	require.Empty(t, fl.requests[4].GetBucketStarts()[0].GetResume())
}

// TestScanOfRowsGoesOnLater stops in the middle and goes on by token.
func TestScanOfRowsGoesOnLater(t *testing.T) {
	fl, c := keyedScan(t)
	ctx := context.Background()
	s, err := c.Scanner(ctx, "accounts", sdk.ScanOptions{})
	require.NoError(t, err)
	for range 2 {
		b, err := s.Next(ctx)
		require.NoError(t, err)
		b.Release()
	}
	at := s.Resume()
	require.NoError(t, s.Close())
	s, err = c.Scanner(ctx, "accounts", sdk.ScanOptions{Resume: at, Starts: s.Positions()})
	require.NoError(t, err)
	require.Equal(t, upTo(12)[4:], collect(t, s))
	require.NoError(t, s.Close())
	require.Equal(t, "r2", string(fl.requests[1].GetBucketStarts()[0].GetResume()))
}

// TestLimitWithinRows cuts a batch of rows: the place is that before it, for
// nothing else is known.
func TestLimitWithinRows(t *testing.T) {
	_, c := keyedScan(t)
	s, err := c.Scanner(context.Background(), "accounts", sdk.ScanOptions{Limit: 3})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, []int64{0, 1, 2}, collect(t, s))
	require.Equal(t, "r1", string(s.Resume()[ids.Bucket{Table: 1}]))
}

func TestWhatIsScanned(t *testing.T) {
	fl, c := keyedScan(t)
	ctx := context.Background()
	for what, want := range map[sdk.ScanWhat]flussv1.ScanWhat{
		sdk.ScanRows: flussv1.ScanWhat_SCAN_WHAT_ROWS, sdk.ScanChangelog: flussv1.ScanWhat_SCAN_WHAT_CHANGELOG, sdk.ScanBinlog: flussv1.ScanWhat_SCAN_WHAT_BINLOG,
	} {
		for _, from := range []sdk.OffsetSpec{{}, sdk.Full(), sdk.Earliest()} {
			s, err := c.Scanner(ctx, "accounts", sdk.ScanOptions{What: what, From: from})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			last := fl.requests[len(fl.requests)-1]
			require.Equal(t, want, last.GetWhat())
			require.Equal(t, what == sdk.ScanRows && from != sdk.Earliest(), last.GetStart() == nil)
		}
	}
	for _, o := range []sdk.ScanOptions{{What: 9}, {Until: sdk.Full()}, {Until: sdk.Earliest()}} {
		_, err := c.Scanner(ctx, "accounts", o)
		require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	}
	require.Equal(t, "full", sdk.Full().String())
}
