package coordinator

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/metastore"
)

// fakeTablets hosts buckets in memory, outlives coordinators, and fails when told.
type fakeTablets struct {
	mu      sync.Mutex
	buckets map[ids.TabletID]map[ids.Bucket]*flussv1.TableInfo
	calls   map[string]int
	// dropped gets a value after buckets were dropped.
	dropped chan struct{}
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
	select {
	case f.dropped <- struct{}{}:
	default:
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
	// atOnce is how long a wait may be that ends at once.
	atOnce time.Duration
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
	if d <= c.atOnce {
		ch <- c.now
		return ch
	}
	c.timers = append(c.timers, timer{c.now.Add(d), ch})
	return ch
}

// hurry makes waits of at most d end at once.
func (c *fakeClock) hurry(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atOnce = d
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
		tablets: &fakeTablets{buckets: map[ids.TabletID]map[ids.Bucket]*flussv1.TableInfo{}, calls: map[string]int{}, dropped: make(chan struct{}, 1)},
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
