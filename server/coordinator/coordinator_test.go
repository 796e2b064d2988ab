package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

func TestDatabases(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	_, err := w.CreateDatabase(ctx, &flussv1.CreateDatabaseRequest{Name: "x y"})
	code(t, err, errcode.InvalidName, "x y")
	_, err = w.CreateDatabase(ctx, &flussv1.CreateDatabaseRequest{Name: "d", Comment: "c", Properties: map[string]string{"k": "v", "l": "v"}})
	require.NoError(t, err)
	_, err = w.CreateDatabase(ctx, &flussv1.CreateDatabaseRequest{Name: "d"})
	code(t, err, errcode.DatabaseExists, `"d"`)
	_, err = w.CreateDatabase(ctx, &flussv1.CreateDatabaseRequest{Name: "d", IfNotExists: true})
	require.NoError(t, err)
	comment := "new"
	_, err = w.AlterDatabase(ctx, &flussv1.AlterDatabaseRequest{
		Name: "d", Comment: &comment, SetProperties: map[string]string{"m": "w"}, ResetProperties: []string{"k"},
	})
	require.NoError(t, err)
	_, err = w.AlterDatabase(ctx, &flussv1.AlterDatabaseRequest{Name: "d", SetProperties: map[string]string{"k": "w"}, ResetProperties: []string{"k"}})
	code(t, err, errcode.InvalidArgument, "both set and reset")
	_, err = w.AlterDatabase(ctx, &flussv1.AlterDatabaseRequest{Name: "x"})
	code(t, err, errcode.UnknownDatabase, `"x"`)
	r := request("t", 2)
	r.Path.Database = "d"
	w.create(r)
	described, err := w.DescribeDatabase(ctx, &flussv1.DescribeDatabaseRequest{Name: "d"})
	require.NoError(t, err)
	require.Equal(t, "new", described.GetDatabase().GetComment())
	require.Equal(t, map[string]string{"l": "v", "m": "w"}, described.GetDatabase().GetProperties())
	require.Equal(t, int32(1), described.GetDatabase().GetTableCount())
	_, err = w.DescribeDatabase(ctx, &flussv1.DescribeDatabaseRequest{Name: "x"})
	code(t, err, errcode.UnknownDatabase, `there are ["d" "fluss"]`)
	list, err := w.ListDatabases(ctx, &flussv1.ListDatabasesRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetDatabases(), 2)
	require.Equal(t, int32(1), list.GetDatabases()[0].GetTableCount())
	_, err = w.DropDatabase(ctx, &flussv1.DropDatabaseRequest{Name: "d"})
	code(t, err, errcode.DatabaseNotEmpty, "cascade")
	require.Len(t, w.tablets.all(), 2)
	_, err = w.DropDatabase(ctx, &flussv1.DropDatabaseRequest{Name: "d", Cascade: true})
	require.NoError(t, err)
	require.Empty(t, w.tablets.all())
	_, err = w.DropDatabase(ctx, &flussv1.DropDatabaseRequest{Name: "d", Cascade: true})
	code(t, err, errcode.UnknownDatabase, `"d"`)
	_, err = w.DropDatabase(ctx, &flussv1.DropDatabaseRequest{Name: "d", IfExists: true})
	require.NoError(t, err)
	_, err = w.ListTables(ctx, &flussv1.ListTablesRequest{Database: "d"})
	code(t, err, errcode.UnknownDatabase, `"d"`)
}

func TestTables(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	info := w.create(request("t", 12))
	require.Equal(t, int32(3), info.GetDescriptor_().GetSchema().GetHighestFieldId())
	require.Len(t, w.tablets.all(), 12)
	require.Equal(t, 8, w.tablets.calls["open"], "one call per tablet")
	_, err := w.CreateTable(ctx, request("t", 1))
	code(t, err, errcode.TableExists, "fluss.t")
	again := request("t", 1)
	again.IfNotExists = true
	require.Equal(t, info.GetTableId(), w.create(again).GetTableId())
	unknown := request("t", 1)
	unknown.Path.Database = "x"
	_, err = w.CreateTable(ctx, unknown)
	code(t, err, errcode.UnknownDatabase, `there are ["fluss"]`)
	_, err = w.CreateTable(ctx, request("a.b", 1))
	code(t, err, errcode.InvalidName, "a.b")
	_, err = w.CreateTable(ctx, request("u", 5000))
	code(t, err, errcode.LimitExceeded, "4096")
	require.Equal(t, int32(1), w.create(request("one", 0)).GetDescriptor_().GetBucketCount())

	metadata, err := w.TableMetadata(ctx, &flussv1.GetTableMetadataRequest{TableId: info.GetTableId()})
	require.NoError(t, err)
	require.Len(t, metadata.GetPlacements(), 1)
	require.Len(t, metadata.GetPlacements()[0].GetTablets(), 12)
	list, err := w.ListTables(ctx, &flussv1.ListTablesRequest{})
	require.NoError(t, err)
	require.Equal(t, "one", list.GetTables()[0].GetTable())
	require.Len(t, list.GetTables(), 2)

	_, err = w.DropTable(ctx, &flussv1.DropTableRequest{Path: path("t")})
	require.NoError(t, err)
	_, err = w.DropTable(ctx, &flussv1.DropTableRequest{Path: path("t")})
	code(t, err, errcode.UnknownTable, `"t"`)
	_, err = w.DropTable(ctx, &flussv1.DropTableRequest{Path: path("t"), IfExists: true})
	require.NoError(t, err)
	recreated := w.create(request("t", 3))
	require.Greater(t, recreated.GetTableId(), info.GetTableId())
	_, err = w.TableMetadata(ctx, &flussv1.GetTableMetadataRequest{TableId: info.GetTableId()})
	code(t, err, errcode.UnknownTable, "dropped")
	described, err := w.DescribeTable(ctx, &flussv1.DescribeTableRequest{Path: path("t")})
	require.NoError(t, err)
	require.Equal(t, recreated.String(), described.GetTable().String())
}

