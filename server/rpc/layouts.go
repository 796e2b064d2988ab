package rpc

import (
	"sync"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// maxLayouts bounds the cache; past it the cache starts over.
const maxLayouts = 16384

type layoutKey struct {
	table  ids.TableID
	schema ids.SchemaID
}

// layouts keeps the compiled layout of each schema version that is written
// with. A version never changes, so an entry is never stale.
type layouts struct {
	mu sync.RWMutex
	by map[layoutKey]*batch.Layout // guarded by mu
}

func newLayouts() *layouts { return &layouts{by: map[layoutKey]*batch.Layout{}} }

// get returns the layout of a schema version of the table, or UNKNOWN_SCHEMA.
func (l *layouts) get(info *table.Info, id ids.SchemaID) (*batch.Layout, error) {
	key := layoutKey{info.ID, id}
	l.mu.RLock()
	layout, ok := l.by[key]
	l.mu.RUnlock()
	if ok {
		return layout, nil
	}
	s, ok := info.SchemaByID(id)
	if !ok {
		return nil, errcode.New(errcode.UnknownSchema, nil, "table %s has no schema version %d, its newest is %d: refresh the table's metadata",
			info.Path, id, info.Descriptor.Schema.ID).With("schema_id", id)
	}
	layout = batch.NewLayout(s.Columns)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.by) >= maxLayouts {
		clear(l.by)
	}
	l.by[key] = layout
	return layout, nil
}
