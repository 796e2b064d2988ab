package cli

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/fluss-go/fluss/server/cmd/fluss/rowio"
)

// progress draws a bar on a terminal; on anything else it does nothing.
type progress struct {
	stop chan struct{}
	wg   sync.WaitGroup
}

const redrawEvery = 100 * time.Millisecond

func (a *app) newProgress(source rowio.Source, rows *atomic.Int64) *progress {
	p := &progress{stop: make(chan struct{})}
	_, total := source.Progress()
	if !a.Terminal || total == 0 {
		return p
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.Stderr), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	p.wg.Go(func() {
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				_ = bar.Clear() // drawing is a courtesy: nothing hangs on it
				return
			case <-tick.C:
				done, _ := source.Progress()
				bar.Describe(count(rows.Load(), "row"))
				_ = bar.Set64(done)
			}
		}
	})
	return p
}

// end takes the bar away.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.stop)
	p.wg.Wait()
}
