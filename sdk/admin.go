package sdk

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// Admin creates, changes, lists and drops what tables are made of. Paths are
// "database.table", or "table" for one in the default database.
type Admin struct{ c *Client }

// Database is a database as the server knows it.
type Database struct {
	Name       string
	Comment    string
	Properties map[string]string
	CreatedAt  time.Time
	ModifiedAt time.Time
	Tables     int
}

// DatabaseSpec is what may be said about a database when creating it.
type DatabaseSpec struct {
	Comment    string
	Properties map[string]string
}

// DatabaseChange is a change of a database.
type DatabaseChange struct {
	// Comment replaces the comment unless nil.
	Comment *string
	Set     map[string]string
	Reset   []string
}

// CreateOption sets how something is created.
type CreateOption func(*createOptions)

type createOptions struct{ ifNotExists bool }

// IfNotExists makes it no error that the thing exists; it is left as it is.
func IfNotExists() CreateOption { return func(o *createOptions) { o.ifNotExists = true } }

// DropOption sets how something is dropped.
type DropOption func(*dropOptions)

type dropOptions struct{ ifExists, cascade bool }

// IfExists makes it no error that the thing is missing.
func IfExists() DropOption { return func(o *dropOptions) { o.ifExists = true } }

// Cascade drops a database's tables with it.
func Cascade() DropOption { return func(o *dropOptions) { o.cascade = true } }

func creating(opts []CreateOption) (o createOptions) {
	for _, f := range opts {
		f(&o)
	}
	return o
}

func dropping(opts []DropOption) (o dropOptions) {
	for _, f := range opts {
		f(&o)
	}
	return o
}

// adminCall makes one unary call of the Admin service. A change is repeated only
// when the server surely refused it; what only reads also after a lost connection.
func adminCall[Req, Resp any](ctx context.Context, a *Admin, reads bool, name string,
	f func(flussv1.AdminClient, context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req,
) (*Resp, error) {
	var resp *Resp
	err := a.c.call(ctx, name, reads, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		var err error
		resp, err = f(flussv1.NewAdminClient(conn), ctx, req)
		return err
	})
	return resp, err
}

// CreateDatabase creates a database. It fails with DATABASE_EXISTS unless
// IfNotExists is given, and with INVALID_NAME.
func (a *Admin) CreateDatabase(ctx context.Context, name string, spec DatabaseSpec, opts ...CreateOption) error {
	_, err := adminCall(ctx, a, false, "CreateDatabase", flussv1.AdminClient.CreateDatabase, &flussv1.CreateDatabaseRequest{
		Name: name, Comment: spec.Comment, Properties: spec.Properties, IfNotExists: creating(opts).ifNotExists,
	})
	return err
}

// AlterDatabase changes a database's comment and properties. It fails with UNKNOWN_DATABASE.
func (a *Admin) AlterDatabase(ctx context.Context, name string, change DatabaseChange) error {
	_, err := adminCall(ctx, a, false, "AlterDatabase", flussv1.AdminClient.AlterDatabase, &flussv1.AlterDatabaseRequest{
		Name: name, Comment: change.Comment, SetProperties: change.Set, ResetProperties: change.Reset,
	})
	return err
}

// DropDatabase drops a database. It fails with UNKNOWN_DATABASE unless IfExists
// is given, and with DATABASE_NOT_EMPTY unless Cascade is given.
func (a *Admin) DropDatabase(ctx context.Context, name string, opts ...DropOption) error {
	o := dropping(opts)
	_, err := adminCall(ctx, a, false, "DropDatabase", flussv1.AdminClient.DropDatabase, &flussv1.DropDatabaseRequest{
		Name: name, IfExists: o.ifExists, Cascade: o.cascade,
	})
	return err
}

// Databases lists the databases, ascending by name.
func (a *Admin) Databases(ctx context.Context) ([]Database, error) {
	resp, err := adminCall(ctx, a, true, "ListDatabases", flussv1.AdminClient.ListDatabases, &flussv1.ListDatabasesRequest{})
	if err != nil {
		return nil, err
	}
	out := make([]Database, 0, len(resp.GetDatabases()))
	for _, d := range resp.GetDatabases() {
		out = append(out, databaseFrom(d))
	}
	return out, nil
}

