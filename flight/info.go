package flight

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// unknownCount stands for a count in a FlightInfo that is not known.
const unknownCount = -1

// ListFlights sends an info per table, each with one endpoint whose ticket
// streams the whole table. The criteria's expression, if any, is a prefix of
// the name "db.t".
func (s *Service) ListFlights(c *flight.Criteria, stream flight.FlightService_ListFlightsServer) error {
	tables, err := s.source.Tables(stream.Context())
	if err != nil {
		return err
	}
	for _, t := range tables {
		if !strings.HasPrefix(t.Path.String(), string(c.GetExpression())) {
			continue
		}
		tk, err := ticket.Encode(&flussv1.ScanRequest{Path: t.Path.Proto(), TableId: int64(t.ID), JsonMetadata: true})
		if err != nil {
			return err
		}
		info := &flight.FlightInfo{
			Schema:           flight.SerializeSchema(t.Schema().Arrow(), memory.DefaultAllocator),
			FlightDescriptor: ticket.Descriptor(t.Path),
			Endpoint:         []*flight.FlightEndpoint{{Ticket: &flight.Ticket{Ticket: tk}}},
			TotalRecords:     unknownCount, TotalBytes: unknownCount,
		}
		if err := stream.Send(info); err != nil {
			return err
		}
	}
	return nil
}

// GetSchema returns the schema of what a descriptor's scan returns.
func (s *Service) GetSchema(ctx context.Context, d *flight.FlightDescriptor) (*flight.SchemaResult, error) {
	r, err := ticket.FromDescriptor(d)
	if err != nil {
		return nil, err
	}
	sc, err := s.resolve(ctx, r)
	if err != nil {
		return nil, err
	}
	return &flight.SchemaResult{Schema: flight.SerializeSchema(sc.out.Schema(), memory.DefaultAllocator)}, nil
}

// GetFlightInfo returns the tickets of a descriptor's scan, one per bucket, or
// one in all when the scan has a limit. Locations are those of the bucket's servers.
func (s *Service) GetFlightInfo(ctx context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	r, err := ticket.FromDescriptor(d)
	if err != nil {
		return nil, err
	}
	sc, err := s.resolve(ctx, r)
	if err != nil {
		return nil, err
	}
	info := &flight.FlightInfo{
		Schema:           flight.SerializeSchema(sc.out.Schema(), memory.DefaultAllocator),
		FlightDescriptor: d, TotalRecords: s.countRows(ctx, sc), TotalBytes: unknownCount,
	}
	if r.GetLimit() > 0 {
		end, err := s.endpoint(ctx, sc, sc.request, ids.Bucket{})
		info.Endpoint = append(info.Endpoint, end)
		return info, err
	}
	for _, p := range sc.partitions {
		for _, b := range sc.buckets {
			one, _ := proto.Clone(sc.request).(*flussv1.ScanRequest)
			one.Buckets = []int32{int32(b)}
			if p.Name != "" {
				one.Partitions = []string{p.Name}
			}
			one.BucketStarts = slices.DeleteFunc(one.GetBucketStarts(), func(st *flussv1.BucketStart) bool {
				return st.GetBucket() != int32(b) || st.GetPartitionId() != int64(p.ID)
			})
			end, err := s.endpoint(ctx, sc, one, ids.Bucket{Table: sc.table.Info.ID, Partition: p.ID, Bucket: b})
			if err != nil {
				return nil, err
			}
			info.Endpoint = append(info.Endpoint, end)
		}
	}
	return info, nil
}

// endpoint returns the endpoint of one bucket, or of no one in particular.
func (s *Service) endpoint(ctx context.Context, sc *scan, r *flussv1.ScanRequest, b ids.Bucket) (*flight.FlightEndpoint, error) {
	r.TableId = int64(sc.table.Info.ID)
	tk, err := ticket.Encode(r)
	if err != nil {
		return nil, err
	}
	end := &flight.FlightEndpoint{Ticket: &flight.Ticket{Ticket: tk}}
	if b.Table == 0 {
		return end, nil
	}
	servers, err := s.source.Endpoints(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, server := range servers {
		host, port, err := net.SplitHostPort(server)
		if err != nil {
			return nil, errcode.New(errcode.Internal, err, "the endpoint of a server is not valid")
		}
		end.Location = append(end.Location, &flight.Location{Uri: "grpc+tcp://" + net.JoinHostPort(host, port)})
	}
	return end, nil
}

// countRows returns how many rows a scan returns, or unknownCount.
func (s *Service) countRows(ctx context.Context, sc *scan) int64 {
	if sc.filter != nil || sc.request.GetFollow() || sc.out.Binlog() || sc.rows != nil && len(sc.starts) > 0 {
		return unknownCount
	}
	var n int64
	for _, b := range sc.refs() {
		if sc.rows != nil {
			rows, err := s.source.Rows(ctx, b)
			if err != nil {
				return unknownCount
			}
			n += rows.Count()
			rows.Close()
			continue
		}
		log, err := s.source.Log(ctx, b)
		if err != nil {
			return unknownCount
		}
		start, stop, err := sc.bounds(ctx, b, log)
		if err != nil {
			return unknownCount
		}
		n += max(0, int64(stop-start))
	}
	if limit := sc.request.GetLimit(); limit > 0 {
		n = min(n, limit)
	}
	return n
}

// listTables is the one action: a result per table, as JSON.
const listTables = "list-tables"

// ListActions sends the actions that there are.
func (s *Service) ListActions(_ *flight.Empty, stream flight.FlightService_ListActionsServer) error {
	return stream.Send(&flight.ActionType{Type: listTables, Description: "A JSON object per table: table, id, buckets, columns, comment."})
}

// DoAction runs an action.
func (s *Service) DoAction(a *flight.Action, stream flight.FlightService_DoActionServer) error {
	if a.GetType() != listTables {
		return errcode.New(errcode.Unsupported, nil, "there is no action %q: the one there is is %q; everything else is in the service fluss.v1.Admin", a.GetType(), listTables)
	}
	tables, err := s.source.Tables(stream.Context())
	if err != nil {
		return err
	}
	for _, t := range tables {
		body, err := describe(t)
		if err != nil {
			return err
		}
		if err := stream.Send(&flight.Result{Body: body}); err != nil {
			return err
		}
	}
	return nil
}

func describe(t *table.Info) ([]byte, error) {
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	var columns []column
	for _, f := range t.Schema().Columns {
		columns = append(columns, column{f.Name, f.Type.String()})
	}
	body, err := json.Marshal(struct {
		Table   string   `json:"table"`
		ID      int64    `json:"id"`
		Buckets int      `json:"buckets"`
		Columns []column `json:"columns"`
		Comment string   `json:"comment,omitempty"`
	}{t.Path.String(), int64(t.ID), t.Descriptor.BucketCount, columns, t.Descriptor.Comment})
	if err != nil {
		return nil, errcode.New(errcode.Internal, err, "a table cannot be described")
	}
	return body, nil
}
