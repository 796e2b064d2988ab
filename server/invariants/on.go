//go:build invariants

package invariants

import (
	"math/rand/v2"
	"sync/atomic"
)

// Enabled tells whether the checks are compiled in.
const Enabled = true

// Check panics with the message unless ok.
func Check(ok bool, format string, args ...any) {
	if !ok {
		Failf(format, args...)
	}
}

// Sometimes is true in percent of 100 calls at random, and never in release
// builds: for taking rare paths more often in tests.
func Sometimes(percent int) bool { return rand.IntN(100) < percent }

// Mangle overwrites b, so that who still reads it after giving it back is found out.
func Mangle(b []byte) {
	for i := range b {
		b[i] = 0xCC
	}
}

// CloseChecker finds double closes and uses after a close. The zero value is open.
type CloseChecker struct{ closed atomic.Bool }

// Close panics if it was called before.
func (c *CloseChecker) Close() { Check(!c.closed.Swap(true), "closed twice") }

// Use panics if Close was called.
func (c *CloseChecker) Use() { Check(!c.closed.Load(), "used after close") }
