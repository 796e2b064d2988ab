package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// Shape of the primary-key tables: keys of 8 bytes, rows of about 100.
const (
	keyedColumns = "id BIGINT, a INT, b BIGINT, c DOUBLE, s STRING, t STRING"
	keyedBuckets = 0 // the default of the server
	keyedRows    = 1_000_000
	keyedBytes   = 100
	manyKeys     = 10_000_000
	idleKeyed    = 2000
	lookers      = 64
	besideFor    = 5 * time.Second
)

// keyedRow is a row of a primary-key table.
type keyedRow struct {
	ID int64   `fluss:"id"`
	A  int32   `fluss:"a"`
	B  int64   `fluss:"b"`
	C  float64 `fluss:"c"`
	S  string  `fluss:"s"`
	T  string  `fluss:"t"`
}

// text is what strings of rows are cut from.
var text = func() string {
	rng := rand.New(rand.NewPCG(3, 3))
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}()

func makeKeyed(id int64, rng *rand.Rand) keyedRow {
	s, t := rng.IntN(4000), rng.IntN(4000)
	return keyedRow{ID: id, A: rng.Int32(), B: rng.Int64(), C: rng.Float64(), S: text[s : s+28], T: text[t : t+40]}
}

func createPrimaryKey(ctx context.Context, c *sdk.Client, name string, buckets int) error {
	fields, err := schema.ParseColumns(keyedColumns)
	if err != nil {
		return err
	}
	s, err := schema.New(fields, []string{"id"})
	if err != nil {
		return err
	}
	_, err = c.Admin().CreateTable(ctx, name, &table.Descriptor{Schema: s, BucketCount: buckets})
	return err
}

// mix says what a load of changes does.
type mix struct {
	// updates and inserts are parts of 100; the rest deletes.
	updates, inserts int
	// keys is how many keys there are at first.
	keys int64
	zipf bool
}

// load80 is 80 % updates, 10 % inserts and 10 % deletes, hot keys first.
var load80 = mix{updates: 80, inserts: 10, keys: keyedRows, zipf: true}

