package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/metastore"
)

// hosted is a table (partition 0) or partition as a tablet hosts it.
type hosted struct {
	table     ids.TableID
	partition ids.PartitionID
}

func (c *Coordinator) kickReconcile() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *Coordinator) reconcileLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.kick:
		case <-c.clock.After(c.opts.ReconcileInterval):
		}
		for {
			err := c.Reconcile(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			c.logger.Warn("tablets and metadata are not settled yet", "error", err)
			select {
			case <-ctx.Done():
			case <-c.clock.After(retryPause):
			}
		}
	}
}

// Reconcile makes the tablets and the metadata agree: it completes changes whose
// owner has died, drops buckets that nothing in the metadata knows, and opens
// those that a tablet should host and does not. It goes on past what fails and
// returns all failures.
func (c *Coordinator) Reconcile(ctx context.Context) error {
	// The tablets are asked before the metadata: what is on its way to be
	// published was announced before its buckets were opened.
	found := map[ids.TabletID]map[hosted]map[ids.BucketID]bool{}
	for _, tablet := range c.store.Catalog().TabletIDs() {
		found[tablet] = groups(c.tablets.Buckets(tablet))
	}
	catalog, err := c.store.Sync(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for _, intent := range catalog.Intents() {
		if c.dangling(catalog, intent) {
			faults = append(faults, c.resolve(ctx, intent))
		}
	}
	for tablet, tables := range found {
		faults = append(faults, c.dropOrphans(ctx, catalog, tablet, tables))
	}
	faults = append(faults, c.openMissing(ctx, catalog, found))
	return errors.Join(faults...)
}

// groups sorts buckets by table and partition.
func groups(buckets []ids.Bucket) map[hosted]map[ids.BucketID]bool {
	out := map[hosted]map[ids.BucketID]bool{}
	for _, b := range buckets {
		k := hosted{b.Table, b.Partition}
		if out[k] == nil {
			out[k] = map[ids.BucketID]bool{}
		}
		out[k][b.Bucket] = true
	}
	return out
}

// dangling reports whether nobody works on the intent any more.
func (c *Coordinator) dangling(catalog *metastore.Catalog, i *metastore.Intent) bool {
	if i.Session == c.store.Session() {
		return !c.busy.has(i)
	}
	return !catalog.Live(i)
}

// resolve completes an announced change of a table. An announced creation is
// given up: who asked for it never got an answer.
func (c *Coordinator) resolve(ctx context.Context, i *metastore.Intent) error {
	if i.Kind == metastore.AlterTable {
		err := c.completeAlter(ctx, i)
		switch {
		case err == nil:
			c.logger.Info("completed a change of a table that had been left half done", "table_id", i.Table)
			return nil
		case !isSettled(err):
			return fmt.Errorf("completing the change of table %d: %w", i.Table, err)
		}
	}
	return c.store.Abandon(ctx, i)
}

// dropOrphans drops what the tablet hosts and nothing in the metadata knows.
func (c *Coordinator) dropOrphans(ctx context.Context, catalog *metastore.Catalog, tablet ids.TabletID, tables map[hosted]map[ids.BucketID]bool) error {
	var faults []error
	orphans := map[hosted]bool{}
	for h := range tables {
		intent := catalog.Intent(h.table, h.partition)
		switch {
		case catalog.Placed(h.table, h.partition):
		case intent != nil && !c.dangling(catalog, intent):
		case h.table > catalog.LastTableID():
			faults = append(faults, fmt.Errorf("tablet %d hosts table %d, an id that the metadata never gave out: "+
				"the metadata is not that of this data directory, and nothing of the table is dropped", tablet, h.table))
		case !catalog.Known(h.table):
			orphans[hosted{h.table, 0}] = true // all partitions in one go
		default:
			orphans[h] = true
		}
	}
	for h := range orphans {
		c.logger.Info("dropping buckets that nothing knows", "tablet_id", tablet, "table_id", h.table, "partition_id", h.partition)
		if err := c.tablets.DropBuckets(ctx, tablet, h.table, h.partition); err != nil {
			faults = append(faults, fmt.Errorf("dropping table %d partition %d from tablet %d: %w", h.table, h.partition, tablet, err))
		}
	}
	return errors.Join(faults...)
}

// openMissing opens buckets that a tablet should host and does not: it lost
// them in a power cut, as acks from memory allow.
func (c *Coordinator) openMissing(ctx context.Context, catalog *metastore.Catalog, found map[ids.TabletID]map[hosted]map[ids.BucketID]bool) error {
	var faults []error
	for t := range catalog.Tables() {
		for partition, tablets := range t.Placements() {
			for tablet, buckets := range missing(hosted{t.ID(), partition}, tablets, found) {
				if !c.store.Catalog().Placed(t.ID(), partition) {
					break // dropped meanwhile
				}
				c.logger.Info("opening buckets that a tablet does not have", "tablet_id", tablet, "table_id", t.ID(),
					"partition_id", partition, "buckets", len(buckets))
				if err := c.tablets.OpenBuckets(ctx, tablet, t.Stored, partition, buckets); err != nil {
					faults = append(faults, fmt.Errorf("opening buckets of table %d partition %d on tablet %d: %w", t.ID(), partition, tablet, err))
				}
			}
		}
	}
	return errors.Join(faults...)
}

// missing returns, by tablet, the buckets placed there and not found there.
func missing(h hosted, tablets []ids.TabletID, found map[ids.TabletID]map[hosted]map[ids.BucketID]bool) map[ids.TabletID][]ids.BucketID {
	var out map[ids.TabletID][]ids.BucketID
	for i, tablet := range tablets {
		bucket := ids.BucketID(i) //nolint:gosec // bounded by MaxBuckets
		if found[tablet][h][bucket] {
			continue
		}
		if out == nil {
			out = map[ids.TabletID][]ids.BucketID{}
		}
		out[tablet] = append(out[tablet], bucket)
	}
	return out
}
