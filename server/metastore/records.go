package metastore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// internLimit bounds the placements that are kept to be shared: as many
// partitions have the same one, a catalog of many partitions stays small.
const internLimit = 4096

// event is a change of one key: its new value, or its removal.
type event struct {
	key               string
	value             []byte
	created, modified int64
	removed           bool
}

// records is what is stored, as the events told it, and builds catalogs from
// it. Events of one transaction may come in any order. Only the goroutine that
// watches uses it.
type records struct {
	keys   keyspace
	last   *Catalog
	tables map[ids.TableID]*tableRecord
	names  map[table.Path]ids.TableID
	intern map[string][]ids.TabletID
	// edits of the catalog being built; nil until one is needed.
	next          *Catalog
	touchedTables map[ids.TableID]bool
	touchedPaths  map[table.Path]ids.TableID // 0: removed
}

type tableRecord struct {
	// path is that of the table's name; named tells whether it has one.
	path              table.Path
	named             bool
	info              *table.Info
	stored            *flussv1.TableInfo
	fault             error
	created, modified int64
	partitions        map[string]*Partition
	placements        map[ids.PartitionID][]ids.TabletID
}

func newRecords(keys keyspace) *records {
	return &records{
		keys: keys,
		last: &Catalog{
			databases: map[string]*database{},
			byPath:    &cowMap[table.Path, *Table]{},
			byID:      &cowMap[ids.TableID, *Table]{},
			intents:   map[intentKey]*Intent{},
			sessions:  map[int64]string{},
			servers:   map[ids.ServerID]*flussv1.ServerInfo{},
			tablets:   map[ids.TabletID]*flussv1.TabletInfo{},
			faults:    map[string]error{},
		},
		tables: map[ids.TableID]*tableRecord{},
		names:  map[table.Path]ids.TableID{},
		intern: map[string][]ids.TabletID{},
	}
}

// apply takes the events of one or more transactions in order and returns the
// catalog after them, as of revision.
func (r *records) apply(events []event, revision int64) *Catalog {
	next := *r.last
	r.next = &next
	r.touchedTables, r.touchedPaths = map[ids.TableID]bool{}, map[table.Path]ids.TableID{}
	owned := map[string]bool{}
	for _, e := range events {
		family, parts, ok := r.keys.split(e.key)
		if !ok {
			continue
		}
		if !owned[family] {
			owned[family] = true
			r.own(family)
		}
		err := r.one(family, parts, e)
		r.note(e.key, err)
	}
	r.rebuild()
	next.version = max(revision, r.last.version)
	r.last, r.next = &next, nil
	return &next
}

// own copies the map of the family, so that catalogs given out stay as they are.
func (r *records) own(family string) {
	switch family {
	case familyDatabase:
		r.next.databases = maps.Clone(r.next.databases)
	case familyIntent:
		r.next.intents = maps.Clone(r.next.intents)
	case familySession:
		r.next.sessions = maps.Clone(r.next.sessions)
	case familyServer:
		r.next.servers = maps.Clone(r.next.servers)
	case familyTablet:
		r.next.tablets = maps.Clone(r.next.tablets)
	}
}

// note remembers or forgets that a key's value cannot be read.
func (r *records) note(key string, err error) {
	if _, had := r.next.faults[key]; err == nil && !had {
		return
	}
	r.next.faults = maps.Clone(r.next.faults)
	if err != nil {
		r.next.faults[key] = err
		return
	}
	delete(r.next.faults, key)
}

