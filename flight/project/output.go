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

// ChangeTypeColumn is the name of the system column that tells how a row changed its table.
const ChangeTypeColumn = "__change_type"

// appended is the change type of every row of a log table.
const appended = "+A"

// systemFields are the system columns by their number.
var systemFields = map[flussv1.SystemColumn]schema.Field{
	flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET:      {Name: schema.ColumnBucket, Type: schema.Type{Kind: schema.Int}},
	flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET:      {Name: schema.ColumnOffset, Type: schema.Type{Kind: schema.BigInt}},
	flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP:   {Name: schema.ColumnTimestamp, Type: schema.Type{Kind: schema.TimestampLTZ, Precision: 3}},
	flussv1.SystemColumn_SYSTEM_COLUMN_CHANGE_TYPE: {Name: ChangeTypeColumn, Type: schema.Type{Kind: schema.String}},
}

// Output is what a scan returns: columns of one schema version, in the order
// asked for, and then system columns. It is immutable.
type Output struct {
	target  *schema.Schema
	columns []outputColumn
	arrow   *arrow.Schema
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
	for _, s := range system {
		f, ok := systemFields[s]
		if !ok {
			return nil, errcode.New(errcode.InvalidProjection, nil, "system column %d is not known to this server", s)
		}
		o.columns = append(o.columns, outputColumn{f, s})
	}
	seen := make(map[string]bool, len(o.columns))
	for _, c := range o.columns {
		if seen[c.field.Name] {
			return nil, errcode.New(errcode.InvalidProjection, nil, "column %q is asked for twice", c.field.Name)
		}
		seen[c.field.Name] = true
	}
	o.arrow = schema.ArrowFields(o.Fields())
	return o, nil
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
