package flight

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// DoPut writes the batches of a client to the table that the first message's
// descriptor names: appends them to a log table; upserts or deletes in a
// primary-key table. Columns are matched by name; those that the client leaves
// out are null, unless the descriptor names the columns to update. Each acked bucket batch is answered with a PutResult whose
// metadata is the JSON object {"bucket", "base", "end", "rows"} and, in a
// partitioned table, "partition". When the call ends well every row is acked.
func (s *Service) DoPut(server flight.FlightService_DoPutServer) error {
	leave, err := s.admit()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancelCause(server.Context())
	defer cancel(nil)
	acks := &ackQueue{signal: make(chan struct{}, 1)}
	done := s.work(func() error { return s.receive(ctx, server, acks) })
	for {
		ack, ok := acks.pop()
		if ok && ack.Err != nil {
			return ack.Err
		}
		if ok {
			if err := sendAck(server, ack); err != nil {
				return err
			}
			continue
		}
		select {
		case <-acks.signal:
		case <-s.ctx.Done():
			return errShutdown()
		case err := <-done:
			for ack, ok := acks.pop(); ok && err == nil; ack, ok = acks.pop() {
				if err = ack.Err; err == nil {
					err = sendAck(server, ack)
				}
			}
			return err
		}
	}
}

func sendAck(server flight.FlightService_DoPutServer, a Ack) error {
	metadata, err := json.Marshal(struct {
		Partition string `json:"partition,omitempty"`
		Bucket    int32  `json:"bucket"`
		Base      int64  `json:"base"`
		End       int64  `json:"end"`
		Rows      int64  `json:"rows"`
	}{a.Partition, int32(a.Bucket.Bucket), int64(a.Base), int64(a.End), a.Rows})
	if err != nil {
		return errcode.New(errcode.Internal, err, "an answer cannot be encoded")
	}
	return server.Send(&flight.PutResult{AppMetadata: metadata})
}

// receive reads the call's messages and writes their rows until the client is
// done, and returns when all are acked.
func (s *Service) receive(ctx context.Context, server flight.FlightService_DoPutServer, acks *ackQueue) (err error) {
	var first codec.FlightData
	if err := server.RecvMsg(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return errcode.New(errcode.InvalidTicket, nil, "the call has no message: the first one names a table and has a schema")
		}
		return err
	}
	request, layout, err := s.beginPut(ctx, &first)
	if err != nil {
		return err
	}
	putter, err := s.source.Put(ctx, request)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := putter.Close(ctx); err == nil {
			err = closeErr
		}
	}()
	for {
		// The message is not freed: rows may be kept until they are acked.
		var m codec.FlightData
		switch err := server.RecvMsg(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(m.Header) == 0:
			continue // only metadata
		}
		rec, err := layout.decode(&m, &s.options)
		if err != nil {
			return err
		}
		if rec.NumRows() > 0 {
			err = putter.Write(ctx, rec, acks.push)
		}
		rec.Release()
		if err != nil {
			return err
		}
	}
}

// beginPut reads the first message of a DoPut.
func (s *Service) beginPut(ctx context.Context, m *codec.FlightData) (PutRequest, *putLayout, error) {
	var d *flight.FlightDescriptor
	if m.Descriptor != nil {
		d = &flight.FlightDescriptor{}
		if err := proto.Unmarshal(m.Descriptor, d); err != nil {
			return PutRequest{}, nil, errcode.New(errcode.InvalidTicket, err, "the descriptor is damaged")
		}
	}
	put, err := ticket.PutFromDescriptor(d)
	if err != nil {
		return PutRequest{}, nil, err
	}
	path, err := table.PathFromProto(put.Path)
	if err != nil {
		return PutRequest{}, nil, err
	}
	t, err := s.source.Table(ctx, path)
	if err != nil {
		return PutRequest{}, nil, err
	}
	given, err := batch.ParseSchemaMessage(m.Header)
	if err != nil {
		return PutRequest{}, nil, err
	}
	request := PutRequest{Path: path, Mode: put.Mode, Columns: put.Columns}
	form, err := newPutForm(t.Info, &request)
	if err != nil {
		return PutRequest{}, nil, err
	}
	layout, err := newPutLayout(form, given)
	return request, layout, err
}

// putForm is what rows are written as.
type putForm struct {
	schema *schema.Schema
	// columns are those of the rows, in order.
	columns []schema.Field
	// named tells that the client has named the columns, so that it must send all.
	named bool
	// ignores tells that further columns of the table are not looked at.
	ignores bool
}

