package flight

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/flight/filter"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
)

// keyRange returns the range [from, to) that the physical keys of all rows lie in
// that the filter takes, nil for no bound: f gives values to the first columns of
// the key, or a range to the one behind them. key has the key's columns, in order,
// and f is bound to target's.
func keyRange(key []schema.Field, target *schema.Schema, f *filter.Filter) (from, to []byte, err error) {
	if f == nil {
		return nil, nil, nil
	}
	var equal []arrow.Array
	defer func() {
		for _, v := range equal {
			v.Release()
		}
	}()
	for i, column := range key {
		at, ok := target.IndexByID(column.ID)
		if !ok {
			break
		}
		interval := f.Interval(at)
		if column.Type.Kind == schema.Binary {
			// A literal of another length is no value of the column.
			break
		}
		if !interval.Single() {
			return ends(key[:i+1], equal, interval)
		}
		v, _, _ := interval.Low(column.Type)
		equal = append(equal, v)
	}
	if len(equal) == 0 {
		return nil, nil, nil
	}
	prefix, err := encodeKey(key[:len(equal)], equal)
	return prefix, keys.After(prefix), err
}

// ends returns the range of the keys whose columns but the last have the values
// equal and whose last lies in the interval.
func ends(key []schema.Field, equal []arrow.Array, interval filter.Interval) (from, to []byte, err error) {
	if len(equal) > 0 {
		if from, err = encodeKey(key[:len(equal)], equal); err != nil {
			return nil, nil, err
		}
		to = keys.After(from)
	}
	last := key[len(key)-1].Type
	if v, open, ok := interval.Low(last); ok {
		defer v.Release()
		if from, err = encodeKey(key, append(equal[:len(equal):len(equal)], v)); err != nil {
			return nil, nil, err
		}
		if open {
			from = keys.After(from)
		}
	}
	if v, open, ok := interval.High(last); ok {
		defer v.Release()
		if to, err = encodeKey(key, append(equal[:len(equal):len(equal)], v)); err != nil {
			return nil, nil, err
		}
		if !open {
			to = keys.After(to)
		}
	}
	return from, to, nil
}

// encodeKey returns the key of the values, one for each column.
func encodeKey(columns []schema.Field, values []arrow.Array) ([]byte, error) {
	e, err := keys.NewKeyEncoder(columns, fieldNames(columns))
	if err != nil {
		return nil, err
	}
	rec := array.NewRecordBatch(schema.ArrowFields(columns), values, 1)
	defer rec.Release()
	var out keys.Keys
	if err := e.Encode(rec, &out); err != nil {
		return nil, err
	}
	return bytes.Clone(out.At(0)), nil
}
