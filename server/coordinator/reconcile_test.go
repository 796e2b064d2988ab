package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

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

func TestACreationThatIsCanceledLeavesNothing(t *testing.T) {
	w := newWorld(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	w.tablets.fail(func(op string, tablet ids.TabletID) error {
		if op == "open" && tablet == 3 {
			cancel()
		}
		return nil
	})
	_, err := w.CreateTable(ctx, request("t", 16))
	code(t, err, errcode.Canceled, "canceled")
	require.Empty(t, w.tablets.all())
	require.Empty(t, w.store.Catalog().Intents())
}

func TestAnAlterGoesOnWhenItsCallerIsGone(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(request("t", 16))
	ctx, cancel := context.WithCancel(t.Context())
	w.tablets.fail(func(string, ids.TabletID) error { cancel(); return nil })
	answer, err := w.AlterTable(ctx, &flussv1.AlterTableRequest{Path: path("t"), Changes: []*flussv1.TableChange{addColumn("c")}})
	require.NoError(t, err)
	require.Equal(t, int64(2), answer.GetTable().GetVersion())
	for _, version := range w.tablets.all() {
		require.Equal(t, int64(2), version)
	}
}

func TestAnAlterThatATabletMissedIsCompletedSoon(t *testing.T) {
	w := newWorld(t, Options{})
	w.create(request("t", 16))
	var once atomic.Bool
	w.tablets.fail(func(op string, tablet ids.TabletID) error {
		if op == "update" && tablet == 5 && once.CompareAndSwap(false, true) {
			return errcode.New(errcode.NoLeader, nil, "tablet 5 has failed")
		}
		return nil
	})
	_, err := w.alterTable("t", addColumn("c"))
	code(t, err, errcode.OutcomeUnknown, "completed later")
	_, err = w.store.Wait(t.Context(), func(c *metastore.Catalog) bool {
		tab, err := c.Table(table.Path{Database: "fluss", Table: "t"})
		return err == nil && tab.Info.Version == 2 && len(c.Intents()) == 0
	})
	require.NoError(t, err)
	for _, version := range w.tablets.all() {
		require.Equal(t, int64(2), version)
	}
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
	w.clock.hurry(retryPause)
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
	for len(w.tablets.all()) > 0 {
		<-w.tablets.dropped
	}
}