// Database describes one database. It fails with UNKNOWN_DATABASE.
func (a *Admin) Database(ctx context.Context, name string) (Database, error) {
	resp, err := adminCall(ctx, a, true, "DescribeDatabase", flussv1.AdminClient.DescribeDatabase, &flussv1.DescribeDatabaseRequest{Name: name})
	if err != nil {
		return Database{}, err
	}
	return databaseFrom(resp.GetDatabase()), nil
}

func databaseFrom(d *flussv1.DatabaseInfo) Database {
	return Database{
		Name: d.GetName(), Comment: d.GetComment(), Properties: d.GetProperties(), Tables: int(d.GetTableCount()),
		CreatedAt: time.UnixMilli(d.GetCreatedAtMs()).UTC(), ModifiedAt: time.UnixMilli(d.GetModifiedAtMs()).UTC(),
	}
}

// CreateTable creates a table and returns it as the server knows it; with
// IfNotExists an existing one. It fails with TABLE_EXISTS, UNKNOWN_DATABASE,
// INVALID_NAME, INVALID_SCHEMA and INVALID_OPTION.
func (a *Admin) CreateTable(ctx context.Context, path string, d *table.Descriptor, opts ...CreateOption) (*table.Info, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	resp, err := adminCall(ctx, a, false, "CreateTable", flussv1.AdminClient.CreateTable, &flussv1.CreateTableRequest{
		Path: p, Descriptor_: d.Proto(), IfNotExists: creating(opts).ifNotExists,
	})
	if err != nil {
		return nil, err
	}
	return table.NewInfo(resp.GetTable())
}

// AlterTable makes the changes, in order, all or none, and returns the table
// after them. It fails with UNKNOWN_TABLE, UNKNOWN_COLUMN, COLUMN_EXISTS,
// INVALID_SCHEMA and INVALID_OPTION.
func (a *Admin) AlterTable(ctx context.Context, path string, changes ...Change) (*table.Info, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	req := &flussv1.AlterTableRequest{Path: p}
	for _, c := range changes {
		req.Changes = append(req.Changes, c.change)
	}
	resp, err := adminCall(ctx, a, false, "AlterTable", flussv1.AdminClient.AlterTable, req)
	if err != nil {
		return nil, err
	}
	a.c.metadata.forget(path)
	return table.NewInfo(resp.GetTable())
}

// DropTable drops a table with its data. It fails with UNKNOWN_TABLE unless IfExists is given.
func (a *Admin) DropTable(ctx context.Context, path string, opts ...DropOption) error {
	p, err := pathProto(path)
	if err != nil {
		return err
	}
	_, err = adminCall(ctx, a, false, "DropTable", flussv1.AdminClient.DropTable, &flussv1.DropTableRequest{Path: p, IfExists: dropping(opts).ifExists})
	a.c.metadata.forget(path)
	return err
}

// Tables lists the tables of a database, ascending by name. It fails with UNKNOWN_DATABASE.
func (a *Admin) Tables(ctx context.Context, database string) ([]table.Path, error) {
	resp, err := adminCall(ctx, a, true, "ListTables", flussv1.AdminClient.ListTables, &flussv1.ListTablesRequest{Database: database})
	if err != nil {
		return nil, err
	}
	out := make([]table.Path, 0, len(resp.GetTables()))
	for _, p := range resp.GetTables() {
		out = append(out, table.Path{Database: p.GetDatabase(), Table: p.GetTable()})
	}
	return out, nil
}

// Table describes one table. It fails with UNKNOWN_TABLE.
func (a *Admin) Table(ctx context.Context, path string) (*table.Info, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	resp, err := adminCall(ctx, a, true, "DescribeTable", flussv1.AdminClient.DescribeTable, &flussv1.DescribeTableRequest{Path: p})
	if err != nil {
		return nil, err
	}
	return table.NewInfo(resp.GetTable())
}

