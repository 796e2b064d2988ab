package tablet

import "runtime"

// enter waits until this tablet may merge rows.
func (m *machine) enter() {
	if m.lane != nil {
		m.lane <- struct{}{}
	}
}

// leave ends enter, and weigh.
func (m *machine) leave() {
	if m.lane != nil {
		<-m.lane
	}
	if m.merger.heavy {
		m.merger.heavy = false
		<-m.heavy
	}
}

// pause lets other goroutines run, and other tablets merge: those that wait for a
// lane get it first.
func (m *machine) pause() {
	runtime.Gosched()
	if m.lane != nil {
		<-m.lane
		m.lane <- struct{}{}
	}
}

// lightMerge is the memory up to which batches are merged beside one another.
const lightMerge = 16 << 20

// weigh makes a merge that took more than lightMerge wait until it is the only one
// of the host that did, so that there is memory for one, not for one a tablet.
func (m *machine) weigh() {
	g := &m.merger
	if g.heavy || g.taken <= lightMerge || m.heavy == nil {
		return
	}
	m.leave() // who has the place needs a lane to go on
	m.heavy <- struct{}{}
	m.enter()
	g.heavy = true
}
