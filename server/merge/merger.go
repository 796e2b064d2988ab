package merge

import (
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/invariants"
	"github.com/fluss-go/fluss/server/row"
)

// Merger is a table's merge engine, compiled for one version of its descriptor. It
// is immutable and safe for concurrent use.
type Merger struct {
	path    table.Path
	format  *row.Format
	engine  table.MergeEngine
	deletes table.DeleteBehavior
	columns []column
	// required are the columns that a written row may not have null.
	required []int
	// auto is the auto-increment column, -1 when there is none. Written rows have
	// it null; whoever calls fills it in.
	auto int
	// version is the version column of the engine VERSIONED.
	version int
	// firsts: a column has aggregate.first.
	firsts bool
}

// column is what merging needs to know about a column of the newest schema.
type column struct {
	index int
	name  string
	typ   schema.Type
	key   bool
	// aggregate says how the engine AGGREGATION merges the column.
	aggregate aggregate
}

// New compiles info, whose newest schema is that of f. It fails with INTERNAL when
// info is not one that table.Descriptor.Validate lets pass.
func New(info *table.Info, f *row.Format) (*Merger, error) {
	s := f.Schema()
	m := &Merger{
		path: info.Path, format: f, engine: info.Options.MergeEngine, deletes: info.Options.DeleteBehavior,
		columns: make([]column, len(s.Columns)), auto: -1, version: -1,
	}
	if name, ok := info.Descriptor.AutoIncrement(); ok {
		m.auto, _ = s.Index(name)
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		m.columns[i] = column{index: i, name: c.Name, typ: c.Type, key: slices.Contains(s.PrimaryKey, c.Name)}
		if !c.Type.Nullable && i != m.auto {
			m.required = append(m.required, i)
		}
	}
	switch m.engine {
	case table.LastRow, table.FirstRow:
	case table.Versioned:
		i, ok := s.Index(info.Options.MergeVersionColumn)
		if !ok {
			return nil, m.unusable("it has no version column %q", info.Options.MergeVersionColumn)
		}
		m.version = i
	case table.Aggregation:
		if err := m.compileAggregates(info); err != nil {
			return nil, err
		}
	default:
		return nil, m.unusable("its merge engine %q is unknown", m.engine)
	}
	return m, nil
}

func (m *Merger) unusable(format string, args ...any) error {
	return errcode.New(errcode.Internal, nil, "table %s cannot be merged: "+format, append([]any{m.path}, args...)...)
}

// Write is what the batches of a session have in common.
type Write struct {
	// Targets are the columns of the newest schema that an upsert writes, or that a
	// delete makes null; nil for all. Columns of the key may be left out.
	Targets []int
	// Mode says whether the merge engine and the delete behavior take part.
	Mode flussv1.MergeMode
}

// NewSession returns a session for batches of the form w. It fails with
// INVALID_ARGUMENT when the mode is unknown, and when the write names only some of
// the columns and the merge engine takes whole rows only.
func (m *Merger) NewSession(w Write) (*Session, error) {
	s := &Session{m: m, engine: m.engine, deletes: m.deletes, required: m.required}
	switch w.Mode {
	case flussv1.MergeMode_MERGE_MODE_UNSPECIFIED, flussv1.MergeMode_MERGE_MODE_DEFAULT:
	case flussv1.MergeMode_MERGE_MODE_OVERWRITE:
		s.engine, s.deletes = table.LastRow, table.AllowDelete
	default:
		return nil, errcode.New(errcode.InvalidArgument, nil, "merge mode %d is unknown; DEFAULT and OVERWRITE are", w.Mode)
	}
	if w.Targets != nil {
		s.target(w.Targets)
	}
	if s.partial && (m.engine == table.FirstRow || m.engine == table.Versioned) {
		return nil, errcode.New(errcode.InvalidArgument, nil,
			"table %s has the merge engine %s, which takes whole rows; write all columns", m.path, m.engine)
	}
	s.bitmaps = s.writesBitmaps()
	return s, nil
}

// target notes which columns the session writes.
func (s *Session) target(targets []int) {
	s.targets = make([]bool, len(s.m.columns))
	s.given = true
	for _, i := range targets {
		invariants.Check(i >= 0 && i < len(s.targets), "target %d of %d columns", i, len(s.targets))
		s.targets[i] = true
	}
	for i := range s.m.columns {
		if s.m.columns[i].key {
			s.targets[i] = true
		} else if !s.targets[i] && i != s.m.auto {
			s.partial = true
		}
	}
	if s.m.auto >= 0 {
		s.targets[s.m.auto] = false
	}
	s.required = slices.DeleteFunc(slices.Clone(s.m.required), func(i int) bool { return !s.targets[i] })
}
