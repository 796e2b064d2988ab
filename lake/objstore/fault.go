package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"sync"
	"time"
)

// ErrInjected is what calls fail with that a Faulty makes fail.
var ErrInjected = errors.New("injected fault")

// Faults say how often calls fail; each rate is a probability.
type Faults struct {
	// Before is that of a call which fails and does nothing, After that of one which
	// does its work and fails: the caller cannot tell them apart.
	Before, After float64
	// Cut is that of a read or a list which ends in an error in its midst.
	Cut float64
	// Slow is that of a call which waits for Delay, or the end of its context, before it begins.
	Slow  float64
	Delay time.Duration
}

// Injected counts what a Faulty did.
type Injected struct{ Before, After, Cut, Slow, Hook int }

// Failed is how many calls, reads and lists it made fail.
func (i Injected) Failed() int { return i.Before + i.After + i.Cut + i.Hook }

// Faulty is a Store that fails at random, for tests.
type Faulty struct {
	Store
	// Hook, when not nil, is asked before each call, with the name of the method and the
	// key (the prefix of a List, all keys of a Delete); its error is the call's. It is set before the first call.
	Hook func(op, key string) error

	mu       sync.Mutex // guards all below
	faults   Faults
	random   *rand.Rand
	injected Injected
}

// NewFaulty makes calls of store fail, in an order that the seed decides. Close and URL do not fail.
func NewFaulty(store Store, seed uint64, faults Faults) *Faulty {
	return &Faulty{Store: store, faults: faults, random: rand.New(rand.NewPCG(seed, 0))}
}

// Set changes how often calls fail from now on.
func (f *Faulty) Set(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Injected is what was done so far.
func (f *Faulty) Injected() Injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.injected
}

// plan is what happens to one call.
type plan struct {
	delay              time.Duration
	before, after, cut bool
}

// draw decides about one call. It draws as many numbers for each, so that calls of a kind do not
// change what happens to others.
func (f *Faulty) draw() (p plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hit := func(rate float64) bool { return f.random.Float64() < rate }
	if slow := hit(f.faults.Slow); slow {
		p.delay = f.faults.Delay
		f.injected.Slow++
	}
	p.before, p.after, p.cut = hit(f.faults.Before), hit(f.faults.After), hit(f.faults.Cut)
	return p
}

// count adds to one of the counts of what was injected.
func (f *Faulty) count(which func(*Injected) *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*which(&f.injected)++
}

// call runs one operation, or not, and lets it fail, or not. What it returns tells
// whether what the operation answers is to be cut.
func (f *Faulty) call(ctx context.Context, op, key string, work func() error) (cut bool, err error) {
	if f.Hook != nil {
		if err := f.Hook(op, key); err != nil {
			f.count(func(i *Injected) *int { return &i.Hook })
			return false, err
		}
	}
	p := f.draw()
	if p.delay > 0 {
		select {
		case <-time.After(p.delay):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if p.before {
		f.count(func(i *Injected) *int { return &i.Before })
		return false, fmt.Errorf("%s %s: %w before it began", op, key, ErrInjected)
	}
	if err := work(); err != nil {
		return false, err
	}
	if p.after {
		f.count(func(i *Injected) *int { return &i.After })
		return false, fmt.Errorf("%s %s: %w after it was done", op, key, ErrInjected)
	}
	return p.cut, nil
}

// Put implements Store.
func (f *Faulty) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	_, err := f.call(ctx, "Put", key, func() error { return f.Store.Put(ctx, key, body, size) })
	return err
}

// PutIfAbsent implements Store.
func (f *Faulty) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	_, err := f.call(ctx, "PutIfAbsent", key, func() error { return f.Store.PutIfAbsent(ctx, key, body, size) })
	return err
}

// Get implements Store. A read that is cut ends after cutAfter bytes, or where the object does.
func (f *Faulty) Get(ctx context.Context, key string, off, length int64) (body io.ReadCloser, err error) {
	truncated, err := f.call(ctx, "Get", key, func() error {
		body, err = f.Store.Get(ctx, key, off, length)
		return err
	})
	if err != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, err
	}
	if truncated {
		return &cut{io.LimitReader(body, cutAfter), body, sync.OnceFunc(func() { f.count(func(i *Injected) *int { return &i.Cut }) })}, nil
	}
	return body, nil
}

// cutAfter is how many bytes are read of what is cut.
const cutAfter = 64

// cut reads what its reader has, and fails instead of ending.
type cut struct {
	io.Reader
	io.Closer
	count func()
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		c.count()
		err = fmt.Errorf("reading: %w", ErrInjected)
	}
	return n, err
}

// Stat implements Store.
func (f *Faulty) Stat(ctx context.Context, key string) (o Object, err error) {
	_, err = f.call(ctx, "Stat", key, func() error {
		o, err = f.Store.Stat(ctx, key)
		return err
	})
	return o, err
}

// List implements Store. A list that is cut ends after its first object.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		truncated, err := f.call(ctx, "List", prefix, func() error { return nil })
		if err != nil {
			yield(Object{}, err)
			return
		}
		for o, err := range f.Store.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
			if truncated {
				f.count(func(i *Injected) *int { return &i.Cut })
				yield(Object{}, fmt.Errorf("List %s: %w in its midst", prefix, ErrInjected))
				return
			}
		}
	}
}

// Delete implements Store. Of several keys none or all are removed.
func (f *Faulty) Delete(ctx context.Context, keys ...string) error {
	_, err := f.call(ctx, "Delete", fmt.Sprint(keys), func() error { return f.Store.Delete(ctx, keys...) })
	return err
}
