package codec

import (
	"runtime"
	"sync"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Held is a message to send that holds something, such as memory of a budget, until
// it is on the wire, which a handler that returns it does not live to see.
type Held struct {
	message proto.Message
	release func()
}

// Hold returns m as a message that calls release once: when the bytes of m are
// written, when the call ends before, or, since a broken connection drops what it
// had to send without a word, when they are garbage.
func Hold(m proto.Message, release func()) *Held {
	h := &Held{message: m, release: sync.OnceFunc(release)}
	runtime.AddCleanup(h, func(release func()) { release() }, h.release)
	return h
}

// marshal returns the message as a buffer that h lives as long as.
func (h *Held) marshal(pool *Pool) (mem.BufferSlice, error) {
	buf := pool.Get(proto.Size(h.message))
	out, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend((*buf)[:0], h.message)
	if err != nil {
		pool.Put(buf)
		return nil, err
	}
	*buf, h.message = out, nil
	if mem.IsBelowBufferPoolingThreshold(cap(out)) { // gRPC does not free it
		h.release()
		return mem.BufferSlice{mem.SliceBuffer(out)}, nil
	}
	return mem.BufferSlice{mem.NewBuffer(buf, &heldPool{pool, h})}, nil
}

// heldPool is the pool of one buffer.
type heldPool struct {
	*Pool
	held *Held
}

// Put implements mem.BufferPool.
func (p *heldPool) Put(b *[]byte) {
	p.Pool.Put(b)
	p.held.release()
}