// newPutForm checks what a client wants to write, and sets the mode if it did not.
func newPutForm(info *table.Info, r *PutRequest) (*putForm, error) {
	keyed := isKeyed(info)
	if r.Mode == flussv1.WriteKind_WRITE_KIND_UNSPECIFIED {
		r.Mode = flussv1.WriteKind_WRITE_KIND_APPEND
		if keyed {
			r.Mode = flussv1.WriteKind_WRITE_KIND_UPSERT
		}
	}
	appends := r.Mode == flussv1.WriteKind_WRITE_KIND_APPEND
	switch {
	case keyed && appends:
		return nil, errcode.New(errcode.NotLogTable, nil, "table %s has a primary key: upsert or delete rows, it takes no appends", info.Path)
	case !keyed && !appends:
		return nil, errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key: it takes appends only", info.Path)
	case !keyed && len(r.Columns) > 0:
		return nil, errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key: it takes whole rows only, so leave \"columns\" out", info.Path)
	}
	s := info.Schema()
	form := &putForm{schema: s, columns: s.Columns}
	if appends {
		return form, nil
	}
	var targets []ids.FieldID
	for _, name := range r.Columns {
		f, err := s.Column(name)
		if err != nil {
			return nil, err
		}
		targets = append(targets, f.ID)
	}
	if r.Mode == flussv1.WriteKind_WRITE_KIND_DELETE {
		form.columns, form.ignores = info.KeyFields(s), true
		return form, info.CheckDeleteTargets(s, targets)
	}
	var err error
	if form.columns, err = info.WriteFields(s, targets); err != nil {
		return nil, err
	}
	form.named = len(targets) > 0
	for i := range form.columns { // which are nullable there, for rows that delete
		at, _ := s.IndexByID(form.columns[i].ID)
		form.columns[i].Type = s.Columns[at].Type
	}
	return form, nil
}

// putLayout turns the batches of a client into those of a table.
type putLayout struct {
	given  []schema.Field
	layout *batch.Layout
	table  []schema.Field
	schema *arrow.Schema
	// sources has, per column of the rows, the client's column, -1 for none.
	sources []int
	// key names the primary key.
	key []string
}

func newPutLayout(form *putForm, given *arrow.Schema) (*putLayout, error) {
	fields, err := schema.Like(given)
	if err != nil {
		return nil, err
	}
	l := &putLayout{given: fields, table: form.columns, schema: schema.ArrowFields(form.columns), key: form.schema.PrimaryKey}
	byName := map[string]int{}
	for i, f := range fields {
		if _, twice := byName[f.Name]; twice {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q comes twice", f.Name)
		}
		byName[f.Name] = i
		if err := form.check(f.Name); err != nil {
			return nil, err
		}
	}
	for _, c := range form.columns {
		i, ok := byName[c.Name]
		if !ok {
			if form.named {
				return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is among the columns to write and is not sent", c.Name)
			}
			if !c.Type.Nullable {
				return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is missing: it is %s", c.Name, c.Type)
			}
			l.sources = append(l.sources, -1)
			continue
		}
		if !project.Accepts(c.Type, fields[i].Type) {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q is %s in the table (Arrow %s) and cannot take the Arrow type %s: cast it",
				c.Name, c.Type, c.Type.Arrow(), given.Field(i).Type)
		}
		fields[i].Type.Nullable = c.Type.Nullable
		l.sources = append(l.sources, i)
	}
	l.layout, err = batch.NewIPCLayout(given, fields)
	return l, err
}

// check tells what is wrong with a column that a client sends.
func (f *putForm) check(name string) error {
	if _, ok := f.schema.Index(name); !ok {
		return errcode.New(errcode.UnknownColumn, nil, "the table has no column %q", name).With("column", name)
	}
	switch {
	case f.ignores || slices.ContainsFunc(f.columns, func(c schema.Field) bool { return c.Name == name }):
		return nil
	case f.named:
		return errcode.New(errcode.InvalidSchema, nil, "column %q is sent and is not among the columns to write: name it there or leave it out", name)
	}
	return errcode.New(errcode.InvalidSchema, nil, "column %q is numbered by the server: leave it out", name)
}

// decode returns the rows of a message in the form in which they are written.
func (l *putLayout) decode(m *codec.FlightData, o *Options) (arrow.RecordBatch, error) {
	rec, err := batch.DecodeIPC(l.layout, m.Header, m.Data, batch.Limits{
		MaxBytes: int64(o.MaxBatchBytes), MaxUncompressed: int64(o.MaxBatchBytes), CheckUTF8: true, CheckCompressed: true,
	})
	if e := errcode.From(err); e != nil && slices.Contains(l.key, e.Facts["column"]) {
		e.Message += "; the primary key is " + strings.Join(l.key, ", ")
		err = e
	}
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	return project.Conform(rec, l.given, l.table, l.sources, l.schema)
}

// Bounds of the answers that a client has not read.
const (
	// mergeAcks is how many there may be before ranges of a bucket are joined.
	mergeAcks = 256
	// maxAcks is how many are kept; further ones are dropped. The end of the
	// call still tells that everything is acked.
	maxAcks = 64 << 10
)

// ackQueue holds answers on their way to the client.
type ackQueue struct {
	mu     sync.Mutex // guards acks
	acks   []Ack
	signal chan struct{}
}

func (q *ackQueue) push(a Ack) {
	q.mu.Lock()
	q.add(a)
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

func (q *ackQueue) add(a Ack) {
	if a.Err != nil {
		q.acks = append([]Ack{a}, q.acks...) // the client wants to know first
		return
	}
	if len(q.acks) >= mergeAcks {
		for i := len(q.acks) - 1; i >= len(q.acks)-mergeAcks; i-- {
			if last := &q.acks[i]; last.Bucket == a.Bucket && last.Err == nil && last.End == a.Base {
				last.End, last.Rows = a.End, last.Rows+a.Rows
				return
			}
		}
	}
	if len(q.acks) < maxAcks {
		q.acks = append(q.acks, a)
	}
}

func (q *ackQueue) pop() (Ack, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.acks) == 0 {
		return Ack{}, false
	}
	a := q.acks[0]
	q.acks = q.acks[1:]
	return a, true
}
