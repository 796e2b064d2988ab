package table

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// Info is a table as the server knows it. It is shared and never changed.
type Info struct {
	Path Path
	ID   ids.TableID
	// Descriptor holds the newest schema.
	Descriptor *Descriptor
	// Options are the descriptor's, parsed.
	Options Options
	// CreatedAt and ModifiedAt are to the millisecond.
	CreatedAt, ModifiedAt time.Time
	// Version counts the changes of the table's metadata.
	Version int64

	schemas map[ids.SchemaID]*schema.Schema
	auto    *AutoPartition // nil when partitions do not follow the time
	// aggregations are those of the merge engine AGGREGATION, else nil.
	aggregations map[string]Aggregate
}

// NewInfo returns the table of a message and shares nothing with it. It fails with
// the code of the first fault: a bad path, schema or option.
func NewInfo(m *flussv1.TableInfo) (*Info, error) {
	path, err := PathFromProto(m.GetPath())
	if err != nil {
		return nil, err
	}
	d, err := FromProto(m.GetDescriptor_())
	if err != nil {
		return nil, err
	}
	options, err := ParseOptions(d.Properties)
	if err != nil {
		return nil, err
	}
	i := &Info{
		Path: path, ID: ids.TableID(m.GetTableId()), Descriptor: d, Options: options,
		CreatedAt: time.UnixMilli(m.GetCreatedAtMs()).UTC(), ModifiedAt: time.UnixMilli(m.GetModifiedAtMs()).UTC(),
		Version: m.GetVersion(),
		schemas: map[ids.SchemaID]*schema.Schema{},
	}
	for _, older := range m.GetSchemas() {
		s, err := schema.FromProto(older)
		if err != nil {
			return nil, err
		}
		i.schemas[s.ID] = s
	}
	i.schemas[d.Schema.ID] = d.Schema
	auto, ok, err := d.autoPartition(&options)
	if err != nil {
		return nil, err
	}
	if ok {
		i.auto = &auto
	}
	if options.MergeEngine == Aggregation {
		var f faults
		i.aggregations = d.aggregations(&options, &f)
		if f.any() {
			return nil, f.err()
		}
	}
	return i, nil
}

// Proto returns the table as a message that shares nothing with it.
func (i *Info) Proto() *flussv1.TableInfo {
	m := &flussv1.TableInfo{
		Path: i.Path.Proto(), TableId: int64(i.ID), Descriptor_: i.Descriptor.Proto(),
		CreatedAtMs: i.CreatedAt.UnixMilli(), ModifiedAtMs: i.ModifiedAt.UnixMilli(), Version: i.Version,
	}
	for _, id := range i.SchemaIDs() {
		m.Schemas = append(m.Schemas, i.schemas[id].Proto())
	}
	return m
}

// Schema returns the newest schema.
func (i *Info) Schema() *schema.Schema { return i.Descriptor.Schema }

// SchemaByID returns the version of the schema; false when the table has none such.
func (i *Info) SchemaByID(id ids.SchemaID) (*schema.Schema, bool) {
	s, ok := i.schemas[id]
	return s, ok
}

// SchemaIDs returns the ids of all versions, ascending; the slice is the caller's.
func (i *Info) SchemaIDs() []ids.SchemaID { return slices.Sorted(maps.Keys(i.schemas)) }

// AutoPartition returns how the partitions follow the time; false when they do not.
func (i *Info) AutoPartition() (AutoPartition, bool) {
	if i.auto == nil {
		return AutoPartition{}, false
	}
	return *i.auto, true
}

// Aggregate returns the aggregate function of a column of the newest schema, by its
// name; DefaultAggregate for a column that has none.
func (i *Info) Aggregate(column string) Aggregate {
	if a, ok := i.aggregations[column]; ok {
		return a
	}
	return DefaultAggregate()
}

// Altered returns the message of the table after changes, made at now, with the
// version raised by one. It returns the same table, unraised, when nothing changes.
// It fails as Descriptor.Apply does.
func (i *Info) Altered(changes []*flussv1.TableChange, now time.Time) (*flussv1.TableInfo, error) {
	d, err := i.Descriptor.Apply(changes)
	if err != nil {
		return nil, err
	}
	m := i.Proto()
	before := m.GetDescriptor_()
	if m.Descriptor_ = d.Proto(); proto.Equal(before, m.Descriptor_) {
		return m, nil
	}
	if d.Schema.ID != i.Descriptor.Schema.ID {
		if _, used := i.schemas[d.Schema.ID]; used {
			return nil, errcode.New(errcode.Internal, nil, "schema id %d of %s is used already", d.Schema.ID, i.Path)
		}
		m.Schemas = append(m.Schemas, d.Schema.Proto())
	}
	m.Version++
	m.ModifiedAtMs = now.UnixMilli()
	return m, nil
}
