package node

import (
	"context"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/coordinator"
	"github.com/fluss-go/fluss/server/tablet"
)

// hostTablets gives the host's tablets the shape that the coordinator wants.
type hostTablets struct{ host *tablet.Host }

var _ coordinator.Tablets = hostTablets{}

func (h hostTablets) tablet(id ids.TabletID) (*tablet.Tablet, error) {
	t, ok := h.host.Tablet(id)
	if !ok {
		return nil, errcode.New(errcode.NoLeader, nil, "tablet %d is not hosted by this server", id)
	}
	return t, nil
}

func (h hostTablets) OpenBuckets(ctx context.Context, id ids.TabletID, info *flussv1.TableInfo, partition ids.PartitionID, buckets []ids.BucketID) error {
	t, err := h.tablet(id)
	if err != nil {
		return err
	}
	return t.OpenBuckets(ctx, info, partition, buckets)
}

func (h hostTablets) UpdateTable(ctx context.Context, id ids.TabletID, info *flussv1.TableInfo) error {
	t, err := h.tablet(id)
	if err != nil {
		return err
	}
	return t.UpdateTable(ctx, info)
}

func (h hostTablets) DropBuckets(ctx context.Context, id ids.TabletID, table ids.TableID, partition ids.PartitionID) error {
	t, err := h.tablet(id)
	if err != nil {
		return err
	}
	return t.DropBuckets(ctx, table, partition)
}

func (h hostTablets) Buckets(id ids.TabletID) []ids.Bucket {
	t, ok := h.host.Tablet(id)
	if !ok {
		return nil
	}
	return t.Buckets()
}
