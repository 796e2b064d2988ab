package metastore

import (
	"context"

	"google.golang.org/protobuf/proto"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// CreateDatabase stores a new database. It fails with DATABASE_EXISTS.
func (s *Store) CreateDatabase(ctx context.Context, info *flussv1.DatabaseInfo) error {
	value, err := proto.Marshal(info)
	if err != nil {
		return failure(err, "encoding the database")
	}
	key := s.keys.database(info.GetName())
	answer, err := s.commit(ctx,
		[]clientv3.Cmp{absent(key)}, []clientv3.Op{clientv3.OpPut(key, string(value))}, []clientv3.Op{seen(key)})
	if err != nil {
		return err
	}
	if !answer.Succeeded {
		return errcode.New(errcode.DatabaseExists, nil, "database %q exists already", info.GetName())
	}
	return nil
}

// UpdateDatabase changes a database: change gets a copy of what is stored and
// may be called several times. It fails with what change fails with,
// UNKNOWN_DATABASE, CORRUPT, or CONFLICT when others keep changing it.
func (s *Store) UpdateDatabase(ctx context.Context, name string, change func(*flussv1.DatabaseInfo) error) error {
	key := s.keys.database(name)
	for range maxAttempts {
		catalog := s.Catalog()
		if _, err := catalog.Database(name); err != nil {
			return err
		}
		stored := catalog.databases[name]
		info := proto.CloneOf(stored.info)
		if err := change(info); err != nil {
			return err
		}
		value, err := proto.Marshal(info)
		if err != nil {
			return failure(err, "encoding the database")
		}
		answer, err := s.commit(ctx, []clientv3.Cmp{unchanged(key, stored.revision)},
			[]clientv3.Op{clientv3.OpPut(key, string(value))}, []clientv3.Op{seen(key)})
		if err != nil {
			return err
		}
		if answer.Succeeded {
			return nil
		}
		if !answered(answer, 0) {
			return errcode.New(errcode.UnknownDatabase, nil, "database %q was dropped meanwhile", name)
		}
	}
	return conflict("database %q is changed by others all the time", name)
}

// DropDatabase removes a database without tables. It fails with
// UNKNOWN_DATABASE or DATABASE_NOT_EMPTY.
func (s *Store) DropDatabase(ctx context.Context, name string) error {
	key, names := s.keys.database(name), s.keys.names(name)
	answer, err := s.commit(ctx,
		[]clientv3.Cmp{present(key), clientv3.Compare(clientv3.CreateRevision(names), "=", 0).WithPrefix()},
		[]clientv3.Op{clientv3.OpDelete(key)},
		[]clientv3.Op{seen(key), clientv3.OpGet(names, clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly())})
	switch {
	case err != nil:
		return err
	case answer.Succeeded:
		return nil
	case !answered(answer, 0):
		return errcode.New(errcode.UnknownDatabase, nil, "there is no database %q", name)
	}
	return errcode.New(errcode.DatabaseNotEmpty, nil, "database %q still has tables: drop them first, or drop it with cascade", name)
}

// absent, present and unchanged are comparisons on one key; seen reads it to
// learn, from its revision, what the catalog must show.
func absent(key string) clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
}

func present(key string) clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(key), ">", 0)
}

func unchanged(key string, revision int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", revision)
}

func seen(key string) clientv3.Op { return clientv3.OpGet(key, clientv3.WithKeysOnly()) }
