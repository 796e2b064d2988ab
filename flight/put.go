package flight

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// DoPut appends the batches of a client to the table that the first message's
// descriptor names. Columns are matched by name; those that the client leaves
// out are null. Each acked bucket batch is answered with a PutResult whose
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
	layout, err := newPutLayout(t.Info.Schema(), given)
	return PutRequest{Path: path, Mode: put.Mode, Columns: put.Columns}, layout, err
}

// putLayout turns the batches of a client into those of a table.
type putLayout struct {
	given  []schema.Field
	layout *batch.Layout
	table  []schema.Field
	schema *arrow.Schema
	// sources has, per column of the table, the client's column, -1 for none.
	sources []int
}

func newPutLayout(s *schema.Schema, given *arrow.Schema) (*putLayout, error) {
	fields, err := schema.Like(given)
	if err != nil {
		return nil, err
	}
	l := &putLayout{given: fields, table: s.Columns, schema: s.Arrow()}
	byName := map[string]int{}
	for i, f := range fields {
		if _, twice := byName[f.Name]; twice {
			return nil, errcode.New(errcode.InvalidSchema, nil, "column %q comes twice", f.Name)
		}
		byName[f.Name] = i
		if _, ok := s.Index(f.Name); !ok {
			return nil, errcode.New(errcode.UnknownColumn, nil, "the table has no column %q", f.Name).With("column", f.Name)
		}
	}
	for _, c := range s.Columns {
		i, ok := byName[c.Name]
		if !ok {
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

// decode returns the rows of a message in the form of the table's schema.
func (l *putLayout) decode(m *codec.FlightData, o *Options) (arrow.RecordBatch, error) {
	rec, err := batch.DecodeIPC(l.layout, m.Header, m.Data, batch.Limits{
		MaxBytes: int64(o.MaxBatchBytes), MaxUncompressed: int64(o.MaxBatchBytes), CheckUTF8: true, CheckCompressed: true,
	})
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
