package tablet

import "unsafe"

// arena is memory that one batch takes, in blocks: what was kept stays where it
// is when more is needed, and no block is copied into a larger one.
type arena struct {
	blocks [][]byte
	at     int // the block in use
}

const (
	// arenaBlock is the size of a block; what is larger has one of its own.
	arenaBlock = 256 << 10
	// keepArena is the size up to which the memory is used for the next batch.
	keepArena = 8 << 20
)

// room is an empty slice that about n bytes may be appended to.
func (a *arena) room(n int) []byte {
	for ; a.at < len(a.blocks); a.at++ {
		if b := a.blocks[a.at]; cap(b)-len(b) >= n {
			return b[len(b):]
		}
	}
	a.blocks = append(a.blocks, make([]byte, 0, max(n, arenaBlock)))
	return a.blocks[a.at]
}

// claim keeps what was appended to the last room, if out is that: with less room
// than it took, it has memory of its own.
func (a *arena) claim(out []byte) {
	if a.at == len(a.blocks) || len(out) == 0 {
		return
	}
	b := &a.blocks[a.at]
	room := (*b)[len(*b):]
	if len(out) <= cap(room) && unsafe.SliceData(out) == unsafe.SliceData(room) {
		*b = (*b)[:len(*b)+len(out)]
	}
}

// keep copies b.
func (a *arena) keep(b []byte) []byte {
	out := append(a.room(len(b)), b...)
	a.claim(out)
	return out[:len(out):len(out)]
}

// reset forgets what was kept, which must not be in use any more, and gives back
// the memory beyond keepArena.
func (a *arena) reset() {
	size, n := 0, 0
	for _, b := range a.blocks {
		if size += cap(b); size > keepArena {
			break
		}
		a.blocks[n] = b[:0]
		n++
	}
	clear(a.blocks[n:])
	a.blocks, a.at = a.blocks[:n], 0
}
