package metastore

import (
	"context"

	"google.golang.org/protobuf/proto"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// BeginTable takes a table id and announces that its buckets are about to be
// opened. PublishTable or Abandon must follow.
func (s *Store) BeginTable(ctx context.Context) (*Intent, error) {
	intent := &Intent{Kind: CreateTable, Session: s.Session()}
	value, err := intent.encode()
	if err != nil {
		return nil, failure(err, "announcing a table")
	}
	first, revision, err := s.take(ctx, counterTable, 1, func(first int64) (addition, error) {
		key := s.keys.intent(ids.TableID(first), 0)
		return addition{then: []clientv3.Op{clientv3.OpPut(key, string(value))}}, nil
	})
	if err != nil {
		return nil, err
	}
	intent.Table, intent.revision = ids.TableID(first), revision
	return intent, nil
}

// PublishTable makes the announced table visible. tablets holds the tablet of
// each bucket, nothing for a partitioned table. It fails with TABLE_EXISTS,
// UNKNOWN_DATABASE, or CONFLICT when the announcement was taken away.
func (s *Store) PublishTable(ctx context.Context, intent *Intent, info *flussv1.TableInfo, tablets []ids.TabletID) error {
	value, err := proto.Marshal(info)
	if err != nil {
		return failure(err, "encoding the table")
	}
	path := table.Path{Database: info.GetPath().GetDatabase(), Table: info.GetPath().GetTable()}
	name, database, announced := s.keys.name(path), s.keys.database(path.Database), s.keys.intent(intent.Table, 0)
	then := []clientv3.Op{
		clientv3.OpPut(name, decimal(intent.Table)),
		clientv3.OpPut(s.keys.table(intent.Table), string(value)),
		clientv3.OpDelete(announced),
	}
	if len(tablets) > 0 {
		put, err := s.putPlacement(intent.Table, 0, tablets)
		if err != nil {
			return err
		}
		then = append(then, put)
	}
	answer, err := s.commit(ctx,
		[]clientv3.Cmp{absent(name), present(database), unchanged(announced, intent.revision)},
		then, []clientv3.Op{seen(name), seen(database)})
	switch {
	case err != nil:
		return err
	case answer.Succeeded:
		return nil
	case answered(answer, 0):
		return errcode.New(errcode.TableExists, nil, "table %s exists already", path)
	case !answered(answer, 1):
		return errcode.New(errcode.UnknownDatabase, nil, "there is no database %q: create it first", path.Database)
	}
	return conflict("the creation of table %s took too long and was given up", path)
}

func (s *Store) putPlacement(id ids.TableID, partition ids.PartitionID, tablets []ids.TabletID) (clientv3.Op, error) {
	placement := &flussv1.BucketPlacement{PartitionId: int64(partition), Tablets: make([]int32, len(tablets))}
	for i, t := range tablets {
		placement.Tablets[i] = int32(t)
	}
	value, err := proto.Marshal(placement)
	if err != nil {
		return clientv3.Op{}, failure(err, "encoding the placement of buckets")
	}
	return clientv3.OpPut(s.keys.placement(id, partition), string(value)), nil
}

// BeginAlter announces that the tablets are about to learn that t becomes info.
// PublishAlter or Abandon must follow. It fails with CONFLICT when t is not the
// table's newest state or somebody else is changing it, and with UNKNOWN_TABLE.
func (s *Store) BeginAlter(ctx context.Context, t *Table, info *flussv1.TableInfo) (*Intent, error) {
	intent := &Intent{Kind: AlterTable, Table: t.id, Session: s.Session(), Info: info}
	value, err := intent.encode()
	if err != nil {
		return nil, failure(err, "announcing the change of a table")
	}
	key, stored := s.keys.intent(t.id, 0), s.keys.table(t.id)
	answer, err := s.commit(ctx, []clientv3.Cmp{unchanged(stored, t.revision), absent(key)},
		[]clientv3.Op{clientv3.OpPut(key, string(value))}, []clientv3.Op{seen(stored), seen(key)})
	switch {
	case err != nil:
		return nil, err
	case answer.Succeeded:
		intent.revision = answer.Header.GetRevision()
		return intent, nil
	case !answered(answer, 0):
		return nil, dropped(t)
	}
	return nil, conflict("table %s is being changed by somebody else", t.title())
}

// PublishAlter makes the announced change visible. It fails with UNKNOWN_TABLE
// when the table was dropped, or CONFLICT when the announcement was taken away.
func (s *Store) PublishAlter(ctx context.Context, intent *Intent) error {
	value, err := proto.Marshal(intent.Info)
	if err != nil {
		return failure(err, "encoding the table")
	}
	key, stored := s.keys.intent(intent.Table, 0), s.keys.table(intent.Table)
	answer, err := s.commit(ctx, []clientv3.Cmp{present(stored), unchanged(key, intent.revision)},
		[]clientv3.Op{clientv3.OpPut(stored, string(value)), clientv3.OpDelete(key)}, []clientv3.Op{seen(stored)})
	switch {
	case err != nil:
		return err
	case answer.Succeeded:
		return nil
	case !answered(answer, 0):
		return errcode.New(errcode.UnknownTable, nil, "the table with id %d was dropped meanwhile", intent.Table)
	}
	return conflict("the change of the table with id %d took too long and was given up", intent.Table)
}

// Abandon takes an announcement away; one that is gone is no error.
func (s *Store) Abandon(ctx context.Context, intent *Intent) error {
	key := s.keys.intent(intent.Table, intent.Partition)
	_, err := s.commit(ctx, []clientv3.Cmp{unchanged(key, intent.revision)}, []clientv3.Op{clientv3.OpDelete(key)}, nil)
	return err
}

// DropTable removes a table with its partitions, and gives up what is under way
// for it. It fails with UNKNOWN_TABLE when it was dropped already.
func (s *Store) DropTable(ctx context.Context, path table.Path, t *Table) error {
	stored, name := s.keys.table(t.id), s.keys.name(path)
	answer, err := s.commit(ctx,
		[]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(stored), "=", t.created), clientv3.Compare(clientv3.Value(name), "=", decimal(t.id))},
		[]clientv3.Op{
			clientv3.OpDelete(stored), clientv3.OpDelete(name),
			clientv3.OpDelete(s.keys.partitions(t.id), clientv3.WithPrefix()),
			clientv3.OpDelete(s.keys.placements(t.id), clientv3.WithPrefix()),
			clientv3.OpDelete(s.keys.intents(t.id), clientv3.WithPrefix()),
		}, nil)
	if err != nil {
		return err
	}
	if !answer.Succeeded {
		return dropped(t)
	}
	return nil
}

