package batch

import (
	"encoding/binary"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Limits bound what a batch from outside may be. A field that is 0 has its default.
type Limits struct {
	// MaxBytes bounds the whole batch, default 4 MiB.
	MaxBytes int64
	// MaxRows bounds its rows, default 4,194,304.
	MaxRows int64
	// MaxUncompressed bounds Header.UncompressedBytes, default 64 MiB.
	MaxUncompressed int64
	// CheckUTF8 looks at the bytes of texts. It costs a pass over them.
	CheckUTF8 bool
	// CheckCompressed decompresses all buffers, to find damaged ones and texts
	// that are not UTF-8. If not set, only those are that decide where a reader
	// reads: bitmaps and offsets.
	CheckCompressed bool
}

// The defaults of Limits.
const (
	DefaultMaxBytes        = 4 << 20
	DefaultMaxRows         = 4 << 20
	DefaultMaxUncompressed = 64 << 20
)

func (l *Limits) ensureDefaults() {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxRows <= 0 {
		l.MaxRows = DefaultMaxRows
	}
	if l.MaxUncompressed <= 0 {
		l.MaxUncompressed = DefaultMaxUncompressed
	}
}

// Parsed is a batch that passed Validate.
type Parsed struct {
	Header Header
	// Bytes is the batch: the bytes given, or other ones with the same body when
	// the metadata had another form than AppendMeta's (Rebuilt).
	Bytes   []byte
	Rebuilt bool
}

// Validate checks hostile bytes that should be one whole batch of the layout's
// schema version, every number, checksum, bitmap and offset of it, and texts if
// limits say so. b is not changed. What it accepts can be stored, projected, and
// read by any Arrow reader; the bounds of values in the column table are the
// writer's word, like the rows themselves, and only checked for form.
//
// It fails with INVALID_BATCH (column), BAD_CHECKSUM, RECORD_TOO_LARGE (bytes,
// limit) and UNSUPPORTED.
func Validate(l *Layout, b []byte, limits Limits) (Parsed, error) {
	limits.ensureDefaults()
	h, err := ParseHeader(b)
	if err != nil {
		return Parsed{}, err
	}
	if err := checkHeader(l, &h, b, &limits); err != nil {
		return Parsed{}, err
	}
	w := works.Get().(*work)
	defer w.free()
	metadata := b[HeaderSize : HeaderSize+h.MetadataBytes]
	table := b[HeaderSize+h.MetadataBytes:][:h.ColumnTableBytes]
	body := b[h.HeadBytes():]
	c, stored := parseCanonical(metadata)
	if stored {
		c.meta(&w.meta)
	} else if err := parseForeignMeta(metadata, &w.meta); err != nil {
		return Parsed{}, err
	}
	if err := w.validate(l, &h, table, body, &limits); err != nil {
		return Parsed{}, err
	}
	p := Parsed{Header: h, Bytes: b}
	if !stored {
		p.rebuild(&w.meta, table, body)
	}
	return p, nil
}

// checkHeader checks what lies before the body but for its meaning.
func checkHeader(l *Layout, h *Header, b []byte, limits *Limits) error {
	tooLarge := func(what string, is, limit int64) error {
		return errcode.New(errcode.RecordTooLarge, nil, "the batch has %d %s, the limit is %d; send fewer rows at a time", is, what, limit).
			With("bytes", is).With("limit", limit)
	}
	switch {
	case int64(h.TotalBytes) != int64(len(b)):
		return invalid("the header says that the batch has %d bytes, there are %d", h.TotalBytes, len(b))
	case len(b) > int(limits.MaxBytes):
		return tooLarge("bytes", int64(len(b)), limits.MaxBytes)
	case int64(h.RowCount) > limits.MaxRows:
		return tooLarge("rows", int64(h.RowCount), limits.MaxRows)
	case int64(h.UncompressedBytes) > limits.MaxUncompressed:
		return tooLarge("bytes when decompressed", int64(h.UncompressedBytes), limits.MaxUncompressed)
	case h.Flags != l.flags:
		return invalid("the batch has the flags %#x, its kind has %#x", h.Flags, l.flags)
	}
	if err := h.VerifyCRC(b); err != nil {
		return err
	}
	if sum := CRC(b[HeaderSize:h.HeadBytes()]); sum != h.HeadCRC {
		return badChecksum("the metadata", h.HeadCRC, sum)
	}
	var zeros [HeaderSize]byte
	tail := b[HeaderSize+h.MetadataBytes+h.ColumnTableBytes : h.HeadBytes()]
	if b[atReserved] != 0 || string(b[atReservedTail:HeaderSize]) != string(zeros[atReservedTail:]) || !zeroGap(tail) {
		return invalid("reserved bytes of the batch are not zero; it may need a newer server")
	}
	return nil
}

func (w *work) validate(l *Layout, h *Header, table, body []byte, limits *Limits) error {
	m := &w.meta
	switch {
	case m.Rows != int64(h.RowCount):
		return invalid("the batch has %d rows by the header and %d by the metadata", h.RowCount, m.Rows)
	case m.BodyBytes != int64(len(body)):
		return invalid("the body has %d bytes by the header and %d by the metadata", len(body), m.BodyBytes)
	case m.Codec != h.Codec:
		return invalid("the batch is compressed with %s by the header and %s by the metadata", h.Codec, m.Codec)
	case len(m.Nodes) != l.nodes || len(m.Buffers) != len(l.roles):
		return invalid("the batch has %d nodes and %d buffers, the columns of schema version %d make %d and %d",
			len(m.Nodes), len(m.Buffers), h.SchemaID, l.nodes, len(l.roles))
	}
	if err := m.checkRanges(body, true); err != nil {
		return err
	}
	if err := checkColumnTable(l, m, table); err != nil {
		return err
	}
	if err := checkColumnCRCs(l, m, table, body); err != nil {
		return err
	}
	want := wantStructure
	if limits.CheckCompressed {
		want = wantAll
	}
	slab, err := w.split(l, body, want, limits.MaxUncompressed)
	if err != nil {
		return err
	}
	if w.plain != int64(h.UncompressedBytes) { // checked first: who validates has counted what the header says
		return invalid("the batch has %d bytes when decompressed and says %d", w.plain, h.UncompressedBytes)
	}
	if err := w.decompress(slab); err != nil {
		return err
	}
	c := checker{work: w, content: true, text: limits.CheckUTF8}
	return c.check(l)
}

func checkColumnCRCs(l *Layout, m *Meta, table, body []byte) error {
	for i := range l.columns {
		off := m.Buffers[l.columns[i].buffer].Off
		end := int64(len(body))
		if i+1 < len(l.columns) {
			end = m.Buffers[l.columns[i+1].buffer].Off
		}
		said := binary.LittleEndian.Uint32(table[columnEntry*i:])
		if sum := CRC(body[off:end]); sum != said {
			return badChecksum("column "+quoted(l.columns[i].path), said, sum).With("column", l.columns[i].path)
		}
	}
	return nil
}

func quoted(name string) string { return `"` + name + `"` }

// rebuild makes the batch again with metadata of the stored form.
func (p *Parsed) rebuild(m *Meta, table, body []byte) {
	h := &p.Header
	head := int(headBytes(uint32(m.Size()), uint32(len(table))))
	b := make([]byte, head+len(body))
	AppendMeta(b[:HeaderSize:head], m)
	copy(b[HeaderSize+m.Size():], table)
	copy(b[head:], body)
	h.TotalBytes, h.MetadataBytes, h.HeadCRC = uint32(len(b)), uint32(m.Size()), CRC(b[HeaderSize:head])
	PutHeader(b, *h)
	h.HeaderCRC = binary.LittleEndian.Uint32(b[atHeaderCRC:])
	p.Bytes, p.Rebuilt = b, true
}
