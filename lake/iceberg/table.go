package iceberg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	flusstable "github.com/fluss-go/fluss/proto/table"
)

// The format versions that tables are written in.
const (
	// PositionDeletes is version 2: rows are deleted by files of positions.
	PositionDeletes = 2
	// DeletionVectors is version 3: rows are deleted by one bitmap for each data file.
	DeletionVectors = 3
)

// tableIDProperty holds the id of the Fluss table that an Iceberg table is the copy of.
const tableIDProperty = "fluss.table-id"

// schemaIDProperty holds the version of the Fluss table's schema that the columns are of.
const schemaIDProperty = "fluss.schema-id"

// ErrOtherTable tells that the lake has a table under the name of one that was
// dropped: the copy of the dropped one must go first.
var ErrOtherTable = errors.New("the lake has the copy of another table under this name")

// Catalog is where the tables of the lake are looked up and changed: a REST catalog's client.
type Catalog = table.CatalogIO

// Lake is a catalog and the store that has the tables' files. Safe for concurrent use.
type Lake struct {
	catalog Catalog
	store   objstore.Store
}

// New returns the lake of a catalog whose tables are in store; both stay the caller's.
func New(catalog Catalog, store objstore.Store) *Lake { return &Lake{catalog, store} }

// Definition says what the copy of a table is like.
type Definition struct {
	Path   flusstable.Path
	ID     ids.TableID
	Schema *schema.Schema
	// PartitionKeys are the table's partition columns, which are Iceberg's too, before the bucket.
	PartitionKeys []string
	// FormatVersion is PositionDeletes or DeletionVectors.
	FormatVersion int
	// ExactTypes writes TIME, and timestamps of more than six digits, as such: some
	// engines cannot read tables with them. They need version 3.
	ExactTypes bool
}

// Table is a table of the lake as it was when it was opened. It is not changed; a
// commit returns the next one.
type Table struct {
	lake  *Lake
	def   Definition
	table *table.Table
	at    int64 // the snapshot that is read; 0: the newest
}

// snapshot is the one that is read; nil when there is none.
func (t *Table) snapshot() *table.Snapshot {
	if t.at == 0 {
		return t.table.CurrentSnapshot()
	}
	return t.table.Metadata().SnapshotByID(t.at)
}

func (d *Definition) identifier() table.Identifier {
	return table.Identifier{d.Path.Database, d.Path.Table}
}

func (d *Definition) types() types { return types{exact: d.ExactTypes} }

