package sdk

import (
	"context"
	"fmt"
	"time"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// OffsetSpec names a place in every bucket. The zero value is «not given».
type OffsetSpec struct {
	kind  offsetKind
	value int64
}

type offsetKind uint8

const (
	offsetUnset offsetKind = iota
	offsetEarliest
	offsetLatest
	offsetTimestamp
	offsetAt
	offsetFull
)

// Earliest is the first offset that is still stored.
func Earliest() OffsetSpec { return OffsetSpec{kind: offsetEarliest} }

// Full is where a scan has all rows: those of a primary-key table as they are now,
// and then, when the scan follows, the changes since. Of a log, as well as a
// changelog, it is Earliest.
func Full() OffsetSpec { return OffsetSpec{kind: offsetFull} }

// Latest is the high watermark: the offset that the next row gets.
func Latest() OffsetSpec { return OffsetSpec{kind: offsetLatest} }

// AtTime is the first row committed at or after t, to the millisecond; the high
// watermark when there is none.
func AtTime(t time.Time) OffsetSpec { return OffsetSpec{kind: offsetTimestamp, value: t.UnixMilli()} }

// AtOffset is the offset o itself.
func AtOffset(o ids.Offset) OffsetSpec { return OffsetSpec{kind: offsetAt, value: int64(o)} }

// IsZero reports whether s is «not given».
func (s OffsetSpec) IsZero() bool { return s.kind == offsetUnset }

// String returns s like "earliest", "full", "offset:7" or "time:2026-11-22T10:00:00Z".
func (s OffsetSpec) String() string {
	switch s.kind {
	case offsetEarliest:
		return "earliest"
	case offsetLatest:
		return "latest"
	case offsetTimestamp:
		return "time:" + time.UnixMilli(s.value).UTC().Format(time.RFC3339Nano)
	case offsetAt:
		return fmt.Sprintf("offset:%d", s.value)
	case offsetFull:
		return "full"
	case offsetUnset:
	}
	return ""
}

func (s OffsetSpec) proto() *flussv1.OffsetSpec {
	switch s.kind {
	case offsetEarliest:
		return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Earliest{Earliest: &flussv1.Empty{}}}
	case offsetLatest:
		return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Latest{Latest: &flussv1.Empty{}}}
	case offsetTimestamp:
		return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_TimestampMs{TimestampMs: s.value}}
	case offsetAt:
		return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Offset{Offset: s.value}}
	case offsetUnset, offsetFull: // what a scan that names no start is
	}
	return nil
}

// OffsetQuery says which places Admin.Offsets tells.
type OffsetQuery struct {
	// Spec is the place; not given means Latest, and Full means Earliest.
	Spec OffsetSpec
	// Partitions are names; none means all.
	Partitions []string
	// Buckets are numbers; none means all.
	Buckets []ids.BucketID
}

// BucketOffset is a place in one bucket.
type BucketOffset struct {
	Bucket ids.Bucket
	// Partition is empty when the table is not partitioned.
	Partition string
	// Offset is the place asked for.
	Offset ids.Offset
	// Start is the first offset that is stored, HighWatermark the first that is not readable yet.
	Start, HighWatermark ids.Offset
}

// Offsets tells a place in each bucket of a table, ascending by partition name
// and bucket. It fails with UNKNOWN_TABLE, UNKNOWN_PARTITION and UNKNOWN_BUCKET.
func (a *Admin) Offsets(ctx context.Context, path string, q OffsetQuery) ([]BucketOffset, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	if q.Spec.IsZero() {
		q.Spec = Latest()
	}
	if q.Spec.kind == offsetFull {
		q.Spec = Earliest()
	}
	req := &flussv1.ListOffsetsRequest{Path: p, Partitions: q.Partitions, Spec: q.Spec.proto()}
	for _, b := range q.Buckets {
		req.Buckets = append(req.Buckets, int32(b))
	}
	resp, err := adminCall(ctx, a, true, "ListOffsets", flussv1.AdminClient.ListOffsets, req)
	if err != nil {
		return nil, err
	}
	out := make([]BucketOffset, 0, len(resp.GetOffsets()))
	for _, o := range resp.GetOffsets() {
		out = append(out, BucketOffset{
			Bucket: bucketFrom(o.GetBucket()), Partition: o.GetPartition(), Offset: ids.Offset(o.GetOffset()),
			Start: ids.Offset(o.GetStartOffset()), HighWatermark: ids.Offset(o.GetHighWatermark()),
		})
	}
	return out, nil
}

func bucketFrom(b *flussv1.BucketRef) ids.Bucket {
	return ids.Bucket{
		Table: ids.TableID(b.GetTableId()), Partition: ids.PartitionID(b.GetPartitionId()), Bucket: ids.BucketID(b.GetBucket()),
	}
}

// Cluster is the servers and tablets of a cluster, with totals.
type Cluster struct {
	Servers   []Server
	Tablets   []Tablet
	Databases int
	Tables    int
	// Durability is "fsync" or "memory": what an ack means.
	Durability string
	// WriteLocked is true while writes are refused for want of disk space.
	WriteLocked bool
	// DiskUsage is a ratio, 0 to 1.
	DiskUsage float64
}

// Server is one server of a cluster.
type Server struct {
	ID           ids.ServerID
	Endpoint     string
	HTTPEndpoint string
	Version      string
	Roles        []string
	StartedAt    time.Time
}

// Tablet is one tablet of a cluster.
type Tablet struct {
	ID           ids.TabletID
	Leader       ids.ServerID
	Term         uint64
	AppliedIndex uint64
	Buckets      int
	// State is "active", or "failed" with the reason in Detail.
	State, Detail string
}

// Cluster describes the cluster.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) {
	resp, err := adminCall(ctx, a, true, "DescribeCluster", flussv1.AdminClient.DescribeCluster, &flussv1.DescribeClusterRequest{})
	if err != nil {
		return Cluster{}, err
	}
	out := Cluster{
		Databases: int(resp.GetDatabaseCount()), Tables: int(resp.GetTableCount()), Durability: resp.GetDurability(),
		WriteLocked: resp.GetDiskWriteLocked(), DiskUsage: resp.GetDiskUsageRatio(),
	}
	for _, s := range resp.GetServers() {
		out.Servers = append(out.Servers, Server{
			ID: ids.ServerID(s.GetServerId()), Endpoint: s.GetEndpoint(), HTTPEndpoint: s.GetHttpEndpoint(),
			Version: s.GetVersion(), Roles: s.GetRoles(), StartedAt: time.UnixMilli(s.GetStartedAtMs()).UTC(),
		})
	}
	for _, t := range resp.GetTablets() {
		out.Tablets = append(out.Tablets, Tablet{
			ID: ids.TabletID(t.GetTabletId()), Leader: ids.ServerID(t.GetLeaderServerId()), Term: t.GetTerm(),
			AppliedIndex: t.GetAppliedIndex(), Buckets: int(t.GetBucketCount()), State: t.GetState(), Detail: t.GetDetail(),
		})
	}
	return out, nil
}
