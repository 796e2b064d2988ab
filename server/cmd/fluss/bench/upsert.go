package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/sdk"
)

// Upsert writes changes to a table of generated rows by key and measures until
// the last ack: Updates of 100 update, Inserts make rows of keys that were never
// there, the others delete. A table that is made is filled with Keys rows first.
func Upsert(ctx context.Context, c *sdk.Client, o Options) (r Result, err error) {
	o.Shape = Keyed
	made := o.Table == ""
	drop, err := scratch(ctx, c, &o, "upsert")
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
	upserter, err := c.Upserter(ctx, o.Table)
	if err != nil {
		return r, err
	}
	changes, err := newChanges(o)
	if err != nil {
		return r, err
	}
	r = Result{Benchmark: "upsert", Table: o.Table, Shape: o.Shape, Durability: cluster.Durability, Keys: o.Keys}
	w := &writers{o: o, send: changes.sender(upserter), flush: upserter.Flush}
	m := startMeter(ctx, cluster)
	err = w.run(ctx)
	w.measure(&r)
	m.end(ctx, &r)
	gap := float64(w.gap) / float64(time.Millisecond)
	r.LongestGap = &gap
	return r, errors.Join(err, upserter.Close(ctx))
}

// fill upserts a row for each key.
func fill(ctx context.Context, c *sdk.Client, o Options) error {
	upserter, err := c.Upserter(ctx, o.Table)
	if err != nil {
		return err
	}
	g, err := NewGenerator(Keyed, o.Seed)
	if err != nil {
		return err
	}
	g.valueBytes = o.ValueBytes
	const fillRows = 4096
	for left := o.Keys; left > 0; {
		n := min(left, fillRows)
		rec := g.Batch(int(n))
		_, err := upserter.UpsertBatch(ctx, rec)
		rec.Release()
		if err != nil {
			return errors.Join(err, upserter.Close(ctx))
		}
		left -= n
	}
	return upserter.Close(ctx) // tells the outcome of all
}

// change is one operation on a key: an upsert, an insert under a key that is
// taken when it is sent, or a delete.
type change struct {
	id   int64
	kind changeKind
}

type changeKind uint8

const (
	changeUpdate changeKind = iota
	changeInsert
	changeDelete
)

// changes are what all writers send, each from a place of its own, round and
// round: choosing keys is not what is measured.
type changes struct {
	o    Options
	list []change
	// values are columns of different texts for batches, one of them also for rows.
	values []arrow.RecordBatch
	texts  []string
	fresh  atomic.Int64
	place  atomic.Int64
}

// maxChanges is how many different changes are made at most.
const maxChanges = 4 << 20

func newChanges(o Options) (*changes, error) {
	random := rand.New(rand.NewPCG(o.Seed, o.Seed)) //nolint:gosec // not a secret
	keys, err := newKeys(o, random)
	if err != nil {
		return nil, err
	}
	c := &changes{o: o, list: make([]change, min(o.Rows, maxChanges))}
	for i := range c.list {
		switch n := random.IntN(percent); {
		case n < o.Updates:
			c.list[i] = change{keys.next(), changeUpdate}
		case n < o.Updates+o.Inserts:
			c.list[i] = change{0, changeInsert}
		default:
			c.list[i] = change{random.Int64N(o.Keys), changeDelete}
		}
	}
	c.fresh.Store(o.Keys)
	g, err := NewGenerator(Keyed, o.Seed)
	if err != nil {
		return nil, err
	}
	g.valueBytes = o.ValueBytes
	const different = 16
	for range different {
		c.values = append(c.values, g.Batch(o.BatchRows))
		c.texts = append(c.texts, g.text())
	}
	return c, nil
}

// percent is the whole of Options.Updates and Inserts.
const percent = 100

// take returns the next n changes, with keys for those that insert.
func (c *changes) take(n int) []change {
	at := int(c.place.Add(int64(n))-int64(n)) % len(c.list)
	out := make([]change, n)
	for i := range out {
		out[i] = c.list[(at+i)%len(c.list)]
		if out[i].kind == changeInsert {
			out[i].id = c.fresh.Add(1) - 1
		}
	}
	return out
}

// keyedRow is a row of the shape Keyed.
type keyedRow struct {
	ID      int64  `fluss:"id"`
	Version int64  `fluss:"version"`
	Value   string `fluss:"value"`
}

// sender writes changes as Go values, row by row, or as Arrow batches.
func (c *changes) sender(u *sdk.Upserter) sendFunc {
	if c.o.Typed {
		return func(ctx context.Context, round int64) (sent, error) { return c.sendRows(ctx, u, round) }
	}
	return func(ctx context.Context, round int64) (sent, error) { return c.sendBatches(ctx, u, round) }
}

func (c *changes) sendRows(ctx context.Context, u *sdk.Upserter, round int64) (s sent, err error) {
	s.rows = int64(c.o.BatchRows)
	s.futures = make([]sdk.Future, 0, c.o.BatchRows)
	for i, change := range c.take(c.o.BatchRows) {
		var f sdk.Future
		if change.kind == changeDelete {
			f, err = u.Delete(ctx, sdk.Key{change.id})
			s.bytes += 8
		} else {
			text := c.texts[(int(round)+i)%len(c.texts)]
			f, err = u.Upsert(ctx, &keyedRow{change.id, round, text})
			s.bytes += 16 + int64(len(text))
		}
		if err != nil {
			return s, err
		}
		s.futures = append(s.futures, f)
	}
	return s, nil
}

func (c *changes) sendBatches(ctx context.Context, u *sdk.Upserter, round int64) (s sent, err error) {
	s.rows = int64(c.o.BatchRows)
	var upserts, deletes []int64
	for _, change := range c.take(c.o.BatchRows) {
		if change.kind == changeDelete {
			deletes = append(deletes, change.id)
		} else {
			upserts = append(upserts, change.id)
		}
	}
	if len(upserts) > 0 {
		rec := withKeys(c.values[int(round)%len(c.values)], upserts)
		f, err := u.UpsertBatch(ctx, rec)
		s.bytes += Bytes(rec)
		rec.Release()
		if err != nil {
			return s, err
		}
		s.futures = append(s.futures, f)
	}
	if len(deletes) > 0 {
		rec := keyBatch(deletes)
		f, err := u.DeleteBatch(ctx, rec)
		s.bytes += Bytes(rec)
		rec.Release()
		if err != nil {
			return s, err
		}
		s.futures = append(s.futures, f)
	}
	return s, nil
}