// BeginPartition takes a partition id and announces that its buckets are about
// to be opened. PublishPartition or Abandon must follow. It fails with
// UNKNOWN_TABLE when the table was dropped.
func (s *Store) BeginPartition(ctx context.Context, t *Table) (*Intent, error) {
	intent := &Intent{Kind: CreatePartition, Table: t.id, Session: s.Session()}
	value, err := intent.encode()
	if err != nil {
		return nil, failure(err, "announcing a partition")
	}
	first, revision, err := s.take(ctx, counterPartition, 1, func(first int64) (addition, error) {
		return addition{
			when:     []clientv3.Cmp{present(s.keys.table(t.id))},
			then:     []clientv3.Op{clientv3.OpPut(s.keys.intent(t.id, ids.PartitionID(first)), string(value))},
			rejected: func(*clientv3.TxnResponse) error { return dropped(t) },
		}, nil
	})
	if err != nil {
		return nil, err
	}
	intent.Partition, intent.revision = ids.PartitionID(first), revision
	return intent, nil
}

// PublishPartition makes the announced partition of t visible. It fails with
// PARTITION_EXISTS, UNKNOWN_TABLE when the table was dropped, or CONFLICT when t
// is not the table's newest state, somebody is changing the table, or the
// announcement was taken away.
func (s *Store) PublishPartition(ctx context.Context, intent *Intent, t *Table, info *flussv1.PartitionInfo, tablets []ids.TabletID) error {
	value, err := proto.Marshal(info)
	if err != nil {
		return failure(err, "encoding the partition")
	}
	placement, err := s.putPlacement(t.id, intent.Partition, tablets)
	if err != nil {
		return err
	}
	key, stored := s.keys.partition(t.id, info.GetName()), s.keys.table(t.id)
	announced, altering := s.keys.intent(t.id, intent.Partition), s.keys.intent(t.id, 0)
	answer, err := s.commit(ctx,
		[]clientv3.Cmp{absent(key), unchanged(stored, t.revision), absent(altering), unchanged(announced, intent.revision)},
		[]clientv3.Op{clientv3.OpPut(key, string(value)), placement, clientv3.OpDelete(announced)},
		[]clientv3.Op{seen(key), seen(stored), seen(altering)})
	switch {
	case err != nil:
		return err
	case answer.Succeeded:
		return nil
	case answered(answer, 0):
		return errcode.New(errcode.PartitionExists, nil, "partition %q of table %s exists already", info.GetName(), t.title())
	case !answered(answer, 1):
		return dropped(t)
	}
	return conflict("table %s was changed while its partition %q was created", t.title(), info.GetName())
}

// DropPartition removes a partition of t. It fails with UNKNOWN_PARTITION when
// it was dropped already.
func (s *Store) DropPartition(ctx context.Context, t *Table, name string, p *Partition) error {
	key := s.keys.partition(t.id, name)
	answer, err := s.commit(ctx, []clientv3.Cmp{unchanged(key, p.revision)},
		[]clientv3.Op{clientv3.OpDelete(key), clientv3.OpDelete(s.keys.placement(t.id, p.ID))}, nil)
	if err != nil {
		return err
	}
	if !answer.Succeeded {
		return errcode.New(errcode.UnknownPartition, nil, "partition %q of table %s was dropped meanwhile", name, t.title())
	}
	return nil
}

func dropped(t *Table) error {
	return errcode.New(errcode.UnknownTable, nil, "table %s was dropped meanwhile", t.title())
}
