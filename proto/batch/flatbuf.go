package batch

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/fluss-go/fluss/proto/errcode"
)

// errFlatbuffer is a flatbuffer that points outside itself or is cut short.
var errFlatbuffer = errors.New("malformed flatbuffer")

// fbTable is a table of a flatbuffer. Its fields are read with bounds checked;
// a field that is absent has its default.
type fbTable struct {
	b []byte
	// at is the table's place in b, size its bytes there, vtable the bytes of
	// its vtable behind the two sizes.
	at, size int
	vtable   []byte
}

const (
	fbOffset     = 4 // bytes of an offset, and of a vector's length
	fbVtableHead = 4
)

// fbRoot returns the root table of a flatbuffer.
func fbRoot(b []byte) (fbTable, error) {
	at, err := fbFollow(b, 0)
	if err != nil {
		return fbTable{}, err
	}
	return fbTableAt(b, at)
}

// fbFollow returns where the offset at byte at points to.
func fbFollow(b []byte, at int) (int, error) {
	if at < 0 || at > len(b)-fbOffset {
		return 0, errFlatbuffer
	}
	to := int64(at) + int64(binary.LittleEndian.Uint32(b[at:]))
	if to > int64(len(b)-fbOffset) {
		return 0, errFlatbuffer
	}
	return int(to), nil
}

func fbTableAt(b []byte, at int) (fbTable, error) {
	if at < 0 || at > len(b)-fbOffset {
		return fbTable{}, errFlatbuffer
	}
	v := int64(at) - int64(int32(binary.LittleEndian.Uint32(b[at:])))
	if v < 0 || v > int64(len(b)-fbVtableHead) {
		return fbTable{}, errFlatbuffer
	}
	vsize := int64(binary.LittleEndian.Uint16(b[v:]))
	size := int64(binary.LittleEndian.Uint16(b[v+2:]))
	if vsize < fbVtableHead || v+vsize > int64(len(b)) || size < fbOffset || int64(at)+size > int64(len(b)) {
		return fbTable{}, errFlatbuffer
	}
	return fbTable{b: b, at: at, size: int(size), vtable: b[v+fbVtableHead : v+vsize]}, nil
}

// field returns the place of a field of width bytes; false when it is absent.
func (t *fbTable) field(slot, width int) (int, bool, error) {
	if 2*slot+2 > len(t.vtable) {
		return 0, false, nil
	}
	off := int(binary.LittleEndian.Uint16(t.vtable[2*slot:]))
	if off == 0 {
		return 0, false, nil
	}
	if off < fbOffset || off+width > t.size {
		return 0, false, errFlatbuffer
	}
	return t.at + off, true, nil
}

// number returns an integer field of width bytes, sign extended.
func (t *fbTable) number(slot, width int, absent int64) (int64, error) {
	at, ok, err := t.field(slot, width)
	if err != nil || !ok {
		return absent, err
	}
	le := binary.LittleEndian
	switch width {
	case 1:
		return int64(int8(t.b[at])), nil
	case 2:
		return int64(int16(le.Uint16(t.b[at:]))), nil
	case 4:
		return int64(int32(le.Uint32(t.b[at:]))), nil
	default:
		return int64(le.Uint64(t.b[at:])), nil
	}
}

// table returns a table field; false when it is absent.
func (t *fbTable) table(slot int) (fbTable, bool, error) {
	at, ok, err := t.field(slot, fbOffset)
	if err != nil || !ok {
		return fbTable{}, false, err
	}
	if at, err = fbFollow(t.b, at); err != nil {
		return fbTable{}, false, err
	}
	sub, err := fbTableAt(t.b, at)
	return sub, err == nil, err
}

// vector returns the place of a vector's first element and their number, 0 when
// the vector is absent.
func (t *fbTable) vector(slot, width int) (at, n int, err error) {
	at, ok, err := t.field(slot, fbOffset)
	if err != nil || !ok {
		return 0, 0, err
	}
	if at, err = fbFollow(t.b, at); err != nil {
		return 0, 0, err
	}
	count := int64(binary.LittleEndian.Uint32(t.b[at:]))
	at += fbOffset
	if count*int64(width) > int64(len(t.b)-at) {
		return 0, 0, errFlatbuffer
	}
	return at, int(count), nil
}