// change makes n changes through u, beginning new keys at next.
func (m mix) change(ctx context.Context, u *sdk.Upserter, rng *rand.Rand, next *atomic.Int64, n int, stop func() bool) (rows int64, err error) {
	hot := rand.NewZipf(rng, 1.1, 1, uint64(m.keys-1))
	key := func() int64 {
		if m.zipf {
			return int64(hot.Uint64()*2654435761) % m.keys // spread the hot ones over the keys
		}
		return rng.Int64N(m.keys)
	}
	for range n {
		if stop != nil && stop() {
			break
		}
		switch p := rng.IntN(100); {
		case p < m.updates:
			row := makeKeyed(key(), rng)
			_, err = u.Upsert(ctx, &row)
		case p < m.updates+m.inserts:
			row := makeKeyed(next.Add(1), rng)
			_, err = u.Upsert(ctx, &row)
		default:
			_, err = u.Delete(ctx, sdk.Key{key()})
		}
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// fillKeys makes a table with the keys [0, n).
func fillKeys(ctx context.Context, c *sdk.Client, name string, n int64, buckets int) error {
	if err := createPrimaryKey(ctx, c, name, buckets); err != nil {
		return err
	}
	u, err := c.Upserter(ctx, name)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for id := range n {
		row := makeKeyed(id, rng)
		if _, err := u.Upsert(ctx, &row); err != nil {
			return err
		}
	}
	return u.Close(ctx)
}

// benchLookups: look-ups in cache, by many callers and by one.
func benchLookups(ctx context.Context, r *run) error {
	return r.withServer(ctx, "lookups", nil, func(s *server, c *sdk.Client) error {
		if err := fillKeys(ctx, c, "keyed", keyedRows, keyedBuckets); err != nil {
			return err
		}
		l, err := c.Lookuper(ctx, "keyed")
		if err != nil {
			return err
		}
		if err := lookAll(ctx, l); err != nil { // what is measured is look-ups in cache
			return err
		}
		got, err := interleave(r.rounds, contender{"lookups", func() (sample, error) {
			return measure(s.cpu, func() (int64, int64, error) { return lookMany(ctx, l, lookers, 400_000) })
		}})
		if err != nil {
			return err
		}
		speed, cpu := spreadOf(got[0], sample.rowsPerSecond), spreadOf(got[0], sample.cpuPerMillion)
		r.add("look-ups of 1 M keys, 64 callers: rows/s", speed.millions(), "≥ 0.1 M", speed.median >= 100e3)
		r.add("… client + server CPU-s per million rows", cpu.String(), "≤ 15", cpu.median <= 15)
		var times []time.Duration
		rng := rand.New(rand.NewPCG(5, 5))
		for range 5000 {
			start := time.Now()
			if _, ok, err := sdk.LookupOne[keyedRow](ctx, l, sdk.Key{rng.Int64N(keyedRows)}); err != nil || !ok {
				return fmt.Errorf("a key is not there: %w", err)
			}
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		p50, p99 := percentile(times, 0.5), percentile(times, 0.99)
		r.add("one caller after the other: p50 ms", fmt.Sprintf("%.3f", p50.Seconds()*1e3), "≤ 0.3", p50 <= 300*time.Microsecond)
		r.add("… p99 ms", fmt.Sprintf("%.3f", p99.Seconds()*1e3), "", true)
		return nil
	})
}

// lookAll looks every key up.
func lookAll(ctx context.Context, l *sdk.Lookuper) error {
	var wg sync.WaitGroup
	errs := make([]error, lookers)
	for i := range int64(lookers) {
		wg.Go(func() {
			for id := i; id < keyedRows && errs[i] == nil; id += lookers {
				_, _, errs[i] = sdk.LookupOne[keyedRow](ctx, l, sdk.Key{id})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// lookMany looks n random keys up, by callers that each wait for their row.
func lookMany(ctx context.Context, l *sdk.Lookuper, callers, n int) (int64, int64, error) {
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range callers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))
			for range n / callers {
				row, ok, err := sdk.LookupOne[keyedRow](ctx, l, sdk.Key{rng.Int64N(keyedRows)})
				if err == nil && (!ok || row.S == "") {
					err = errors.New("a key is not there")
				}
				if err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	rows := int64(n / callers * callers)
	return rows, rows * keyedBytes, nil
}

// benchUpserts: a mixed load, in memory and with fsync.
func benchUpserts(ctx context.Context, r *run) error {
	var samples [2][]sample
	for i, durability := range []string{"memory", "fsync"} {
		err := r.withServer(ctx, "upserts", []string{"--durability", durability}, func(s *server, c *sdk.Client) error {
			if err := fillKeys(ctx, c, "keyed", keyedRows, keyedBuckets); err != nil {
				return err
			}
			var next atomic.Int64
			next.Store(keyedRows)
			got, err := interleave(r.rounds, contender{durability, func() (sample, error) {
				return measure(s.cpu, func() (int64, int64, error) { return changeMany(ctx, c, "keyed", &next, 500_000) })
			}})
			samples[i] = append(samples[i], got[0]...)
			if err != nil || durability != "fsync" {
				return err
			}
			return r.benchGap(ctx, c, &next)
		})
		if err != nil {
			return err
		}
	}
	speed, cpu := spreadOf(samples[0], sample.rowsPerSecond), spreadOf(samples[0], sample.cpuPerMillion)
	r.add("upserts 80/10/10 zipf, full changelog, memory: rows/s", speed.millions(), "≥ 0.2 M", speed.median >= 200e3)
	r.add("… client + server CPU-s per million rows", cpu.String(), "≤ 8", cpu.median <= 8)
	fsync := spreadOf(samples[1], sample.rowsPerSecond)
	r.add("… fsync: rows/s", fsync.millions(), "", true)
	r.add("… fsync over memory, rows/s", fmt.Sprintf("%.3g", fsync.median/speed.median), "≥ 0.7", fsync.median >= 0.7*speed.median)
	return nil
}

func changeMany(ctx context.Context, c *sdk.Client, name string, next *atomic.Int64, n int) (int64, int64, error) {
	u, err := c.Upserter(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	rows, err := load80.change(ctx, u, rand.New(rand.NewPCG(9, uint64(next.Load()))), next, n, nil)
	return rows, rows * keyedBytes, errors.Join(err, u.Close(ctx))
}

// benchGap loads for a while and takes the longest time between two acks.
func (r *run) benchGap(ctx context.Context, c *sdk.Client, next *atomic.Int64) error {
	var last, longest atomic.Int64
	last.Store(time.Now().UnixNano())
	u, err := c.Upserter(ctx, "keyed", sdk.WithOnAck(func(sdk.Ack) {
		now := time.Now().UnixNano()
		gap := now - last.Swap(now)
		for was := longest.Load(); gap > was && !longest.CompareAndSwap(was, gap); was = longest.Load() {
		}
	}))
	if err != nil {
		return err
	}
	end := time.Now().Add(r.gap)
	_, err = load80.change(ctx, u, rand.New(rand.NewPCG(11, 11)), next, 1<<40, func() bool { return time.Now().After(end) })
	if err := errors.Join(err, u.Close(ctx)); err != nil {
		return err
	}
	ms := float64(longest.Load()) / 1e6
	r.add(fmt.Sprintf("… longest gap between acks in %s, fsync: ms", r.gap), fmt.Sprintf("%.0f", ms), "≤ 200", ms <= 200)
	return nil
}

// benchBeside: look-ups while upserts come as fast as they can.
func benchBeside(ctx context.Context, r *run) error {
	return r.withServer(ctx, "beside", nil, func(_ *server, c *sdk.Client) error {
		if err := fillKeys(ctx, c, "keyed", keyedRows, keyedBuckets); err != nil {
			return err
		}
		l, err := c.Lookuper(ctx, "keyed")
		if err != nil {
			return err
		}
		u, err := c.Upserter(ctx, "keyed")
		if err != nil {
			return err
		}
		var next atomic.Int64
		next.Store(keyedRows)
		end := time.Now().Add(besideFor)
		var written int64
		var failed error
		var wg sync.WaitGroup
		wg.Go(func() {
			load := mix{updates: 90, inserts: 10, keys: keyedRows, zipf: true} // no key goes
			written, failed = load.change(ctx, u, rand.New(rand.NewPCG(13, 13)), &next, 1<<40, func() bool { return time.Now().After(end) })
			failed = errors.Join(failed, u.Close(ctx))
		})
		times, err := lookUntil(ctx, l, end)
		wg.Wait()
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		slices.Sort(times)
		speed := float64(len(times)) / besideFor.Seconds()
		p99 := percentile(times, 0.99)
		r.add("look-ups beside saturating upserts, 64 callers: rows/s", fmt.Sprintf("%.3g M", speed/1e6), "≥ 0.02 M", speed >= 20e3)
		r.add("… p99 ms", fmt.Sprintf("%.3g", p99.Seconds()*1e3), "≤ 20", p99 <= 20*time.Millisecond)
		r.add("… upserts meanwhile: rows/s", fmt.Sprintf("%.3g M", float64(written)/besideFor.Seconds()/1e6), "", true)
		return nil
	})
}

func lookUntil(ctx context.Context, l *sdk.Lookuper, end time.Time) ([]time.Duration, error) {
	all := make([][]time.Duration, lookers)
	errs := make([]error, lookers)
	var wg sync.WaitGroup
	for i := range lookers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 17))
			for start := time.Now(); start.Before(end); {
				if _, _, errs[i] = sdk.LookupOne[keyedRow](ctx, l, sdk.Key{rng.Int64N(keyedRows)}); errs[i] != nil {
					return
				}
				now := time.Now()
				all[i] = append(all[i], now.Sub(start))
				start = now
			}
		})
	}
	wg.Wait()
	return slices.Concat(all...), errors.Join(errs...)
}

// benchRows: scans of the rows as they are, counts, and kill -9 with all of it.
func benchRows(ctx context.Context, r *run) error {
	return r.withServer(ctx, "rows", nil, func(s *server, c *sdk.Client) error {
		if err := fillKeys(ctx, c, "keyed", keyedRows, keyedBuckets); err != nil {
			return err
		}
		got, err := interleave(r.rounds, contender{"rows", func() (sample, error) {
			return measure(s.cpu, func() (int64, int64, error) { return scanAll(ctx, c, "keyed", sdk.ScanOptions{}) })
		}})
		if err != nil {
			return err
		}
		speed := spreadOf(got[0], sample.rowsPerSecond)
		r.add("scan of the rows as they are, 1 M keys: rows/s", speed.millions(), "≥ 2 M", speed.median >= 2e6)
		r.add("… client + server CPU-s per million rows", spreadOf(got[0], sample.cpuPerMillion).String(), "", true)
		limit, err := timed(r.rounds*10, func() error {
			n, _, err := scanAll(ctx, c, "keyed", sdk.ScanOptions{Limit: 10})
			if err == nil && n != 10 {
				err = fmt.Errorf("LIMIT 10 returned %d rows", n)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.add("LIMIT 10: ms", limit.String(), "≤ 2", limit.median <= 2)
		count, err := timed(r.rounds*10, func() error {
			n, err := c.Admin().CountRows(ctx, "keyed")
			if err == nil && n != keyedRows {
				err = fmt.Errorf("count is %d", n)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.add("count: ms", count.String(), "≤ 5", count.median <= 5)
		return nil
	})
}

// timed calls f n times and returns how long it takes. Unit ms.
func timed(n int, f func() error) (spread, error) {
	var ms []float64
	for range n {
		start := time.Now()
		if err := f(); err != nil {
			return spread{}, err
		}
		ms = append(ms, time.Since(start).Seconds()*1e3)
	}
	return spreadOfValues(ms), nil
}

// benchRecover: kill -9 with 1 M rows and 6 M changes, to the first look-up and
// upsert that are answered, with a writer that goes on.
func benchRecover(ctx context.Context, r *run) error {
	dir, err := r.scratch("recover")
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "data")
	s, _, err := startServer(ctx, r.bin, dir)
	if err != nil {
		return err
	}
	var next atomic.Int64
	next.Store(keyedRows)
	if err := r.onServer(ctx, s, func(c *sdk.Client) error {
		if err := fillKeys(ctx, c, "keyed", keyedRows, keyedBuckets); err != nil {
			return err
		}
		_, _, err := changeMany(ctx, c, "keyed", &next, 6_000_000)
		return err
	}); err != nil {
		return err
	}
	var again []float64
	for range r.rounds {
		if err := r.onServer(ctx, s, func(c *sdk.Client) error {
			_, _, err := changeMany(ctx, c, "keyed", &next, 300_000) // something to merge again
			return err
		}); err != nil {
			return err
		}
		if err := s.kill(); err != nil {
			return err
		}
		var started time.Time
		if s, started, err = startServer(ctx, r.bin, dir); err != nil {
			return err
		}
		if err := r.onServer(ctx, s, func(c *sdk.Client) error { return firstChange(ctx, c) }); err != nil {
			return err
		}
		again = append(again, time.Since(started).Seconds())
	}
	restart := spreadOfValues(again)
	r.add("kill -9 and restart with 1 M rows and 6 M changes to look-up and upsert: s", restart.String(), "≤ 2", restart.median <= 2)
	return s.stop()
}

func (r *run) onServer(ctx context.Context, s *server, f func(*sdk.Client) error) (err error) {
	c, err := sdk.Connect(ctx, s.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return f(c)
}

// firstChange looks a row up and upserts one.
func firstChange(ctx context.Context, c *sdk.Client) error {
	l, err := c.Lookuper(ctx, "keyed")
	if err != nil {
		return err
	}
	if _, _, err := sdk.LookupOne[keyedRow](ctx, l, sdk.Key{int64(7)}); err != nil {
		return err
	}
	u, err := c.Upserter(ctx, "keyed")
	if err != nil {
		return err
	}
	row := makeKeyed(7, rand.New(rand.NewPCG(1, 1)))
	if _, err := u.Upsert(ctx, &row); err != nil {
		return err
	}
	return u.Close(ctx)
}

// benchKeys: memory and counts with ten million keys, and of many idle buckets.
func benchKeys(ctx context.Context, r *run) error {
	limit := "512MiB"
	err := r.withServer(ctx, "keys", []string{"--memory-limit", limit, "--durability", "memory"}, func(s *server, c *sdk.Client) error {
		if err := fillKeys(ctx, c, "keyed", manyKeys, keyedBuckets); err != nil {
			return err
		}
		rss := float64(s.rss()) / (1 << 20)
		r.add("server after 10 M upserts, --memory-limit "+limit+": RSS MiB", fmt.Sprintf("%.0f", rss), "≤ 512", rss <= 512)
		count, err := timed(r.rounds*10, func() error {
			n, err := c.Admin().CountRows(ctx, "keyed")
			if err == nil && n != manyKeys {
				err = fmt.Errorf("count is %d", n)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.add("count of 10 M rows: ms", count.String(), "≤ 5", count.median <= 5)
		return nil
	})
	if err != nil {
		return err
	}
	return r.withServer(ctx, "idlekeys", nil, func(s *server, c *sdk.Client) error {
		before := s.rss()
		if err := createPrimaryKey(ctx, c, "idle", idleKeyed); err != nil {
			return err
		}
		mb := float64(s.rss()-before) / 1e6
		r.add("2,000 idle buckets of a primary-key table: RSS MB more", fmt.Sprintf("%.0f", mb), "< 100", mb < 100)
		return nil
	})
}
