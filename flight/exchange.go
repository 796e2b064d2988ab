package flight

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// DoExchange looks rows up: the client streams batches of keys, columns matched by
// name, and each is answered by one batch of rows; see project.Answers. The first
// message's descriptor names the table.
func (s *Service) DoExchange(server flight.FlightService_DoExchangeServer) error {
	leave, err := s.admit()
	if err != nil {
		return err
	}
	defer leave()
	var f flow
	done := s.work(func() error { return s.exchange(server.Context(), server, &f) })
	return s.supervise(server.Context(), &f, done)
}

// exchange answers batches of keys until the client is done.
func (s *Service) exchange(ctx context.Context, server flight.FlightService_DoExchangeServer, f *flow) (err error) {
	first, err := receiveFirst(server)
	if err != nil {
		return err
	}
	request, layout, err := s.beginExchange(ctx, first)
	if err != nil {
		return err
	}
	looker, err := s.source.Looker(ctx, request)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := looker.Close(); err == nil {
			err = closeErr
		}
	}()
	answers, err := project.NewAnswers(looker.Schema(), request.Prefix, codec.Buffers)
	if err != nil {
		return err
	}
	out := codec.FlightData{Header: schemaMessage(answers.Schema())}
	if err := f.send(server, &out); err != nil {
		return err
	}
	for {
		// The message is not freed: the keys may be kept while they are looked up.
		var m codec.FlightData
		switch err := server.RecvMsg(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(m.Header) == 0:
			continue // only metadata
		}
		if err := s.look(ctx, looker, layout, &m, answers, &out); err != nil {
			return err
		}
		if err := f.send(server, &out); err != nil {
			return err
		}
	}
}

// receiveFirst returns the first message with a schema, and with the descriptor,
// which some clients send before it in a message of its own.
func receiveFirst(server flight.FlightService_DoExchangeServer) (*codec.FlightData, error) {
	var descriptor []byte
	for {
		m := &codec.FlightData{}
		err := server.RecvMsg(m)
		switch {
		case errors.Is(err, io.EOF):
			return nil, errcode.New(errcode.InvalidTicket, nil, "the call has no schema: the first message names a table and has the schema of keys")
		case err != nil:
			return nil, err
		}
		if descriptor == nil {
			descriptor = m.Descriptor
		}
		if len(m.Header) > 0 {
			m.Descriptor = descriptor
			return m, nil
		}
	}
}

// look puts the answer to the keys in m into out.
func (s *Service) look(ctx context.Context, looker Looker, layout *putLayout, m *codec.FlightData, answers *project.Answers, out *codec.FlightData) error {
	keys, err := layout.decode(m, &s.options)
	if err != nil {
		return err
	}
	defer keys.Release()
	rows, counts, err := looker.Look(ctx, keys)
	if err != nil {
		return err
	}
	defer rows.Release()
	if int64(len(counts)) != keys.NumRows() {
		return errcode.New(errcode.Internal, nil, "a look-up of %d keys answered %d", keys.NumRows(), len(counts))
	}
	if err := answers.Answer(out, rows, counts); err != nil {
		return err
	}
	if out.Body == nil {
		out.Body = mem.BufferSlice{}
	}
	return nil
}

// beginExchange reads the first message of a DoExchange.
func (s *Service) beginExchange(ctx context.Context, m *codec.FlightData) (LookRequest, *putLayout, error) {
	var d *flight.FlightDescriptor
	if m.Descriptor != nil {
		d = &flight.FlightDescriptor{}
		if err := proto.Unmarshal(m.Descriptor, d); err != nil {
			return LookRequest{}, nil, errcode.New(errcode.InvalidTicket, err, "the descriptor is damaged")
		}
	}
	e, err := ticket.ExchangeFromDescriptor(d)
	if err != nil {
		return LookRequest{}, nil, err
	}
	path, err := table.PathFromProto(e.Path)
	if err != nil {
		return LookRequest{}, nil, err
	}
	t, err := s.source.Table(ctx, path)
	if err != nil {
		return LookRequest{}, nil, err
	}
	if !isKeyed(t.Info) {
		return LookRequest{}, nil, errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key to look rows up by: scan it with a filter", path)
	}
	given, err := batch.ParseSchemaMessage(m.Header)
	if err != nil {
		return LookRequest{}, nil, err
	}
	layout, err := newPutLayout(keyForm(t.Info, e.Prefix), given)
	if err != nil {
		return LookRequest{}, nil, err
	}
	return LookRequest{Path: path, Columns: e.Columns, Prefix: e.Prefix, InsertIfAbsent: e.InsertIfAbsent, Keys: layout.schema}, layout, nil
}

// keyForm is the form of the keys of look-ups: the columns of the primary key, or
// those of the bucket key and the partition, in the order of the schema.
func keyForm(info *table.Info, prefix bool) *putForm {
	s := info.Schema()
	form := &putForm{schema: s, columns: info.KeyFields(s), ignores: true}
	if prefix {
		d := info.Descriptor
		form.columns = slices.DeleteFunc(form.columns, func(f schema.Field) bool {
			return !slices.Contains(d.BucketKeys, f.Name) && !slices.Contains(d.PartitionKeys, f.Name)
		})
	}
	return form
}
