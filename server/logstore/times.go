package logstore

import (
	"context"
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// OffsetAt returns the base offset of the first batch whose commit timestamp
// is at least ms, or the high watermark if there is none; never less than Start.
// It may read files: footers and headers, no bodies.
//
// It fails like Cursor.Next, and with ctx.
func (l *Log) OffsetAt(ctx context.Context, ms int64) (ids.Offset, error) {
	l.mu.Lock()
	if l.closed != nil {
		defer l.mu.Unlock()
		return 0, l.closed
	}
	start, end := max(l.state.Start, min(l.floor, l.state.End)), l.state.End
	newest := l.state.LastTimestamp
	e, inMemory := l.tail.since(ms)
	var at ids.Offset
	if inMemory {
		at = e.base
	}
	l.mu.Unlock()
	switch {
	case start == end || newest < ms:
		return end, nil
	case inMemory:
		return max(at, start), nil
	}
	at, err := l.nearTime(ms)
	if err != nil {
		return 0, err
	}
	c, err := l.Cursor(max(at, start))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for {
		if err := ctx.Err(); err != nil {
			return 0, errcode.From(err)
		}
		h, _, err := c.step()
		switch {
		case err != nil:
			return 0, err
		case h == nil:
			return c.next, nil
		case h.CommitTimestamp >= ms:
			return max(h.BaseOffset, start), nil
		}
		c.advance(h)
	}
}

// nearTime returns the offset of a batch at or before the first one that is
// not older than ms, as near as the indexes know.
func (l *Log) nearTime(ms int64) (ids.Offset, error) {
	if err := l.ensureLoaded(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	sealed, open := slices.Clone(l.sealed), l.nearTimeOpenLocked(ms)
	l.mu.Unlock()
	for _, s := range sealed {
		if s.timed && s.lastTime < ms {
			continue
		}
		foot, err := l.sealedFooter(s.base)
		switch {
		case err != nil && !l.isSealed(s.base):
			continue // trimmed meanwhile
		case err != nil:
			return 0, err
		case foot.lastTime >= ms:
			e, _ := floorTime(foot.index, ms)
			return max(e.base, s.base), nil
		}
	}
	return open, nil
}

// nearTimeOpenLocked is nearTime in the segments without footer.
func (l *Log) nearTimeOpenLocked(ms int64) ids.Offset {
	at := ids.Offset(0)
	for _, seg := range l.open {
		e, ok := floorTime(seg.index, ms)
		if !ok {
			return max(at, seg.base)
		}
		at = e.base
		if seg.lastTime >= ms {
			break
		}
	}
	return at
}

// sealedFooter reads the footer of a sealed segment and notes what it says.
func (l *Log) sealedFooter(base ids.Offset) (*footer, error) {
	f, err := l.store.files.acquire(fileKey{l, base}, l.path(base))
	if isMissing(err) && l.isSealed(base) {
		return nil, l.corrupt(base, 0, "the file is missing")
	} else if err != nil {
		return nil, l.readError(base, 0, err)
	}
	defer l.store.files.release(f)
	foot, err := l.footerOf(f)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.sealed, func(s sealedSegment) bool { return s.base == base }); i >= 0 {
		l.sealed[i].lastTime, l.sealed[i].timed = foot.lastTime, true
	}
	return foot, nil
}

// isSealed reports whether base is still one of the sealed segments.
func (l *Log) isSealed(base ids.Offset) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.sealed, func(s sealedSegment) bool { return s.base == base })
}

