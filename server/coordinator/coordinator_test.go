package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// fakeTablets hosts buckets in memory, outlives coordinators, and fails when told.
type fakeTablets struct {
	mu      sync.Mutex
	buckets map[ids.TabletID]map[ids.Bucket]*flussv1.TableInfo
	calls   map[string]int
	// hook, when set, is called before each call; its error is the call's.
	hook func(op string, tablet ids.TabletID) error
}

func (f *fakeTablets) before(op string, tablet ids.TabletID) error {
	f.mu.Lock()
	f.calls[op]++
	hook := f.hook
	f.mu.Unlock()
	if hook != nil {
		return hook(op, tablet)
	}
	return nil
}

func (f *fakeTablets) fail(hook func(op string, tablet ids.TabletID) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

func (f *fakeTablets) OpenBuckets(_ context.Context, tablet ids.TabletID, info *flussv1.TableInfo, p ids.PartitionID, buckets []ids.BucketID) error {
	if err := f.before("open", tablet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.buckets[tablet] == nil {
		f.buckets[tablet] = map[ids.Bucket]*flussv1.TableInfo{}
	}
	for b, have := range f.buckets[tablet] {
		if int64(b.Table) == info.GetTableId() && have.GetVersion() > info.GetVersion() {
			info = have
		}
	}
	for _, b := range buckets {
		f.buckets[tablet][ids.Bucket{Table: ids.TableID(info.GetTableId()), Partition: p, Bucket: b}] = info
	}
	return nil
}

func (f *fakeTablets) UpdateTable(_ context.Context, tablet ids.TabletID, info *flussv1.TableInfo) error {
	if err := f.before("update", tablet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for b := range f.buckets[tablet] {
		if int64(b.Table) == info.GetTableId() && f.buckets[tablet][b].GetVersion() < info.GetVersion() {
			f.buckets[tablet][b] = info
		}
	}
	return nil
}

func (f *fakeTablets) DropBuckets(_ context.Context, tablet ids.TabletID, id ids.TableID, p ids.PartitionID) error {
	if err := f.before("drop", tablet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for b := range f.buckets[tablet] {
		if b.Table == id && (p == 0 || b.Partition == p) {
			delete(f.buckets[tablet], b)
		}
	}
	return nil
}

func (f *fakeTablets) Buckets(tablet ids.TabletID) []ids.Bucket {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []ids.Bucket
	for b := range f.buckets[tablet] {
		out = append(out, b)
	}
	return out
}

// all returns the hosted buckets with the version of the descriptor they have.
func (f *fakeTablets) all() map[ids.Bucket]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[ids.Bucket]int64{}
	for _, buckets := range f.buckets {
		for b, info := range buckets {
			out[b] = info.GetVersion()
		}
	}
	return out
}

// fakeClock stands still until advanced.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
}

type timer struct {
	at time.Time
	ch chan time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.timers = append(c.timers, timer{c.now.Add(d), ch})
	return ch
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t timer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.ch <- c.now
		return true
	})
}

type world struct {
	t       testing.TB
	dir     string
	store   *metastore.Store
	tablets *fakeTablets
	clock   *fakeClock
	opts    Options
	*Coordinator
}

func newWorld(t testing.TB, opts Options) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), opts: opts,
		tablets: &fakeTablets{buckets: map[ids.TabletID]map[ids.Bucket]*flussv1.TableInfo{}, calls: map[string]int{}},
		clock:   &fakeClock{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)},
	}
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) start() {
	var err error
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.store, err = metastore.Open(w.t.Context(), metastore.Options{Dir: w.dir, UnsafeNoSync: true, Logger: logger})
	require.NoError(w.t, err)
	_, err = w.store.InitTablets(w.t.Context(), 8, 1)
	require.NoError(w.t, err)
	w.Coordinator = New(w.store, w.tablets, w.clock, logger, w.opts)
	require.NoError(w.t, w.Start(w.t.Context()))
}

func (w *world) stop() {
	w.Coordinator.Close()
	require.NoError(w.t, w.store.Close())
}

func code(t testing.TB, err error, want errcode.Code, part string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, errcode.Of(err), "%v", err)
	require.Contains(t, err.Error(), part)
}

func path(name string) *flussv1.TablePath { return &flussv1.TablePath{Database: "fluss", Table: name} }

func field(name string, kind flussv1.TypeKind) *flussv1.Field {
	return &flussv1.Field{Name: name, Type: &flussv1.DataType{Kind: kind, Nullable: true}}
}