func TestAlterTable(t *testing.T) {
	w := newWorld(t, Options{})
	r := request("t", 4)
	r.Descriptor_.BucketKeys = []string{"b"}
	first := w.create(r)
	next, err := w.alterTable("t", addColumn("c"), set("table.log.ttl", "1d"), set("owner", "me"),
		&flussv1.TableChange{Change: &flussv1.TableChange_SetComment{SetComment: &flussv1.SetComment{Comment: "hello"}}})
	require.NoError(t, err)
	require.Equal(t, int64(2), next.GetVersion())
	require.Len(t, next.GetSchemas(), 2)
	require.Equal(t, int32(2), next.GetDescriptor_().GetSchema().GetId())
	require.Equal(t, "hello", next.GetDescriptor_().GetComment())
	require.Equal(t, "me", next.GetDescriptor_().GetCustomProperties()["owner"])
	require.Equal(t, "1d", next.GetDescriptor_().GetProperties()["table.log.ttl"])
	require.Empty(t, first.GetDescriptor_().GetComment(), "what was given out stays as it was")
	for b, version := range w.tablets.all() {
		require.Equal(t, int64(2), version, "%s", b)
	}
	next, err = w.alterTable("t", reset("table.log.ttl"), reset("owner"))
	require.NoError(t, err)
	require.Empty(t, next.GetDescriptor_().GetProperties())
	require.Empty(t, next.GetDescriptor_().GetCustomProperties())
	require.Len(t, next.GetSchemas(), 2)

	rename := &flussv1.TableChange{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: "b", NewName: "bb"}}}
	next, err = w.alterTable("t", rename)
	require.NoError(t, err)
	require.Equal(t, []string{"bb"}, next.GetDescriptor_().GetBucketKeys())
	drop := &flussv1.TableChange{Change: &flussv1.TableChange_DropColumn{DropColumn: &flussv1.DropColumn{Name: "bb"}}}
	_, err = w.alterTable("t", drop)
	code(t, err, errcode.InvalidSchema, "bucket key")
	_, err = w.alterTable("t", addColumn("a"))
	code(t, err, errcode.ColumnExists, `a`)
	_, err = w.alterTable("t", set("table.log.format", "ARROW"))
	code(t, err, errcode.InvalidOption, "fixed when a table is created")
	_, err = w.alterTable("t", set("table.log.tll", "1d"))
	code(t, err, errcode.InvalidOption, "table.log.ttl")
	_, err = w.alterTable("t", set("table.log.ttl", "soon"))
	code(t, err, errcode.InvalidOption, "soon")
	_, err = w.alterTable("t")
	code(t, err, errcode.InvalidArgument, "no changes")
	_, err = w.alterTable("t", &flussv1.TableChange{})
	code(t, err, errcode.Unsupported, "says nothing")
	_, err = w.alterTable("x", addColumn("c"))
	code(t, err, errcode.UnknownTable, `"x"`)
	_, err = w.AlterTable(t.Context(), &flussv1.AlterTableRequest{Path: path("x"), IfExists: true, Changes: []*flussv1.TableChange{addColumn("c")}})
	require.NoError(t, err)
}

