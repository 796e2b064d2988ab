// Package invariants asserts what must hold if our own code is right.
//
// The checks are compiled in by the build tag "invariants" (make test-race uses
// it) and cost nothing otherwise. What callers and the world may get wrong is an
// error, never an assertion; CRCs, magics, bounds and the high watermark are
// checked in every build, outside this package.
package invariants

import "fmt"

// Failf panics with the message: our own code broke a promise. It is compiled
// into every build, for places that cannot go on.
func Failf(format string, args ...any) {
	panic("invariant broken: " + fmt.Sprintf(format, args...))
}
