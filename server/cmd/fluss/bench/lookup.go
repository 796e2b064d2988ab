package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fluss-go/fluss/sdk"
)

// Lookup finds rows by key: Callers goroutines, each of which waits for its
// answer before it asks again. A table that is made is filled with Keys rows first.
func Lookup(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	o.Shape = Keyed
	made := o.Table == ""
	drop, err := scratch(ctx, c, &o, "lookup")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if made {
		if err := fill(ctx, c, o); err != nil {
			return r, err
		}
	}
	cluster, err := c.Admin().Cluster(ctx)
	if err != nil {
		return r, err
	}
	var opts []sdk.LookupOption
	if o.Columns != nil {
		opts = append(opts, sdk.WithLookupColumns(o.Columns...))
	}
	if o.Stale {
		opts = append(opts, sdk.WithStaleReads())
	}
	l, err := c.Lookuper(ctx, o.Table, opts...)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r = Result{Benchmark: "lookup", Table: o.Table, Shape: o.Shape, Durability: cluster.Durability, Keys: o.Keys, Callers: o.Callers}
	run := &callers{o: o, lookuper: l}
	m := startMeter(ctx, cluster)
	err = run.all(ctx)
	r.Rows = run.asked.Load()
	m.end(ctx, &r)
	found := run.found.Load()
	r.Found = &found
	r.Latency = NewQuantiles(run.latencies)
	return r, err
}

// callers are the goroutines of one run.
type callers struct {
	o        Options
	lookuper *sdk.Lookuper
	next     atomic.Int64
	asked    atomic.Int64
	found    atomic.Int64

	mu        sync.Mutex
	latencies []time.Duration // guarded by mu
}

func (c *callers) all(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range c.o.Callers {
		random := rand.New(rand.NewPCG(c.o.Seed, uint64(i))) //nolint:gosec // not a secret
		keys, err := newKeys(c.o, random)
		if err != nil {
			return err
		}
		group.Go(func() error { return c.call(ctx, keys) })
	}
	return group.Wait()
}

func (c *callers) call(ctx context.Context, keys *keyChooser) error {
	latencies := make([]time.Duration, 0, c.o.Rows/int64(c.o.BatchRows*c.o.Callers)+1)
	var asked, found int64
	defer func() {
		c.asked.Add(asked)
		c.found.Add(found)
		c.mu.Lock()
		c.latencies = append(c.latencies, latencies...)
		c.mu.Unlock()
	}()
	n := int64(c.o.BatchRows)
	for c.next.Add(n) <= c.o.Rows {
		start := time.Now()
		rows, err := c.lookUp(ctx, keys)
		if err != nil {
			return err
		}
		latencies = append(latencies, time.Since(start))
		asked, found = asked+n, found+rows
	}
	return nil
}

// lookUp asks for one key, or for many at once, and returns how many rows there were.
func (c *callers) lookUp(ctx context.Context, keys *keyChooser) (int64, error) {
	if c.o.BatchRows == 1 {
		rows, err := c.lookuper.Lookup(ctx, sdk.Key{keys.next()})
		if err != nil {
			return 0, err
		}
		defer rows.Release()
		return int64(rows.Len()), nil
	}
	ids := make([]int64, c.o.BatchRows)
	for i := range ids {
		ids[i] = keys.next()
	}
	batch := keyBatch(ids)
	defer batch.Release()
	rows, _, err := c.lookuper.LookupBatch(ctx, batch)
	if err != nil {
		return 0, err
	}
	defer rows.Release()
	return rows.NumRows(), nil
}
