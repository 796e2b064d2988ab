// Package coordinator makes, changes and drops what tables are made of: it
// keeps the rules, and the order between the metadata store and the tablets.
//
// Something new is opened on the tablets first and published in the metadata
// store after that, so whatever clients can see can be written and read. A new
// descriptor goes the same way. What is dropped disappears from the metadata
// first. A crash in between leaves an intent or buckets that nobody knows;
// reconcile completes the one and drops the other.
package coordinator

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/clock"
	"github.com/fluss-go/fluss/server/metastore"
)

// Tablets is what the coordinator needs of the tablets. All calls may be
// repeated, and return when the change is applied. A description of a table with
// a lower version than the tablet has changes nothing: it comes from a server
// that was too slow.
type Tablets interface {
	// OpenBuckets makes the tablet host buckets of a table (partition 0) or partition.
	OpenBuckets(ctx context.Context, tablet ids.TabletID, info *flussv1.TableInfo, partition ids.PartitionID, buckets []ids.BucketID) error
	// UpdateTable gives the tablet a table's new descriptor. It fails with
	// UNKNOWN_TABLE when the tablet does not host the table.
	UpdateTable(ctx context.Context, tablet ids.TabletID, info *flussv1.TableInfo) error
	// DropBuckets makes the tablet forget the buckets of a partition; partition 0
	// means all buckets of the table.
	DropBuckets(ctx context.Context, tablet ids.TabletID, table ids.TableID, partition ids.PartitionID) error
	// Buckets returns what the tablet hosts, in any order.
	Buckets(tablet ids.TabletID) []ids.Bucket
}

// Options are the rules that an operator may set.
type Options struct {
	// DefaultBuckets is how many buckets a table gets that does not say it.
	// Default 1.
	DefaultBuckets int
	// MaxBuckets bounds the buckets of a table or partition. Default 4096.
	MaxBuckets int
	// MaxPartitions bounds the partitions of a table. Default 1000.
	MaxPartitions int
	// MaxReplicas bounds a table's replication factor: the number of servers. 0
	// sets no limit.
	MaxReplicas int
	// AutoPartitionInterval is how often partitions are created ahead of time and
	// expired. Default 10 min.
	AutoPartitionInterval time.Duration
	// ReconcileInterval is how often tablets and metadata are compared. Default
	// 5 min; after a change that failed half way it is done at once.
	ReconcileInterval time.Duration
}

func (o Options) ensureDefaults() Options {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&o.DefaultBuckets, 1)
	set(&o.MaxBuckets, table.DefaultMaxBuckets)
	set(&o.MaxPartitions, 1000)
	if o.AutoPartitionInterval <= 0 {
		o.AutoPartitionInterval = 10 * time.Minute
	}
	if o.ReconcileInterval <= 0 {
		o.ReconcileInterval = 5 * time.Minute
	}
	return o
}

const (
	// maxAttempts bounds how often a change is tried again because others
	// changed the same meanwhile.
	maxAttempts = 16
	// settleTimeout bounds what must still be done once a change has begun, even
	// if its caller has gone.
	settleTimeout = 30 * time.Second
	// retryPause is the wait before a reconciliation that failed is tried again.
	retryPause = 5 * time.Second
)

// Coordinator keeps the rules. Safe for concurrent use.
type Coordinator struct {
	store   *metastore.Store
	tablets Tablets
	clock   clock.Clock
	logger  *slog.Logger
	opts    Options

	locks locks
	busy  busy
	// kick asks for a reconciliation now.
	kick   chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New returns a coordinator over store, which stays the caller's. Start must
// follow before anything is changed.
func New(store *metastore.Store, tablets Tablets, clk clock.Clock, logger *slog.Logger, opts Options) *Coordinator {
	return &Coordinator{
		store: store, tablets: tablets, clock: clk, logger: logger, opts: opts.ensureDefaults(),
		locks: locks{held: map[string]chan struct{}{}}, busy: busy{intents: map[ids.Bucket]int{}},
		kick: make(chan struct{}, 1),
	}
}

// Start makes the default database, settles what a crash left half done, and
// starts the loops that keep partitions and tablets in order; Close ends them.
// ctx bounds the start only. Tablets must work already.
func (c *Coordinator) Start(ctx context.Context) error {
	_, err := c.CreateDatabase(ctx, &flussv1.CreateDatabaseRequest{Name: table.DefaultDatabase, IfNotExists: true})
	if err != nil {
		return err
	}
	if err := c.Reconcile(ctx); err != nil {
		// The loop tries again; what is not half done works.
		c.logger.Warn("tablets and metadata are not settled yet", "error", err)
		c.kickReconcile()
	}
	background, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.wg.Go(func() { c.reconcileLoop(background) })
	c.wg.Go(func() { c.partitionLoop(background) })
	return nil
}

// Close ends the loops and waits for them. It may be called twice.
func (c *Coordinator) Close() {
	if c.cancel != nil {
		c.cancel()
	}
	c.wg.Wait()
}

// settling returns a context for what must be finished even if ctx ends.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
}

