package metastore

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

const (
	// maxTxnOps is how many operations etcd allows in a transaction by default.
	maxTxnOps = 128
	// maxTablets bounds the tablets of a cluster, made in one transaction.
	maxTablets = 120
)

// InitTablets makes the cluster's tablets 1 to n, led by server, unless there
// are some: the number is settled once. It returns the ids, ascending.
func (s *Store) InitTablets(ctx context.Context, n int, server ids.ServerID) ([]ids.TabletID, error) {
	if known := s.Catalog().TabletIDs(); len(known) > 0 {
		return known, nil
	}
	if n < 1 || n > maxTablets {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%d tablets: a cluster has from 1 to %d", n, maxTablets)
	}
	first := s.keys.tablet(1)
	var then []clientv3.Op
	for id := ids.TabletID(1); int(id) <= n; id++ {
		value, err := proto.Marshal(&flussv1.TabletInfo{TabletId: int32(id), LeaderServerId: int32(server), State: "active"})
		if err != nil {
			return nil, failure(fmt.Errorf("tablet %d: %w", id, err), "encoding a tablet")
		}
		then = append(then, clientv3.OpPut(s.keys.tablet(id), string(value)))
	}
	// When another server was faster the answer is its tablets.
	if _, err := s.commit(ctx, []clientv3.Cmp{absent(first)}, then, []clientv3.Op{seen(first)}); err != nil {
		return nil, err
	}
	return s.Catalog().TabletIDs(), nil
}
