package rpc

import (
	"context"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/tablet"
)

// Source is what the Flight service reads from and writes to.
type Source struct {
	Catalog Catalog
	Host    *tablet.Host
	// Endpoint is where clients reach this server, host:port.
	Endpoint string
	// Putters starts writes for DoPut.
	Putters *Putters
}

var _ flight.Source = (*Source)(nil)

// Tables implements flight.Source.
func (s *Source) Tables(context.Context) ([]*table.Info, error) {
	var infos []*table.Info
	for t := range s.Catalog.Catalog().Tables() {
		infos = append(infos, t.Info)
	}
	slices.SortFunc(infos, func(a, b *table.Info) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return infos, nil
}

// Table implements flight.Source.
func (s *Source) Table(_ context.Context, path table.Path) (*flight.Table, error) {
	t, err := s.Catalog.Catalog().Table(path)
	if err != nil {
		return nil, err
	}
	out := &flight.Table{Info: t.Info}
	for _, p := range t.Partitions() {
		out.Partitions = append(out.Partitions, flight.Partition{ID: p.ID, Name: p.Info.GetName()})
	}
	return out, nil
}

// Log implements flight.Source.
func (s *Source) Log(_ context.Context, bucket ids.Bucket) (flight.Log, error) {
	log, err := bucketLog(s.Catalog, s.Host, bucket)
	if err != nil {
		return nil, err
	}
	return logAdapter{log}, nil
}

// Endpoints implements flight.Source.
func (s *Source) Endpoints(context.Context, ids.Bucket) ([]string, error) {
	return []string{s.Endpoint}, nil
}

// Put implements flight.Source.
func (s *Source) Put(ctx context.Context, request flight.PutRequest) (flight.Putter, error) {
	return s.Putters.put(ctx, request)
}

// Rows implements flight.Source.
func (s *Source) Rows(context.Context, ids.Bucket) (flight.Rows, error) {
	return nil, errcode.New(errcode.Unsupported, nil, "this server does not scan the rows of primary-key tables")
}

// Looker implements flight.Source.
func (s *Source) Looker(context.Context, flight.LookRequest) (flight.Looker, error) {
	return nil, errcode.New(errcode.Unsupported, nil, "this server does not look rows up over Arrow Flight: use the service fluss.v1.Lookup")
}

// bucketLog returns the log of a bucket. It fails as locate does.
func bucketLog(catalog Catalog, host *tablet.Host, bucket ids.Bucket) (*logstore.Log, error) {
	at, err := locate(catalog, host, bucket)
	if err != nil {
		return nil, err
	}
	return at.tablet.Log(bucket)
}

// logAdapter and cursorAdapter give logstore's concrete types the shape of flight's interfaces.
type logAdapter struct{ *logstore.Log }

func (l logAdapter) Cursor(from ids.Offset) (flight.Cursor, error) {
	c, err := l.Log.Cursor(from)
	if err != nil {
		return nil, err
	}
	return cursorAdapter{c}, nil
}

type cursorAdapter struct{ *logstore.Cursor }

func (c cursorAdapter) Next() (flight.Batch, error) {
	b, err := c.Cursor.Next()
	if b == nil || err != nil {
		return nil, err // never a nil *logstore.Batch in the interface
	}
	return b, nil
}
