package logstore

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Cursor reads the batches of a log in order: from memory where they are
// there, else from files. It is not safe for concurrent use; the batches that
// it gives are independent of it and of each other.
type Cursor struct {
	log  *Log
	next ids.Offset
	// reader has the file of segment place.base open while it reads files. pos
	// is where the batch at next begins in it, if placed.
	reader reader
	place  place
	pos    int64
	placed bool
	// wanted counts the body bytes that were asked of the last batch, which
	// had lastBody: it tells whether to read the next one whole.
	wanted   *atomic.Int64
	lastBody int64
	// layout is the one of batches with schema and flags.
	layout *batch.Layout
	schema ids.SchemaID
	flags  uint8
}

// Cursor returns a cursor at offset from. It fails with
// errcode.OffsetOutOfRange (start, end) if from is outside [Start, high watermark].
// It does no I/O.
func (l *Log) Cursor(from ids.Offset) (*Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readableLocked(from); err != nil {
		return nil, err
	}
	return &Cursor{log: l, next: from, wanted: new(atomic.Int64)}, nil
}

// readableLocked returns why from cannot be read, or nil.
func (l *Log) readableLocked(from ids.Offset) error {
	if l.closed != nil {
		return l.closed
	}
	start := max(l.state.Start, min(l.floor, l.state.End))
	if from < start || from > l.state.End {
		return errcode.New(errcode.OffsetOutOfRange, nil, "offset %d of %s is not there: its log has [%d, %d)", from, l.bucket, start, l.state.End).
			With("start", int64(start)).With("end", int64(l.state.End))
	}
	return nil
}

func (l *Log) readable(from ids.Offset) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readableLocked(from)
}

// Offset returns the offset that the next batch holds.
func (c *Cursor) Offset() ids.Offset { return c.next }

// Next returns the batch that holds the cursor's offset, and moves behind it.
// The first batch may begin before the offset asked for. It returns nil and no
// error at the high watermark; Log.Watch tells when to ask again.
//
// It fails with errcode.OffsetOutOfRange when the offset was trimmed meanwhile,
// errcode.Corrupt (segment, position) when the bytes on disk are damaged, and
// errcode.Unavailable when they cannot be read; the cursor stays where it is.
func (c *Cursor) Next() (*Batch, error) {
	h, mem, err := c.step()
	if err != nil || h == nil {
		return nil, err
	}
	layout, err := c.layoutOf(h)
	if err != nil {
		return nil, err
	}
	var b *Batch
	if mem != nil {
		b, err = c.fromMemory(h, mem, layout)
	} else {
		b, err = c.fromFile(h, layout)
	}
	if err != nil {
		return nil, err
	}
	c.lastBody = int64(h.BodyBytes)
	c.advance(h)
	return b, nil
}

// advance moves behind the batch with header h.
func (c *Cursor) advance(h *batch.Header) {
	c.next = h.EndOffset()
	c.pos += int64(h.TotalBytes)
}

