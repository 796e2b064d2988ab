package iceberg

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"

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

// offsetEntry is a bucket's offset in the JSON form of offsetsProperty.
type offsetEntry struct {
	Partition int64 `json:"partition,omitempty"`
	Bucket    int32 `json:"bucket"`
	Offset    int64 `json:"offset"`
}

func parseHead(p iceberg.Properties) (Head, error) {
	h := Head{Commit: p[commitProperty], Offsets: map[Place]ids.Offset{}}
	var err error
	if h.Epoch, err = strconv.ParseInt(p[epochProperty], 10, 64); err != nil || h.Epoch < 0 {
		return Head{}, fmt.Errorf("a snapshot of the lake has the epoch %q, which is no number", p[epochProperty])
	}
	var entries []offsetEntry
	if err := json.Unmarshal([]byte(p[offsetsProperty]), &entries); err != nil {
		return Head{}, fmt.Errorf("a snapshot of the lake has offsets that cannot be read: %w", err)
	}
	for _, e := range entries {
		if e.Offset < 0 || e.Bucket < 0 || e.Partition < 0 {
			return Head{}, errors.New("a snapshot of the lake has a negative offset")
		}
		h.Offsets[Place{ids.PartitionID(e.Partition), ids.BucketID(e.Bucket)}] = ids.Offset(e.Offset)
	}
	return h, nil
}

func (h Head) properties() (iceberg.Properties, error) {
	entries := make([]offsetEntry, 0, len(h.Offsets))
	for _, p := range sortedPlaces(h.Offsets) {
		entries = append(entries, offsetEntry{int64(p.Partition), int32(p.Bucket), int64(h.Offsets[p])})
	}
	text, err := json.Marshal(entries)
	return iceberg.Properties{
		commitProperty: h.Commit, epochProperty: strconv.FormatInt(h.Epoch, 10), offsetsProperty: string(text),
	}, err
}
