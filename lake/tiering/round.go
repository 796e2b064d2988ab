package tiering

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/lake/iceberg"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// maxChanges bounds the changes of a bucket of a primary-key table in one round: their
// keys are in memory.
const maxChanges = 1 << 20

// Tierer copies tables into a lake. Safe for concurrent use; of one table, one round
// at a time gets to its end.
type Tierer struct {
	client  *sdk.Client
	lake    *iceberg.Lake
	scratch string
	// maxChanges is the constant, or less in tests.
	maxChanges ids.Offset
}

// New returns a tierer that reads through client and makes files in the directory
// scratch before they go into the lake; both stay the caller's.
func New(client *sdk.Client, lake *iceberg.Lake, scratch string) *Tierer {
	return &Tierer{client: client, lake: lake, scratch: scratch, maxChanges: maxChanges}
}

// Result is what a round did.
type Result struct {
	// Offsets are the first offsets that the lake does not have.
	Offsets map[iceberg.Place]ids.Offset
	// Rows is how many rows were written, Deleted how many were taken away.
	Rows, Deleted int64
	// More tells that the round was cut short, and the log has more.
	More bool
}

// Definition returns what the copy of a table is like. It fails with UNSUPPORTED for a
// table whose rows the lake cannot tell apart.
func Definition(info *table.Info) (iceberg.Definition, error) {
	def := iceberg.Definition{
		Path: info.Path, ID: info.ID, Schema: info.Schema(), PartitionKeys: info.Descriptor.PartitionKeys, FormatVersion: iceberg.PositionDeletes,
	}
	if !info.Descriptor.HasPrimaryKey() {
		return def, nil
	}
	def.FormatVersion = iceberg.DeletionVectors
	const micros = 6
	for _, name := range info.Schema().PrimaryKey {
		c, err := info.Schema().Column(name)
		if err != nil {
			return def, err
		}
		timed := c.Type.Kind == schema.Time || c.Type.Kind == schema.Timestamp || c.Type.Kind == schema.TimestampLTZ
		if timed && c.Type.Precision > micros {
			return def, errcode.New(errcode.Unsupported, nil,
				"column %q of the primary key of table %s has more than six digits of a second, which the lake cuts to six: keys would fall together",
				name, info.Path).With("column", name)
		}
	}
	return def, nil
}

// round is one pass over a table.
type round struct {
	*Tierer
	info   *table.Info
	table  *iceberg.Table
	head   iceberg.Head
	change iceberg.Change
	result Result
}

// Round copies what the log of a table has beyond the lake, up to what it has now. epoch
// is that of the caller, who got it from where epochs are given out. It fails with
// iceberg.ErrFenced when a newer one has committed; after any failure the next round begins where the lake is.
func (t *Tierer) Round(ctx context.Context, path string, epoch int64) (Result, error) {
	info, err := t.client.Admin().Table(ctx, path)
	if err != nil {
		return Result{}, err
	}
	def, err := Definition(info)
	if err != nil {
		return Result{}, err
	}
	r := &round{Tierer: t, info: info}
	if r.table, err = t.lake.Open(ctx, def); err != nil {
		return Result{}, err
	}
	if r.head, err = r.table.Head(); err != nil {
		return Result{}, err
	}
	buckets, err := t.client.Admin().Offsets(ctx, path, sdk.OffsetQuery{})
	if err != nil {
		return Result{}, err
	}
	r.result.Offsets = map[iceberg.Place]ids.Offset{}
	moved := false
	for _, b := range buckets {
		m, err := r.bucket(ctx, b)
		if err != nil {
			return Result{}, fmt.Errorf("tiering bucket %d of table %s: %w", b.Bucket.Bucket, info.Path, err)
		}
		moved = moved || m
	}
	if !moved {
		return r.result, nil
	}
	r.change.Head = iceberg.Head{Commit: uuid.NewString(), Epoch: epoch, Offsets: r.result.Offsets}
	_, err = r.table.Commit(ctx, r.head, r.change)
	return r.result, err
}

// span is the part of a bucket's log that a round copies.
type span struct {
	bucket   sdk.BucketOffset
	from, to ids.Offset
}

// bucket copies what a bucket has beyond the lake, and reports whether that was anything.
func (r *round) bucket(ctx context.Context, b sdk.BucketOffset) (bool, error) {
	place := iceberg.Place{Partition: b.Bucket.Partition, Bucket: b.Bucket.Bucket}
	from, known := r.head.Offsets[place]
	if !known {
		from = b.Start
	}
	s := span{b, from, b.HighWatermark}
	keyed := r.info.Descriptor.HasPrimaryKey()
	if keyed && s.to-s.from > r.maxChanges {
		s.to, r.result.More = s.from+r.maxChanges, true
	}
	r.result.Offsets[place] = s.to
	switch {
	case s.to < s.from:
		return false, fmt.Errorf("the lake has rows up to offset %d and the log only up to %d", s.from, s.to)
	case b.Start > s.from:
		return false, errcode.New(errcode.OffsetOutOfRange, nil, "rows from offset %d to %d have expired before the lake had them", s.from, b.Start).
			With("start", int64(b.Start))
	case s.to == s.from:
		return !known && s.to > 0, nil
	case keyed:
		return true, r.keyed(ctx, s)
	default:
		return true, r.appended(ctx, s)
	}
}