// step finds the batch that holds c.next. It returns its header, and its bytes
// if it is in memory; else c.pos is where it is. No header: the high watermark.
func (c *Cursor) step() (*batch.Header, []byte, error) {
	for {
		bytes, at, err := c.log.find(c.next)
		switch {
		case err != nil:
			return nil, nil, err
		case bytes != nil:
			c.leaveFile()
			h, err := batch.ParseHeader(bytes)
			return &h, bytes, err
		case at == nil:
			c.leaveFile()
			return nil, nil, nil
		case at.load:
			err = c.log.ensureLoaded()
		case at.walk:
			err = c.log.walk(at.base)
		default:
			h, err := c.enter(at)
			return h, nil, err
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// enter opens the file of the segment and returns the header of the batch that
// holds c.next, with c.pos at its beginning.
func (c *Cursor) enter(at *place) (*batch.Header, error) {
	l := c.log
	if c.reader.file == nil || c.place.base != at.base {
		c.leaveFile()
		f, err := l.store.files.acquire(fileKey{l, at.base}, l.path(at.base))
		if isMissing(err) {
			if err := l.readable(c.next); err != nil {
				return nil, err // trimmed or dropped meanwhile
			}
			return nil, l.corrupt(at.base, 0, "the file is missing")
		} else if err != nil {
			return nil, l.readError(at.base, 0, err)
		}
		c.reader = reader{log: l, file: f}
		c.placed = false
	}
	c.place = *at
	c.reader.limit = at.limit
	start := at.start
	if at.sealed {
		foot, err := l.footerOf(c.reader.file)
		if err != nil {
			return nil, err
		}
		if foot.end != at.end {
			return nil, l.corrupt(at.base, foot.dataBytes, "the segment ends at offset %d, the next one begins at %d", foot.end, at.end)
		}
		c.reader.limit = foot.dataBytes
		start, _ = floorOffset(foot.index, c.next)
	}
	return c.seek(start)
}

// seek returns the header of the batch that holds c.next, from start on if the
// place of c.next is not known.
func (c *Cursor) seek(start indexEntry) (*batch.Header, error) {
	r := &c.reader
	at := c.next
	if !c.placed {
		at, c.pos = start.base, start.pos
	}
	// Whole batches when most of the last one was asked for, or they are small.
	r.whole = c.lastBody > 0 && (2*c.wanted.Load() >= c.lastBody || c.lastBody < smallBatch)
	for {
		h, err := r.header(c.pos, at)
		if err != nil {
			return nil, err
		}
		at += ids.Offset(h.RowCount)
		if at > c.next {
			c.placed = true
			return &h, nil
		}
		r.whole = int64(h.TotalBytes) < smallBatch
		c.pos += int64(h.TotalBytes)
	}
}

// leaveFile gives back the file and what was read ahead of it.
func (c *Cursor) leaveFile() {
	if c.reader.file == nil {
		return
	}
	c.reader.drop()
	c.log.store.files.release(c.reader.file)
	c.reader, c.placed = reader{}, false
}

// Close gives back what the cursor holds. It may be called twice. Batches stay good.
func (c *Cursor) Close() { c.leaveFile() }

// layoutOf returns the layout of a batch, nil if the log has no Layouts.
func (c *Cursor) layoutOf(h *batch.Header) (*batch.Layout, error) {
	if c.layout != nil && c.schema == h.SchemaID && c.flags == h.Flags {
		return c.layout, nil
	}
	c.log.mu.Lock()
	layouts := c.log.opt.Layouts
	c.log.mu.Unlock()
	if layouts == nil {
		return nil, nil
	}
	layout, err := layouts(h.SchemaID)
	if err != nil {
		return nil, err
	}
	if h.Flags&batch.FlagChangeTypes != 0 {
		layout = layout.WithChangeTypes()
	}
	c.layout, c.schema, c.flags = layout, h.SchemaID, h.Flags
	return layout, nil
}

// place says in which file an offset is and how to get there.
type place struct {
	base, end ids.Offset
	// load: the directory has to be looked at first. walk: the segment has.
	load, walk bool
	sealed     bool
	// start is where to begin to look, and limit where the written bytes end;
	// of a sealed segment the footer says that.
	start indexEntry
	limit int64
}

// find returns the bytes of the batch that holds from if it is in memory, else
// the file that it is in, else nothing at the high watermark.
func (l *Log) find(from ids.Offset) ([]byte, *place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readableLocked(from); err != nil {
		return nil, nil, err
	}
	if from == l.state.End {
		return nil, nil, nil
	}
	if e, ok := l.tail.find(from); ok {
		return e.bytes, nil, nil
	}
	if !l.loaded {
		return nil, &place{load: true}, nil
	}
	i, _ := slices.BinarySearchFunc(l.open, from, func(s *segment, from ids.Offset) int {
		if s.base <= from {
			return -1
		}
		return 1
	})
	if i > 0 {
		seg := l.open[i-1]
		p := &place{base: seg.base, end: seg.end, limit: seg.written}
		if seg.known > 0 && from < seg.knownBase {
			p.walk = true
			return nil, p, nil
		}
		p.start, _ = floorOffset(seg.index, from)
		return nil, p, nil
	}
	i, _ = slices.BinarySearchFunc(l.sealed, from, func(s sealedSegment, from ids.Offset) int {
		if s.base <= from {
			return -1
		}
		return 1
	})
	if i == 0 {
		return nil, nil, l.corrupt(from, 0, "the segment that holds offset %d is missing", from)
	}
	return nil, &place{base: l.sealed[i-1].base, end: l.sealedEndLocked(i - 1), sealed: true}, nil
}

// walk indexes the batches that segment base had when the log was opened.
func (l *Log) walk(base ids.Offset) error {
	if err := l.acquire(context.Background()); err != nil {
		return err
	}
	defer l.release()
	l.mu.Lock()
	i := slices.IndexFunc(l.open, func(s *segment) bool { return s.base == base })
	var seg *segment
	if i >= 0 {
		seg = l.open[i]
	}
	l.mu.Unlock()
	if seg == nil {
		return nil // sealed meanwhile
	}
	return l.complete(seg)
}
