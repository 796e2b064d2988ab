package sdk

import (
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Hooks is told what a client does; for metrics. Methods are called from many
// goroutines and must not block. Embed NoHooks to implement only some.
type Hooks interface {
	// BatchSent is called for every send of a batch, retries included. bytes is
	// its size on the wire.
	BatchSent(b ids.Bucket, rows, bytes int, retry bool)
	// BatchDone is called once a batch is acked (err nil) or given up. elapsed
	// counts from when it was closed.
	BatchDone(b ids.Bucket, rows, bytes int, elapsed time.Duration, err *errcode.Error)
	// BatchRead is called for every batch that a scan received; bytes is its size on the wire.
	BatchRead(b ids.Bucket, rows, bytes int)
	// Retried is called before each pause of a retry; operation is like "append",
	// "scan" or the name of a call.
	Retried(operation string, err *errcode.Error, pause time.Duration)
	// Buffered tells the bytes of rows that wait for acks, after each change of a batch.
	Buffered(bytes int64)
}

// NoHooks does nothing at every hook.
type NoHooks struct{}

// BatchSent does nothing.
func (NoHooks) BatchSent(ids.Bucket, int, int, bool) {}

// BatchDone does nothing.
func (NoHooks) BatchDone(ids.Bucket, int, int, time.Duration, *errcode.Error) {}

// BatchRead does nothing.
func (NoHooks) BatchRead(ids.Bucket, int, int) {}

// Retried does nothing.
func (NoHooks) Retried(string, *errcode.Error, time.Duration) {}

// Buffered does nothing.
func (NoHooks) Buffered(int64) {}

var _ Hooks = NoHooks{}
