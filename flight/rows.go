package flight

import (
	"bytes"
	"context"
	"slices"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
)

const (
	// rowBytes is about what one batch of rows takes.
	rowBytes = 512 << 10
	// firstFiltered is how many rows a limited scan with a filter looks at first;
	// it looks at twice as many each time.
	firstFiltered = 256
)

// rowsPlan is how a scan reads the rows of a primary-key table.
type rowsPlan struct {
	schema *schema.Schema
	plan   *project.Plan
	// key has the ids of the columns of the physical key.
	key []ids.FieldID
	// from and to bound the physical keys that the filter can take.
	from, to []byte
}

// planRows decides whether the scan begins with rows, and how they are read.
func (sc *scan) planRows() error {
	info, r := sc.table.Info, sc.request
	resumes := false
	for _, s := range sc.starts {
		resumes = resumes || s.resume != nil
	}
	what := r.GetWhat()
	if !isKeyed(info) || what != flussv1.ScanWhat_SCAN_WHAT_UNSPECIFIED && what != flussv1.ScanWhat_SCAN_WHAT_ROWS || r.GetStart() != nil && !resumes {
		return nil
	}
	p := &rowsPlan{schema: &schema.Schema{ID: info.Schema().ID}}
	wanted := sc.out.Reads()
	if sc.filter != nil {
		for _, i := range sc.filter.Columns() {
			wanted = append(wanted, sc.out.Target().Columns[i].ID)
		}
	}
	for i, id := range wanted {
		if at, ok := info.Schema().IndexByID(id); ok && !slices.Contains(wanted[:i], id) {
			p.schema.Columns = append(p.schema.Columns, info.Schema().Columns[at])
		}
	}
	var err error
	if p.plan, err = sc.out.Plan(p.schema, false); err != nil {
		return err
	}
	var key []schema.Field
	for _, name := range info.Descriptor.PhysicalKey() {
		f, err := info.Schema().Column(name)
		if err != nil {
			return err
		}
		key = append(key, f)
		p.key = append(p.key, f.ID)
	}
	if p.from, p.to, err = keyRange(key, sc.out.Target(), sc.filter); err != nil {
		return err
	}
	if p.from != nil && p.to != nil && bytes.Compare(p.from, p.to) > 0 {
		p.to = p.from // no key
	}
	sc.rows = p
	if r.GetStop() != nil && !r.GetFollow() && slices.ContainsFunc(sc.refs(), sc.begins) {
		return errcode.New(errcode.InvalidTicket, nil,
			"the rows of table %s are read as they are now, and a stop is of no use for that: leave it out, or name a start to read changes", info.Path)
	}
	return nil
}

// begins reports whether the scan of a bucket begins with rows.
func (sc *scan) begins(b ids.Bucket) bool {
	start, given := sc.starts[keyOf(b)]
	switch {
	case sc.rows == nil:
		return false
	case start.resume != nil:
		return !start.resume.Changes
	}
	return !given && sc.request.GetStart() == nil
}

// snapshotScan reads the rows of a bucket as they are at one moment.
type snapshotScan struct {
	rows   Rows
	cursor RowCursor
	offset ids.Offset
	// last is the key of the last row that was looked at, in this snapshot or, as
	// the last of the bucket's parts, in an earlier one; nil when none was.
	last []byte
	// began tells that a row of this snapshot was looked at.
	began bool
	chunk int
}

func (s *snapshotScan) close() {
	if s.cursor != nil {
		s.cursor.Close()
		s.cursor = nil
	}
	if s.rows != nil {
		s.rows.Close()
		s.rows = nil
	}
}

