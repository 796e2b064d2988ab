package logstore

import (
	"errors"
	"io"

	"google.golang.org/grpc/mem"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

const (
	// smallBatch is the size below which batches are read whole, and many at once.
	smallBatch = 16 << 10
	// headGuess is what is read for a header and what follows it up to the body.
	headGuess = 4 << 10
	// Reads of whole batches begin with minWindow and double up to maxWindow.
	minWindow, maxWindow = 64 << 10, 1 << 20
)

// reader reads one segment file up to limit, through a window of pooled memory.
type reader struct {
	log    *Log
	file   *file
	limit  int64
	whole  bool // read batches whole, ahead
	window window
	ahead  int64 // size of the next window for whole batches
}

// window is a piece of a file in memory. buf is nil when there is none.
type window struct {
	buf  mem.Buffer
	data []byte
	pos  int64
}

func (w *window) covers(pos, n int64) bool {
	return w.buf != nil && pos >= w.pos && pos+n <= w.pos+int64(len(w.data))
}

// drop gives the window back.
func (r *reader) drop() {
	if r.window.buf != nil {
		r.window.buf.Free()
	}
	r.window = window{}
}

// need returns the bytes [pos, pos+n) of the file, which lie below limit; they
// are good until the next call. want is how much to read if anything is read.
func (r *reader) need(pos, n, want int64) ([]byte, error) {
	if r.window.covers(pos, n) {
		at := pos - r.window.pos
		return r.window.data[at : at+n], nil
	}
	r.drop()
	want = min(max(want, n), r.limit-pos)
	buf, err := r.log.pread(r.file, pos, want)
	if err != nil {
		return nil, err
	}
	r.window = window{buf: mem.NewBuffer(buf, &r.log.store.pool), data: *buf, pos: pos}
	return r.window.data[:n], nil
}

// header returns the checked header of the batch at pos, which begins at offset next.
func (r *reader) header(pos int64, next ids.Offset) (batch.Header, error) {
	if pastEnd(pos, batch.HeaderSize, r.limit) {
		return batch.Header{}, r.log.corrupt(r.file.key.base, pos, "the batches end at byte %d, want them to end at %d", pos, r.limit)
	}
	want := int64(headGuess)
	if r.whole {
		r.ahead = min(max(2*r.ahead, minWindow), maxWindow)
		want = r.ahead
	}
	b, err := r.need(pos, batch.HeaderSize, want)
	if err != nil {
		return batch.Header{}, err
	}
	h, err := batch.ParseHeader(b)
	if err == nil {
		err = h.VerifyCRC(b)
	}
	switch {
	case err != nil:
		return batch.Header{}, r.log.corrupt(r.file.key.base, pos, "the header of the batch is not valid: %s", errcode.From(err).Message)
	case h.BaseOffset != next:
		return batch.Header{}, r.log.corrupt(r.file.key.base, pos, "the batch begins at offset %d, want %d", h.BaseOffset, next)
	case h.RowCount == 0 || pastEnd(pos, int64(h.TotalBytes), r.limit):
		return batch.Header{}, r.log.corrupt(r.file.key.base, pos, "the batch of %d rows and %d bytes does not fit the segment", h.RowCount, h.TotalBytes)
	}
	return h, nil
}

// body makes the window cover the whole batch at pos if batches are read whole,
// and the batches after it as far as the window reaches; else just its head.
func (r *reader) body(pos int64, h *batch.Header) error {
	total, head := int64(h.TotalBytes), headBytes(h)
	if !r.whole {
		_, err := r.need(pos, head, head)
		return err
	}
	// One header more than whole batches tells how much to read next time.
	times := max(1, r.ahead/total)
	_, err := r.need(pos, total, times*total+batch.HeaderSize)
	return err
}

// skipHole returns where the first batch of the segment begins: at its base and
// position 0 unless there is a hole.
func (r *reader) skipHole() (ids.Offset, int64, error) {
	base := r.file.key.base
	if r.limit < holeSize {
		return base, 0, nil
	}
	b, err := r.need(0, holeSize, headGuess)
	if err != nil {
		return 0, 0, err
	}
	if end, bytes, ok := decodeHole(b, base, r.limit); ok {
		return end, bytes, nil
	}
	return base, 0, nil
}

// headBytes is the length of what stands before a batch's body.
func headBytes(h *batch.Header) int64 {
	return int64(h.TotalBytes) - int64(h.BodyBytes)
}

// pread returns n bytes of the file in a buffer of the pool.
func (l *Log) pread(f *file, pos, n int64) (*[]byte, error) {
	buf := l.store.pool.Get(int(n))
	got, err := f.ReadAt(*buf, pos)
	l.store.count.diskReads.Add(1)
	l.store.count.diskBytes.Add(int64(got))
	if got == len(*buf) {
		return buf, nil // io.EOF may come with the last byte
	}
	l.store.pool.Put(buf)
	if errors.Is(err, io.EOF) || err == nil {
		return nil, l.corrupt(f.key.base, pos+int64(got), "the file ends %d bytes too early", n-int64(got))
	}
	return nil, l.readError(f.key.base, pos, err)
}

// readError is what a reader gets when the system cannot read.
func (l *Log) readError(base ids.Offset, pos int64, cause error) *errcode.Error {
	path := l.path(base)
	return errcode.New(errcode.Unavailable, cause, "reading segment %s of the log of %s failed at byte %d; try again, and check the disk if it lasts",
		path, l.bucket, pos).With("segment", path).With("position", pos)
}

// footerOf returns the footer of a sealed segment, read once per open file.
func (l *Log) footerOf(f *file) (*footer, error) {
	if foot := f.foot.Load(); foot != nil {
		return foot, nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil, l.readError(f.key.base, 0, err)
	}
	size := info.Size()
	bad := func(pos int64, err error) error { return l.corrupt(f.key.base, pos, "%s", err) }
	if size < trailerSize {
		return nil, bad(size, errors.New("the file is too short for a footer"))
	}
	b, err := l.pread(f, size-trailerSize, trailerSize)
	if err != nil {
		return nil, err
	}
	t, err := decodeTrailer(*b, size)
	l.store.pool.Put(b)
	if err != nil {
		return nil, bad(size-trailerSize, err)
	}
	if t.base != f.key.base {
		return nil, bad(size-trailerSize, errors.New("the footer belongs to another segment"))
	}
	foot := &t.footer
	if n := t.tablesBytes(); n > 0 {
		b, err := l.pread(f, t.dataBytes, n)
		if err != nil {
			return nil, err
		}
		foot, err = t.decodeTables(*b)
		l.store.pool.Put(b)
		if err != nil {
			return nil, bad(t.dataBytes, err)
		}
	}
	f.foot.Store(foot)
	return foot, nil
}
