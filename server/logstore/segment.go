package logstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
	"strconv"
	"strings"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/ids"
)

const (
	segmentSuffix = ".log"
	trimSuffix    = ".trim"
	nameDigits    = 20
	// indexEvery is how many bytes of batches lie between two index entries, at least.
	indexEvery = 64 << 10
)

func segmentName(base ids.Offset) string {
	return fmt.Sprintf("%0*d%s", nameDigits, base, segmentSuffix)
}

func trimName(start ids.Offset) string { return fmt.Sprintf("%0*d%s", nameDigits, start, trimSuffix) }

// parseName returns the offset that a file with the suffix is named by.
func parseName(name, suffix string) (ids.Offset, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != nameDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return ids.Offset(n), err == nil
}

// indexEntry says where a batch begins.
type indexEntry struct {
	base ids.Offset
	pos  int64
	time int64 // its commit timestamp, ms
}

// schemaCount sums up the batches of one schema in a segment.
type schemaCount struct {
	schema      ids.SchemaID
	batches     uint32
	rows, bytes int64
}

// segment is a segment whose footer is not written: the active one, or one
// that was rolled and waits for the writers. The log's mutex guards it.
type segment struct {
	base, end ids.Offset
	// bytes of batches were appended, the first written of them are in the file.
	// Invariant: written <= bytes.
	bytes, written      int64
	firstTime, lastTime int64
	lastIndex           uint64
	rolled              bool
	// hollow says that the first known bytes are missing because their rows
	// were trimmed: a hole is to be written in their place.
	hollow bool
	// known is the position from which on index, batches and schemas tell of
	// batches: what was there when the log was opened has to be walked first.
	// knownBase is the offset of the batch at known.
	known     int64
	knownBase ids.Offset
	tally
}

// tally is what a walk over a segment's batches collects.
type tally struct {
	index   []indexEntry
	batches uint64
	schemas []schemaCount
}

func (t *tally) add(h *batch.Header, pos int64) {
	if n := len(t.index); n == 0 || pos-t.index[n-1].pos >= indexEvery {
		t.index = append(t.index, indexEntry{h.BaseOffset, pos, h.CommitTimestamp})
	}
	t.count(schemaCount{h.SchemaID, 1, int64(h.RowCount), int64(h.TotalBytes)})
}

func (t *tally) count(c schemaCount) {
	t.batches += uint64(c.batches)
	for i := range t.schemas {
		if s := &t.schemas[i]; s.schema == c.schema {
			s.batches += c.batches
			s.rows += c.rows
			s.bytes += c.bytes
			return
		}
	}
	t.schemas = append(t.schemas, c)
}

// prepend puts what a walk found before what t has.
func (t *tally) prepend(before tally) {
	t.index = append(before.index, t.index...)
	for _, c := range before.schemas {
		t.count(c)
	}
}

// floorOffset returns the last entry whose batch begins at or before from.
func floorOffset(index []indexEntry, from ids.Offset) (indexEntry, bool) {
	i := sort.Search(len(index), func(i int) bool { return index[i].base > from })
	if i == 0 {
		return indexEntry{}, false
	}
	return index[i-1], true
}

// floorTime returns the last entry whose batch is older than ms.
func floorTime(index []indexEntry, ms int64) (indexEntry, bool) {
	i := sort.Search(len(index), func(i int) bool { return index[i].time >= ms })
	if i == 0 {
		return indexEntry{}, false
	}
	return index[i-1], true
}

