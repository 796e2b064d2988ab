package rpc

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

// looker answers the look-ups of one DoExchange. Like Putters it is a client of
// the server it runs in, so that buckets, partitions and leaders are the SDK's.
type looker struct {
	*sdk.Lookuper
	schema *arrow.Schema
}

var _ flight.Looker = (*looker)(nil)

// look opens look-ups; see flight.Source.
func (p *Putters) look(ctx context.Context, request flight.LookRequest) (flight.Looker, error) {
	client, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	var opts []sdk.LookupOption
	if request.Columns != nil {
		opts = append(opts, sdk.WithLookupColumns(request.Columns...))
	}
	if request.Prefix {
		opts = append(opts, sdk.WithPrefix())
	}
	if request.InsertIfAbsent {
		opts = append(opts, sdk.WithInsertIfAbsent())
	}
	l, err := client.Lookuper(ctx, request.Path.String(), opts...)
	if err != nil {
		return nil, err
	}
	return &looker{l, schema.ArrowFields(nullable(l.Schema().Columns))}, nil
}

// Schema implements flight.Looker.
func (l *looker) Schema() *arrow.Schema { return l.schema }

// Look implements flight.Looker. It fails with UNKNOWN_SCHEMA when the columns have
// changed: the stream has told its client other ones.
func (l *looker) Look(ctx context.Context, keys arrow.RecordBatch) (arrow.RecordBatch, []uint32, error) {
	rows, counts, err := l.LookupBatch(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	if !sameColumns(rows.Schema(), l.schema) {
		rows.Release()
		return nil, nil, errcode.New(errcode.UnknownSchema, nil, "the columns of table %s were changed: look up in a new call", l.Table().Path)
	}
	return rows, counts, nil
}

// sameColumns reports whether the schemas have the same names and types.
func sameColumns(a, b *arrow.Schema) bool {
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i, f := range a.Fields() {
		if o := b.Field(i); f.Name != o.Name || !arrow.TypeEqual(f.Type, o.Type) {
			return false
		}
	}
	return true
}
