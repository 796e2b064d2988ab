//go:build !invariants

package invariants

// Enabled tells whether the checks are compiled in.
const Enabled = false

// Check panics with the message unless ok.
func Check(bool, string, ...any) {}

// Sometimes is true in percent of 100 calls at random, and never in release
// builds: for taking rare paths more often in tests.
func Sometimes(int) bool { return false }

// Mangle overwrites b, so that who still reads it after giving it back is found out.
func Mangle([]byte) {}

// CloseChecker finds double closes and uses after a close. The zero value is open.
type CloseChecker struct{}

// Close panics if it was called before.
func (*CloseChecker) Close() {}

// Use panics if Close was called.
func (*CloseChecker) Use() {}
