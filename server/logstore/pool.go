package logstore

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

const (
	minPooled = 12 // 4 KiB
	maxPooled = 23 // 8 MiB
)

// bufferPool gives out buffers that are not zeroed, in powers of two.
type bufferPool struct {
	classes [maxPooled - minPooled + 1]sync.Pool
}

var _ mem.BufferPool = (*bufferPool)(nil)

// Get returns a buffer of length n with arbitrary content.
func (p *bufferPool) Get(n int) *[]byte {
	class := max(bits.Len(uint(max(n, 1)-1)), minPooled)
	if class > maxPooled {
		b := make([]byte, n)
		return &b
	}
	if b, ok := p.classes[class-minPooled].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 1<<class)
	return &b
}

// Put takes a buffer back. One that Get did not make is left to the collector.
func (p *bufferPool) Put(b *[]byte) {
	c := cap(*b)
	class := bits.Len(uint(c)) - 1
	if c == 0 || c != 1<<class || class < minPooled || class > maxPooled {
		return
	}
	p.classes[class-minPooled].Put(b)
}
