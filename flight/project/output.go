// Package project turns stored batches into the batches that a scan streams:
// other columns in another order, columns that an old batch lacks, widened
// types, system columns, picked rows.
//
// Where nothing has to be computed it slices: the stored buffers of the wanted
// columns become the body of the message and only its small header is made
// anew, compressed or not (Wire.Raw). Everything else is gathered column by
// column into buffers that are reused from message to message (Wire.Append,
// Wire.Finish); so are stored batches that are too small to be worth a message
// each.
package project

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// systemFields are the system columns by their number.
var systemFields = map[flussv1.SystemColumn]schema.Field{
	flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET:      {Name: schema.ColumnBucket, Type: schema.Type{Kind: schema.Int}},
	flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET:      {Name: schema.ColumnOffset, Type: schema.Type{Kind: schema.BigInt}},
	flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP:   {Name: schema.ColumnTimestamp, Type: schema.Type{Kind: schema.TimestampLTZ, Precision: 3}},
	flussv1.SystemColumn_SYSTEM_COLUMN_CHANGE_TYPE: {Name: schema.ColumnChangeType, Type: schema.Type{Kind: schema.String}},
}

// The columns of a binlog.
const (
	ColumnBefore = "before"
	ColumnAfter  = "after"
)

// Output is what a scan returns: columns of one schema version, in the order
// asked for, and then system columns. A binlog returns the columns before and
// after, of rows of these columns, in their place. It is immutable.
type Output struct {
	target  *schema.Schema
	columns []outputColumn
	// leaves are the columns whose values come from stored ones: columns, or, of
	// a binlog, the fields of its rows.
	leaves []outputColumn
	binlog bool
	arrow  *arrow.Schema
}

// outputColumn is a column of the table, or a system column if system is set.
type outputColumn struct {
	field  schema.Field
	system flussv1.SystemColumn
}

// NewOutput resolves a projection against target; nil is all columns, an empty
// one is none. It fails with UnknownColumn and InvalidProjection.
func NewOutput(target *schema.Schema, projection *flussv1.Projection, system []flussv1.SystemColumn) (*Output, error) {
	o := &Output{target: target}
	if err := o.addColumns(projection); err != nil {
		return nil, err
	}
	if err := o.addSystem(system); err != nil {
		return nil, err
	}
	o.leaves = o.columns
	o.arrow = schema.ArrowFields(o.Fields())
	return o, nil
}

// NewBinlog resolves a projection as NewOutput does, for changes in pairs: the
// columns before and after, null when there was no row, and then system columns.
func NewBinlog(target *schema.Schema, projection *flussv1.Projection, system []flussv1.SystemColumn) (*Output, error) {
	o := &Output{target: target, binlog: true}
	if err := o.addColumns(projection); err != nil {
		return nil, err
	}
	if err := o.checkNames(); err != nil {
		return nil, err
	}
	o.leaves, o.columns = o.columns, nil
	row := schema.Type{Kind: schema.Row, Nullable: true}
	for _, c := range o.leaves {
		row.Fields = append(row.Fields, c.field)
	}
	for _, name := range []string{ColumnBefore, ColumnAfter} {
		o.columns = append(o.columns, outputColumn{field: schema.Field{Name: name, Type: row}})
	}
	if err := o.addSystem(system); err != nil {
		return nil, err
	}
	o.arrow = schema.ArrowFields(o.Fields())
	return o, nil
}

// Binlog reports whether the output is that of a binlog.
func (o *Output) Binlog() bool { return o.binlog }

func (o *Output) addSystem(system []flussv1.SystemColumn) error {
	for _, s := range system {
		f, ok := systemFields[s]
		if !ok {
			return errcode.New(errcode.InvalidProjection, nil, "system column %d is not known to this server", s)
		}
		o.columns = append(o.columns, outputColumn{f, s})
	}
	return o.checkNames()
}

func (o *Output) checkNames() error {
	seen := make(map[string]bool, len(o.columns))
	for _, c := range o.columns {
		if seen[c.field.Name] {
			return errcode.New(errcode.InvalidProjection, nil, "column %q is asked for twice", c.field.Name)
		}
		seen[c.field.Name] = true
	}
	return nil
}

func (o *Output) addColumns(p *flussv1.Projection) error {
	if p == nil {
		for _, f := range o.target.Columns {
			o.columns = append(o.columns, outputColumn{field: f})
		}
		return nil
	}
	if len(p.GetNames()) > 0 && len(p.GetIds()) > 0 {
		return errcode.New(errcode.InvalidProjection, nil, "the projection lists columns by name and by id: use one of them")
	}
	for _, name := range p.GetNames() {
		i, ok := o.target.Index(name)
		if !ok {
			return errcode.New(errcode.UnknownColumn, nil, "there is no column %q: the table has %s", short(name), o.known()).With("column", short(name))
		}
		o.columns = append(o.columns, outputColumn{field: o.target.Columns[i]})
	}
	for _, id := range p.GetIds() {
		i, ok := o.target.IndexByID(ids.FieldID(id))
		if !ok {
			return errcode.New(errcode.UnknownColumn, nil, "there is no column with the id %d: the table has %s", id, o.known()).With("column", id)
		}
		o.columns = append(o.columns, outputColumn{field: o.target.Columns[i]})
	}
	return nil
}

// known lists the columns for a message.
func (o *Output) known() string {
	const most = 30
	var names []string
	for i, f := range o.target.Columns {
		if i == most {
			names = append(names, "...")
			break
		}
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// short cuts a name that is not one of ours for a message.
func short(name string) string {
	const most = 100
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "..."
	}
	return strings.ToValidUTF8(name, "?")
}

// Schema returns the Arrow schema of the output.
func (o *Output) Schema() *arrow.Schema { return o.arrow }

// Fields returns the columns of the output; the slice is the caller's.
func (o *Output) Fields() []schema.Field {
	fields := make([]schema.Field, len(o.columns))
	for i, c := range o.columns {
		fields[i] = c.field
	}
	return fields
}

// Target returns the schema version that the output was resolved against.
func (o *Output) Target() *schema.Schema { return o.target }

// Reads returns the ids of the columns that the output takes its values from, in order.
func (o *Output) Reads() []ids.FieldID {
	var out []ids.FieldID
	for _, c := range o.leaves {
		if c.system == 0 {
			out = append(out, c.field.ID)
		}
	}
	return out
}
