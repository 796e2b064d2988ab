package batch

import (
	"encoding/binary"
)

// View is a batch's head: header, metadata and column table, read in place
// without the body. It aliases the bytes that it was parsed from. The zero value
// is of no use.
type View struct {
	layout *Layout
	header Header
	meta   canonical
	table  []byte
}

// ParseView reads the head of a batch: head starts with the header and reaches
// to the start of the body, or further. It checks that the head agrees with the
// layout, so that no accessor can fail on any bytes, and no checksum. It does not
// allocate. It fails with INVALID_BATCH.
func ParseView(head []byte, l *Layout) (View, error) {
	h, err := ParseHeader(head)
	if err != nil {
		return View{}, err
	}
	if len(head) < h.HeadBytes() {
		return View{}, invalid("the head of the batch has %d bytes, there are %d", h.HeadBytes(), len(head))
	}
	v := View{layout: l, header: h}
	metaEnd := HeaderSize + int(h.MetadataBytes)
	v.table = head[metaEnd : metaEnd+int(h.ColumnTableBytes)]
	var ok bool
	if v.meta, ok = parseCanonical(head[HeaderSize:metaEnd]); !ok {
		return View{}, invalid("the metadata of the batch is not of the form that batches are stored in")
	}
	return v, v.check()
}

func (v *View) check() error {
	c, l := &v.meta, v.layout
	switch {
	case c.nodes != l.nodes || c.buffers != len(l.roles):
		return invalid("the batch has %d nodes and %d buffers, schema version %d makes %d and %d",
			c.nodes, c.buffers, v.header.SchemaID, l.nodes, len(l.roles))
	case c.codec != v.header.Codec || c.rows() != int64(v.header.RowCount) || c.bodyBytes() != int64(v.header.BodyBytes):
		return invalid("the metadata and the header of the batch disagree")
	case len(v.table) < columnEntry*len(l.columns):
		return invalid("the column table has %d bytes, too few for %d columns", len(v.table), len(l.columns))
	}
	prev := int64(0)
	for i := range l.columns {
		off := c.buffer(l.columns[i].buffer).Off
		if off < prev || off > c.bodyBytes() {
			return invalid("column %d starts at byte %d, outside of [%d, %d]", i, off, prev, c.bodyBytes())
		}
		prev = off
	}
	return nil
}

// Header returns the batch's header.
func (v *View) Header() Header { return v.header }

// Layout returns the layout that the view was parsed with.
func (v *View) Layout() *Layout { return v.layout }

// Meta fills m with the whole batch's metadata and reuses its slices.
func (v *View) Meta(m *Meta) { v.meta.meta(m) }

// MetaBytes returns the metadata as stored: a Message flatbuffer that can be
// sent as it is with the whole body.
func (v *View) MetaBytes() []byte { return v.meta.b }

// Node returns node i of the metadata.
func (v *View) Node(i int) Node { return v.meta.node(i) }

// Buffer returns buffer i of the metadata.
func (v *View) Buffer(i int) BufferRange { return v.meta.buffer(i) }

// Columns is the number of top-level columns.
func (v *View) Columns() int { return len(v.layout.columns) }

// ColumnRange returns the bytes [off, off+n) of the body that column i takes,
// padding included. The ranges of consecutive columns are adjacent and the
// first starts where its first buffer does.
func (v *View) ColumnRange(i int) (off, n int64) {
	off = v.meta.buffer(v.layout.columns[i].buffer).Off
	if i+1 < len(v.layout.columns) {
		return off, v.meta.buffer(v.layout.columns[i+1].buffer).Off - off
	}
	return off, v.meta.bodyBytes() - off
}

// ColumnCRC returns the CRC32C of column i's range of the body.
func (v *View) ColumnCRC(i int) uint32 {
	return binary.LittleEndian.Uint32(v.table[columnEntry*i:])
}

// Stats returns what is known about the values of column i; false when only
// the number of nulls is. The values may alias the view's bytes.
func (v *View) Stats(i int) (Stats, bool) {
	return decodeStats(v.table, i, v.layout.columns[i].stat)
}
