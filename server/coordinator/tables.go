package coordinator

import (
	"context"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// CreateTable makes a table and opens its buckets, and creates the partitions
// that automatic partitioning wants. The answer is shared: it must not be
// changed. It fails with TABLE_EXISTS, UNKNOWN_DATABASE, INVALID_NAME,
// INVALID_SCHEMA, INVALID_OPTION or LIMIT_EXCEEDED.
func (c *Coordinator) CreateTable(ctx context.Context, req *flussv1.CreateTableRequest) (*flussv1.CreateTableResponse, error) {
	path, err := table.PathFromProto(req.GetPath())
	if err != nil {
		return nil, err
	}
	descriptor, err := c.newDescriptor(req.GetDescriptor_())
	if err != nil {
		return nil, err
	}
	t, err := c.createTable(ctx, path, descriptor)
	if errcode.Of(err) == errcode.TableExists && req.GetIfNotExists() {
		t, err = c.store.Catalog().Table(path)
	}
	if err != nil {
		return nil, err
	}
	return &flussv1.CreateTableResponse{Table: t.Stored}, nil
}

func (c *Coordinator) createTable(ctx context.Context, path table.Path, d *table.Descriptor) (*metastore.Table, error) {
	unlock, err := c.locks.take(ctx, "path "+path.String())
	if err != nil {
		return nil, err
	}
	defer unlock()
	catalog := c.store.Catalog()
	switch _, err := catalog.Table(path); errcode.Of(err) { //nolint:exhaustive // the others are as they are
	case "":
		return nil, errcode.New(errcode.TableExists, nil, "table %s exists already", path)
	case errcode.UnknownTable:
	default:
		return nil, suggestDatabase(catalog, path.Database, err)
	}
	id, err := c.openAndPublish(ctx, path, d)
	if err != nil {
		return nil, err
	}
	t, err := c.store.Catalog().TableByID(id)
	if err != nil {
		return nil, err // dropped already
	}
	c.autoPartition(ctx, t)
	return t, nil
}

func (c *Coordinator) openAndPublish(ctx context.Context, path table.Path, d *table.Descriptor) (ids.TableID, error) {
	intent, done, err := c.announce(func() (*metastore.Intent, error) { return c.store.BeginTable(ctx) })
	if err != nil {
		return 0, err
	}
	defer done()
	now := c.clock.Now().UnixMilli()
	message := d.Proto()
	info := &flussv1.TableInfo{
		Path: path.Proto(), TableId: int64(intent.Table), Descriptor_: message, Schemas: []*flussv1.Schema{message.GetSchema()},
		CreatedAtMs: now, ModifiedAtMs: now, Version: 1,
	}
	var tablets []ids.TabletID
	if len(d.PartitionKeys) == 0 {
		if tablets, err = c.place(intent.Table, 0, d.BucketCount); err == nil {
			err = c.openBuckets(ctx, info, 0, tablets)
		}
	}
	if err == nil {
		err = c.publish(ctx, func(ctx context.Context) error { return c.store.PublishTable(ctx, intent, info, tablets) })
	}
	if err != nil {
		c.giveUp(ctx, intent, tablets)
		return 0, err
	}
	return intent.Table, nil
}

// AlterTable changes a table: all changes or none. The answer is shared: it must
// not be changed. It fails with UNKNOWN_TABLE, UNKNOWN_COLUMN, COLUMN_EXISTS,
// INVALID_SCHEMA, INVALID_OPTION, CONFLICT, or OUTCOME_UNKNOWN when a tablet
// did not answer: the change is then completed later.
func (c *Coordinator) AlterTable(ctx context.Context, req *flussv1.AlterTableRequest) (*flussv1.AlterTableResponse, error) {
	path, err := table.PathFromProto(req.GetPath())
	if err != nil {
		return nil, err
	}
	if len(req.GetChanges()) == 0 {
		return nil, errcode.New(errcode.InvalidArgument, nil, "the request has no changes for table %s: name at least one", path)
	}
	unlock, err := c.locks.take(ctx, "path "+path.String())
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range maxAttempts {
		t, err := c.store.Catalog().Table(path)
		if err != nil {
			if isMissing(err) && req.GetIfExists() {
				return &flussv1.AlterTableResponse{}, nil
			}
			return nil, err
		}
		if want := req.GetExpectedVersion(); want != 0 && want != t.Stored.GetVersion() {
			return nil, errcode.New(errcode.Conflict, nil, "table %s was altered meanwhile: it is at version %d and not at %d; look at it again and repeat the change",
				path, t.Stored.GetVersion(), want)
		}
		next, err := c.alter(t, req.GetChanges())
		if err != nil {
			return nil, err
		}
		if next.GetVersion() == t.Stored.GetVersion() {
			return &flussv1.AlterTableResponse{Table: t.Stored}, nil
		}
		err = c.publishAlter(ctx, t, next)
		if errcode.Of(err) == errcode.Conflict {
			if err := c.awaitAlter(ctx, t.ID()); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		return c.altered(ctx, t.ID(), next)
	}
	return nil, errcode.New(errcode.Conflict, nil, "table %s is changed by others all the time: try again", path)
}

func (c *Coordinator) altered(ctx context.Context, id ids.TableID, next *flussv1.TableInfo) (*flussv1.AlterTableResponse, error) {
	t, err := c.store.Catalog().TableByID(id)
	if err != nil {
		return nil, err // dropped already
	}
	c.autoPartition(ctx, t)
	return &flussv1.AlterTableResponse{Table: next}, nil
}

// publishAlter tells the tablets of t its next state, then everybody. Once the
// tablets may know, it is completed whatever happens to the caller.
func (c *Coordinator) publishAlter(ctx context.Context, t *metastore.Table, next *flussv1.TableInfo) error {
	intent, done, err := c.announce(func() (*metastore.Intent, error) { return c.store.BeginAlter(ctx, t, next) })
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := settling(ctx)
	defer cancel()
	if err := c.completeAlter(ctx, intent); err != nil {
		switch code := errcode.Of(err); {
		case code == errcode.Conflict && c.isPublished(next):
			return nil // by somebody who took this server for dead
		case code == errcode.UnknownTable, code == errcode.Conflict:
			return err
		}
		return errcode.New(errcode.OutcomeUnknown, err,
			"the change of table %s has begun and is completed later: describe the table before you try again", t.Info.Path)
	}
	return nil
}

// isPublished reports whether the announced state next was published, after its
// announcement was taken away. While it stood nobody else could announce a
// change, and who takes one away for another completes it; so a table of that
// version, or of a higher one that came after, went through next.
func (c *Coordinator) isPublished(next *flussv1.TableInfo) bool {
	t, err := c.store.Catalog().TableByID(ids.TableID(next.GetTableId()))
	return err == nil && t.Stored.GetVersion() >= next.GetVersion()
}

// completeAlter tells the tablets what intent announced, and publishes it. The
// catalog is read after the announcement was seen: partitions published later
// know of it.
func (c *Coordinator) completeAlter(ctx context.Context, intent *metastore.Intent) error {
	t, err := c.store.Catalog().TableByID(intent.Table)
	if err != nil {
		return err
	}
	if err := c.updateTable(ctx, intent.Info, hosts(t)); err != nil {
		return err
	}
	return c.store.PublishAlter(ctx, intent)
}

// awaitAlter waits until nothing is under way for the table, and completes what
// nobody works on.
func (c *Coordinator) awaitAlter(ctx context.Context, id ids.TableID) error {
	for {
		catalog, changed := c.store.Watch()
		intent := catalog.Intent(id, 0)
		if intent == nil {
			return nil
		}
		if c.dangling(catalog, intent) {
			if err := c.resolve(ctx, intent); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errcode.From(ctx.Err())
		}
	}
}

// DropTable drops a table. Its buckets are gone when it returns, or later when
// a tablet does not answer. It fails with UNKNOWN_TABLE or UNKNOWN_DATABASE.
func (c *Coordinator) DropTable(ctx context.Context, req *flussv1.DropTableRequest) (*flussv1.DropTableResponse, error) {
	path, err := table.PathFromProto(req.GetPath())
	if err != nil {
		return nil, err
	}
	t, err := c.store.Catalog().Table(path)
	// What cannot be read can be dropped.
	if err == nil || errcode.Of(err) == errcode.Corrupt && t != nil {
		err = c.store.DropTable(ctx, path, t)
	}
	if err != nil {
		if isMissing(err) && req.GetIfExists() {
			return &flussv1.DropTableResponse{}, nil
		}
		return nil, err
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	c.dropBuckets(ctx, t.ID(), 0, hosts(t))
	return &flussv1.DropTableResponse{}, nil
}

// ListTables tells a database's tables, ascending by name. It fails with UNKNOWN_DATABASE.
func (c *Coordinator) ListTables(_ context.Context, req *flussv1.ListTablesRequest) (*flussv1.ListTablesResponse, error) {
	catalog := c.store.Catalog()
	database := req.GetDatabase()
	if database == "" {
		database = table.DefaultDatabase
	}
	if _, err := catalog.Database(database); err != nil {
		return nil, suggestDatabase(catalog, database, err)
	}
	out := &flussv1.ListTablesResponse{}
	for _, p := range catalog.Paths(database) {
		out.Tables = append(out.Tables, p.Proto())
	}
	return out, nil
}

// DescribeTable tells a table. The answer is shared: it must not be changed. It
// fails with UNKNOWN_TABLE or UNKNOWN_DATABASE.
func (c *Coordinator) DescribeTable(_ context.Context, req *flussv1.DescribeTableRequest) (*flussv1.DescribeTableResponse, error) {
	t, err := c.table(req.GetPath())
	if err != nil {
		return nil, err
	}
	return &flussv1.DescribeTableResponse{Table: t.Stored}, nil
}

// TableMetadata tells a table, its partitions and where their buckets are; the
// leaders are left for the caller to add. Messages within the answer are shared
// and must not be changed. It fails with UNKNOWN_TABLE or UNKNOWN_DATABASE.
func (c *Coordinator) TableMetadata(_ context.Context, req *flussv1.GetTableMetadataRequest) (*flussv1.GetTableMetadataResponse, error) {
	var t *metastore.Table
	var err error
	if req.GetPath() == nil {
		t, err = c.store.Catalog().TableByID(ids.TableID(req.GetTableId()))
	} else {
		t, err = c.table(req.GetPath())
	}
	if err != nil {
		return nil, err
	}
	out := &flussv1.GetTableMetadataResponse{Table: t.Stored}
	if t.Tablets != nil {
		out.Placements = append(out.Placements, placement(0, t.Tablets))
	}
	for _, p := range t.Partitions() {
		out.Partitions = append(out.Partitions, p.Info)
		out.Placements = append(out.Placements, placement(p.ID, p.Tablets))
	}
	return out, nil
}

func placement(partition ids.PartitionID, tablets []ids.TabletID) *flussv1.BucketPlacement {
	out := &flussv1.BucketPlacement{PartitionId: int64(partition), Tablets: make([]int32, len(tablets))}
	for i, t := range tablets {
		out.Tablets[i] = int32(t)
	}
	return out
}

// table returns the table at the path of a request.
func (c *Coordinator) table(m *flussv1.TablePath) (*metastore.Table, error) {
	path, err := table.PathFromProto(m)
	if err != nil {
		return nil, err
	}
	catalog := c.store.Catalog()
	t, err := catalog.Table(path)
	if err != nil {
		return nil, suggestDatabase(catalog, path.Database, err)
	}
	return t, nil
}

func isMissing(err error) bool {
	code := errcode.Of(err)
	return code == errcode.UnknownTable || code == errcode.UnknownDatabase
}

// isSettled reports whether err tells that an intent needs no more work: its
// table is gone, or somebody else took it.
func isSettled(err error) bool { return isMissing(err) || errcode.Of(err) == errcode.Conflict }
