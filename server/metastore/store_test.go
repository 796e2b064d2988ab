package metastore

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir, UnsafeNoSync: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// peer is another process' store on the same etcd.
func peer(t testing.TB, s *Store, identity string) *Store {
	t.Helper()
	opts := s.opts
	opts.Identity = identity
	p, err := attach(t.Context(), opts, s.client, func() {})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func code(t testing.TB, err error, want errcode.Code, part string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, errcode.Of(err), "%v", err)
	require.Contains(t, err.Error(), part)
}

func info(id ids.TableID, p table.Path, buckets int, partitionKeys ...string) *flussv1.TableInfo {
	schema := &flussv1.Schema{Id: 1, HighestFieldId: 2, Columns: []*flussv1.Field{
		{Id: 1, Name: "a", Type: &flussv1.DataType{Kind: flussv1.TypeKind_TYPE_KIND_BIGINT}},
		{Id: 2, Name: "p", Type: &flussv1.DataType{Kind: flussv1.TypeKind_TYPE_KIND_STRING}},
	}}
	return &flussv1.TableInfo{
		Path: &flussv1.TablePath{Database: p.Database, Table: p.Table}, TableId: int64(id), Version: 1,
		Descriptor_: &flussv1.TableDescriptor{Schema: schema, BucketCount: int32(buckets), PartitionKeys: partitionKeys},
		Schemas:     []*flussv1.Schema{schema},
	}
}

func createTable(t testing.TB, s *Store, p table.Path, buckets int, partitionKeys ...string) *Table {
	t.Helper()
	intent, err := s.BeginTable(t.Context())
	require.NoError(t, err)
	var tablets []ids.TabletID
	if len(partitionKeys) == 0 {
		tablets = spread(buckets)
	}
	require.NoError(t, s.PublishTable(t.Context(), intent, info(intent.Table, p, buckets, partitionKeys...), tablets))
	got, err := s.Catalog().Table(p)
	require.NoError(t, err)
	return got
}

func spread(n int) []ids.TabletID {
	out := make([]ids.TabletID, n)
	for i := range out {
		out[i] = ids.TabletID(i%8 + 1)
	}
	return out
}

var flights = table.Path{Database: "d", Table: "flights"}

func withDatabase(t testing.TB) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	require.NoError(t, s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "d"}))
	return s
}

func TestOptions(t *testing.T) {
	_, err := Open(t.Context(), Options{Dir: "x", Endpoints: []string{"y"}, Prefix: "/a", SessionTTL: time.Second, QuotaBytes: 1})
	for _, part := range []string{"either a directory", "does not end in a slash", "session TTL 1s", "quota of 1"} {
		code(t, err, errcode.InvalidArgument, part)
	}
	_, err = Open(t.Context(), Options{Endpoints: []string{"y"}})
	code(t, err, errcode.InvalidArgument, "needs an identity")
}

func TestReopenShowsTheSame(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "d", Comment: "c"}))
	created := createTable(t, s, flights, 3)
	tablets, err := s.InitTablets(t.Context(), 8, 1)
	require.NoError(t, err)
	require.Len(t, tablets, 8)
	require.NoError(t, s.Register(t.Context(), &flussv1.ServerInfo{ServerId: 1, Endpoint: "h:1"}))
	require.Len(t, s.Catalog().Servers(), 1)
	cluster := s.Catalog().ClusterID()
	require.Len(t, cluster, 32)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())

	s = open(t, dir)
	require.Equal(t, cluster, s.Catalog().ClusterID())
	got, err := s.Catalog().Table(flights)
	require.NoError(t, err)
	require.Equal(t, created.ID(), got.ID())
	require.Equal(t, spread(3), got.Tablets)
	require.Empty(t, s.Catalog().Servers(), "a server is gone when its session is")
	again, err := s.InitTablets(t.Context(), 4, 1)
	require.NoError(t, err)
	require.Equal(t, tablets, again)
	d, err := s.Catalog().Database("d")
	require.NoError(t, err)
	require.Equal(t, "c", d.GetComment())
}

