package tablet

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/logstore"
)

// tableState is a table's descriptor as apply knows it. Apply replaces it,
// readers of logs look layouts up at the same time.
type tableState struct {
	id ids.TableID
	// dirty says that the table is in changes; apply's.
	dirty   bool
	dropped bool

	// mu guards the rest.
	mu      sync.RWMutex
	raw     []byte // the descriptor as it is persisted
	version int64
	options table.Options
	schemas map[ids.SchemaID]*schema.Schema
	layouts map[ids.SchemaID]*batch.Layout
	rows    *rowTable // nil for a log table
}

// newTableState checks a descriptor. Every replica comes to the same result.
func newTableState(info *flussv1.TableInfo) (*tableState, error) {
	t := &tableState{id: ids.TableID(info.GetTableId())}
	_, err := t.replace(info)
	return t, err
}

// replace takes info, unless what is there is the same or newer, and reports
// whether it did.
func (t *tableState) replace(info *flussv1.TableInfo) (bool, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(info)
	if err != nil {
		return false, errcode.New(errcode.InvalidArgument, err, "the descriptor of table %d cannot be encoded", t.id)
	}
	if t.raw != nil && (info.GetVersion() < t.version || string(raw) == string(t.raw)) {
		return false, nil
	}
	options, err := table.ParseOptions(info.GetDescriptor_().GetProperties())
	if err != nil {
		return false, err
	}
	rows, err := compileRows(info)
	if err != nil {
		return false, err
	}
	schemas := map[ids.SchemaID]*schema.Schema{}
	for _, p := range append(info.GetSchemas(), info.GetDescriptor_().GetSchema()) {
		if p == nil {
			continue
		}
		s, err := schema.FromProto(p)
		if err != nil {
			return false, fmt.Errorf("schema %d of table %d: %w", p.GetId(), t.id, err)
		}
		schemas[s.ID] = s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raw, t.version, t.options, t.schemas = raw, info.GetVersion(), options, schemas
	t.layouts, t.rows = map[ids.SchemaID]*batch.Layout{}, rows
	return true, nil
}

// compileRows returns what merging takes, nil for a log table.
func compileRows(m *flussv1.TableInfo) (*rowTable, error) {
	if len(m.GetDescriptor_().GetSchema().GetPrimaryKey()) == 0 {
		return nil, nil //nolint:nilnil // log tables merge nothing
	}
	info, err := table.NewInfo(m)
	if err != nil {
		return nil, err
	}
	return newRowTable(info)
}

// rowTable returns what merging takes, nil for a log table.
func (t *tableState) rowTable() *rowTable {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows
}

// layout finds the layout of a schema version; safe for concurrent use.
func (t *tableState) layout(id ids.SchemaID) (*batch.Layout, error) {
	t.mu.RLock()
	l, ok := t.layouts[id]
	t.mu.RUnlock()
	if ok {
		return l, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l, ok := t.layouts[id]; ok {
		return l, nil
	}
	s, ok := t.schemas[id]
	if !ok {
		return nil, errcode.New(errcode.UnknownSchema, nil, "table %d has no schema %d; ask for metadata again", t.id, id)
	}
	l = batch.NewLayout(s.Columns)
	t.layouts[id] = l
	return l, nil
}

func (t *tableState) logOptions() logstore.LogOptions {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return logstore.LogOptions{
		SegmentBytes: t.options.LogSegmentSize,
		SegmentAge:   t.options.LogSegmentAge,
		Layouts:      t.layout,
	}
}

// retention is how long rows stay, and how many bytes of a log; 0 is for ever,
// and any number.
func (t *tableState) retention() (time.Duration, int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.options.LogTTL, t.options.LogRetentionSize
}

func (t *tableState) encoded() []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.raw
}
