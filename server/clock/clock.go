// Package clock is where the core gets the time from, so that tests decide it.
package clock

import "time"

// Clock tells the time. It is safe for concurrent use.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// After returns a channel that gets the time once d has passed.
	After(d time.Duration) <-chan time.Time
}

// System is the clock of the operating system.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time                         { return time.Now() } //nolint:forbidigo // the one place
func (system) After(d time.Duration) <-chan time.Time { return time.After(d) }
