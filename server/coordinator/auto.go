package coordinator

import (
	"context"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/server/metastore"
)

// partitionLoop creates and expires partitions as time goes by.
func (c *Coordinator) partitionLoop(ctx context.Context) {
	for {
		// The timer is set first: what a round takes is no delay of the next.
		next := c.clock.After(c.opts.AutoPartitionInterval)
		c.AutoPartition(ctx)
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// AutoPartition creates and expires, in every table with automatic
// partitioning, the partitions that the clock says. What fails is logged, and
// tried again the next time.
func (c *Coordinator) AutoPartition(ctx context.Context) {
	for t := range c.store.Catalog().Tables() {
		if ctx.Err() != nil {
			return
		}
		c.autoPartition(ctx, t)
	}
}

// autoPartition does so in one table.
func (c *Coordinator) autoPartition(ctx context.Context, t *metastore.Table) {
	now := c.clock.Now()
	for _, part := range precreate(t, now) {
		if _, err := t.Partition(part.name); err == nil {
			continue
		}
		_, err := c.createPartition(ctx, t.Info.Path, part)
		if err != nil && errcode.Of(err) != errcode.PartitionExists {
			c.logger.Warn("an automatic partition was not created", "table", t.Info.Path.String(), "partition", part.name, "error", err)
		}
	}
	for _, name := range expired(t, now) {
		err := c.dropPartition(ctx, t, name)
		switch {
		case err == nil:
			c.logger.Info("dropped an expired partition", "table", t.Info.Path.String(), "partition", name)
		case errcode.Of(err) != errcode.UnknownPartition:
			c.logger.Warn("an expired partition was not dropped", "table", t.Info.Path.String(), "partition", name, "error", err)
		}
	}
}