// scan starts reading a span, with the system columns of the lake behind the columns.
func (r *round) scan(ctx context.Context, s span, columns []string, also ...sdk.SystemColumn) (*sdk.Scanner, error) {
	o := sdk.ScanOptions{
		What: sdk.ScanChangelog, Columns: columns, Starts: map[ids.Bucket]ids.Offset{s.bucket.Bucket: s.from}, Until: sdk.AtOffset(s.to),
		Buckets: []ids.BucketID{s.bucket.Bucket.Bucket}, Streams: 1,
		SystemColumns: append([]sdk.SystemColumn{sdk.BucketColumn, sdk.OffsetColumn, sdk.TimestampColumn}, also...),
	}
	if s.bucket.Partition != "" {
		o.Partitions = []string{s.bucket.Partition}
	}
	return r.client.Scanner(ctx, r.info.Path.String(), o)
}

func names(fields []schema.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

// each calls f with every batch of a span, and checks that the span is whole.
func (r *round) each(ctx context.Context, s span, columns []string, f func(*sdk.Batch) error, also ...sdk.SystemColumn) (err error) {
	scanner, err := r.scan(ctx, s, columns, also...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scanner.Close()) }()
	at := s.from
	for {
		b, err := scanner.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at = b.NextOffset
		err = f(b)
		b.Release()
		if err != nil {
			return err
		}
	}
	if at < s.to {
		return fmt.Errorf("the scan of offsets %d to %d ended at %d", s.from, s.to, at)
	}
	return nil
}

// write writes the rows of a span that take keeps: all when it is nil.
func (r *round) write(ctx context.Context, s span, keep func(*sdk.Batch) []run) error {
	w, err := r.table.NewWriter(r.scratch)
	if err != nil {
		return err
	}
	err = r.each(ctx, s, names(r.info.Schema().Columns), func(b *sdk.Batch) error {
		for _, part := range keep(b) {
			rec := b.Record.NewSlice(part.from, part.to)
			err := w.Write(ctx, rec)
			rec.Release()
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	files, err := w.Close(ctx)
	for _, f := range files {
		r.change.Added = append(r.change.Added, f)
		r.result.Rows += f.Rows()
	}
	return err
}

// run is the rows [from, to) of a batch.
type run struct{ from, to int64 }

func whole(b *sdk.Batch) []run { return []run{{0, b.Record.NumRows()}} }

// appended copies a span of a log table.
func (r *round) appended(ctx context.Context, s span) error { return r.write(ctx, s, whole) }

// last is the last change of a key in a span.
type last struct {
	offset  int64
	deleted bool
}

// keyed copies a span of a primary-key table: the last row of each key that has one then,
// and the positions of the rows that the lake has of all of these keys.
func (r *round) keyed(ctx context.Context, s span) error {
	changes, err := r.fold(ctx, s)
	if err != nil {
		return err
	}
	if _, tiered := r.head.Offsets[iceberg.Place{Partition: s.bucket.Bucket.Partition, Bucket: s.bucket.Bucket.Bucket}]; tiered {
		if err := r.replaced(ctx, s, changes); err != nil {
			return err
		}
	}
	stay := map[int64]bool{}
	for _, c := range changes {
		if !c.deleted {
			stay[c.offset] = true
		}
	}
	if len(stay) == 0 {
		return nil
	}
	offsets := len(r.info.Schema().Columns) + 1 // behind the bucket
	return r.write(ctx, s, func(b *sdk.Batch) (runs []run) {
		at, ok := b.Record.Column(offsets).(*array.Int64)
		if !ok {
			return nil
		}
		for i, o := range at.Int64Values() {
			n := int64(i)
			switch {
			case !stay[o]:
			case len(runs) > 0 && runs[len(runs)-1].to == n:
				runs[len(runs)-1].to++
			default:
				runs = append(runs, run{n, n + 1})
			}
		}
		return runs
	})
}

// keyFields are the columns of the primary key, in the order of the table.
func (r *round) keyFields() []schema.Field {
	return slices.DeleteFunc(slices.Clone(r.info.Schema().Columns), func(f schema.Field) bool {
		return !slices.Contains(r.info.Schema().PrimaryKey, f.Name)
	})
}