// openRows takes the rows of b as they are now.
func (st *stream) openRows(ctx context.Context, b *bucketScan) (err error) {
	s := b.snapshot
	if s.rows, err = st.service.source.Rows(ctx, b.bucket); err != nil {
		return err
	}
	s.offset = s.rows.Offset()
	b.pos = s.offset
	b.timestamp = st.service.options.Now().UnixMilli()
	if n := len(b.parts); n > 0 {
		last := b.parts[n-1]
		switch {
		case last.Offset > s.offset:
			return errcode.New(errcode.OffsetOutOfRange, nil, "rows of %s were read as of offset %d, and its log ends at %d: it lost changes; read all rows again",
				b.bucket, last.Offset, s.offset).With("start", 0).With("end", int64(s.offset))
		case n >= ticket.MaxParts:
			return errcode.New(errcode.LimitExceeded, nil, "the rows of %s were read in %d parts, the most there may be: read all rows again", b.bucket, n).
				With("limit", ticket.MaxParts)
		}
		b.pos = b.parts[0].Offset
		s.last = slices.Clone(last.Last)
	}
	s.chunk = firstFiltered
	s.cursor, err = s.rows.Scan(st.rowScan(st.scan.rows.schema, s.last))
	return err
}

func (st *stream) rowScan(columns *schema.Schema, after []byte) RowScan {
	s := RowScan{Schema: columns, After: slices.Clone(after), From: st.scan.rows.from, To: st.scan.rows.to}
	if s.To != nil && bytes.Compare(s.After, s.To) >= 0 { // a token of another filter: no key is left
		s.After, s.From = nil, s.To
	}
	return s
}

// ask returns how many rows to ask a cursor for.
func (st *stream) ask(s *snapshotScan) int {
	if st.scan.filter == nil {
		return int(min(st.left, fullRows))
	}
	if st.left == unlimited {
		return fullRows
	}
	n := s.chunk
	s.chunk = min(2*n, fullRows)
	return n
}

// fillRows reads rows until there is a message to send, and sends it, as fill
// does. Behind the last row b goes on with its log if it follows.
func (st *stream) fillRows(ctx context.Context, b *bucketScan) (more bool, err error) {
	if b.snapshot.rows == nil {
		if err := st.openRows(ctx, b); err != nil {
			return false, err
		}
	}
	for range turnBatches {
		stored, key, err := b.snapshot.cursor.Next(st.ask(b.snapshot), rowBytes)
		if err != nil {
			return false, err
		}
		if stored == nil {
			if err := st.endRows(ctx, b); err != nil {
				return false, err
			}
			return b.follows, st.flush(b, true)
		}
		sent, err := st.consumeRows(b, stored, key)
		if err != nil || sent {
			return true, err
		}
		if rows, bytes := st.wire.Pending(); rows >= fullRows || bytes >= fullBytes || st.left == 0 {
			return true, st.flush(b, false)
		}
	}
	return true, st.flush(b, false)
}

// consumeRows takes the rows of one batch, whose last row has the key: it sends
// them, and returns true, or gathers them. It releases stored.
func (st *stream) consumeRows(b *bucketScan, stored Batch, key []byte) (sent bool, err error) {
	defer stored.Release()
	s, plan, v := b.snapshot, st.scan.rows.plan, stored.View()
	h := v.Header()
	n := int(h.RowCount)
	rows := project.Rows{}
	if st.wire.MayMatch(plan, v) {
		if rows, err = st.wire.Match(plan, stored, 0, n); err != nil {
			return false, err
		}
	}
	if int64(rows.Len()) >= st.left {
		if rows = rows.First(int(st.left)); rows.To < n {
			if key, err = st.keyOf(s, rows.To); err != nil {
				return false, err
			}
		}
	}
	pending, _ := st.wire.Pending()
	slice := rows.Len() == n && plan.CanSlice(v) && !isSmall(plan, v, &h)
	if slice && pending > 0 {
		if err := st.flush(b, false); err != nil {
			return false, err
		}
	}
	b.base = b.pos
	if slice {
		err = st.wire.Raw(&st.data, plan, stored, b.origin())
	} else if rows.Len() > 0 {
		err = st.wire.Append(plan, stored, b.origin(), rows)
	}
	if err != nil {
		return false, err
	}
	st.take(rows.Len())
	s.last, s.began = append(s.last[:0], key...), true
	if !slice {
		return false, nil
	}
	m := st.position(b)
	m.BaseOffset = int64(b.base)
	return true, st.sendWith(m)
}

// keyOf returns the key of the n-th row behind the last one that was looked at.
func (st *stream) keyOf(s *snapshotScan, n int) ([]byte, error) {
	c, err := s.rows.Scan(st.rowScan(&schema.Schema{ID: st.scan.rows.schema.ID}, s.last))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for {
		b, key, err := c.Next(n, rowBytes)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, errcode.New(errcode.Internal, nil, "rows that were read are not there when they are read again")
		}
		n -= int(b.View().Header().RowCount)
		b.Release()
		if n <= 0 {
			return bytes.Clone(key), nil
		}
	}
}

