package metastore

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// Catalog is the metadata as of one version. It is never changed, and what it
// returns is shared: callers must not change it either. Safe for concurrent use.
type Catalog struct {
	version   int64
	clusterID string
	databases map[string]*database
	byPath    *cowMap[table.Path, *Table]
	byID      *cowMap[ids.TableID, *Table]
	intents   map[intentKey]*Intent
	sessions  map[int64]string
	servers   map[ids.ServerID]*flussv1.ServerInfo
	tablets   map[ids.TabletID]*flussv1.TabletInfo
	// lastTable is the highest table id given out.
	lastTable ids.TableID
	// faults holds, by key, what could not be read.
	faults map[string]error
}

type database struct {
	info     *flussv1.DatabaseInfo
	revision int64
	fault    error
}

// Table is a table with its partitions and where its buckets are.
type Table struct {
	// Info is the table as its last change left it, Stored the message it was made from.
	Info   *table.Info
	Stored *flussv1.TableInfo
	// Tablets holds the tablet of each bucket; nil when the table is partitioned.
	Tablets []ids.TabletID

	id         ids.TableID
	partitions map[string]*Partition
	byID       map[ids.PartitionID]*Partition
	placements map[ids.PartitionID][]ids.TabletID
	// revision and created are etcd's revisions of the last change and of the
	// creation of the table's key.
	revision, created int64
	fault             error
}

// Partition is a partition of a table and where its buckets are.
type Partition struct {
	ID   ids.PartitionID
	Info *flussv1.PartitionInfo
	// Tablets holds the tablet of each bucket.
	Tablets []ids.TabletID

	revision int64
	fault    error
}

// Version is the etcd revision that the catalog shows; a higher one is newer.
func (c *Catalog) Version() int64 { return c.version }

// ClusterID is the random name that the metadata got when it was first made.
func (c *Catalog) ClusterID() string { return c.clusterID }

// LastTableID is the highest table id that was given out; 0 when none was.
func (c *Catalog) LastTableID() ids.TableID { return c.lastTable }

// Faults returns, by key, the stored values that cannot be read; the map is shared.
func (c *Catalog) Faults() map[string]error { return c.faults }

// Database returns the database called name, without its table count. It fails
// with UNKNOWN_DATABASE, or with CORRUPT when its stored value cannot be read.
func (c *Catalog) Database(name string) (*flussv1.DatabaseInfo, error) {
	d, ok := c.databases[name]
	switch {
	case !ok:
		return nil, errcode.New(errcode.UnknownDatabase, nil,
			"there is no database %q: list the databases, or create it first", name)
	case d.fault != nil:
		return nil, errcode.New(errcode.Corrupt, d.fault, "the stored description of database %q cannot be read", name)
	}
	return d.info, nil
}