func request(name string, buckets int32) *flussv1.CreateTableRequest {
	return &flussv1.CreateTableRequest{Path: path(name), Descriptor_: &flussv1.TableDescriptor{
		Schema: &flussv1.Schema{Columns: []*flussv1.Field{
			field("a", flussv1.TypeKind_TYPE_KIND_BIGINT), field("b", flussv1.TypeKind_TYPE_KIND_STRING), field("dt", flussv1.TypeKind_TYPE_KIND_STRING),
		}},
		BucketCount: buckets,
	}}
}

func partitioned(name string, buckets int32, properties map[string]string) *flussv1.CreateTableRequest {
	r := request(name, buckets)
	r.Descriptor_.PartitionKeys = []string{"dt"}
	r.Descriptor_.Properties = properties
	return r
}

func (w *world) create(r *flussv1.CreateTableRequest) *flussv1.TableInfo {
	w.t.Helper()
	answer, err := w.CreateTable(w.t.Context(), r)
	require.NoError(w.t, err)
	return answer.GetTable()
}

func (w *world) names(name string) []string {
	w.t.Helper()
	answer, err := w.ListPartitions(w.t.Context(), &flussv1.ListPartitionsRequest{Path: path(name)})
	require.NoError(w.t, err)
	var out []string
	for _, p := range answer.GetPartitions() {
		out = append(out, p.GetName())
	}
	return out
}

func value(v string) []*flussv1.PartitionValue {
	return []*flussv1.PartitionValue{{Column: "dt", Value: v}}
}

func addColumn(name string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{
		Column: field(name, flussv1.TypeKind_TYPE_KIND_INT),
	}}}
}

func set(key, v string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_SetOption{SetOption: &flussv1.SetOption{Key: key, Value: v}}}
}

func reset(key string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_ResetOption{ResetOption: &flussv1.ResetOption{Key: key}}}
}

func (w *world) alterTable(name string, changes ...*flussv1.TableChange) (*flussv1.TableInfo, error) {
	answer, err := w.AlterTable(w.t.Context(), &flussv1.AlterTableRequest{Path: path(name), Changes: changes})
	return answer.GetTable(), err
}

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

func TestACreationThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(partitioned("p", 4, nil))
	w.tablets.fail(func(op string, tablet ids.TabletID) error {
		if op == "open" && tablet == 3 {
			return errcode.New(errcode.NoLeader, nil, "tablet 3 has failed")
		}
		return nil
	})
	_, err := w.CreateTable(t.Context(), request("t", 16))
	code(t, err, errcode.NoLeader, "tablet 3")
	_, err = w.CreatePartition(t.Context(), &flussv1.CreatePartitionRequest{Path: path("p"), Values: value("x")})
	code(t, err, errcode.NoLeader, "tablet 3")
	require.Empty(t, w.tablets.all())
	require.Empty(t, w.store.Catalog().Intents())
	w.tablets.fail(nil)
	w.create(request("t", 16))
}

var errCrash = errors.New("crash")

// crash makes every call on tablets from the n-th of op on fail, as if the
// process were dead, until the world is restarted.
func (w *world) crash(op string, n int) {
	var seen atomic.Int64
	var dead atomic.Bool
	w.tablets.fail(func(got string, _ ids.TabletID) error {
		if got == op && int(seen.Add(1)) == n {
			dead.Store(true)
		}
		if dead.Load() {
			return errCrash
		}
		return nil
	})
}