func TestAlterFromAnOldVersion(t *testing.T) {
	w := newWorld(t, Options{})
	seen := w.create(request("t", 1)).GetVersion()
	alter := func(c string, version int64) error {
		_, err := w.AlterTable(t.Context(), &flussv1.AlterTableRequest{Path: path("t"), Changes: []*flussv1.TableChange{addColumn(c)}, ExpectedVersion: version})
		return err
	}
	require.NoError(t, alter("c", seen))
	code(t, alter("d", seen), errcode.Conflict, "at version 2 and not at 1")
	require.NoError(t, alter("d", seen+1))
}

func TestConcurrentAltersAreAllApplied(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(partitioned("t", 2, nil))
	other := New(w.store, w.tablets, w.clock, slog.New(slog.DiscardHandler), Options{})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			c := []*Coordinator{w.Coordinator, other}[i%2]
			_, err := c.AlterTable(context.Background(), &flussv1.AlterTableRequest{Path: path("t"), Changes: []*flussv1.TableChange{addColumn(fmt.Sprintf("c%d", i))}})
			if err != nil {
				t.Error(err)
			}
			_, err = c.CreatePartition(context.Background(), &flussv1.CreatePartitionRequest{Path: path("t"), Values: value(fmt.Sprintf("p%d", i))})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	described, err := w.DescribeTable(t.Context(), &flussv1.DescribeTableRequest{Path: path("t")})
	require.NoError(t, err)
	require.Len(t, described.GetTable().GetDescriptor_().GetSchema().GetColumns(), 13)
	require.Len(t, w.tablets.all(), 20)
	for b, version := range w.tablets.all() {
		require.Equal(t, described.GetTable().GetVersion(), version, "%s", b)
	}
}

func TestPartitions(t *testing.T) {
	w := newWorld(t, Options{MaxPartitions: 3})
	ctx := t.Context()
	w.create(partitioned("t", 2, nil))
	w.create(request("plain", 1))
	makes := func(name, v string, ifNotExists bool) (*flussv1.PartitionInfo, error) {
		answer, err := w.CreatePartition(ctx, &flussv1.CreatePartitionRequest{Path: path(name), Values: value(v), IfNotExists: ifNotExists})
		return answer.GetPartition(), err
	}
	one, err := makes("t", "one", false)
	require.NoError(t, err)
	require.Equal(t, "one", one.GetName())
	_, err = makes("t", "one", false)
	code(t, err, errcode.PartitionExists, `"one"`)
	same, err := makes("t", "one", true)
	require.NoError(t, err)
	require.Equal(t, one.GetPartitionId(), same.GetPartitionId())
	_, err = makes("plain", "one", false)
	code(t, err, errcode.InvalidPartition, "not partitioned")
	_, err = makes("x", "one", false)
	code(t, err, errcode.UnknownTable, `"x"`)
	_, err = makes("t", "a/b", false)
	code(t, err, errcode.InvalidPartition, "a/b")
	for _, v := range []string{"two", "three"} {
		_, err = makes("t", v, false)
		require.NoError(t, err)
	}
	_, err = makes("t", "four", false)
	code(t, err, errcode.LimitExceeded, "drop some")
	require.Len(t, w.tablets.all(), 7)
	require.Equal(t, []string{"one", "three", "two"}, w.names("t"))
	some, err := w.ListPartitions(ctx, &flussv1.ListPartitionsRequest{Path: path("t"), Values: value("two")})
	require.NoError(t, err)
	require.Len(t, some.GetPartitions(), 1)
	_, err = w.ListPartitions(ctx, &flussv1.ListPartitionsRequest{Path: path("t"), Values: []*flussv1.PartitionValue{{Column: "a", Value: "1"}}})
	code(t, err, errcode.InvalidPartition, "(dt)")
	_, err = w.ListPartitions(ctx, &flussv1.ListPartitionsRequest{Path: path("plain")})
	code(t, err, errcode.InvalidPartition, "not partitioned")
	metadata, err := w.TableMetadata(ctx, &flussv1.GetTableMetadataRequest{Path: path("t")})
	require.NoError(t, err)
	require.Len(t, metadata.GetPartitions(), 3)
	require.Len(t, metadata.GetPlacements(), 3)

	_, err = w.DropPartition(ctx, &flussv1.DropPartitionRequest{Path: path("t"), Values: value("two")})
	require.NoError(t, err)
	_, err = w.DropPartition(ctx, &flussv1.DropPartitionRequest{Path: path("t"), Values: value("two")})
	code(t, err, errcode.UnknownPartition, `"two"`)
	_, err = w.DropPartition(ctx, &flussv1.DropPartitionRequest{Path: path("t"), Values: value("two"), IfExists: true})
	require.NoError(t, err)
	require.Len(t, w.tablets.all(), 5)
	_, err = w.DropTable(ctx, &flussv1.DropTableRequest{Path: path("t")})
	require.NoError(t, err)
	require.Len(t, w.tablets.all(), 1)
}

func TestSeveralCreateThePartitionAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(partitioned("t", 4, nil))
	other := New(w.store, w.tablets, w.clock, slog.New(slog.DiscardHandler), Options{})
	var mu sync.Mutex
	got := map[int64]int{}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			c := []*Coordinator{w.Coordinator, other}[i%2]
			answer, err := c.CreatePartition(context.Background(), &flussv1.CreatePartitionRequest{Path: path("t"), Values: value("new"), IfNotExists: true})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			got[answer.GetPartition().GetPartitionId()]++
		})
	}
	wg.Wait()
	require.Len(t, got, 1, "all get the same partition")
	require.Len(t, w.tablets.all(), 4, "the loser's buckets are gone")
	require.Empty(t, w.store.Catalog().Intents())
}

var daily = map[string]string{
	"table.auto-partition.enabled": "true", "table.auto-partition.time-unit": "DAY",
	"table.auto-partition.num-precreate": "2", "table.auto-partition.num-retention": "1",
}

func TestAutomaticPartitions(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(partitioned("t", 1, daily))
	require.Equal(t, []string{"20261122", "20261123"}, w.names("t"))
	_, err := w.CreatePartition(t.Context(), &flussv1.CreatePartitionRequest{Path: path("t"), Values: value("20261220")})
	require.NoError(t, err)
	w.clock.advance(24 * time.Hour)
	w.AutoPartition(t.Context())
	require.Equal(t, []string{"20261122", "20261123", "20261124", "20261220"}, w.names("t"))
	// The loop does the same by itself: 22 is older than the one that is kept.
	w.clock.advance(24 * time.Hour)
	_, err = w.store.Wait(t.Context(), func(c *metastore.Catalog) bool {
		tab, err := c.Table(table.Path{Database: "fluss", Table: "t"})
		return err == nil && slices.Equal(namesOf(tab), []string{"20261123", "20261124", "20261125", "20261220"})
	})
	require.NoError(t, err)
	require.NoError(t, w.Reconcile(t.Context()))
	require.Len(t, w.tablets.all(), 4)
}

func namesOf(t *metastore.Table) []string {
	var out []string
	for _, p := range t.Partitions() {
		out = append(out, p.Info.GetName())
	}
	return out
}

func TestAutomaticPartitionsSwitchedOnLater(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(partitioned("t", 1, nil))
	require.Empty(t, w.names("t"))
	_, err := w.alterTable("t", set("table.auto-partition.enabled", "true"))
	require.NoError(t, err)
	require.Equal(t, []string{"20261122", "20261123"}, w.names("t"))
}

func TestALargeTableIsCreatedQuickly(t *testing.T) {
	w := newWorld(t, Options{})
	start := time.Now()
	w.create(request("t", 1536))
	t.Logf("1,536 buckets in %s", time.Since(start))
	require.Len(t, w.tablets.all(), 1536)
	require.Equal(t, 8, w.tablets.calls["open"])
	start = time.Now()
	require.NoError(t, w.Reconcile(t.Context()))
	t.Logf("reconciled in %s", time.Since(start))
}

// What this release does not do is refused, not half done.
func TestWhatIsNotServedIsRefused(t *testing.T) {
	require.ErrorIs(t, served(map[string]string{"table.datalake.enabled": "true"}), &errcode.Error{Code: errcode.Unsupported})
	require.NoError(t, served(map[string]string{"table.datalake.enabled": "false"}))
}

func TestPrimaryKeyTable(t *testing.T) {
	w := newWorld(t, Options{})
	r := request("pk", 2)
	d := r.GetDescriptor_()
	d.Schema.PrimaryKey, d.Schema.Columns[0].Type.Nullable = []string{"a"}, false
	d.Properties = map[string]string{"table.merge-engine": "aggregation"}
	d.CustomProperties = map[string]string{"fields.b.agg": "sum"}
	_, err := w.CreateTable(t.Context(), r)
	code(t, err, errcode.InvalidOption, `column "b" is STRING`)
	d.CustomProperties["fields.b.agg"] = "max"
	info := w.create(r)
	require.Equal(t, []string{"a"}, info.GetDescriptor_().GetBucketKeys())

	answer, err := w.AlterTable(t.Context(), &flussv1.AlterTableRequest{Path: path("pk"), Changes: []*flussv1.TableChange{
		addColumn("c"), set("fields.c.agg", "first_value"),
	}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"fields.b.agg": "max", "fields.c.agg": "first_value"}, answer.GetTable().GetDescriptor_().GetCustomProperties())
	_, err = w.AlterTable(t.Context(), &flussv1.AlterTableRequest{Path: path("pk"), Changes: []*flussv1.TableChange{set("fields.c.agg", "max")}})
	code(t, err, errcode.InvalidOption, "is fixed")
}