func TestDatabases(t *testing.T) {
	s := withDatabase(t)
	ctx := t.Context()
	code(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "d"}), errcode.DatabaseExists, `"d"`)
	require.NoError(t, s.UpdateDatabase(ctx, "d", func(d *flussv1.DatabaseInfo) error { d.Comment = "new"; return nil }))
	require.Equal(t, "new", s.Catalog().Databases()[0].GetComment())
	code(t, s.UpdateDatabase(ctx, "x", nil), errcode.UnknownDatabase, `"x"`)
	createTable(t, s, flights, 1)
	code(t, s.DropDatabase(ctx, "d"), errcode.DatabaseNotEmpty, "cascade")
	got, err := s.Catalog().Table(flights)
	require.NoError(t, err)
	require.NoError(t, s.DropTable(ctx, flights, got))
	require.NoError(t, s.DropDatabase(ctx, "d"))
	code(t, s.DropDatabase(ctx, "d"), errcode.UnknownDatabase, `"d"`)
	intent, err := s.BeginTable(ctx)
	require.NoError(t, err)
	code(t, s.PublishTable(ctx, intent, info(intent.Table, flights, 1), spread(1)), errcode.UnknownDatabase, "create it first")
}

func TestDatabaseUpdatesBySeveralAreNotLost(t *testing.T) {
	s := withDatabase(t)
	var wg sync.WaitGroup
	for i, store := range []*Store{s, peer(t, s, "b"), peer(t, s, "c")} {
		wg.Go(func() {
			for j := range 10 {
				err := store.UpdateDatabase(context.Background(), "d", func(d *flussv1.DatabaseInfo) error {
					if d.Properties == nil {
						d.Properties = map[string]string{}
					}
					d.Properties[fmt.Sprintf("%d-%d", i, j)] = "x"
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, err := s.Sync(t.Context())
	require.NoError(t, err)
	d, err := c.Database("d")
	require.NoError(t, err)
	require.Len(t, d.GetProperties(), 30)
}

func TestTables(t *testing.T) {
	s := withDatabase(t)
	ctx := t.Context()
	before := s.Catalog()
	first := createTable(t, s, flights, 2)
	_, err := before.Table(flights)
	code(t, err, errcode.UnknownTable, "create it first")
	require.Nil(t, s.Catalog().Intent(first.ID(), 0))
	tablet, err := s.Catalog().Tablet(ids.Bucket{Table: first.ID(), Bucket: 1})
	require.NoError(t, err)
	require.Equal(t, ids.TabletID(2), tablet)
	_, err = s.Catalog().Tablet(ids.Bucket{Table: first.ID(), Bucket: 2})
	code(t, err, errcode.UnknownBucket, "[0, 2)")

	intent, err := s.BeginTable(ctx)
	require.NoError(t, err)
	code(t, s.PublishTable(ctx, intent, info(intent.Table, flights, 1), spread(1)), errcode.TableExists, "d.flights")
	require.NotNil(t, s.Catalog().Intent(intent.Table, 0))
	require.NoError(t, s.Abandon(ctx, intent))
	require.NoError(t, s.Abandon(ctx, intent))
	require.Empty(t, s.Catalog().Intents())

	require.NoError(t, s.DropTable(ctx, flights, first))
	code(t, s.DropTable(ctx, flights, first), errcode.UnknownTable, "meanwhile")
	second := createTable(t, s, flights, 2)
	require.Greater(t, second.ID(), intent.Table)
	code(t, s.DropTable(ctx, flights, first), errcode.UnknownTable, "meanwhile")
	_, err = s.Catalog().TableByID(first.ID())
	code(t, err, errcode.UnknownTable, "dropped or never existed")
	require.Equal(t, []table.Path{flights}, s.Catalog().Paths("d"))
	require.Equal(t, second.ID(), s.Catalog().LastTableID())
	_, err = s.Catalog().Table(table.Path{Database: "x", Table: "y"})
	code(t, err, errcode.UnknownDatabase, `"x"`)
}

func TestAnIntentTakenAwayStopsItsPublication(t *testing.T) {
	s := withDatabase(t)
	ctx := t.Context()
	intent, err := s.BeginTable(ctx)
	require.NoError(t, err)
	require.NoError(t, s.Abandon(ctx, intent))
	code(t, s.PublishTable(ctx, intent, info(intent.Table, flights, 1), spread(1)), errcode.Conflict, "try again")
}

func TestAlter(t *testing.T) {
	s := withDatabase(t)
	ctx := t.Context()
	old := createTable(t, s, flights, 1)
	changed := info(old.ID(), flights, 1)
	changed.Version, changed.Descriptor_.Comment = 2, "new"
	intent, err := s.BeginAlter(ctx, old, changed)
	require.NoError(t, err)
	_, err = s.BeginAlter(ctx, old, changed)
	code(t, err, errcode.Conflict, "somebody else")
	require.Equal(t, "new", s.Catalog().Intent(old.ID(), 0).Info.GetDescriptor_().GetComment())
	require.NoError(t, s.PublishAlter(ctx, intent))
	code(t, s.PublishAlter(ctx, intent), errcode.Conflict, "try again")
	_, err = s.BeginAlter(ctx, old, changed)
	code(t, err, errcode.Conflict, "somebody else")
	now, err := s.Catalog().Table(flights)
	require.NoError(t, err)
	intent, err = s.BeginAlter(ctx, now, changed)
	require.NoError(t, err)
	require.NoError(t, s.DropTable(ctx, flights, now))
	code(t, s.PublishAlter(ctx, intent), errcode.UnknownTable, "dropped")
	_, err = s.BeginAlter(ctx, now, changed)
	code(t, err, errcode.UnknownTable, "dropped")
}

func TestPartitions(t *testing.T) {
	s := withDatabase(t)
	ctx := t.Context()
	tab := createTable(t, s, flights, 4, "p")
	require.Nil(t, tab.Tablets)
	one, err := s.BeginPartition(ctx, tab)
	require.NoError(t, err)
	two, err := s.BeginPartition(ctx, tab)
	require.NoError(t, err)
	part := func(i *Intent) *flussv1.PartitionInfo {
		return &flussv1.PartitionInfo{PartitionId: int64(i.Partition), Name: "2026$a"}
	}
	require.NoError(t, s.PublishPartition(ctx, one, tab, part(one), spread(4)))
	code(t, s.PublishPartition(ctx, two, tab, part(two), spread(4)), errcode.PartitionExists, "2026$a")
	got, err := s.Catalog().Table(flights)
	require.NoError(t, err)
	p, err := got.Partition("2026$a")
	require.NoError(t, err)
	require.Equal(t, one.Partition, p.ID)
	byID, err := got.PartitionByID(p.ID)
	require.NoError(t, err)
	require.Equal(t, p, byID)
	require.True(t, s.Catalog().Placed(tab.ID(), p.ID))
	tablet, err := s.Catalog().Tablet(ids.Bucket{Table: tab.ID(), Partition: p.ID, Bucket: 3})
	require.NoError(t, err)
	require.Equal(t, ids.TabletID(4), tablet)

	require.NoError(t, s.DropPartition(ctx, got, "2026$a", p))
	code(t, s.DropPartition(ctx, got, "2026$a", p), errcode.UnknownPartition, "meanwhile")
	require.False(t, s.Catalog().Placed(tab.ID(), p.ID))

	alter, err := s.BeginAlter(ctx, got, info(got.ID(), flights, 4, "p"))
	require.NoError(t, err)
	code(t, s.PublishPartition(ctx, two, got, part(two), spread(4)), errcode.Conflict, "was changed")
	require.NoError(t, s.PublishAlter(ctx, alter))
	code(t, s.PublishPartition(ctx, two, got, part(two), spread(4)), errcode.Conflict, "was changed")
	got, err = s.Catalog().Table(flights)
	require.NoError(t, err)
	require.NoError(t, s.PublishPartition(ctx, two, got, part(two), spread(4)))
	require.NoError(t, s.DropTable(ctx, flights, got))
	require.Empty(t, s.Catalog().Intents())
	_, err = s.BeginPartition(ctx, got)
	code(t, err, errcode.UnknownTable, "dropped")
	require.False(t, s.Catalog().Placed(tab.ID(), two.Partition))
}

func TestSessions(t *testing.T) {
	s := withDatabase(t)
	other := peer(t, s, "b")
	intent, err := other.BeginTable(t.Context())
	require.NoError(t, err)
	sees := func(live bool) {
		t.Helper()
		_, err := s.Wait(t.Context(), func(c *Catalog) bool {
			i := c.Intent(intent.Table, 0)
			return i != nil && c.Live(i) == live
		})
		require.NoError(t, err)
	}
	sees(true)
	// A second process of the same identity is the first one, restarted.
	restarted := peer(t, s, "b")
	sees(false)
	intent, err = restarted.BeginTable(t.Context())
	require.NoError(t, err)
	sees(true)
	require.NoError(t, restarted.Close())
	sees(false)
	_, err = restarted.Wait(t.Context(), func(*Catalog) bool { return false })
	code(t, err, errcode.ShuttingDown, "shutting down")
}

func TestALostSessionIsMadeAnewWithItsServers(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), UnsafeNoSync: true, SessionTTL: 2 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Register(t.Context(), &flussv1.ServerInfo{ServerId: 7}))
	lost := s.Session()
	_, err = s.client.Revoke(t.Context(), s.session.id)
	require.NoError(t, err)
	_, err = s.Wait(t.Context(), func(c *Catalog) bool {
		_, old := c.sessions[lost]
		return !old && len(c.sessions) == 1 && len(c.Servers()) == 1
	})
	require.NoError(t, err)
}

func TestIDsAreGivenOutOnce(t *testing.T) {
	s := withDatabase(t)
	stores := []*Store{s, peer(t, s, "b")}
	var mu sync.Mutex
	writers, servers := map[ids.WriterID]bool{}, map[ids.ServerID]bool{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 600 {
				w, err := stores[i%2].NextWriterID(context.Background())
				var server ids.ServerID
				if err == nil && n%100 == 0 {
					server, err = stores[i%2].NextServerID(context.Background())
				}
				mu.Lock()
				if err != nil || writers[w] || w < 1 || (server != 0 && servers[server]) {
					t.Errorf("writer %d, server %d: %v", w, server, err)
				}
				writers[w], servers[server] = true, true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestUnreadableAndUnknownValues(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	require.NoError(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "d"}))
	good := createTable(t, s, flights, 2)
	other := createTable(t, s, table.Path{Database: "d", Table: "p"}, 2, "p")
	garbage := map[string]string{
		"database/bad": "\xff\xff", "table/1": "\xff\xff", "name/d/ghost": "nine", "partition/2/x": "\xff", "placement/2/9": "\xff",
		"placement/x/9": "", "intent/5/0": "\xff", "intent/6/0": "", "session/0": "", "server/1": "\xff", "tablet/a": "", "counter/table": "x",
		"name/d/no-table": "77",
	}
	ignored := map[string]string{"future/1/2": "x", "table/1/2": "x", "name/%zz/a": "", "": "x", "counter/future": "x"}
	for _, set := range []map[string]string{garbage, ignored} {
		for k, v := range set {
			_, err := s.client.Put(ctx, string(s.keys)+k, v)
			require.NoError(t, err)
		}
	}
	check := func(s *Store) {
		t.Helper()
		c, err := s.Sync(ctx)
		require.NoError(t, err)
		require.Len(t, c.Faults(), len(garbage)-1, "%v", c.Faults())
		_, err = c.Table(flights)
		code(t, err, errcode.Corrupt, "table with id 1")
		_, err = c.Tablet(ids.Bucket{Table: good.ID()})
		code(t, err, errcode.Corrupt, "table with id 1")
		require.True(t, c.Placed(good.ID(), 0), "buckets of an unreadable table are not garbage")
		require.True(t, c.Placed(other.ID(), 9), "buckets of an unreadable placement are not garbage")
		_, err = c.Database("bad")
		code(t, err, errcode.Corrupt, `"bad"`)
		_, err = c.Table(table.Path{Database: "d", Table: "no-table"})
		code(t, err, errcode.Corrupt, "id 77")
		readable, err := c.TableByID(other.ID())
		require.NoError(t, err)
		_, err = readable.Partition("x")
		code(t, err, errcode.Corrupt, `"x"`)
		require.Empty(t, readable.Partitions())
		require.Len(t, c.Databases(), 1)
	}
	check(s)
	require.NoError(t, s.Close())
	s = open(t, dir)
	check(s)
	_, err := s.BeginTable(ctx)
	code(t, err, errcode.Corrupt, "counter")
	// A value that is readable again is no fault any more.
	require.NoError(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "e"}))
	_, err = s.client.Delete(ctx, s.keys.database("bad"))
	require.NoError(t, err)
	c, err := s.Sync(ctx)
	require.NoError(t, err)
	require.Len(t, c.Faults(), len(garbage)-2)
}

func TestAWatchThatMissedTooMuchLoadsAgain(t *testing.T) {
	s := withDatabase(t)
	ctx, cancel := context.WithCancel(t.Context())
	late := &Store{opts: s.opts, keys: s.keys, logger: s.logger, client: s.client}
	records, revision, err := late.load(ctx)
	require.NoError(t, err)
	createTable(t, s, flights, 1)
	require.NoError(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "e"}))
	_, err = s.client.Compact(ctx, s.Catalog().Version())
	require.NoError(t, err)
	late.wg.Go(func() { late.watch(ctx, records, revision) })
	_, err = late.Wait(ctx, func(c *Catalog) bool { _, err := c.Table(flights); return err == nil && len(c.Databases()) == 2 })
	require.NoError(t, err)
	require.NoError(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "f"}))
	_, err = late.Wait(ctx, func(c *Catalog) bool { return len(c.Databases()) == 3 })
	require.NoError(t, err)
	cancel()
	late.wg.Wait()
}

