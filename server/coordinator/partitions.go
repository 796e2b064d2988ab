package coordinator

import (
	"context"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// CreatePartition makes a partition and opens its buckets. The answer is shared:
// it must not be changed. Of several that create the same partition at once, one
// does and the others get PARTITION_EXISTS, or with if_not_exists that
// partition. It fails with INVALID_PARTITION, UNKNOWN_TABLE or LIMIT_EXCEEDED too.
func (c *Coordinator) CreatePartition(ctx context.Context, req *flussv1.CreatePartitionRequest) (*flussv1.CreatePartitionResponse, error) {
	t, err := c.table(req.GetPath())
	if err != nil {
		return nil, err
	}
	part, err := partitionOf(t, req.GetValues())
	if err != nil {
		return nil, err
	}
	p, err := c.createPartition(ctx, t.Info.Path, part)
	if errcode.Of(err) == errcode.PartitionExists && req.GetIfNotExists() {
		if t, err = c.table(req.GetPath()); err == nil {
			p, err = t.Partition(part.name)
		}
	}
	if err != nil {
		return nil, err
	}
	return &flussv1.CreatePartitionResponse{Partition: p.Info}, nil
}

func (c *Coordinator) createPartition(ctx context.Context, path table.Path, part partition) (*metastore.Partition, error) {
	check := func() (*metastore.Table, error) {
		t, err := c.store.Catalog().Table(path)
		if err != nil {
			return nil, err
		}
		if _, err := t.Partition(part.name); errcode.Of(err) != errcode.UnknownPartition {
			if err == nil {
				err = errcode.New(errcode.PartitionExists, nil, "partition %q of table %s exists already", part.name, path)
			}
			return nil, err
		}
		return t, nil
	}
	// Once without the lock: writers ask for what exists all the time.
	if _, err := check(); err != nil {
		return nil, err
	}
	unlock, err := c.locks.take(ctx, "partitions "+path.String())
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range maxAttempts {
		t, err := check()
		if err != nil {
			return nil, err
		}
		if n := t.PartitionCount(); n >= c.opts.MaxPartitions {
			return nil, errcode.New(errcode.LimitExceeded, nil,
				"table %s has %d partitions, the most a table may have: drop some before creating %q", path, n, part.name).With("limit", c.opts.MaxPartitions)
		}
		err = c.publishPartition(ctx, t, part)
		if errcode.Of(err) == errcode.Conflict {
			if err := c.awaitAlter(ctx, t.ID()); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if t, err = c.store.Catalog().TableByID(t.ID()); err != nil {
			return nil, err // dropped already
		}
		return t.Partition(part.name)
	}
	return nil, errcode.New(errcode.Conflict, nil, "table %s is changed by others all the time: try again", path)
}

func (c *Coordinator) publishPartition(ctx context.Context, t *metastore.Table, part partition) error {
	intent, done, err := c.announce(func() (*metastore.Intent, error) { return c.store.BeginPartition(ctx, t) })
	if err != nil {
		return err
	}
	defer done()
	tablets, err := c.place(t.ID(), intent.Partition, t.Info.Descriptor.BucketCount)
	if err == nil {
		err = c.openBuckets(ctx, t.Stored, intent.Partition, tablets)
	}
	if err == nil {
		err = c.publish(ctx, func(ctx context.Context) error {
			return c.store.PublishPartition(ctx, intent, t, &flussv1.PartitionInfo{
				PartitionId: int64(intent.Partition), Name: part.name, Values: part.values, CreatedAtMs: c.clock.Now().UnixMilli(),
			}, tablets)
		})
	}
	if err != nil {
		c.giveUp(ctx, intent, tablets)
	}
	return err
}

// DropPartition drops a partition. It fails with UNKNOWN_PARTITION,
// INVALID_PARTITION or UNKNOWN_TABLE.
func (c *Coordinator) DropPartition(ctx context.Context, req *flussv1.DropPartitionRequest) (*flussv1.DropPartitionResponse, error) {
	t, err := c.table(req.GetPath())
	if err != nil {
		return nil, err
	}
	part, err := partitionOf(t, req.GetValues())
	if err != nil {
		return nil, err
	}
	err = c.dropPartition(ctx, t, part.name)
	if err != nil && (!req.GetIfExists() || errcode.Of(err) != errcode.UnknownPartition) {
		return nil, err
	}
	return &flussv1.DropPartitionResponse{}, nil
}

func (c *Coordinator) dropPartition(ctx context.Context, t *metastore.Table, name string) error {
	p, err := t.Partition(name)
	if err != nil {
		return err
	}
	if err := c.store.DropPartition(ctx, t, name, p); err != nil {
		return err
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	c.dropBuckets(ctx, t.ID(), p.ID, setOf(p.Tablets))
	return nil
}

// ListPartitions tells a table's partitions, ascending by name, of some values
// only if so asked. Messages within the answer are shared and must not be
// changed. It fails with INVALID_PARTITION for a table without partitions or a
// column that is no partition column, UNKNOWN_TABLE or UNKNOWN_DATABASE.
func (c *Coordinator) ListPartitions(_ context.Context, req *flussv1.ListPartitionsRequest) (*flussv1.ListPartitionsResponse, error) {
	t, err := c.table(req.GetPath())
	if err != nil {
		return nil, err
	}
	want, err := t.Info.Descriptor.PartitionFilter(req.GetValues())
	if err != nil {
		return nil, err
	}
	out := &flussv1.ListPartitionsResponse{}
	for _, p := range t.Partitions() {
		if matches(p.Info, want) {
			out.Partitions = append(out.Partitions, p.Info)
		}
	}
	return out, nil
}

// matches reports whether the partition has the values, by their place.
func matches(p *flussv1.PartitionInfo, want map[int]string) bool {
	for i, v := range p.GetValues() {
		if value, ok := want[i]; ok && value != v.GetValue() {
			return false
		}
	}
	return true
}