// Expired returns the offset to Trim at so that segments go whose batches are
// all older than ms: sealed ones, and the active one too, so that a bucket
// nobody writes to becomes empty. It returns Start if nothing goes, also when
// the files cannot be read, which the Logger is told. It may read footers.
func (l *Log) Expired(ms int64) ids.Offset {
	start := l.Start()
	l.mu.Lock()
	end, newest := l.state.End, l.state.LastTimestamp
	single := l.state.SegmentBase <= start
	l.mu.Unlock()
	switch {
	case start == end:
		return start
	case newest < ms:
		return end
	case single:
		return start // the active segment goes as a whole or not at all
	}
	at, err := l.expiredSealed(ms)
	if err != nil {
		l.store.opt.Logger.Warn("retention cannot read a log", "bucket", l.bucket, "err", err)
		return start
	}
	return max(at, start)
}

func (l *Log) expiredSealed(ms int64) (ids.Offset, error) {
	if err := l.ensureLoaded(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	sealed := slices.Clone(l.sealed)
	for _, seg := range l.open { // rolled ones are as good as sealed
		sealed = append(sealed, sealedSegment{base: seg.base, lastTime: seg.lastTime, timed: true})
	}
	l.mu.Unlock()
	at := ids.Offset(0)
	for _, s := range sealed {
		at = max(at, s.base) // all before s is older than ms
		if !s.timed {
			foot, err := l.sealedFooter(s.base)
			if err != nil && !l.isSealed(s.base) {
				continue // trimmed meanwhile
			}
			if err != nil {
				return 0, err
			}
			s.lastTime = foot.lastTime
		}
		if s.lastTime >= ms {
			break
		}
	}
	return at, nil
}

// ExpiredBySize returns the offset to Trim at so that at most keep bytes, and
// the active segment, stay; see Expired.
func (l *Log) ExpiredBySize(keep int64) ids.Offset {
	segments, err := l.Segments()
	if err != nil {
		l.store.opt.Logger.Warn("retention cannot read a log", "bucket", l.bucket, "err", err)
		return l.Start()
	}
	at := l.Start()
	total := int64(0)
	for _, s := range segments {
		total += s.Bytes
	}
	for _, s := range segments[:max(len(segments)-1, 0)] {
		if total <= keep {
			break
		}
		total -= s.Bytes
		at = max(at, s.End)
	}
	return at
}

// Segment is one segment of a log, as status pages show it.
type Segment struct {
	Path string
	// Base is the first offset, End the one after the last.
	Base, End ids.Offset
	// Bytes is the file's size, or of an unsealed segment its data's.
	Bytes int64
	// Sealed tells that the segment has its footer.
	Sealed bool
}

// Segments lists the segments from the oldest to the active one, which is
// there also when it is empty. It may look at files.
func (l *Log) Segments() ([]Segment, error) {
	if err := l.ensureLoaded(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	out := make([]Segment, 0, len(l.sealed)+len(l.open))
	for i, s := range l.sealed {
		out = append(out, Segment{l.path(s.base), s.base, l.sealedEndLocked(i), s.fileBytes, true})
	}
	for _, s := range l.open {
		out = append(out, Segment{l.path(s.base), s.base, s.end, s.bytes, false})
	}
	l.mu.Unlock()
	for i := range out {
		if s := &out[i]; s.Sealed && s.Bytes == 0 {
			info, err := l.store.opt.FS.Stat(s.Path)
			if err != nil && !l.isSealed(s.Base) {
				continue
			}
			if err != nil {
				return nil, l.readError(s.Base, 0, err)
			}
			s.Bytes = info.Size()
			l.noteSize(s.Base, s.Bytes)
		}
	}
	// Those that were trimmed meanwhile have no size.
	return slices.DeleteFunc(out, func(s Segment) bool { return s.Sealed && s.Bytes == 0 }), nil
}

func (l *Log) noteSize(base ids.Offset, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.sealed, func(s sealedSegment) bool { return s.base == base }); i >= 0 {
		l.sealed[i].fileBytes = bytes
	}
}

// Bytes is how much the log has on disk and in memory waiting for it. It may look at files.
func (l *Log) Bytes() (int64, error) {
	segments, err := l.Segments()
	total := int64(0)
	for _, s := range segments {
		total += s.Bytes
	}
	return total, err
}