// CountRows tells how many rows a table, or some of its partitions, has now,
// without a scan: of a primary-key table its rows, of a log table those that are
// stored. It fails with UNKNOWN_TABLE and UNKNOWN_PARTITION.
func (a *Admin) CountRows(ctx context.Context, path string, partitions ...string) (int64, error) {
	p, err := pathProto(path)
	if err != nil {
		return 0, err
	}
	resp, err := adminCall(ctx, a, true, "CountRows", flussv1.AdminClient.CountRows, &flussv1.CountRowsRequest{Path: p, Partitions: partitions})
	return resp.GetRows(), err
}

// Partition is a partition of a table as the server knows it.
type Partition struct {
	ID ids.PartitionID
	// Name is the values joined by '$'.
	Name string
	// Values are in order of the table's partition columns.
	Values    []PartitionValue
	CreatedAt time.Time
}

// PartitionValue is one partition column with its value as text.
type PartitionValue struct{ Column, Value string }

// CreatePartition creates the partition with the values, by column name. It
// fails with UNKNOWN_TABLE, PARTITION_EXISTS, INVALID_PARTITION and LIMIT_EXCEEDED.
func (a *Admin) CreatePartition(ctx context.Context, path string, values map[string]string, opts ...CreateOption) (Partition, error) {
	p, err := pathProto(path)
	if err != nil {
		return Partition{}, err
	}
	resp, err := adminCall(ctx, a, false, "CreatePartition", flussv1.AdminClient.CreatePartition, &flussv1.CreatePartitionRequest{
		Path: p, Values: partitionValues(values), IfNotExists: creating(opts).ifNotExists,
	})
	if err != nil {
		return Partition{}, err
	}
	return partitionFrom(resp.GetPartition()), nil
}

// DropPartition drops the partition with the values, by column name, with its
// data. It fails with UNKNOWN_TABLE, INVALID_PARTITION and, unless IfExists is
// given, UNKNOWN_PARTITION.
func (a *Admin) DropPartition(ctx context.Context, path string, values map[string]string, opts ...DropOption) error {
	p, err := pathProto(path)
	if err != nil {
		return err
	}
	_, err = adminCall(ctx, a, false, "DropPartition", flussv1.AdminClient.DropPartition, &flussv1.DropPartitionRequest{
		Path: p, Values: partitionValues(values), IfExists: dropping(opts).ifExists,
	})
	return err
}

// Partitions lists a table's partitions, ascending by name; with values, by
// column name, only those that have them. It fails with UNKNOWN_TABLE.
func (a *Admin) Partitions(ctx context.Context, path string, values map[string]string) ([]Partition, error) {
	p, err := pathProto(path)
	if err != nil {
		return nil, err
	}
	resp, err := adminCall(ctx, a, true, "ListPartitions", flussv1.AdminClient.ListPartitions, &flussv1.ListPartitionsRequest{
		Path: p, Values: partitionValues(values),
	})
	if err != nil {
		return nil, err
	}
	out := make([]Partition, 0, len(resp.GetPartitions()))
	for _, info := range resp.GetPartitions() {
		out = append(out, partitionFrom(info))
	}
	return out, nil
}

func partitionValues(values map[string]string) []*flussv1.PartitionValue {
	out := make([]*flussv1.PartitionValue, 0, len(values))
	for _, column := range slices.Sorted(maps.Keys(values)) {
		out = append(out, &flussv1.PartitionValue{Column: column, Value: values[column]})
	}
	return out
}

func partitionFrom(p *flussv1.PartitionInfo) Partition {
	out := Partition{ID: ids.PartitionID(p.GetPartitionId()), Name: p.GetName(), CreatedAt: time.UnixMilli(p.GetCreatedAtMs()).UTC()}
	for _, v := range p.GetValues() {
		out.Values = append(out.Values, PartitionValue{v.GetColumn(), v.GetValue()})
	}
	return out
}