// A footer is the index, the counts by schema, zeros, and a trailer that ends
// the file; see FORMAT.md.
const (
	footerMagic   = "FLSF"
	footerVersion = 1
	trailerSize   = 128
	trailerSummed = trailerSize - 4
	entrySize     = 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// footer is what a sealed segment says about itself.
type footer struct {
	base, end           ids.Offset
	dataBytes           int64
	firstTime, lastTime int64
	lastIndex           uint64
	tally
}

// encodeFooter returns the tables that follow the data and the trailer that
// ends the file.
func encodeFooter(f *footer) (tables, trailer []byte) {
	le := binary.LittleEndian
	for _, e := range f.index {
		tables = le.AppendUint64(tables, uint64(e.base))
		tables = le.AppendUint64(tables, uint64(e.pos))
		tables = le.AppendUint64(tables, uint64(e.time))
	}
	for _, c := range f.schemas {
		tables = le.AppendUint32(tables, uint32(c.schema))
		tables = le.AppendUint32(tables, c.batches)
		tables = le.AppendUint64(tables, uint64(c.rows))
		tables = le.AppendUint64(tables, uint64(c.bytes))
	}
	t := make([]byte, 0, trailerSize)
	t = append(t, footerMagic...)
	t = le.AppendUint32(t, footerVersion)
	for _, v := range [...]uint64{
		uint64(f.base), uint64(f.end), uint64(f.dataBytes), uint64(f.firstTime), uint64(f.lastTime), f.lastIndex, f.batches,
	} {
		t = le.AppendUint64(t, v)
	}
	t = le.AppendUint32(t, uint32(len(f.index)))
	t = le.AppendUint32(t, uint32(len(f.schemas)))
	t = le.AppendUint32(t, crc32.Checksum(tables, castagnoli))
	t = append(t, make([]byte, trailerSummed-len(t))...)
	t = le.AppendUint32(t, crc32.Checksum(t, castagnoli))
	return tables, t
}

// trailerInfo is a decoded trailer: the footer without its tables.
type trailerInfo struct {
	footer
	entries, counts int64
	tablesCRC       uint32
}

func (t *trailerInfo) tablesBytes() int64 { return (t.entries + t.counts) * entrySize }

// decodeTrailer checks the last trailerSize bytes of a segment file of fileSize bytes.
func decodeTrailer(b []byte, fileSize int64) (*trailerInfo, error) {
	le := binary.LittleEndian
	if len(b) != trailerSize || string(b[:4]) != footerMagic {
		return nil, fmt.Errorf("the file does not end with a segment footer")
	}
	if sum := crc32.Checksum(b[:trailerSummed], castagnoli); sum != le.Uint32(b[trailerSummed:]) {
		return nil, fmt.Errorf("the footer's checksum is %08x, its bytes give %08x", le.Uint32(b[trailerSummed:]), sum)
	}
	if v := le.Uint32(b[4:]); v != footerVersion {
		return nil, fmt.Errorf("the footer has version %d, this server reads version %d", v, footerVersion)
	}
	at := func(i int) int64 { return int64(le.Uint64(b[8+8*i:])) }
	t := &trailerInfo{
		footer: footer{
			base: ids.Offset(at(0)), end: ids.Offset(at(1)), dataBytes: at(2), firstTime: at(3), lastTime: at(4), lastIndex: uint64(at(5)),
		},
		entries: int64(le.Uint32(b[64:])), counts: int64(le.Uint32(b[68:])), tablesCRC: le.Uint32(b[72:]),
	}
	t.batches = uint64(at(6))
	if t.base < 0 || t.end <= t.base || t.dataBytes < batch.HeaderSize || t.dataBytes%batch.Align != 0 ||
		t.dataBytes > fileSize-trailerSize || t.tablesBytes() > fileSize-trailerSize-t.dataBytes {
		return nil, fmt.Errorf("the footer's numbers do not fit a file of %d bytes", fileSize)
	}
	return t, nil
}

// decodeTables completes the footer with its index and counts.
func (t *trailerInfo) decodeTables(b []byte) (*footer, error) {
	le := binary.LittleEndian
	if int64(len(b)) != t.tablesBytes() {
		return nil, fmt.Errorf("the footer's tables have %d bytes, want %d", len(b), t.tablesBytes())
	}
	if sum := crc32.Checksum(b, castagnoli); sum != t.tablesCRC {
		return nil, fmt.Errorf("the checksum of the footer's tables is %08x, their bytes give %08x", t.tablesCRC, sum)
	}
	f := t.footer
	f.index = make([]indexEntry, t.entries)
	for i := range f.index {
		e := b[i*entrySize:]
		f.index[i] = indexEntry{ids.Offset(le.Uint64(e)), int64(le.Uint64(e[8:])), int64(le.Uint64(e[16:]))}
		if !f.fits(i) {
			return nil, fmt.Errorf("entry %d of the footer's index is out of order or range", i)
		}
	}
	b = b[t.entries*entrySize:]
	f.schemas = make([]schemaCount, t.counts)
	for i := range f.schemas {
		e := b[i*entrySize:]
		f.schemas[i] = schemaCount{ids.SchemaID(le.Uint32(e)), le.Uint32(e[4:]), int64(le.Uint64(e[8:])), int64(le.Uint64(e[16:]))}
	}
	return &f, nil
}

// fits reports whether entry i lies in the segment and after the one before.
func (f *footer) fits(i int) bool {
	e := f.index[i]
	if i == 0 { // behind a hole, if there is one
		return e.base >= f.base && (e.base == f.base) == (e.pos == 0) && e.pos >= 0 && e.pos <= f.dataBytes-batch.HeaderSize && e.pos%batch.Align == 0
	}
	p := f.index[i-1]
	return e.base > p.base && e.base < f.end && e.pos > p.pos && e.pos <= f.dataBytes-batch.HeaderSize && e.pos%batch.Align == 0
}

// A hole stands at the beginning of a segment whose first rows were trimmed and
// dropped, when a crash made the segment be written again.
const (
	holeMagic = "FLSH"
	holeSize  = batch.Align
)

// encodeHole returns the record that stands for bytes bytes with the rows [base, end).
func encodeHole(base, end ids.Offset, bytes int64) []byte {
	le := binary.LittleEndian
	b := append(make([]byte, 0, holeSize), holeMagic...)
	b = le.AppendUint32(b, footerVersion)
	b = le.AppendUint64(b, uint64(base))
	b = le.AppendUint64(b, uint64(end))
	b = le.AppendUint64(b, uint64(bytes))
	b = append(b, make([]byte, holeSize-4-len(b))...)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeHole reads a hole at the start of the segment; ok tells if there is one.
func decodeHole(b []byte, base ids.Offset, limit int64) (end ids.Offset, bytes int64, ok bool) {
	le := binary.LittleEndian
	if len(b) < holeSize || string(b[:4]) != holeMagic || le.Uint32(b[4:]) != footerVersion ||
		crc32.Checksum(b[:holeSize-4], castagnoli) != le.Uint32(b[holeSize-4:]) {
		return 0, 0, false
	}
	end, bytes = ids.Offset(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))
	fits := ids.Offset(le.Uint64(b[8:])) == base && end > base && bytes >= holeSize && bytes <= limit && bytes%batch.Align == 0
	return end, bytes, fits
}
