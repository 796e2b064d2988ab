package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"sync"
)

// ErrInjected is what calls fail with that a Faulty makes fail.
var ErrInjected = errors.New("injected fault")

// Faults say how often calls fail; each is a probability.
type Faults struct {
	// Before is that of a call which fails and does nothing, After that of one which
	// does its work and fails: the caller cannot tell them apart.
	Before, After float64
	// Cut is that of a read which ends in an error in its midst.
	Cut float64
}

// Faulty is a Store that fails at random, for tests.
type Faulty struct {
	Store
	// Hook, when not nil, is asked before each call, with the name of the method and the
	// key; its error is the call's.
	Hook func(op, key string) error

	mu       sync.Mutex // guards all below
	faults   Faults
	random   *rand.Rand
	injected int
}

// NewFaulty makes calls of store fail, in an order that the seed decides.
func NewFaulty(store Store, seed uint64, faults Faults) *Faulty {
	return &Faulty{Store: store, faults: faults, random: rand.New(rand.NewPCG(seed, 0))}
}

// Set changes how often calls fail from now on.
func (f *Faulty) Set(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Injected is how many calls and reads failed.
func (f *Faulty) Injected() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.injected
}

func (f *Faulty) hit(part func(Faults) float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random.Float64() >= part(f.faults) {
		return false
	}
	f.injected++
	return true
}

// call runs one operation, or not, and lets it fail, or not.
func (f *Faulty) call(op, key string, work func() error) error {
	if f.Hook != nil {
		if err := f.Hook(op, key); err != nil {
			return err
		}
	}
	if f.hit(func(f Faults) float64 { return f.Before }) {
		return fmt.Errorf("%s %s: %w before it began", op, key, ErrInjected)
	}
	if err := work(); err != nil {
		return err
	}
	if f.hit(func(f Faults) float64 { return f.After }) {
		return fmt.Errorf("%s %s: %w after it was done", op, key, ErrInjected)
	}
	return nil
}

// Put implements Store.
func (f *Faulty) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return f.call("Put", key, func() error { return f.Store.Put(ctx, key, body, size) })
}

// PutIfAbsent implements Store.
func (f *Faulty) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return f.call("PutIfAbsent", key, func() error { return f.Store.PutIfAbsent(ctx, key, body, size) })
}

// Get implements Store.
func (f *Faulty) Get(ctx context.Context, key string, off, length int64) (body io.ReadCloser, err error) {
	err = f.call("Get", key, func() error {
		body, err = f.Store.Get(ctx, key, off, length)
		return err
	})
	if err != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, err
	}
	if f.hit(func(f Faults) float64 { return f.Cut }) {
		return cut{io.LimitReader(body, 64), body}, nil
	}
	return body, nil
}

// cut reads what its reader has, and fails instead of ending.
type cut struct {
	io.Reader
	io.Closer
}

func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("reading: %w", ErrInjected)
	}
	return n, err
}

// Stat implements Store.
func (f *Faulty) Stat(ctx context.Context, key string) (o Object, err error) {
	err = f.call("Stat", key, func() error {
		o, err = f.Store.Stat(ctx, key)
		return err
	})
	return o, err
}

// List implements Store.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := f.call("List", prefix, func() error { return nil }); err != nil {
			yield(Object{}, err)
			return
		}
		f.Store.List(ctx, prefix)(yield)
	}
}

// Delete implements Store.
func (f *Faulty) Delete(ctx context.Context, keys ...string) error {
	return f.call("Delete", fmt.Sprint(keys), func() error { return f.Store.Delete(ctx, keys...) })
}
