package flight

import (
	"slices"

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
	var prefix []byte
	for _, column := range key {
		at, ok := target.IndexByID(column.ID)
		if !ok {
			break
		}
		interval := f.Interval(at)
		if !interval.Single() {
			return ends(prefix, column.Type, interval)
		}
		v, _, _ := interval.Low()
		if prefix, err = keys.EncodeValue(prefix, column.Type, v); err != nil {
			return nil, nil, err
		}
	}
	if prefix == nil {
		return nil, nil, nil
	}
	return prefix, keys.After(prefix), nil
}

// ends returns the range of the keys that begin with prefix and go on with a
// value, of type t, in the interval.
func ends(prefix []byte, t schema.Type, interval filter.Interval) (from, to []byte, err error) {
	if prefix != nil {
		from, to = prefix, keys.After(prefix)
	}
	if v, open, ok := interval.Low(); ok {
		if from, err = keys.EncodeValue(slices.Clone(prefix), t, v); err != nil {
			return nil, nil, err
		}
		if open {
			from = keys.After(from)
		}
	}
	if v, open, ok := interval.High(); ok {
		if to, err = keys.EncodeValue(slices.Clone(prefix), t, v); err != nil {
			return nil, nil, err
		}
		if !open {
			to = keys.After(to)
		}
	}
	return from, to, nil
}