// Open returns the copy of a table, which is made when there is none and whose
// columns become those of the definition. It fails with ErrOtherTable.
func (l *Lake) Open(ctx context.Context, def Definition) (*Table, error) {
	loaded, err := l.load(ctx, &def)
	if errors.Is(err, catalog.ErrNoSuchTable) {
		if err = l.create(ctx, &def); err == nil || errors.Is(err, table.ErrCommitFailed) {
			loaded, err = l.load(ctx, &def) // ours, or that of one who was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("table %s of the lake cannot be opened: %w", def.Path, err)
	}
	t := &Table{lake: l, def: def, table: loaded}
	if got := loaded.Properties()[tableIDProperty]; got != strconv.FormatInt(int64(def.ID), 10) {
		return nil, fmt.Errorf("table %s with the id %d; the lake has id %q: %w", def.Path, def.ID, got, ErrOtherTable)
	}
	return t.evolve(ctx)
}

// load returns the table with the lake's store beneath it.
func (l *Lake) load(ctx context.Context, def *Definition) (*table.Table, error) {
	loaded, err := l.catalog.LoadTable(ctx, def.identifier())
	if err != nil {
		return nil, err
	}
	return l.bound(def.identifier(), loaded.Metadata(), loaded.MetadataLocation()), nil
}

func (l *Lake) bound(ident table.Identifier, meta table.Metadata, location string) *table.Table {
	return table.New(ident, meta, location, func(ctx context.Context) (iceio.IO, error) {
		return &storeIO{ctx, l.store}, nil
	}, bound{l})
}

// bound is the lake's catalog whose tables have the lake's store beneath them.
type bound struct{ lake *Lake }

func (b bound) LoadTable(ctx context.Context, ident table.Identifier) (*table.Table, error) {
	loaded, err := b.lake.catalog.LoadTable(ctx, ident)
	if err != nil {
		return nil, err
	}
	return b.lake.bound(ident, loaded.Metadata(), loaded.MetadataLocation()), nil
}

func (b bound) CommitTable(ctx context.Context, ident table.Identifier, r []table.Requirement, u []table.Update) (table.Metadata, string, error) {
	return b.lake.catalog.CommitTable(ctx, ident, r, u)
}

// create commits the first version of a table. As an update, it keeps the field ids,
// which catalogs number anew when they are asked to create a table.
func (l *Lake) create(ctx context.Context, def *Definition) error {
	sc, err := def.types().schema(def.Schema)
	if err != nil {
		return err
	}
	spec, err := def.spec()
	if err != nil {
		return err
	}
	id := uuid.New()
	order := table.UnsortedSortOrder
	updates := []table.Update{
		table.NewAssignUUIDUpdate(id),
		table.NewUpgradeFormatVersionUpdate(def.FormatVersion),
		table.NewAddSchemaUpdate(sc),
		table.NewSetCurrentSchemaUpdate(-1),
		table.NewAddPartitionSpecUpdate(&spec, true),
		table.NewSetDefaultSpecUpdate(-1),
		table.NewAddSortOrderUpdate(&order),
		table.NewSetDefaultSortOrderUpdate(-1),
		table.NewSetLocationUpdate(l.store.URL() + "/" + def.Path.Database + "/" + def.Path.Table + "-" + id.String()[:8]),
		table.NewSetPropertiesUpdate(iceberg.Properties{
			tableIDProperty:  strconv.FormatInt(int64(def.ID), 10),
			schemaIDProperty: strconv.Itoa(int(def.Schema.ID)),
			"write.metadata.delete-after-commit.enabled": "true",
			"write.metadata.previous-versions-max":       "20",
			"write.delete.mode":                          "merge-on-read",
			"write.update.mode":                          "merge-on-read",
			"write.merge.mode":                           "merge-on-read",
		}),
	}
	_, _, err = l.catalog.CommitTable(ctx, def.identifier(), []table.Requirement{table.AssertCreate()}, updates)
	return err
}

// spec partitions by the table's partition columns and the bucket, as they are.
func (d *Definition) spec() (iceberg.PartitionSpec, error) {
	var fields []iceberg.PartitionField
	add := func(id ids.FieldID, name string) {
		fields = append(fields, iceberg.PartitionField{
			SourceIDs: []int{int(id)}, FieldID: iceberg.PartitionDataIDStart + len(fields), Name: name, Transform: iceberg.IdentityTransform{},
		})
	}
	for _, key := range d.PartitionKeys {
		i, ok := d.Schema.Index(key)
		if !ok {
			return iceberg.PartitionSpec{}, fmt.Errorf("there is no partition column %q", key)
		}
		add(d.Schema.Columns[i].ID, key)
	}
	add(bucketField, BucketColumn)
	return iceberg.NewPartitionSpec(fields...), nil
}

// Evolve makes the columns those of a newer version of the table's schema, and returns
// the next table. Data files stay as they are: fields are known by their ids.
func (t *Table) Evolve(ctx context.Context, s *schema.Schema) (*Table, error) {
	next := t.next(t.table)
	next.def.Schema = s
	return next.evolve(ctx)
}

// evolve makes the table what the definition says, unless it is: its columns and its version. It never
// goes back: one who knows only an older schema writes what that has.
func (t *Table) evolve(ctx context.Context) (*Table, error) {
	sc, err := t.def.types().schema(t.def.Schema)
	if err != nil {
		return nil, err
	}
	var updates []table.Update
	meta := t.table.Metadata()
	if t.def.FormatVersion > meta.Version() {
		updates = append(updates, table.NewUpgradeFormatVersionUpdate(t.def.FormatVersion))
	}
	now := t.table.Schema()
	if known := schemaIDOf(meta.Properties()); !sc.Equals(now) && t.def.Schema.ID >= known {
		updates = append(updates, table.NewAddSchemaUpdate(sc), table.NewSetCurrentSchemaUpdate(-1),
			table.NewSetPropertiesUpdate(iceberg.Properties{schemaIDProperty: strconv.Itoa(int(t.def.Schema.ID))}))
		if _, ok := meta.Properties()[table.DefaultNameMappingKey]; ok { // iceberg-go sets it, from the columns of then
			updates = append(updates, table.NewRemovePropertiesUpdate([]string{table.DefaultNameMappingKey}))
		}
	}
	if len(updates) == 0 {
		return t, nil
	}
	requirements := []table.Requirement{table.AssertTableUUID(meta.TableUUID()), table.AssertCurrentSchemaID(now.ID)}
	changed, location, err := t.lake.catalog.CommitTable(ctx, t.def.identifier(), requirements, updates)
	if err != nil {
		return nil, fmt.Errorf("the columns of table %s in the lake cannot be changed: %w", t.def.Path, err)
	}
	return t.next(t.lake.bound(t.def.identifier(), changed, location)), nil
}

// schemaIDOf returns the version of the table's schema that the lake has; 0 when it does not say.
func schemaIDOf(p iceberg.Properties) ids.SchemaID {
	id, err := strconv.ParseInt(p[schemaIDProperty], 10, 32)
	if err != nil {
		return 0
	}
	return ids.SchemaID(id)
}

// next is the table after a change.
func (t *Table) next(changed *table.Table) *Table {
	return &Table{lake: t.lake, def: t.def, table: changed}
}

// Location is the URL below which the table's files are.
func (t *Table) Location() string { return t.table.Location() }

// columns are the table's columns, without those of the system.
func (t *Table) columns() []schema.Field { return slices.Clone(t.def.Schema.Columns) }
