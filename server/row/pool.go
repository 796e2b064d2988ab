package row

import (
	"math/bits"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/server/invariants"
)

// recycler is the memory of a Collector's records: what they release is used
// again. It is an Arrow allocator so that releasing a buffer gives it back.
type recycler struct {
	pools [poolClasses]sync.Pool
}

// Pooled memory comes in powers of two, from 512 bytes to 16 MiB.
const (
	poolMinBits = 9
	poolClasses = 16
)

var memoryPool recycler

var _ memory.Allocator = (*recycler)(nil)

// get returns n bytes or more, not zeroed.
func (p *recycler) get(n int) []byte {
	class := 0
	if n > 1<<poolMinBits {
		class = bits.Len(uint(n-1)) - poolMinBits
	}
	if class >= poolClasses {
		return make([]byte, n)
	}
	if b, ok := p.pools[class].Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 1<<(class+poolMinBits))
}

// Allocate implements memory.Allocator. Buffers of records never grow.
func (p *recycler) Allocate(size int) []byte { return make([]byte, size) }

// Reallocate implements memory.Allocator.
func (p *recycler) Reallocate(size int, b []byte) []byte {
	out := make([]byte, size)
	copy(out, b)
	return out
}

// Free implements memory.Allocator: nobody reads b any more.
func (p *recycler) Free(b []byte) {
	b = b[:cap(b)]
	class := bits.Len(uint(len(b))) - 1 - poolMinBits
	if class < 0 || class >= poolClasses || len(b) != 1<<(class+poolMinBits) {
		return
	}
	invariants.Mangle(b)
	p.pools[class].Put(&b)
}