// text returns the bytes of a string field, none when it is absent.
func (t *fbTable) text(slot int) ([]byte, error) {
	at, n, err := t.vector(slot, 1)
	return t.b[at : at+n], err
}

// element returns element i of a vector of tables that starts at byte at.
func (t *fbTable) element(at, i int) (fbTable, error) {
	to, err := fbFollow(t.b, at+fbOffset*i)
	if err != nil {
		return fbTable{}, err
	}
	return fbTableAt(t.b, to)
}

// headerTypes are the names of the kinds of messages.
var headerTypes = map[int64]string{0: "none", 1: "Schema", 2: "DictionaryBatch", 3: "RecordBatch", 4: "Tensor", 5: "SparseTensor"}

// message returns the header of a Message flatbuffer of the wanted kind, and
// the size of the body.
func message(b []byte, want int64) (header fbTable, body int64, err error) {
	t, err := fbRoot(b)
	if err != nil {
		return header, 0, err
	}
	version, err := t.number(0, 2, 0)
	if err != nil {
		return header, 0, err
	}
	kind, err := t.number(1, 1, 0)
	if err != nil {
		return header, 0, err
	}
	if kind != want {
		name, ok := headerTypes[kind]
		if !ok {
			name = "kind " + strconv.FormatInt(kind, 10)
		}
		code := errcode.InvalidBatch
		if name == "DictionaryBatch" {
			code = errcode.Unsupported
		}
		return header, 0, errcode.New(code, nil, "an Arrow message is a %s where a %s belongs; decode dictionaries before sending",
			name, headerTypes[want])
	}
	if version != metadataV5 {
		return header, 0, errcode.New(errcode.Unsupported, nil, "the Arrow message has metadata version V%d, only V5 (Arrow 1.0 and later) is read", version+1)
	}
	header, ok, err := t.table(2)
	if err == nil && !ok {
		err = errFlatbuffer
	}
	if err != nil {
		return header, 0, err
	}
	body, err = t.number(3, 8, 0)
	return header, body, err
}

// asInvalid gives a malformed flatbuffer its code.
func asInvalid(err error, what string) error {
	if errors.Is(err, errFlatbuffer) {
		return errcode.New(errcode.InvalidBatch, err, "%s is no Arrow IPC message (it is malformed or cut short)", what)
	}
	return err
}

func parseForeignMeta(b []byte, m *Meta) error {
	*m = Meta{Nodes: m.Nodes[:0], Buffers: m.Buffers[:0]}
	batch, body, err := message(b, headerTypeBatch)
	if err == nil {
		m.BodyBytes = body
		err = m.parseBatch(&batch)
	}
	return asInvalid(err, "the metadata of the batch")
}

func (m *Meta) parseBatch(t *fbTable) (err error) {
	if m.Rows, err = t.number(0, 8, 0); err != nil {
		return err
	}
	at, n, err := t.vector(1, metaEntry)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	for range n {
		m.Nodes = append(m.Nodes, Node{int64(le.Uint64(t.b[at:])), int64(le.Uint64(t.b[at+8:]))})
		at += metaEntry
	}
	if at, n, err = t.vector(2, metaEntry); err != nil {
		return err
	}
	for range n {
		m.Buffers = append(m.Buffers, BufferRange{int64(le.Uint64(t.b[at:])), int64(le.Uint64(t.b[at+8:]))})
		at += metaEntry
	}
	if _, n, err = t.vector(4, 8); err != nil {
		return err
	}
	if n != 0 {
		return errcode.New(errcode.Unsupported, nil, "the batch has columns of a view type; cast them before sending")
	}
	return m.parseCompression(t)
}

func (m *Meta) parseCompression(t *fbTable) error {
	c, ok, err := t.table(3)
	if err != nil || !ok {
		return err
	}
	codec, err := c.number(0, 1, 0)
	if err != nil {
		return err
	}
	method, err := c.number(1, 1, 0)
	if err != nil {
		return err
	}
	if codec < 0 || codec > 1 || method != 0 {
		return errcode.New(errcode.Unsupported, nil, "the batch is compressed with codec %d, method %d; LZ4_FRAME and ZSTD by buffer are read",
			codec, method)
	}
	m.Codec = Codec(codec) + 1
	return nil
}
