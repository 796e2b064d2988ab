package logstore

import (
	"errors"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Inspection is what InspectSegment found out about a segment file.
type Inspection struct {
	// Base is the offset in the file's name, End the one after the last good batch.
	Base, End ids.Offset
	// Batches, Rows and DataBytes are of the good batches; FileBytes is the size.
	Batches, Rows        int64
	DataBytes, FileBytes int64
	// FirstTimestamp and LastTimestamp are commit timestamps, ms.
	FirstTimestamp, LastTimestamp int64
	// LastIndex is the Raft index of the last good batch.
	LastIndex uint64
	// Sealed tells that the file has a footer; IndexEntries counts its index.
	Sealed       bool
	IndexEntries int
	// Damage is the first damage found, errcode.Corrupt with the position, or
	// nil. Of a segment that is not sealed the walk ends at the first thing that is
	// no batch: leftovers past the end of the log are not damage, so Damage is
	// nil and DataBytes less than FileBytes.
	Damage error
}

// InspectSegment walks a segment file, read-only, and calls each with the
// position and header of every batch, checking header and head checksums. each may
// be nil. It fails only if the file cannot be read or is not named like a segment.
func InspectSegment(fs vfs.FS, path string, each func(pos int64, h batch.Header)) (*Inspection, error) {
	base, ok := parseName(fs.PathBase(path), segmentSuffix)
	if !ok {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%s is not named like a segment: 20 digits and %q", path, segmentSuffix)
	}
	handle, err := fs.Open(path)
	if err != nil {
		return nil, errcode.New(errcode.InvalidArgument, err, "%s cannot be opened", path)
	}
	s := NewStore(Options{FS: fs, Logger: slog.New(slog.DiscardHandler)})
	l := &Log{store: s, dir: fs.PathDir(path)}
	f := &file{File: handle, key: fileKey{l, base}, path: path}
	defer func() { _ = handle.Close() }() // read only: nothing to lose
	info, err := handle.Stat()
	if err != nil {
		return nil, l.readError(base, 0, err)
	}
	in := &Inspection{Base: base, End: base, FileBytes: info.Size()}
	limit := in.FileBytes
	foot, err := l.footerOf(f)
	if err == nil {
		in.Sealed, in.IndexEntries, limit = true, len(foot.index), foot.dataBytes
	}
	if err := in.walk(l, f, limit, each); err != nil {
		return nil, err
	}
	if foot != nil && in.Damage == nil && (foot.end != in.End || foot.batches != uint64(in.Batches) && foot.index[0].pos == 0) {
		in.Damage = l.corrupt(base, foot.dataBytes, "the footer tells of %d batches up to offset %d, there are %d up to %d",
			foot.batches, foot.end, in.Batches, in.End)
	}
	return in, nil
}

func (in *Inspection) walk(l *Log, f *file, limit int64, each func(int64, batch.Header)) error {
	r := reader{log: l, file: f, limit: limit, whole: true}
	defer r.drop()
	next, pos, err := r.skipHole()
	if err != nil {
		return err
	}
	for pos < limit {
		h, err := r.header(pos, next)
		if err == nil {
			err = r.checkHead(pos, &h)
		}
		if err != nil {
			if !errors.Is(err, &errcode.Error{Code: errcode.Corrupt}) {
				return err
			}
			if in.Sealed {
				in.Damage = err
			}
			return nil
		}
		if each != nil {
			each(pos, h)
		}
		if in.Batches == 0 {
			in.FirstTimestamp = h.CommitTimestamp
		}
		pos += int64(h.TotalBytes)
		next += ids.Offset(h.RowCount)
		in.Batches++
		in.Rows += int64(h.RowCount)
		in.End, in.DataBytes, in.LastIndex = next, pos, h.Index
		in.LastTimestamp = max(in.LastTimestamp, h.CommitTimestamp)
	}
	return nil
}

// checkHead verifies the checksum of what stands between header and body.
func (r *reader) checkHead(pos int64, h *batch.Header) error {
	head, err := r.need(pos, headBytes(h), int64(h.TotalBytes))
	if err != nil {
		return err
	}
	if sum := batch.CRC(head[batch.HeaderSize:]); sum != h.HeadCRC {
		return r.log.corrupt(r.file.key.base, pos, "the checksum of the batch's head is %08x, its bytes give %08x", h.HeadCRC, sum)
	}
	return nil
}
