package rpc

import (
	"context"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/tablet"
)

// Source is what the Flight service reads from and writes to.
type Source struct {
	catalog  Catalog
	host     *tablet.Host
	endpoint string
	putters  *Putters
	formats  *formats
}

// NewSource returns the source of the server that clients reach at endpoint,
// host:port. Putters starts writes for DoPut and look-ups for DoExchange.
func NewSource(catalog Catalog, host *tablet.Host, endpoint string, putters *Putters) *Source {
	return &Source{catalog: catalog, host: host, endpoint: endpoint, putters: putters, formats: newFormats(catalog)}
}

var _ flight.Source = (*Source)(nil)

// Tables implements flight.Source.
func (s *Source) Tables(context.Context) ([]*table.Info, error) {
	var infos []*table.Info
	for t := range s.catalog.Catalog().Tables() {
		infos = append(infos, t.Info)
	}
	slices.SortFunc(infos, func(a, b *table.Info) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return infos, nil
}

// Table implements flight.Source.
func (s *Source) Table(_ context.Context, path table.Path) (*flight.Table, error) {
	t, err := s.catalog.Catalog().Table(path)
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
	log, err := bucketLog(s.catalog, s.host, bucket)
	if err != nil {
		return nil, err
	}
	return logAdapter{log}, nil
}

// Endpoints implements flight.Source.
func (s *Source) Endpoints(context.Context, ids.Bucket) ([]string, error) {
	return []string{s.endpoint}, nil
}

// Put implements flight.Source.
func (s *Source) Put(ctx context.Context, request flight.PutRequest) (flight.Putter, error) {
	return s.putters.put(ctx, request)
}

// Rows implements flight.Source.
func (s *Source) Rows(_ context.Context, bucket ids.Bucket) (flight.Rows, error) {
	at, err := locate(s.catalog, s.host, bucket)
	if err != nil {
		return nil, err
	}
	rows, err := at.tablet.Rows(bucket)
	if err != nil {
		return nil, err
	}
	return rowsAdapter{Rows: rows, table: bucket.Table, formats: s.formats}, nil
}

// Looker implements flight.Source.
func (s *Source) Looker(ctx context.Context, request flight.LookRequest) (flight.Looker, error) {
	return s.putters.look(ctx, request)
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
