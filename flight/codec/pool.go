package codec

import (
	"math/bits"
	"strings"
	"sync"
	"unsafe"
)

// Alignment is the alignment in bytes of every buffer that a Pool hands out: a
// cache line, and what Arrow recommends for the buffers of a batch.
const Alignment = 64

// The classes of a Pool: powers of two from 256 bytes to 32 KiB, then four
// steps per doubling up to 64 MiB, so that a large buffer is never more than a
// quarter larger than asked. Larger buffers are made and dropped.
const (
	smallestClassBits = 8
	smallClasses      = 8
	largeClassBits    = smallestClassBits + smallClasses - 1
	stepsPerDoubling  = 4
	largestClassBits  = 26
	classes           = smallClasses + (largestClassBits-largeClassBits)*stepsPerDoubling
)

// Pool hands out byte buffers that are aligned to Alignment and not zeroed:
// they hold old bytes, so the taker overwrites all that it uses. It is a
// mem.BufferPool for gRPC, whose own one zeroes a whole megabyte for any
// message between 32 KiB and 1 MiB. It is safe for concurrent use; the zero
// value is ready. A buffer that is never put back is garbage, nothing else.
type Pool struct {
	pools [classes]sync.Pool
}

// Buffers is the pool that the connections of this process share.
var Buffers = &Pool{}

// classOf returns the smallest class that holds n bytes; false above the largest.
func classOf(n int) (int, bool) {
	if n <= 1<<largeClassBits {
		if n <= 1<<smallestClassBits {
			return 0, true
		}
		return bits.Len(uint(n-1)) - smallestClassBits, true
	}
	if n > 1<<largestClassBits {
		return 0, false
	}
	exp := bits.Len(uint(n-1)) - 1
	step := 1 << exp / stepsPerDoubling
	k := (n - 1<<exp + step - 1) / step
	return smallClasses - 1 + (exp-largeClassBits)*stepsPerDoubling + k, true
}

// classSize returns the bytes of a class.
func classSize(class int) int {
	if class < smallClasses {
		return 1 << (smallestClassBits + class)
	}
	k := class - smallClasses
	base := 1 << (largeClassBits + k/stepsPerDoubling)
	return base + base/stepsPerDoubling*(k%stepsPerDoubling+1)
}

// Get returns a buffer of n bytes with any content.
func (p *Pool) Get(n int) *[]byte {
	class, ok := classOf(n)
	if !ok {
		b := dirty(n)
		return &b
	}
	if v, ok := p.pools[class].Get().(*[]byte); ok {
		*v = (*v)[:n]
		return v
	}
	b := dirty(classSize(class))[:n]
	return &b
}

// Put gives a buffer back. The caller must not use it afterwards. Buffers that
// did not come from Get are dropped.
func (p *Pool) Put(b *[]byte) {
	if b == nil {
		return
	}
	class, ok := classOf(cap(*b))
	if !ok || classSize(class) != cap(*b) || uintptr(unsafe.Pointer(unsafe.SliceData(*b)))%Alignment != 0 {
		return
	}
	p.pools[class].Put(b)
}

// dirty allocates n > 0 bytes that are aligned and not zeroed. A strings.Builder
// is the one way to such memory without linking to the runtime. The runtime
// aligns powers of two from 64 bytes on and everything above 32 KiB by itself.
func dirty(n int) []byte {
	b := grow(n)
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%Alignment == 0 {
		return b
	}
	b = grow(n + Alignment)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % Alignment)
	return b[skip : skip+n : skip+n]
}

func grow(n int) []byte {
	var sb strings.Builder
	sb.Grow(n)
	sb.WriteByte(0) // StringData of an empty string is unspecified
	return unsafe.Slice(unsafe.StringData(sb.String()), n)
}