// place returns the tablet of each of n buckets. Neighbours in id start on
// neighbouring tablets, so tables and partitions of one bucket are spread too.
func (c *Coordinator) place(id ids.TableID, partition ids.PartitionID, n int) ([]ids.TabletID, error) {
	tablets := c.store.Catalog().TabletIDs()
	if len(tablets) == 0 {
		return nil, errcode.New(errcode.Unavailable, nil, "the cluster has no tablets yet: try again when a tablet server runs")
	}
	out := make([]ids.TabletID, n)
	for i := range out {
		out[i] = tablets[(int64(id)+int64(partition)+int64(i))%int64(len(tablets))]
	}
	return out, nil
}

// byTablet groups the buckets [0, len(tablets)) by their tablet.
func byTablet(tablets []ids.TabletID) map[ids.TabletID][]ids.BucketID {
	out := map[ids.TabletID][]ids.BucketID{}
	for i, t := range tablets {
		out[t] = append(out[t], ids.BucketID(i)) //nolint:gosec // bounded by MaxBuckets
	}
	return out
}

// openBuckets opens buckets on all their tablets at once.
func (c *Coordinator) openBuckets(ctx context.Context, info *flussv1.TableInfo, partition ids.PartitionID, tablets []ids.TabletID) error {
	group, ctx := errgroup.WithContext(ctx)
	for tablet, buckets := range byTablet(tablets) {
		group.Go(func() error { return c.tablets.OpenBuckets(ctx, tablet, info, partition, buckets) })
	}
	return group.Wait()
}

// updateTable gives the tablets a table's new descriptor, at once.
func (c *Coordinator) updateTable(ctx context.Context, info *flussv1.TableInfo, tablets map[ids.TabletID]bool) error {
	group, ctx := errgroup.WithContext(ctx)
	for tablet := range tablets {
		group.Go(func() error {
			err := c.tablets.UpdateTable(ctx, tablet, info)
			if errcode.Of(err) == errcode.UnknownTable {
				return nil // its buckets were dropped meanwhile, or are yet to be opened again
			}
			return err
		})
	}
	return group.Wait()
}

// dropBuckets drops buckets on the tablets, at once. What fails is left to
// reconcile, which is asked to run.
func (c *Coordinator) dropBuckets(ctx context.Context, id ids.TableID, partition ids.PartitionID, tablets map[ids.TabletID]bool) {
	group, ctx := errgroup.WithContext(ctx)
	for tablet := range tablets {
		group.Go(func() error { return c.tablets.DropBuckets(ctx, tablet, id, partition) })
	}
	if err := group.Wait(); err != nil {
		c.logger.Warn("buckets are not dropped yet", "table_id", id, "partition_id", partition, "error", err)
		c.kickReconcile()
	}
}

// hosts returns the tablets that host buckets of t.
func hosts(t *metastore.Table) map[ids.TabletID]bool {
	out := map[ids.TabletID]bool{}
	for _, tablets := range t.Placements() {
		for _, tablet := range tablets {
			out[tablet] = true
		}
	}
	return out
}

func setOf(tablets []ids.TabletID) map[ids.TabletID]bool {
	out := map[ids.TabletID]bool{}
	for _, tablet := range tablets {
		out[tablet] = true
	}
	return out
}

// publish runs what makes something new visible, unless the caller has gone
// already: once begun it is not canceled, as nobody could say what became of it.
func (c *Coordinator) publish(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return errcode.From(err)
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	return f(ctx)
}

// giveUp undoes a creation whose publication failed, or may have: it takes the
// intent away, so that the publication cannot happen any more, and drops the
// buckets unless it has happened.
func (c *Coordinator) giveUp(ctx context.Context, intent *metastore.Intent, tablets []ids.TabletID) {
	ctx, cancel := settling(ctx)
	defer cancel()
	err := c.store.Abandon(ctx, intent)
	var catalog *metastore.Catalog
	if err == nil {
		catalog, err = c.store.Sync(ctx)
	}
	if err != nil {
		c.logger.Warn("a creation is not undone yet", "table_id", intent.Table, "partition_id", intent.Partition, "error", err)
		return // done, of announce, asks for a reconciliation
	}
	if !catalog.Placed(intent.Table, intent.Partition) {
		c.dropBuckets(ctx, intent.Table, intent.Partition, setOf(tablets))
	}
}