// one takes one event. Keys of unknown families or forms are ignored: a later
// release may have written them.
func (r *records) one(family string, parts []string, e event) error {
	switch {
	case family == familyDatabase && len(parts) == 1:
		return r.database(parts[0], e)
	case family == familyName && len(parts) == 2:
		return r.name(table.Path{Database: parts[0], Table: parts[1]}, e)
	case family == familyTable && len(parts) == 1:
		return withID(parts[0], 1, func(id ids.TableID) error { return r.table(id, e) })
	case family == familyPartition && len(parts) == 2:
		return withID(parts[0], 1, func(id ids.TableID) error { return r.partition(id, parts[1], e) })
	case family == familyPlacement && len(parts) == 2:
		return withID(parts[0], 1, func(id ids.TableID) error {
			return withID(parts[1], 0, func(p ids.PartitionID) error { return r.placement(id, p, e) })
		})
	case family == familyIntent && len(parts) == 2:
		return withID(parts[0], 1, func(id ids.TableID) error {
			return withID(parts[1], 0, func(p ids.PartitionID) error { return r.intent(intentKey{id, p}, e) })
		})
	case family == familySession && len(parts) == 1:
		return withID(parts[0], 1, func(id int64) error { return r.session(id, e) })
	case family == familyServer && len(parts) == 1:
		return withID(parts[0], 1, func(id ids.ServerID) error { return message(r.next.servers, id, e, &flussv1.ServerInfo{}) })
	case family == familyTablet && len(parts) == 1:
		return withID(parts[0], 1, func(id ids.TabletID) error { return message(r.next.tablets, id, e, &flussv1.TabletInfo{}) })
	case family == familyCounter && len(parts) == 1 && parts[0] == counterTable && !e.removed:
		return withID(string(e.value), 0, func(last ids.TableID) error { r.next.lastTable = last; return nil })
	case family == familyCluster && len(parts) == 1 && parts[0] == "id" && !e.removed:
		r.next.clusterID = string(e.value)
	}
	return nil
}

func withID[T ~int32 | ~int64](text string, low T, f func(T) error) error {
	id, err := parseID(text, low)
	if err != nil {
		return err
	}
	return f(id)
}

// message keeps a value that is a protobuf message in m.
func message[K comparable, M proto.Message](m map[K]M, k K, e event, v M) error {
	delete(m, k)
	if e.removed {
		return nil
	}
	if err := proto.Unmarshal(e.value, v); err != nil {
		return err
	}
	m[k] = v
	return nil
}

func (r *records) database(name string, e event) error {
	delete(r.next.databases, name)
	if e.removed {
		return nil
	}
	d := &database{info: &flussv1.DatabaseInfo{}, revision: e.modified}
	if err := proto.Unmarshal(e.value, d.info); err != nil {
		d.fault = err
	} else if d.info.GetName() != name {
		d.fault = fmt.Errorf("the value is of database %q", d.info.GetName())
	}
	r.next.databases[name] = d
	return d.fault
}

func (r *records) session(id int64, e event) error {
	delete(r.next.sessions, id)
	if !e.removed {
		r.next.sessions[id] = string(e.value)
	}
	return nil
}

func (r *records) intent(k intentKey, e event) error {
	delete(r.next.intents, k)
	if e.removed {
		return nil
	}
	i, err := decodeIntent(e.value)
	if err != nil {
		return err
	}
	i.Table, i.Partition, i.revision = k.table, k.partition, e.modified
	r.next.intents[k] = i
	return nil
}

// record returns the record of a table, made when missing, and marks it as changed.
func (r *records) record(id ids.TableID) *tableRecord {
	t, ok := r.tables[id]
	if !ok {
		t = &tableRecord{partitions: map[string]*Partition{}, placements: map[ids.PartitionID][]ids.TabletID{}}
		r.tables[id] = t
	}
	r.touchedTables[id] = true
	return t
}

func (r *records) name(p table.Path, e event) error {
	if before, ok := r.names[p]; ok {
		r.record(before).named = false
		delete(r.names, p)
	}
	r.touchedPaths[p] = 0
	if e.removed {
		return nil
	}
	return withID(string(e.value), 1, func(id ids.TableID) error {
		t := r.record(id)
		t.path, t.named = p, true
		r.names[p], r.touchedPaths[p] = id, id
		return nil
	})
}

func (r *records) table(id ids.TableID, e event) error {
	t := r.record(id)
	t.info, t.stored, t.fault, t.created, t.modified = nil, nil, nil, e.created, e.modified
	if e.removed {
		t.created = 0
		return nil
	}
	stored := &flussv1.TableInfo{}
	if t.fault = proto.Unmarshal(e.value, stored); t.fault == nil {
		t.info, t.fault = table.NewInfo(stored)
	}
	if t.fault == nil && t.info.ID != id {
		t.info, t.fault = nil, fmt.Errorf("the value is of table %d", stored.GetTableId())
	}
	if t.fault == nil {
		t.stored = stored
	}
	return t.fault
}

