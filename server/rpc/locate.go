package rpc

import (
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
	"github.com/fluss-go/fluss/server/tablet"
)

// Catalog gives the newest known snapshot of the metadata.
type Catalog interface {
	Catalog() *metastore.Catalog
}

// hosted is a bucket with the tablet that hosts it.
type hosted struct {
	info   *table.Info
	tablet *tablet.Tablet
}

// locate finds the table and the tablet of a bucket. It fails with
// UNKNOWN_TABLE, UNKNOWN_PARTITION, UNKNOWN_BUCKET or NOT_LEADER.
func locate(catalog Catalog, host *tablet.Host, bucket ids.Bucket) (hosted, error) {
	c := catalog.Catalog()
	t, err := c.TableByID(bucket.Table)
	if err != nil {
		return hosted{}, err
	}
	id, err := c.Tablet(bucket)
	if err != nil {
		return hosted{}, err
	}
	replica, ok := host.Tablet(id)
	if !ok {
		return hosted{}, errcode.New(errcode.NotLeader, nil, "%s is hosted by another server: refresh the table's metadata", bucket)
	}
	return hosted{info: t.Info, tablet: replica}, nil
}
