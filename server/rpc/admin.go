package rpc

import (
	"context"
	"slices"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/coordinator"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/metastore"
	"github.com/fluss-go/fluss/server/tablet"
)

// Admin is the gRPC service fluss.v1.Admin: the coordinator's calls, and what
// only the tablets can answer.
type Admin struct {
	flussv1.UnsafeAdminServer
	*coordinator.Coordinator

	// Catalog, Host and Server are where answers come from.
	Catalog Catalog
	Host    *tablet.Host
	Server  ids.ServerID
	// Durability is what an ack means, for DescribeCluster.
	Durability tablet.Durability
	// DiskUsage returns the used part of the data disk, in [0, 1].
	DiskUsage func() float64
}

var _ flussv1.AdminServer = (*Admin)(nil)

// ListOffsets implements flussv1.AdminServer.
func (s *Admin) ListOffsets(ctx context.Context, req *flussv1.ListOffsetsRequest) (*flussv1.ListOffsetsResponse, error) {
	t, err := s.Catalog.Catalog().Table(table.Path{Database: req.GetPath().GetDatabase(), Table: req.GetPath().GetTable()})
	if err != nil {
		return nil, err
	}
	parts, err := selectSlices(t, req.GetPartitions())
	if err != nil {
		return nil, err
	}
	resp := &flussv1.ListOffsetsResponse{}
	for _, part := range parts {
		buckets, err := selectBuckets(t.Info, req.GetBuckets(), len(part.tablets))
		if err != nil {
			return nil, err
		}
		for _, b := range buckets {
			offset, err := s.offset(ctx, ids.Bucket{Table: t.ID(), Partition: part.id, Bucket: b}, req.GetSpec())
			if err != nil {
				return nil, err
			}
			offset.Partition = part.name
			resp.Offsets = append(resp.Offsets, offset)
		}
	}
	return resp, nil
}

// slice is the table, or one partition of it.
type slice struct {
	id      ids.PartitionID
	name    string
	tablets []ids.TabletID
}

// selectSlices returns the partitions called names, or all, ascending by name;
// for a table without partitions, the table.
func selectSlices(t *metastore.Table, names []string) ([]slice, error) {
	if len(t.Info.Descriptor.PartitionKeys) == 0 {
		if len(names) > 0 {
			return nil, errcode.New(errcode.UnknownPartition, nil, "table %s is not partitioned: leave the partitions out", t.Info.Path)
		}
		return []slice{{tablets: t.Tablets}}, nil
	}
	var out []slice
	if len(names) == 0 {
		for _, p := range t.Partitions() {
			out = append(out, slice{p.ID, p.Info.GetName(), p.Tablets})
		}
		return out, nil
	}
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = t.Info.Descriptor.CanonicalPartitionName(name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		p, err := t.Partition(name)
		if err != nil {
			return nil, err
		}
		out = append(out, slice{p.ID, name, p.Tablets})
	}
	return out, nil
}

// selectBuckets returns the wanted bucket numbers, or all count of them, ascending.
func selectBuckets(info *table.Info, wanted []int32, count int) ([]ids.BucketID, error) {
	var out []ids.BucketID
	if len(wanted) == 0 {
		for b := range count {
			out = append(out, ids.BucketID(b))
		}
		return out, nil
	}
	for _, b := range slices.Sorted(slices.Values(wanted)) {
		if b < 0 || int(b) >= count {
			return nil, errcode.New(errcode.UnknownBucket, nil, "table %s has no bucket %d: its buckets are 0 to %d", info.Path, b, count-1)
		}
		out = append(out, ids.BucketID(b))
	}
	return out, nil
}

func (s *Admin) offset(ctx context.Context, bucket ids.Bucket, spec *flussv1.OffsetSpec) (*flussv1.BucketOffset, error) {
	log, err := bucketLog(s.Catalog, s.Host, bucket)
	if err != nil {
		return nil, err
	}
	place, err := resolve(ctx, log, spec)
	if err != nil {
		return nil, err
	}
	return &flussv1.BucketOffset{
		Bucket:      &flussv1.BucketRef{TableId: int64(bucket.Table), PartitionId: int64(bucket.Partition), Bucket: int32(bucket.Bucket)},
		Offset:      int64(place),
		StartOffset: int64(log.Start()), HighWatermark: int64(log.HighWatermark()),
	}, nil
}

func resolve(ctx context.Context, log *logstore.Log, spec *flussv1.OffsetSpec) (ids.Offset, error) {
	switch spec := spec.GetSpec().(type) {
	case *flussv1.OffsetSpec_Earliest:
		return log.Start(), nil
	case *flussv1.OffsetSpec_TimestampMs:
		return log.OffsetAt(ctx, spec.TimestampMs)
	case *flussv1.OffsetSpec_Offset:
		return ids.Offset(spec.Offset), nil
	default:
		return log.HighWatermark(), nil
	}
}

// DescribeCluster implements flussv1.AdminServer.
func (s *Admin) DescribeCluster(context.Context, *flussv1.DescribeClusterRequest) (*flussv1.DescribeClusterResponse, error) {
	c := s.Catalog.Catalog()
	resp := &flussv1.DescribeClusterResponse{
		Servers:       c.Servers(),
		DatabaseCount: int32(len(c.Databases())), TableCount: int32(c.TableCount()),
		Durability: string(s.Durability), DiskWriteLocked: s.Host.WriteLocked(), DiskUsageRatio: s.DiskUsage(),
	}
	for _, id := range c.TabletIDs() {
		t, ok := s.Host.Tablet(id)
		if !ok {
			continue
		}
		st := t.Status()
		resp.Tablets = append(resp.Tablets, &flussv1.TabletInfo{
			TabletId: int32(id), LeaderServerId: int32(s.Server), Term: st.Term, AppliedIndex: st.AppliedIndex,
			BucketCount: int32(st.Buckets), State: string(st.State), Detail: st.Cause,
		})
	}
	return resp, nil
}

// CountRows implements flussv1.AdminServer.
func (s *Admin) CountRows(_ context.Context, req *flussv1.CountRowsRequest) (*flussv1.CountRowsResponse, error) {
	t, err := s.Catalog.Catalog().Table(table.Path{Database: req.GetPath().GetDatabase(), Table: req.GetPath().GetTable()})
	if err != nil {
		return nil, err
	}
	parts, err := selectSlices(t, req.GetPartitions())
	if err != nil {
		return nil, err
	}
	resp := &flussv1.CountRowsResponse{}
	for _, part := range parts {
		for b := range part.tablets {
			n, err := s.count(t.Info, ids.Bucket{Table: t.ID(), Partition: part.id, Bucket: ids.BucketID(b)})
			if err != nil {
				return nil, err
			}
			resp.Rows += n
		}
	}
	return resp, nil
}

// count is how many rows a bucket has: in a log, those that are stored.
func (s *Admin) count(info *table.Info, bucket ids.Bucket) (int64, error) {
	at, err := locate(s.Catalog, s.Host, bucket)
	if err != nil {
		return 0, err
	}
	if info.Descriptor.HasPrimaryKey() {
		return at.tablet.Count(bucket)
	}
	log, err := at.tablet.Log(bucket)
	if err != nil {
		return 0, err
	}
	return int64(log.HighWatermark() - log.Start()), nil
}
