package coordinator

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// CreateDatabase makes a database. It fails with INVALID_NAME or DATABASE_EXISTS.
func (c *Coordinator) CreateDatabase(ctx context.Context, req *flussv1.CreateDatabaseRequest) (*flussv1.CreateDatabaseResponse, error) {
	if err := table.ValidateName("database", req.GetName()); err != nil {
		return nil, err
	}
	_, err := c.store.Catalog().Database(req.GetName())
	switch errcode.Of(err) { //nolint:exhaustive // the others are for the creation to report
	case "":
		err = errcode.New(errcode.DatabaseExists, nil, "database %q exists already", req.GetName())
	case errcode.UnknownDatabase:
		now := c.clock.Now().UnixMilli()
		err = c.store.CreateDatabase(ctx, &flussv1.DatabaseInfo{
			Name: req.GetName(), Comment: req.GetComment(), Properties: req.GetProperties(), CreatedAtMs: now, ModifiedAtMs: now,
		})
	}
	if err != nil && (!req.GetIfNotExists() || errcode.Of(err) != errcode.DatabaseExists) {
		return nil, err
	}
	return &flussv1.CreateDatabaseResponse{}, nil
}

// AlterDatabase changes a database's comment and properties. It fails with
// UNKNOWN_DATABASE, or INVALID_ARGUMENT when a property is both set and reset.
func (c *Coordinator) AlterDatabase(ctx context.Context, req *flussv1.AlterDatabaseRequest) (*flussv1.AlterDatabaseResponse, error) {
	for _, key := range req.GetResetProperties() {
		if _, ok := req.GetSetProperties()[key]; ok {
			return nil, errcode.New(errcode.InvalidArgument, nil, "property %q is both set and reset: choose one", key)
		}
	}
	err := c.store.UpdateDatabase(ctx, req.GetName(), func(d *flussv1.DatabaseInfo) error {
		if req.Comment != nil {
			d.Comment = req.GetComment()
		}
		for key, value := range req.GetSetProperties() {
			if d.Properties == nil {
				d.Properties = map[string]string{}
			}
			d.Properties[key] = value
		}
		for _, key := range req.GetResetProperties() {
			delete(d.Properties, key)
		}
		d.ModifiedAtMs = c.clock.Now().UnixMilli()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &flussv1.AlterDatabaseResponse{}, nil
}

// DropDatabase drops a database, with its tables if so asked. It fails with
// UNKNOWN_DATABASE or DATABASE_NOT_EMPTY.
func (c *Coordinator) DropDatabase(ctx context.Context, req *flussv1.DropDatabaseRequest) (*flussv1.DropDatabaseResponse, error) {
	var err error
	for range maxAttempts {
		if req.GetCascade() {
			if err := c.dropTables(ctx, req.GetName()); err != nil {
				return nil, err
			}
		}
		err = c.store.DropDatabase(ctx, req.GetName())
		// With cascade, a table was created after the others had been dropped.
		if !req.GetCascade() || errcode.Of(err) != errcode.DatabaseNotEmpty {
			break
		}
	}
	if err != nil && (!req.GetIfExists() || errcode.Of(err) != errcode.UnknownDatabase) {
		return nil, err
	}
	return &flussv1.DropDatabaseResponse{}, nil
}

func (c *Coordinator) dropTables(ctx context.Context, database string) error {
	for _, p := range c.store.Catalog().Paths(database) {
		_, err := c.DropTable(ctx, &flussv1.DropTableRequest{
			Path: &flussv1.TablePath{Database: p.Database, Table: p.Table}, IfExists: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ListDatabases tells all databases, ascending by name.
func (c *Coordinator) ListDatabases(_ context.Context, _ *flussv1.ListDatabasesRequest) (*flussv1.ListDatabasesResponse, error) {
	catalog := c.store.Catalog()
	counts := map[string]int{}
	for t := range catalog.Tables() {
		counts[t.Info.Path.Database]++
	}
	databases := catalog.Databases()
	for i, d := range databases {
		databases[i] = counted(d, counts[d.GetName()])
	}
	return &flussv1.ListDatabasesResponse{Databases: databases}, nil
}

// DescribeDatabase tells a database. It fails with UNKNOWN_DATABASE.
func (c *Coordinator) DescribeDatabase(_ context.Context, req *flussv1.DescribeDatabaseRequest) (*flussv1.DescribeDatabaseResponse, error) {
	catalog := c.store.Catalog()
	d, err := catalog.Database(req.GetName())
	if err != nil {
		return nil, suggestDatabase(catalog, req.GetName(), err)
	}
	return &flussv1.DescribeDatabaseResponse{Database: counted(d, len(catalog.Paths(req.GetName())))}, nil
}

func counted(d *flussv1.DatabaseInfo, tables int) *flussv1.DatabaseInfo {
	d = proto.CloneOf(d)
	d.TableCount = int32(tables) //nolint:gosec // far from 2^31
	return d
}

// suggestDatabase adds the databases there are to UNKNOWN_DATABASE, when they are few.
func suggestDatabase(catalog *metastore.Catalog, name string, err error) error {
	const few = 10
	databases := catalog.Databases()
	if errcode.Of(err) != errcode.UnknownDatabase || len(databases) == 0 || len(databases) > few {
		return err
	}
	names := make([]string, len(databases))
	for i, d := range databases {
		names[i] = d.GetName()
	}
	return errcode.New(errcode.UnknownDatabase, nil, "there is no database %q; there are %q", name, names)
}