func TestACrashIsSettledAtTheNextStart(t *testing.T) {
	for _, op := range []string{"create", "partition", "alter", "drop", "drop partition"} {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprintf("%s, call %d", op, n), func(t *testing.T) {
				w := newWorld(t, Options{})
				ctx := t.Context()
				w.create(request("t", 4))
				w.create(partitioned("p", 4, nil))
				_, err := w.CreatePartition(ctx, &flussv1.CreatePartitionRequest{Path: path("p"), Values: value("x")})
				require.NoError(t, err)
				hosted := 8
				switch op {
				case "create":
					w.crash("open", n)
					_, err = w.CreateTable(ctx, request("u", 4))
				case "partition":
					w.crash("open", n)
					_, err = w.CreatePartition(ctx, &flussv1.CreatePartitionRequest{Path: path("p"), Values: value("y")})
				case "alter":
					w.crash("update", n)
					_, err = w.alterTable("t", addColumn("c"))
				case "drop":
					w.crash("drop", n)
					_, err = w.DropTable(ctx, &flussv1.DropTableRequest{Path: path("t")})
					require.NoError(t, err)
					hosted = 4
				case "drop partition":
					w.crash("drop", n)
					_, err = w.DropPartition(ctx, &flussv1.DropPartitionRequest{Path: path("p"), Values: value("x")})
					require.NoError(t, err)
					hosted = 4
				}
				if op == "alter" {
					code(t, err, errcode.OutcomeUnknown, "completed later")
				}
				w.stop()
				w.tablets.fail(nil)
				w.start()
				require.Len(t, w.tablets.all(), hosted)
				require.Empty(t, w.store.Catalog().Intents())
				if op == "alter" {
					described, err := w.DescribeTable(ctx, &flussv1.DescribeTableRequest{Path: path("t")})
					require.NoError(t, err)
					require.Len(t, described.GetTable().GetSchemas(), 2)
					for b, version := range w.tablets.all() {
						if int64(b.Table) == described.GetTable().GetTableId() {
							require.Equal(t, int64(2), version)
						}
					}
				}
				if op == "create" {
					w.create(request("u", 4))
				}
			})
		}
	}
}

func TestAnIntentOfADeadServer(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	info := w.create(request("t", 4))
	// What a dead process leaves: an announced change, and an announced table with open buckets.
	tab, err := w.store.Catalog().TableByID(ids.TableID(info.GetTableId()))
	require.NoError(t, err)
	next, err := w.alter(tab, []*flussv1.TableChange{addColumn("c")})
	require.NoError(t, err)
	_, err = w.store.BeginAlter(ctx, tab, next)
	require.NoError(t, err)
	intent, err := w.store.BeginTable(ctx)
	require.NoError(t, err)
	require.NoError(t, w.tablets.OpenBuckets(ctx, 1, &flussv1.TableInfo{TableId: int64(intent.Table)}, 0, []ids.BucketID{0}))

	// A change of the table completes what was announced, then does its own.
	got, err := w.alterTable("t", addColumn("d"))
	require.NoError(t, err)
	require.Len(t, got.GetDescriptor_().GetSchema().GetColumns(), 5)
	require.NoError(t, w.Reconcile(ctx))
	require.Empty(t, w.store.Catalog().Intents())
	require.Len(t, w.tablets.all(), 4)
}

func TestReconcileLeavesWhatIsUnderWay(t *testing.T) {
	w := newWorld(t, Options{})
	reached, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.tablets.fail(func(op string, _ ids.TabletID) error {
		if op == "open" {
			once.Do(func() { close(reached); <-proceed })
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := w.CreateTable(context.Background(), request("t", 8))
		done <- err
	}()
	<-reached
	require.NoError(t, w.Reconcile(t.Context()))
	close(proceed)
	require.NoError(t, <-done)
	require.Len(t, w.tablets.all(), 8)
}

func TestReconcileOpensWhatATabletLost(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(request("t", 16))
	require.NoError(t, w.tablets.DropBuckets(t.Context(), 2, 1, 0))
	require.Len(t, w.tablets.all(), 14)
	require.NoError(t, w.Reconcile(t.Context()))
	require.Len(t, w.tablets.all(), 16)
}

func TestReconcileKeepsDataOfOtherMetadata(t *testing.T) {
	w := newWorld(t, Options{})
	require.NoError(t, w.tablets.OpenBuckets(t.Context(), 1, &flussv1.TableInfo{TableId: 99}, 0, []ids.BucketID{0, 1}))
	require.ErrorContains(t, w.Reconcile(t.Context()), "table 99")
	require.Len(t, w.tablets.all(), 2)
}

func TestReconcileComesBackAfterFailure(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(request("t", 8))
	var fails atomic.Bool
	fails.Store(true)
	w.tablets.fail(func(op string, _ ids.TabletID) error {
		if op == "drop" && fails.Load() {
			return errCrash
		}
		return nil
	})
	_, err := w.DropTable(t.Context(), &flussv1.DropTableRequest{Path: path("t")})
	require.NoError(t, err)
	fails.Store(false)
	deadline := time.Now().Add(10 * time.Second)
	for len(w.tablets.all()) > 0 && time.Now().Before(deadline) {
		w.clock.advance(retryPause)
		time.Sleep(time.Millisecond) // lets the loop run
	}
	require.Empty(t, w.tablets.all())
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
