package tiering

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/lake/iceberg"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk"
)

// fold returns the last change of each key in a span, by the key's bytes.
func (r *round) fold(ctx context.Context, s span) (map[string]last, error) {
	fields := r.keyFields()
	encoder, err := keys.NewKeyEncoder(fields, r.info.Schema().PrimaryKey)
	if err != nil {
		return nil, err
	}
	changes := map[string]last{}
	var k keys.Keys
	err = r.each(ctx, s, names(fields), func(b *sdk.Batch) error {
		k.Reset()
		if err := encoder.Encode(b.Record, &k); err != nil {
			return err
		}
		n := len(fields)
		offsets, ok := b.Record.Column(n + 1).(*array.Int64)
		kinds, okKinds := b.Record.Column(n + 3).(*array.String)
		if !ok || !okKinds {
			return fmt.Errorf("the scan has columns of other types than were asked for: %s", b.Record.Schema())
		}
		for i := range int(b.Record.NumRows()) {
			kind := kinds.Value(i)
			if kind == "-U" {
				continue // the +U behind it says what became of the row
			}
			changes[string(k.At(i))] = last{offsets.Value(i), kind == "-D"}
		}
		return nil
	}, sdk.ChangeTypeColumn)
	return changes, err
}

// replaced finds the rows of the lake whose keys have changed. A key column's type does
// not change, so that keys of old files have the bytes of new ones.
func (r *round) replaced(ctx context.Context, s span, changes map[string]last) error {
	fields := r.keyFields()
	encoder, err := keys.NewKeyEncoder(fields, r.info.Schema().PrimaryKey)
	if err != nil {
		return err
	}
	files, err := r.table.LiveFiles(ctx)
	if err != nil {
		return err
	}
	if r.change.Deleted == nil {
		r.change.Deleted = map[string][]int64{}
	}
	for _, f := range files {
		if f.Bucket != s.bucket.Bucket.Bucket {
			continue
		}
		positions, err := r.matches(ctx, f, fields, encoder, changes)
		if err != nil {
			return err
		}
		if len(positions) > 0 {
			r.change.Deleted[f.Location()] = append(r.change.Deleted[f.Location()], positions...)
			r.result.Deleted += int64(len(positions))
		}
	}
	return nil
}

// matches returns the positions of a file's rows whose keys are among the changes.
func (r *round) matches(ctx context.Context, f iceberg.LiveFile, fields []schema.Field, encoder *keys.KeyEncoder, changes map[string]last) ([]int64, error) {
	var positions []int64
	var k keys.Keys
	for rows, err := range r.table.Read(ctx, f, fields) {
		if err != nil {
			return nil, err
		}
		k.Reset()
		if err := encoder.Encode(rows.Record, &k); err != nil {
			return nil, err
		}
		for i := range int(rows.Record.NumRows()) {
			if _, ok := changes[string(k.At(i))]; ok {
				positions = append(positions, rows.Position+int64(i))
			}
		}
	}
	return positions, nil
}
