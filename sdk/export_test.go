package sdk

import (
	"reflect"
	"unsafe"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// SetSequence makes s the sequence of the next batch to a bucket of a table
// without partitions.
func (a *Appender) SetSequence(b ids.BucketID, s ids.Sequence) {
	bw := a.w.whole.bucket(b)
	bw.mu.Lock()
	defer bw.mu.Unlock()
	bw.next = s
}

// ReadAnswer reads the rows of an answer to a look-up of two keys.
func ReadAnswer[T any](info *table.Info, resp *flussv1.LookupResponse) ([]T, error) {
	v, err := newLookupVersion(info, &lookupOptions{}, nil)
	if err != nil {
		return nil, err
	}
	calls := []*lookupCall{{keys: 1, done: make(chan struct{}, 1)}, {keys: 1, done: make(chan struct{}, 1)}}
	r := &lookupRequest{v: v, keys: 2, groups: []*lookupGroup{{builder: v.builder(), calls: calls}}}
	if err := r.deliver(resp); err != nil {
		return nil, err
	}
	var out []T
	for _, c := range calls {
		for i := c.rows.from; i < c.rows.to; i++ {
			var row T
			if err := c.rows.read(i, reflect.TypeFor[T](), unsafe.Pointer(&row)); err != nil {
				return nil, err
			}
			out = append(out, row)
		}
	}
	return out, nil
}