func (r *records) partition(id ids.TableID, name string, e event) error {
	t := r.record(id)
	if e.removed {
		delete(t.partitions, name)
		return nil
	}
	p := &Partition{Info: &flussv1.PartitionInfo{}, revision: e.modified}
	if p.fault = proto.Unmarshal(e.value, p.Info); p.fault == nil && (p.Info.GetName() != name || p.Info.GetPartitionId() < 1) {
		p.fault = fmt.Errorf("the value is of partition %q with id %d", p.Info.GetName(), p.Info.GetPartitionId())
	}
	p.ID = ids.PartitionID(p.Info.GetPartitionId())
	t.partitions[name] = p
	return p.fault
}

func (r *records) placement(id ids.TableID, p ids.PartitionID, e event) error {
	t := r.record(id)
	if e.removed {
		delete(t.placements, p)
		return nil
	}
	// An unreadable placement stays known as one without buckets: its buckets are not garbage.
	t.placements[p] = nil
	stored := &flussv1.BucketPlacement{}
	if err := proto.Unmarshal(e.value, stored); err != nil {
		return err
	}
	t.placements[p] = r.shared(stored.GetTablets())
	return nil
}

// shared returns the placement, the same slice for the same tablets.
func (r *records) shared(tablets []int32) []ids.TabletID {
	key := make([]byte, 0, 4*len(tablets))
	out := make([]ids.TabletID, len(tablets))
	for i, t := range tablets {
		key = binary.LittleEndian.AppendUint32(key, uint32(t))
		out[i] = ids.TabletID(t)
	}
	if known, ok := r.intern[string(key)]; ok {
		return known
	}
	if len(r.intern) >= internLimit {
		clear(r.intern)
	}
	r.intern[string(key)] = out
	return out
}

// rebuild makes the tables that the events touched.
func (r *records) rebuild() {
	if len(r.touchedTables) == 0 && len(r.touchedPaths) == 0 {
		return
	}
	byID, byPath := r.next.byID.edit(), r.next.byPath.edit()
	for p, id := range r.touchedPaths {
		if id == 0 {
			byPath.remove(p)
		}
	}
	for id := range r.touchedTables {
		t := r.tables[id]
		if t.created == 0 && !t.named && len(t.placements) == 0 && len(t.partitions) == 0 {
			delete(r.tables, id)
			byID.remove(id)
			continue
		}
		built := t.build(id)
		byID.set(id, built)
		if t.named {
			byPath.set(t.path, built)
		}
	}
	r.next.byID, r.next.byPath = byID.done(), byPath.done()
}

// build makes the table that the record tells. What does not fit together is a fault.
func (t *tableRecord) build(id ids.TableID) *Table {
	out := &Table{
		Info: t.info, Stored: t.stored, id: id, revision: t.modified, created: t.created, fault: t.fault,
		partitions: make(map[string]*Partition, len(t.partitions)),
		byID:       make(map[ids.PartitionID]*Partition, len(t.partitions)),
		placements: maps.Clone(t.placements),
	}
	switch tablets, placed := t.placements[0]; {
	case out.fault != nil:
	case t.info == nil:
		out.fault = errors.New("its name or buckets are stored but not its description")
	case len(t.info.Descriptor.PartitionKeys) > 0:
	case !placed || len(tablets) != t.info.Descriptor.BucketCount:
		out.fault = fmt.Errorf("%d buckets are placed, not %d", len(tablets), t.info.Descriptor.BucketCount)
	default:
		out.Tablets = tablets
	}
	for name, stored := range t.partitions {
		p := *stored
		p.Tablets = t.placements[p.ID]
		if p.fault == nil && len(p.Tablets) == 0 {
			p.fault = errors.New("it has no placement of buckets")
		}
		out.partitions[name] = &p
		if p.ID != 0 {
			out.byID[p.ID] = &p
		}
	}
	return out
}
