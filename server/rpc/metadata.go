package rpc

import (
	"context"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// The protocol versions that this server speaks and accepts.
const (
	ProtocolVersion    = 1
	minProtocolVersion = 1
)

// Metadata is the gRPC service fluss.v1.Metadata.
type Metadata struct {
	flussv1.UnimplementedMetadataServer

	// Version is the server's release.
	Version string
	// Server names this server and Endpoint is where clients reach it, host:port.
	Server   ids.ServerID
	Endpoint string
	// MaxBatchBytes is the largest batch the server accepts.
	MaxBatchBytes int64
	Catalog       Catalog
}

// Hello implements flussv1.MetadataServer.
func (s *Metadata) Hello(_ context.Context, req *flussv1.HelloRequest) (*flussv1.HelloResponse, error) {
	if v := req.GetProtocolVersion(); v != 0 && v < minProtocolVersion {
		return nil, errcode.New(errcode.Unsupported, nil,
			"the client speaks protocol version %d, this server %d to %d: update the client", v, minProtocolVersion, ProtocolVersion)
	}
	return &flussv1.HelloResponse{
		Version: s.Version, ProtocolVersion: ProtocolVersion, MinProtocolVersion: minProtocolVersion, MaxBatchBytes: s.MaxBatchBytes,
	}, nil
}

// GetTableMetadata implements flussv1.MetadataServer.
func (s *Metadata) GetTableMetadata(_ context.Context, req *flussv1.GetTableMetadataRequest) (*flussv1.GetTableMetadataResponse, error) {
	t, err := s.table(req)
	if err != nil {
		return nil, err
	}
	resp := &flussv1.GetTableMetadataResponse{Table: t.Info.Proto()}
	for _, p := range t.Partitions() {
		resp.Partitions = append(resp.Partitions, p.Info)
	}
	used := map[ids.TabletID]bool{}
	for partition, tablets := range t.Placements() {
		placement := &flussv1.BucketPlacement{PartitionId: int64(partition), Tablets: make([]int32, len(tablets))}
		for i, id := range tablets {
			placement.Tablets[i] = int32(id)
			used[id] = true
		}
		resp.Placements = append(resp.Placements, placement)
	}
	for id := range used {
		resp.Leaders = append(resp.Leaders, &flussv1.TabletLeader{TabletId: int32(id), ServerId: int32(s.Server), Endpoint: s.Endpoint})
	}
	return resp, nil
}

func (s *Metadata) table(req *flussv1.GetTableMetadataRequest) (*metastore.Table, error) {
	c := s.Catalog.Catalog()
	if p := req.GetPath(); p != nil {
		return c.Table(table.Path{Database: p.GetDatabase(), Table: p.GetTable()})
	}
	return c.TableByID(ids.TableID(req.GetTableId()))
}
