package batch

import (
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Unreadable tells where a stored batch is that cannot be decoded, and how to get
// past it: its rows have the offsets [base, end) of bucket. Errors of other codes
// than INVALID_BATCH and RECORD_TOO_LARGE are returned as they are.
func Unreadable(err error, bucket ids.Bucket, base, end ids.Offset) error {
	e := errcode.From(err)
	if e.Code != errcode.InvalidBatch && e.Code != errcode.RecordTooLarge {
		return err
	}
	return errcode.New(e.Code, err, "the rows [%d, %d) of %s were written so that they cannot be read: %s; read on from offset %d",
		base, end, bucket, e.Message, end).With("bucket", bucket.Bucket).With("partition_id", bucket.Partition).With("start", base).With("end", end)
}
