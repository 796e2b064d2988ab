package sdk

import "github.com/fluss-go/fluss/proto/ids"

// SetSequence makes s the sequence of the next batch to a bucket of a table
// without partitions.
func (a *Appender) SetSequence(b ids.BucketID, s ids.Sequence) {
	bw := a.w.whole.bucket(b)
	bw.mu.Lock()
	defer bw.mu.Unlock()
	bw.next = s
}