// endRows ends the rows of b, and opens its log if it follows.
func (st *stream) endRows(ctx context.Context, b *bucketScan) error {
	b.parts = append(slices.Clone(b.parts), ticket.Part{Offset: b.snapshot.offset})
	b.snapshot.close()
	b.snapshot = nil
	b.stop = b.pos
	b.forgetParts()
	if !b.follows {
		return nil
	}
	pos := b.pos
	return st.openLog(ctx, b, func(_ context.Context, _ ids.Bucket, log Log) (start, stop ids.Offset, err error) {
		if first := log.Start(); pos < first {
			return 0, 0, errcode.New(errcode.OffsetOutOfRange, nil,
				"the changes of %s since its rows were read begin at offset %d, and its log at %d by now: read all rows again, faster or with a longer table.log.ttl", b.bucket, pos, first).
				With("start", int64(first)).With("end", int64(log.HighWatermark()))
		}
		return pos, pos, nil // the rows may be ahead of the high watermark for a moment
	})
}

// forgetParts drops the parts once all changes that some of them have are behind.
func (b *bucketScan) forgetParts() {
	if n := len(b.parts); n > 0 && b.snapshot == nil && b.pos >= b.parts[n-1].Offset {
		b.parts = nil
	}
}

// resume returns what a resume token of b says; false when its offset says it all.
func (b *bucketScan) resume() (ticket.Resume, bool) {
	r := ticket.Resume{Bucket: b.bucket, Parts: b.parts}
	s := b.snapshot
	switch {
	case s == nil:
		r.Changes, r.Position = true, b.pos
		return r, len(b.parts) > 0
	case !s.began:
		return r, true
	}
	if n := len(r.Parts); n > 0 && r.Parts[n-1].Offset == s.offset { // it goes on
		r.Parts = r.Parts[:n-1]
	}
	r.Parts = append(slices.Clone(r.Parts), ticket.Part{Offset: s.offset, Last: s.last})
	return r, true
}

// origin returns where the batches of b are from.
func (b *bucketScan) origin() project.Origin {
	o := project.Origin{Bucket: b.bucket.Bucket}
	if s := b.snapshot; s != nil {
		o.Snapshot, o.Offset, o.Timestamp = true, s.offset, b.timestamp
	}
	return o
}

// uncovered returns those of rows, changes in a stored batch, that no part of
// b's rows has.
func (st *stream) uncovered(b *bucketScan, plan *project.Plan, stored Batch, rows project.Rows) (project.Rows, error) {
	h := stored.View().Header()
	if len(b.parts) == 0 || rows.Len() == 0 || h.BaseOffset >= b.parts[len(b.parts)-1].Offset {
		return rows, nil
	}
	fields, err := plan.Fields(st.scan.rows.key)
	if err != nil {
		return rows, err
	}
	encoder, err := keys.NewKeyEncoder(fields, fieldNames(fields))
	if err != nil {
		return rows, err
	}
	rec, free, err := plan.Columns(stored, st.scan.rows.key)
	if err != nil {
		return rows, err
	}
	defer free()
	st.keys.Reset()
	if err := encoder.Encode(rec, &st.keys); err != nil {
		return rows, err
	}
	list := rows.List
	if list == nil {
		for i := rows.From; i < rows.To; i++ {
			list = append(list, int32(i))
		}
	}
	kept := list[:0:0]
	for _, i := range list {
		if h.BaseOffset+ids.Offset(i) >= partOf(b.parts, st.keys.At(int(i))).Offset {
			kept = append(kept, i)
		}
	}
	return project.Pick(kept, rows), nil
}

// partOf returns the part that has the rows with the key.
func partOf(parts []ticket.Part, key []byte) ticket.Part {
	i, _ := slices.BinarySearchFunc(parts[:len(parts)-1], key, func(p ticket.Part, key []byte) int { return bytes.Compare(p.Last, key) })
	return parts[i]
}

func fieldNames(fields []schema.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}
