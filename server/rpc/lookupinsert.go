package rpc

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/server/tablet"
)

// insertAbsent makes rows for the keys that have none and returns when they are
// written. The tablet decides once more, so that of two who insert a row one does.
func (s *Lookups) insertAbsent(ctx context.Context, l *lookup, req *flussv1.LookupRequest) error {
	version, err := schemaOf(l.info, l.shape.schema)
	if err != nil {
		return err
	}
	if err := l.info.CheckInsertAbsent(version, l.shape.columns); err != nil {
		return err
	}
	inserts := inserts{answers: make(chan tablet.AppendResult, len(req.GetBuckets()))}
	for _, b := range req.GetBuckets() {
		if err := inserts.bucket(ctx, l, b); err != nil {
			inserts.failed = err
			break
		}
	}
	return inserts.wait(ctx, s)
}

// inserts are rows on their way to tablets.
type inserts struct {
	answers chan tablet.AppendResult // has room for all
	open    int
	failed  error
	missing []int32 // 1 for each key without a row, else 0
}

// bucket sends the keys of a bucket that have no row.
func (in *inserts) bucket(ctx context.Context, l *lookup, b *flussv1.LookupKeys) error {
	rec, free, err := l.open(ctx, b)
	if err != nil {
		return err
	}
	encoded, err := in.absent(l, rec)
	rec.Release()
	free()
	if err != nil || encoded == nil {
		return err
	}
	err = l.at.tablet.Upsert(ctx, tablet.Upsert{
		Bucket: l.bucket, Batch: encoded, Kind: tablet.InsertAbsent, Mode: flussv1.MergeMode_MERGE_MODE_DEFAULT, Targets: l.shape.columns,
	}, func(r tablet.AppendResult) { in.answers <- r })
	if err == nil {
		in.open++
	}
	return err
}

// absent returns a batch of those keys of l, rec has them, that have no row; nil
// when all have one.
func (in *inserts) absent(l *lookup, rec arrow.RecordBatch) ([]byte, error) {
	in.missing = in.missing[:0]
	found := 0
	err := l.at.tablet.Lookup(l.bucket, l.list, func(_ int, r []byte) error {
		if r != nil {
			found++
			in.missing = append(in.missing, 0)
		} else {
			in.missing = append(in.missing, 1)
		}
		return nil
	})
	if err != nil || found == len(l.list) {
		return nil, err
	}
	absent, err := absentRows(rec, in.missing)
	if err != nil {
		return nil, err
	}
	defer absent.Release()
	return batch.NewEncoder(l.shape.layout, batch.EncoderOptions{}).Encode(nil, absent, batch.EncodeInfo{SchemaID: l.shape.schema})
}

// absentRows returns the rows that missing has a 1 for. The caller releases them.
func absentRows(rec arrow.RecordBatch, missing []int32) (arrow.RecordBatch, error) {
	parts, err := keys.SplitByBucket(rec, missing)
	if err != nil {
		return nil, err
	}
	var out arrow.RecordBatch
	for _, p := range parts {
		if p.Bucket == 1 {
			out = p.Rec
			continue
		}
		p.Rec.Release()
	}
	return out, nil
}

// wait returns when all rows are written, or the first failure.
func (in *inserts) wait(ctx context.Context, s *Lookups) error {
	for ; in.open > 0; in.open-- {
		select {
		case r := <-in.answers:
			if r.Err != nil && in.failed == nil {
				in.failed = r.Err
			}
			if r.Err == nil {
				s.metrics.RowsUpserted.Add(float64(r.End - r.Base))
			}
		case <-ctx.Done():
			return errcode.From(ctx.Err())
		}
	}
	return in.failed
}
