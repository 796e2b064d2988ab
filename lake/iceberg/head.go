package iceberg

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/fluss-go/fluss/proto/ids"
)

// The properties of a snapshot that say what it has of the log.
const (
	commitProperty  = "fluss.commit-id"
	epochProperty   = "fluss.epoch"
	offsetsProperty = "fluss.offsets"
)

// Place is a bucket of a table.
type Place struct {
	Partition ids.PartitionID
	Bucket    ids.BucketID
}

// Head is what the newest commit of ours says.
type Head struct {
	// Commit is the commit's id; empty when there is none.
	Commit string
	// Epoch is that of who committed.
	Epoch int64
	// Offsets has, of each bucket, the first offset that the lake does not have.
	Offsets map[Place]ids.Offset
}

// Head returns what the newest commit says; its zero value when there is none yet.
func (t *Table) Head() (Head, error) {
	for s := range t.ancestors() {
		if s.Summary != nil && s.Summary.Properties[commitProperty] != "" {
			return parseHead(s.Summary.Properties)
		}
	}
	return Head{Offsets: map[Place]ids.Offset{}}, nil
}

// ancestors yields the snapshots that the table is made of, from the newest to the oldest
// that has not expired.
func (t *Table) ancestors() iter.Seq[*table.Snapshot] {
	return func(yield func(*table.Snapshot) bool) {
		meta := t.table.Metadata()
		for s, n := t.snapshot(), 0; s != nil && n <= len(meta.Snapshots()); n++ { // metadata that goes in a circle is another's mistake
			if !yield(s) || s.ParentSnapshotID == nil {
				return
			}
			s = meta.SnapshotByID(*s.ParentSnapshotID)
		}
	}
}

// maxBuckets bounds the buckets of a partition in offsetsProperty.
const maxBuckets = 1 << 16

// offsetLists is the JSON form of offsetsProperty: of each partition, the offsets of its
// buckets from 0 on, null where nothing is known. Every snapshot carries it, so it is short.
type offsetLists map[ids.PartitionID][]*ids.Offset

func parseHead(p iceberg.Properties) (Head, error) {
	h := Head{Commit: p[commitProperty], Offsets: map[Place]ids.Offset{}}
	var err error
	if h.Epoch, err = strconv.ParseInt(p[epochProperty], 10, 64); err != nil || h.Epoch < 0 {
		return Head{}, fmt.Errorf("a snapshot of the lake has the epoch %q, which is no number", p[epochProperty])
	}
	var lists offsetLists
	if err := json.Unmarshal([]byte(p[offsetsProperty]), &lists); err != nil {
		return Head{}, fmt.Errorf("a snapshot of the lake has offsets that cannot be read: %w", err)
	}
	for partition, list := range lists {
		if len(list) > maxBuckets {
			return Head{}, fmt.Errorf("a snapshot of the lake has the offsets of %d buckets", len(list))
		}
		for bucket, offset := range list {
			switch {
			case offset == nil:
			case *offset < 0 || partition < 0:
				return Head{}, errors.New("a snapshot of the lake has a negative offset")
			default:
				h.Offsets[Place{partition, ids.BucketID(bucket)}] = *offset //nolint:gosec // at most maxBuckets
			}
		}
	}
	return h, nil
}

func (h Head) properties() (iceberg.Properties, error) {
	lists := offsetLists{}
	for place, offset := range h.Offsets {
		if place.Bucket < 0 || place.Bucket >= maxBuckets || place.Partition < 0 || offset < 0 {
			return nil, fmt.Errorf("%w: offset %d of partition %d bucket %d", errChange, offset, place.Partition, place.Bucket)
		}
		list := lists[place.Partition]
		if missing := int(place.Bucket) + 1 - len(list); missing > 0 {
			list = append(list, make([]*ids.Offset, missing)...)
		}
		list[place.Bucket] = &offset
		lists[place.Partition] = list
	}
	text, err := json.Marshal(lists)
	return iceberg.Properties{
		commitProperty: h.Commit, epochProperty: strconv.FormatInt(h.Epoch, 10), offsetsProperty: string(text),
	}, err
}

// Snapshot is a state of the table that can still be read.
type Snapshot struct {
	// ID is Iceberg's.
	ID int64
	// Time is when it was committed, to the millisecond.
	Time time.Time
	// Operation is Iceberg's word for what was done: append, overwrite, delete, replace.
	Operation string
	// Head is what it has of the log.
	Head Head
	// Files is how many data files it has, Bytes their size with that of what deletes rows, and
	// Rows how many rows they have, of which Deleted are deleted. Version 2 counts a row
	// twice that is deleted twice.
	Files, Bytes, Rows, Deleted int64
}

// Snapshots returns those that have not expired, the newest first.
func (t *Table) Snapshots() ([]Snapshot, error) {
	var out []Snapshot
	for s := range t.ancestors() {
		pinned := t.next(t.table)
		pinned.at = s.SnapshotID
		head, err := pinned.Head()
		if err != nil {
			return nil, err
		}
		n := Snapshot{ID: s.SnapshotID, Time: time.UnixMilli(s.TimestampMs).UTC(), Head: head}
		if s.Summary != nil {
			p := s.Summary.Properties
			n.Operation = string(s.Summary.Operation)
			n.Files, n.Bytes, n.Rows = count(p, "total-data-files"), count(p, "total-files-size"), count(p, "total-records")
			n.Deleted = count(p, "total-position-deletes")
		}
		out = append(out, n)
	}
	return out, nil
}

// count returns a number of a summary; 0 when it has none.
func count(p iceberg.Properties, name string) int64 {
	n, err := strconv.ParseInt(p[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// At returns the table as it was at a snapshot, for reading. Its columns are those of now. It
// fails with ErrNoSnapshot.
func (t *Table) At(id int64) (*Table, error) {
	if id == 0 || t.table.Metadata().SnapshotByID(id) == nil {
		return nil, fmt.Errorf("snapshot %d of table %s: %w", id, t.def.Path, ErrNoSnapshot)
	}
	out := t.next(t.table)
	out.at = id
	return out, nil
}

// SnapshotID is the snapshot that is read; false when the table has none.
func (t *Table) SnapshotID() (int64, bool) {
	s := t.snapshot()
	if s == nil {
		return 0, false
	}
	return s.SnapshotID, true
}

// ErrNoSnapshot tells that the lake does not have a snapshot, or not any more.
var ErrNoSnapshot = errors.New("there is no such snapshot")
