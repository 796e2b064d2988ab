package batch

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/schema"
)

// form is how the values of a type lie in buffers.
type form uint8

const (
	// formBits values are bits.
	formBits form = iota
	// formFixed values have width bytes each.
	formFixed
	// formVariable values are runs of bytes between offsets.
	formVariable
	// formList values are runs of the one child between offsets.
	formList
	// formStruct values have one child per field.
	formStruct
	// formFixedList values are size values each of the one child. Only Arrow
	// clients send it (NewIPCLayout).
	formFixedList
)

// buffers is the number of buffers of a form, validity first.
func (f form) buffers() int {
	switch f {
	case formStruct, formFixedList:
		return 1
	case formVariable:
		return 3
	default:
		return 2
	}
}

// nodeLayout is a column, or what is nested in one, as Arrow's IPC format
// flattens it: depth first, each node before its children.
type nodeLayout struct {
	form     form
	stat     statKind
	width    int
	size     int // of a formFixedList
	nullable bool
	text     bool // the bytes are UTF-8
	wide     bool // offsets have 8 bytes; only Arrow clients send them
	dtype    arrow.DataType
	children []nodeLayout
	// path names the node in errors: "a", "a.element", "m.key".
	path string
}

// columnLayout is a top-level column and its first node and buffer.
type columnLayout struct {
	nodeLayout
	node, buffer int
}

// bufferRole is what a buffer holds.
type bufferRole uint8

const (
	roleValues bufferRole = iota
	roleValidity
	roleOffsets
	roleText
)

// Layout is a schema compiled for reading and writing batches. It is immutable
// and safe for concurrent use.
type Layout struct {
	fields  []schema.Field
	schema  *arrow.Schema
	columns []columnLayout
	// nodes is how many nodes a batch has.
	nodes int
	// roles has what each buffer of a batch holds.
	roles []bufferRole
	flags uint8
	// converted is the schema of what DecodeIPC returns if columns come in other
	// Arrow types than schema's.
	converted *arrow.Schema
}

// NewLayout compiles the columns of a schema version, in order. Only types and
// names matter, so it also takes the columns of a projection. The fields must not
// be changed afterwards.
func NewLayout(fields []schema.Field) *Layout {
	l := &Layout{fields: fields, schema: schema.ArrowFields(fields), columns: make([]columnLayout, len(fields))}
	for i := range fields {
		c := &l.columns[i]
		c.node, c.buffer = l.nodes, len(l.roles)
		c.nodeLayout = newNodeLayout(fields[i].Type, fields[i].Name)
		l.count(&c.nodeLayout)
	}
	return l
}

// WithChangeTypes returns the layout of changelog batches: the columns of l and
// behind them a TINYINT column, schema.ColumnChangeType, and FlagChangeTypes in
// the header.
func (l *Layout) WithChangeTypes() *Layout {
	fields := append(l.fields[:len(l.fields):len(l.fields)], schema.Field{
		Name: schema.ColumnChangeType, Type: schema.Type{Kind: schema.TinyInt},
	})
	out := NewLayout(fields)
	out.flags = FlagChangeTypes
	return out
}

func newNodeLayout(t schema.Type, path string) nodeLayout {
	n := nodeLayout{form: formFixed, nullable: t.Nullable, dtype: t.Arrow(), path: path, stat: statOf(t)}
	switch t.Kind {
	case schema.Boolean:
		n.form = formBits
	case schema.Char, schema.String:
		n.form, n.text = formVariable, true
	case schema.Bytes:
		n.form = formVariable
	case schema.Binary:
		n.width = t.Length
	case schema.Array:
		n.form = formList
		n.children = []nodeLayout{newNodeLayout(t.Fields[0].Type, path+"."+schema.ElementName)}
	case schema.Map:
		n.form = formList
		entries := nodeLayout{form: formStruct, path: path + ".entries", dtype: n.dtype.(*arrow.MapType).Elem(), children: []nodeLayout{
			newNodeLayout(t.Fields[0].Type, path+"."+schema.KeyName), newNodeLayout(t.Fields[1].Type, path+"."+schema.ValueName),
		}}
		entries.children[0].nullable = false // whatever the schema says, Arrow knows no null key
		n.children = []nodeLayout{entries}
	case schema.Row:
		n.form = formStruct
		n.children = make([]nodeLayout, len(t.Fields))
		for i := range t.Fields {
			n.children[i] = newNodeLayout(t.Fields[i].Type, path+"."+t.Fields[i].Name)
		}
	default:
		if w, ok := n.dtype.(arrow.FixedWidthDataType); ok {
			n.width = w.BitWidth() / 8
		}
	}
	return n
}

// count adds n and its children to nodes and roles.
func (l *Layout) count(n *nodeLayout) {
	l.nodes++
	l.roles = append(l.roles, roleValidity)
	switch n.form {
	case formBits, formFixed:
		l.roles = append(l.roles, roleValues)
	case formVariable:
		data := roleValues
		if n.text {
			data = roleText
		}
		l.roles = append(l.roles, roleOffsets, data)
	case formList:
		l.roles = append(l.roles, roleOffsets)
	case formStruct, formFixedList:
	}
	for i := range n.children {
		l.count(&n.children[i])
	}
}

// Columns is the number of top-level columns.
func (l *Layout) Columns() int { return len(l.columns) }

// Fields returns the columns; the slice must not be changed.
func (l *Layout) Fields() []schema.Field { return l.fields }

// Schema returns the Arrow schema of decoded batches.
func (l *Layout) Schema() *arrow.Schema { return l.schema }

// Nodes returns the range [from, to) of the nodes of column i in a batch's metadata.
func (l *Layout) Nodes(i int) (from, to int) {
	if i+1 < len(l.columns) {
		return l.columns[i].node, l.columns[i+1].node
	}
	return l.columns[i].node, l.nodes
}

// Buffers returns the range [from, to) of the buffers of column i in a batch's
// metadata. No column is without a buffer.
func (l *Layout) Buffers(i int) (from, to int) {
	if i+1 < len(l.columns) {
		return l.columns[i].buffer, l.columns[i+1].buffer
	}
	return l.columns[i].buffer, len(l.roles)
}

// NumNodes is how many nodes a batch has.
func (l *Layout) NumNodes() int { return l.nodes }

// NumBuffers is how many buffers a batch has.
func (l *Layout) NumBuffers() int { return len(l.roles) }
