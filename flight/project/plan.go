package project

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// missing stands for the place of a column that a stored batch does not have.
const missing = -1

// Plan says how batches of one stored schema version become the output. It is
// immutable but for a Wire's use of it.
type Plan struct {
	// fields are the stored columns, that of the change types included.
	fields []schema.Field
	// changes is the place of the stored change types, or missing.
	changes int
	// sources has, per leaf of the output, the place of the stored column, or missing.
	sources []int
	// columns are the stored columns of sources, in that order.
	columns []int
	// whole tells that the output is the stored columns as they are.
	whole bool
	// raw tells that no value has to be converted.
	raw bool
	// filterSources has, per column of the target schema, the place of the stored one.
	filterSources []int
	// nodes and buffers have, per stored column, where its first node and
	// buffer are among the batch's; one more than columns.
	nodes, buffers []int
	// layouts are those of single stored columns, made when needed.
	layouts []*batch.Layout
}

// Plan returns how batches of the schema version stored become o; changes tells
// that they have change types. It fails with UnknownSchema, which a client
// answers by asking again with the table's newest schema, when o cannot hold
// their values.
func (o *Output) Plan(stored *schema.Schema, changes bool) (*Plan, error) {
	p := &Plan{fields: stored.Columns, changes: missing, raw: !o.binlog, columns: []int{}}
	if changes {
		p.changes = len(stored.Columns)
		p.fields = append(stored.Columns[:p.changes:p.changes], schema.Field{Name: schema.ColumnChangeType, Type: schema.Type{Kind: schema.TinyInt}})
	}
	p.layouts = make([]*batch.Layout, len(p.fields))
	for _, c := range o.leaves {
		source := missing
		if c.system == 0 {
			var err error
			if source, err = o.source(stored, c.field); err != nil {
				return nil, err
			}
		}
		p.sources = append(p.sources, source)
		if source != missing {
			p.columns = append(p.columns, source)
			p.raw = p.raw && sameForm(p.fields[source].Type, c.field.Type)
		}
	}
	p.whole = p.raw && len(o.leaves) == len(p.fields) && len(p.columns) == len(p.fields)
	for i, c := range p.columns {
		p.whole = p.whole && i == c
	}
	for _, f := range o.target.Columns {
		source, err := o.source(stored, f)
		if err != nil {
			source = missing
		}
		p.filterSources = append(p.filterSources, source)
	}
	p.nodes, p.buffers = []int{0}, []int{0}
	for i := range p.fields {
		n, b := parts(p.fields[i].Type)
		p.nodes = append(p.nodes, p.nodes[i]+n)
		p.buffers = append(p.buffers, p.buffers[i]+b)
	}
	return p, nil
}

// source returns where stored has the column f of the target.
func (o *Output) source(stored *schema.Schema, f schema.Field) (int, error) {
	i, ok := stored.IndexByID(f.ID)
	switch {
	case !ok && (f.Type.Nullable || stored.ID < o.target.ID):
		return missing, nil
	case !ok:
		return 0, changed(stored, o.target, "column %s was dropped", f.Name)
	}
	if t := stored.Columns[i].Type; !convertible(t, f.Type) {
		return 0, changed(stored, o.target, "column %s is %s instead of %s", f.Name, t, f.Type)
	}
	return i, nil
}

// convertible reports whether widened can turn values of from into to.
func convertible(from, to schema.Type) bool {
	switch {
	case sameForm(from, to):
		return true
	case from.Kind == schema.Float && to.Kind == schema.Double, from.Kind == schema.Binary && to.Kind == schema.Bytes:
		return true
	case isInt(from.Kind) && isInt(to.Kind):
		return from.Kind <= to.Kind
	case from.Kind != to.Kind || len(from.Fields) != len(to.Fields) || len(from.Fields) == 0:
		return false
	}
	for i := range from.Fields {
		if !convertible(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}

func changed(stored, target *schema.Schema, format string, args ...any) error {
	return errcode.New(errcode.UnknownSchema, nil, "the table's schema changed from version %d to %d while it was read: "+format+"; read on with the new schema",
		append([]any{target.ID, stored.ID}, args...)...).With("schema_id", stored.ID)
}

// parts counts the nodes and the buffers of a column of the type.
func parts(t schema.Type) (nodes, buffers int) {
	form, _ := formOf(t)
	nodes = 1
	fields := t.Fields
	switch form {
	case fixed, bitsForm:
		buffers = 2
	case variable:
		buffers = 3
	case list:
		buffers = 2
		if t.Kind == schema.Map { // its one child is a row of key and value
			nodes, buffers = nodes+1, buffers+1
		}
	case structs:
		buffers = 1
	}
	for i := range fields {
		n, b := parts(fields[i].Type)
		nodes += n
		buffers += b
	}
	return nodes, buffers
}

// layout returns the layout of the stored column i alone.
func (p *Plan) layout(i int) *batch.Layout {
	if p.layouts[i] == nil {
		p.layouts[i] = batch.NewLayout(p.fields[i : i+1])
	}
	return p.layouts[i]
}

// nullArray returns n nulls of the type.
func nullArray(t schema.Type, n int) arrow.ArrayData {
	c := newColumn(t)
	c.appendNulls(n)
	return c.data(t)
}
