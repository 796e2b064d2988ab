package coordinator

import (
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/metastore"
)

// newDescriptor returns the checked descriptor of a new table.
func (c *Coordinator) newDescriptor(m *flussv1.TableDescriptor) (*table.Descriptor, error) {
	d, err := table.FromProto(m)
	if err != nil {
		return nil, err
	}
	d, err = d.Normalize(c.opts.DefaultBuckets, table.Limits{MaxBuckets: c.opts.MaxBuckets, MaxReplicas: c.opts.MaxReplicas})
	if err != nil {
		return nil, err
	}
	return d, served(d.Properties)
}

// served refuses what can be said of a table and this release does not do: a
// table that only looks as if it worked loses somebody's data.
func served(properties map[string]string) error {
	options, err := table.ParseOptions(properties)
	if err != nil {
		return err
	}
	if options.LakeEnabled {
		return errcode.New(errcode.Unsupported, nil,
			"the lake tier is not served by this release: leave table.datalake.enabled out").With("option", "table.datalake.enabled")
	}
	return nil
}

// alter returns what t becomes by the changes; with the same version when that
// is what it is.
func (c *Coordinator) alter(t *metastore.Table, changes []*flussv1.TableChange) (*flussv1.TableInfo, error) {
	for i, change := range changes {
		if change.GetChange() == nil {
			return nil, errcode.New(errcode.Unsupported, nil,
				"change %d of table %s says nothing that this server knows: it may be older than its client", i+1, t.Info.Path)
		}
	}
	next, err := t.Info.Altered(changes, c.clock.Now())
	if err != nil {
		return nil, err
	}
	return next, served(next.GetDescriptor_().GetProperties())
}

// partition is a partition that a request names.
type partition struct {
	name   string
	values []*flussv1.PartitionValue // in the order of the partition columns
}

func partitionOf(t *metastore.Table, given []*flussv1.PartitionValue) (partition, error) {
	values, err := t.Info.Descriptor.PartitionValues(given)
	if err != nil {
		return partition{}, err
	}
	return newPartition(t, values), nil
}

func newPartition(t *metastore.Table, values []string) partition {
	p := table.Partition{Name: table.PartitionName(values), Values: values}
	return partition{name: p.Name, values: p.Proto(t.Info.Descriptor.PartitionKeys).GetValues()}
}

// precreate returns the partitions that t must have now.
func precreate(t *metastore.Table, now time.Time) []partition {
	auto, ok := t.Info.AutoPartition()
	if !ok {
		return nil
	}
	var out []partition
	for _, name := range auto.Names(now) {
		out = append(out, newPartition(t, []string{name}))
	}
	return out
}

// expired returns the names of the partitions of t whose time has passed.
func expired(t *metastore.Table, now time.Time) []string {
	auto, ok := t.Info.AutoPartition()
	if !ok {
		return nil
	}
	var all []table.Partition
	for _, p := range t.Partitions() {
		all = append(all, table.PartitionFromProto(p.Info))
	}
	var out []string
	for _, p := range auto.Expired(now, all) {
		out = append(out, p.Name)
	}
	return out
}
