package sdk

import (
	"context"
	"sync"

	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// tableMetadata is what a client knows of a table. It is immutable.
type tableMetadata struct {
	info *table.Info
	// partitions are the ids by name; empty when the table is not partitioned.
	partitions map[string]ids.PartitionID
	names      map[ids.PartitionID]string
	// tablets are those of the buckets, in order, by partition (0 when not partitioned).
	tablets map[ids.PartitionID][]ids.TabletID
	// endpoints are of the leaders. "" stands for the bootstrap server.
	endpoints map[ids.TabletID]string
}

func newTableMetadata(resp *flussv1.GetTableMetadataResponse) (*tableMetadata, error) {
	info, err := table.NewInfo(resp.GetTable())
	if err != nil {
		return nil, err
	}
	m := &tableMetadata{
		info:       info,
		partitions: map[string]ids.PartitionID{},
		names:      map[ids.PartitionID]string{},
		tablets:    map[ids.PartitionID][]ids.TabletID{},
		endpoints:  map[ids.TabletID]string{},
	}
	for _, p := range resp.GetPartitions() {
		m.partitions[p.GetName()] = ids.PartitionID(p.GetPartitionId())
		m.names[ids.PartitionID(p.GetPartitionId())] = p.GetName()
	}
	for _, p := range resp.GetPlacements() {
		tablets := make([]ids.TabletID, len(p.GetTablets()))
		for i, t := range p.GetTablets() {
			tablets[i] = ids.TabletID(t)
		}
		m.tablets[ids.PartitionID(p.GetPartitionId())] = tablets
	}
	distinct := map[string]struct{}{}
	for _, l := range resp.GetLeaders() {
		distinct[l.GetEndpoint()] = struct{}{}
		m.endpoints[ids.TabletID(l.GetTabletId())] = l.GetEndpoint()
	}
	if len(distinct) == 1 {
		// One server leads everything. It is the one that answers at the address
		// that the user gave, which may reach it where its own name for itself does not.
		clear(m.endpoints)
	}
	return m, nil
}

// endpoint returns the address of a bucket's leader; "" is the bootstrap server.
func (m *tableMetadata) endpoint(p ids.PartitionID, b ids.BucketID) string {
	if tablets := m.tablets[p]; int(b) < len(tablets) {
		return m.endpoints[tablets[b]]
	}
	return ""
}

// metadataCache keeps what was asked about tables, by path.
type metadataCache struct {
	c *Client

	mu     sync.Mutex
	tables map[string]*tableMetadata
}

func newMetadataCache(c *Client) *metadataCache {
	return &metadataCache{c: c, tables: map[string]*tableMetadata{}}
}

func (m *metadataCache) get(ctx context.Context, path string) (*tableMetadata, error) {
	m.mu.Lock()
	t := m.tables[path]
	m.mu.Unlock()
	if t != nil {
		return t, nil
	}
	return m.refresh(ctx, path)
}

func (m *metadataCache) forget(path string) {
	m.mu.Lock()
	delete(m.tables, path)
	m.mu.Unlock()
}

// refresh asks the server, whatever is cached.
func (m *metadataCache) refresh(ctx context.Context, path string) (*tableMetadata, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	var resp *flussv1.GetTableMetadataResponse
	err = m.c.call(ctx, "GetTableMetadata", true, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		var err error
		resp, err = flussv1.NewMetadataClient(conn).GetTableMetadata(ctx, &flussv1.GetTableMetadataRequest{Path: p})
		return err
	})
	if err != nil {
		if errcode.Of(err) == errcode.UnknownTable {
			m.forget(path)
		}
		return nil, err
	}
	t, err := newTableMetadata(resp)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.tables[path] = t
	m.mu.Unlock()
	return t, nil
}