// Databases returns the readable databases, ascending by name; the slice is the caller's.
func (c *Catalog) Databases() []*flussv1.DatabaseInfo {
	out := make([]*flussv1.DatabaseInfo, 0, len(c.databases))
	for _, d := range c.databases {
		if d.fault == nil {
			out = append(out, d.info)
		}
	}
	slices.SortFunc(out, func(a, b *flussv1.DatabaseInfo) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

// Table returns the table at p. It fails with UNKNOWN_DATABASE, UNKNOWN_TABLE,
// or CORRUPT when its stored value cannot be read.
func (c *Catalog) Table(p table.Path) (*Table, error) {
	if t, ok := c.byPath.get(p); ok {
		return t, t.err()
	}
	if _, ok := c.databases[p.Database]; !ok {
		_, err := c.Database(p.Database)
		return nil, err
	}
	return nil, errcode.New(errcode.UnknownTable, nil,
		"there is no table %q in database %q: list its tables, or create it first", p.Table, p.Database)
}

// TableByID returns the table with the id. It fails with UNKNOWN_TABLE, or
// CORRUPT when its stored value cannot be read.
func (c *Catalog) TableByID(id ids.TableID) (*Table, error) {
	if t, ok := c.byID.get(id); ok {
		return t, t.err()
	}
	return nil, errcode.New(errcode.UnknownTable, nil, "there is no table with id %d: it was dropped or never existed", id)
}

// Tables yields the readable tables, in no order.
func (c *Catalog) Tables() iter.Seq[*Table] {
	return func(yield func(*Table) bool) {
		for _, t := range c.byPath.all() {
			if t.fault == nil && !yield(t) {
				return
			}
		}
	}
}

// TableCount is the number of tables, readable or not.
func (c *Catalog) TableCount() int { return c.byPath.len() }

// Paths returns the paths of a database's tables, readable or not, ascending by
// name; the slice is the caller's.
func (c *Catalog) Paths(database string) []table.Path {
	var out []table.Path
	for p := range c.byPath.all() {
		if p.Database == database {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b table.Path) int { return cmp.Compare(a.Table, b.Table) })
	return out
}

// Tablet returns the tablet that hosts b. It fails with UNKNOWN_TABLE,
// UNKNOWN_PARTITION, UNKNOWN_BUCKET or CORRUPT.
func (c *Catalog) Tablet(b ids.Bucket) (ids.TabletID, error) {
	t, err := c.TableByID(b.Table)
	if err != nil {
		return 0, err
	}
	tablets := t.Tablets
	if b.Partition != 0 {
		p, err := t.PartitionByID(b.Partition)
		if err != nil {
			return 0, err
		}
		tablets = p.Tablets
	}
	if b.Bucket < 0 || int(b.Bucket) >= len(tablets) {
		return 0, errcode.New(errcode.UnknownBucket, nil, "%s does not exist: the buckets are [0, %d)", b, len(tablets))
	}
	return tablets[b.Bucket], nil
}

// Placed reports whether a placement of the table's buckets (partition 0) or of
// the partition's is stored, even when it or the table cannot be read.
func (c *Catalog) Placed(id ids.TableID, partition ids.PartitionID) bool {
	t, ok := c.byID.get(id)
	if !ok {
		return false
	}
	_, ok = t.placements[partition]
	return ok
}

// Known reports whether anything is stored of the table, readable or not.
func (c *Catalog) Known(id ids.TableID) bool {
	_, ok := c.byID.get(id)
	return ok
}

// TabletIDs returns the ids of the tablets, ascending; the slice is the caller's.
func (c *Catalog) TabletIDs() []ids.TabletID { return slices.Sorted(maps.Keys(c.tablets)) }

// Tablets returns the tablets as stored, ascending by id; the slice is the caller's.
func (c *Catalog) Tablets() []*flussv1.TabletInfo {
	out := make([]*flussv1.TabletInfo, 0, len(c.tablets))
	for _, id := range c.TabletIDs() {
		out = append(out, c.tablets[id])
	}
	return out
}

// Servers returns the servers that are registered now, ascending by id; the slice is the caller's.
func (c *Catalog) Servers() []*flussv1.ServerInfo {
	out := make([]*flussv1.ServerInfo, 0, len(c.servers))
	for _, id := range slices.Sorted(maps.Keys(c.servers)) {
		out = append(out, c.servers[id])
	}
	return out
}

// Intent returns what is under way for the table (partition 0) or partition; nil when nothing is.
func (c *Catalog) Intent(id ids.TableID, partition ids.PartitionID) *Intent {
	return c.intents[intentKey{id, partition}]
}

// Intents returns what is under way, ascending by table and partition; the slice is the caller's.
func (c *Catalog) Intents() []*Intent {
	out := slices.Collect(maps.Values(c.intents))
	slices.SortFunc(out, func(a, b *Intent) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// Live reports whether the session that announced i still lives, so that its
// owner may be about to publish it.
func (c *Catalog) Live(i *Intent) bool {
	_, ok := c.sessions[i.Session]
	return ok
}

// ID is the table's id, known even when Info is not.
func (t *Table) ID() ids.TableID { return t.id }

// Partition returns the partition called name. It fails with UNKNOWN_PARTITION or CORRUPT.
func (t *Table) Partition(name string) (*Partition, error) {
	if p, ok := t.partitions[name]; ok {
		return p, p.err(name)
	}
	return nil, errcode.New(errcode.UnknownPartition, nil, "table %s has no partition %q", t.title(), name)
}

// PartitionByID returns the partition with the id. It fails with UNKNOWN_PARTITION or CORRUPT.
func (t *Table) PartitionByID(id ids.PartitionID) (*Partition, error) {
	if p, ok := t.byID[id]; ok {
		return p, p.err(p.Info.GetName())
	}
	return nil, errcode.New(errcode.UnknownPartition, nil, "table %s has no partition with id %d", t.title(), id)
}

// Partitions returns the readable partitions, ascending by name; the slice is the caller's.
func (t *Table) Partitions() []*Partition {
	out := make([]*Partition, 0, len(t.partitions))
	for _, name := range slices.Sorted(maps.Keys(t.partitions)) {
		if p := t.partitions[name]; p.fault == nil {
			out = append(out, p)
		}
	}
	return out
}

// PartitionCount is the number of partitions, readable or not.
func (t *Table) PartitionCount() int { return len(t.partitions) }

// Placements yields where the buckets of the table (partition 0) or of each of
// its partitions are, in no order.
func (t *Table) Placements() iter.Seq2[ids.PartitionID, []ids.TabletID] {
	return maps.All(t.placements)
}

func (t *Table) title() string {
	if t.Info == nil {
		return "with id " + decimal(t.id)
	}
	return t.Info.Path.String()
}

func (t *Table) err() error {
	if t.fault == nil {
		return nil
	}
	return errcode.New(errcode.Corrupt, t.fault, "the stored description of the table with id %d cannot be read", t.id)
}

func (p *Partition) err(name string) error {
	if p.fault == nil {
		return nil
	}
	return errcode.New(errcode.Corrupt, p.fault, "the stored description of partition %q cannot be read", name)
}