func TestCanceled(t *testing.T) {
	s := withDatabase(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code(t, s.CreateDatabase(ctx, &flussv1.DatabaseInfo{Name: "e"}), errcode.Canceled, "canceled")
}

func TestATooLargeValueIsReported(t *testing.T) {
	s := withDatabase(t)
	err := s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "e", Comment: strings.Repeat("x", 2<<20)})
	code(t, err, errcode.LimitExceeded, "shorten")
}

func TestIntentEncoding(t *testing.T) {
	want := &Intent{Kind: AlterTable, Session: -5, Info: info(1, flights, 1)}
	b, err := want.encode()
	require.NoError(t, err)
	got, err := decodeIntent(append(b, 0x78, 0x01)) // and a field of a later release
	require.NoError(t, err)
	require.Equal(t, want.Info.String(), got.Info.String())
	require.Equal(t, want.Session, got.Session)
	for n := range b {
		_, err = decodeIntent(b[:n])
		_ = err // whatever it is: no panic
	}
}

func TestCowMapAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	m, model := &cowMap[int, int]{}, map[int]int{}
	for range 300 {
		before, n := m, m.len()
		e := m.edit()
		for range rng.IntN(20) {
			k, v := rng.IntN(500), rng.Int()
			if rng.IntN(3) == 0 {
				e.remove(k)
				delete(model, k)
			} else {
				e.set(k, v)
				model[k] = v
			}
		}
		m = e.done()
		got := map[int]int{}
		for k, v := range m.all() {
			got[k] = v
		}
		require.Equal(t, model, got)
		require.Equal(t, len(model), m.len())
		require.Equal(t, n, before.len())
	}
}
