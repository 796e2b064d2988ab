package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fluss-go/fluss/sdk"
)

// sent is one round of a writer under way.
type sent struct {
	at      time.Time
	futures []sdk.Future
	rows    int64
	bytes   int64
}

// sendFunc sends the rows of a round, Options.BatchRows of them. It is called by many goroutines.
type sendFunc func(ctx context.Context, round int64) (sent, error)

// writers are the goroutines of one run.
type writers struct {
	o     Options
	send  sendFunc
	flush func(context.Context) error
	next  atomic.Int64
	rows  atomic.Int64
	bytes atomic.Int64

	mu        sync.Mutex
	latencies []time.Duration // guarded by mu
	acked     time.Time       // guarded by mu; the last ack, at first the start
	gap       time.Duration   // guarded by mu; the longest time between two acks
}

func (w *writers) run(ctx context.Context) error {
	w.acked = time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range w.o.Writers {
		group.Go(func() error { return w.write(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return w.flush(ctx)
}

// measure sets what the writers know of a result.
func (w *writers) measure(r *Result) {
	r.Rows, r.Bytes = w.rows.Load(), w.bytes.Load()
	r.Latency = NewQuantiles(w.latencies)
}

// write sends until enough rows are taken. It waits for each ack, or, with
// rounds of several rows, keeps a few under way.
func (w *writers) write(ctx context.Context) error {
	const ahead = 16
	var waiting []sent
	for {
		taken := w.next.Add(int64(w.o.BatchRows))
		full := taken-int64(w.o.BatchRows) >= w.o.Rows
		limit := ahead
		if full || w.o.BatchRows == 1 {
			limit = 0
		}
		if !full {
			at := time.Now()
			s, err := w.send(ctx, taken/int64(w.o.BatchRows))
			if err != nil {
				return err
			}
			s.at = at
			waiting = append(waiting, s)
		}
		for len(waiting) > limit {
			if err := w.wait(ctx, waiting[0]); err != nil {
				return err
			}
			waiting = waiting[1:]
		}
		if full {
			return nil
		}
	}
}

// wait waits for the acks of a round and books it.
func (w *writers) wait(ctx context.Context, s sent) error {
	for _, f := range s.futures {
		if _, err := f.WaitAll(ctx); err != nil {
			return err
		}
	}
	w.rows.Add(s.rows)
	w.bytes.Add(s.bytes)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latencies = append(w.latencies, now.Sub(s.at))
	w.gap = max(w.gap, now.Sub(w.acked))
	w.acked = now
	return nil
}
