package cli

import (
	"strconv"
	"sync"

	"github.com/fluss-go/fluss/sdk"
)

// ackPrinter prints acks as lines of JSON, off the goroutines that bring them:
// those must not block. What waits is bounded by what the client may have in flight.
type ackPrinter struct {
	a  *app
	on bool

	mu     sync.Mutex
	more   *sync.Cond
	lines  []byte // guarded by mu
	ended  bool   // guarded by mu
	failed error  // guarded by mu
	wg     sync.WaitGroup
}

func (a *app) newAckPrinter(on bool) *ackPrinter {
	p := &ackPrinter{a: a, on: on}
	p.more = sync.NewCond(&p.mu)
	if on {
		p.wg.Go(p.print)
	}
	return p
}

func (p *ackPrinter) add(ack sdk.Ack) {
	if !p.on {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := append(p.lines, `{"bucket":`...)
	b = strconv.AppendInt(b, int64(ack.Bucket.Bucket), 10)
	if ack.Bucket.Partition != 0 {
		b = strconv.AppendInt(append(b, `,"partition_id":`...), int64(ack.Bucket.Partition), 10)
	}
	b = strconv.AppendInt(append(b, `,"base":`...), int64(ack.Base), 10)
	b = strconv.AppendInt(append(b, `,"end":`...), int64(ack.End), 10)
	b = strconv.AppendInt(append(b, `,"rows":`...), int64(ack.Rows()), 10)
	p.lines = append(b, "}\n"...)
	p.more.Signal()
}

func (p *ackPrinter) print() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.lines) == 0 && !p.ended {
			p.more.Wait()
		}
		lines := p.lines
		if len(lines) == 0 {
			return
		}
		p.lines = nil
		p.mu.Unlock()
		_, err := p.a.Stdout.Write(lines)
		p.mu.Lock()
		if err != nil {
			p.failed = err
			return
		}
	}
}

// close waits until everything is printed.
func (p *ackPrinter) close() error {
	p.mu.Lock()
	p.ended = true
	p.more.Signal()
	p.mu.Unlock()
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}
