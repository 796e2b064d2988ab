package invariants

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFailf(t *testing.T) {
	require.PanicsWithValue(t, "invariant broken: high watermark 7 outside [0, 3]", func() {
		Failf("high watermark %d outside [%d, %d]", 7, 0, 3)
	})
}

func TestChecksAreThereOnlyWithTheTag(t *testing.T) {
	for _, tc := range []struct {
		name string
		call func()
	}{
		{"check", func() { Check(false, "broken") }},
		{"closed twice", func() { var c CloseChecker; c.Close(); c.Close() }},
		{"used after close", func() { var c CloseChecker; c.Use(); c.Close(); c.Use() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if Enabled {
				require.Panics(t, tc.call)
			} else {
				require.NotPanics(t, tc.call)
			}
		})
	}
	Check(true, "holds")
	b := []byte{1, 2}
	Mangle(b)
	require.Equal(t, Enabled, b[0] == 0xCC)
	require.False(t, Sometimes(0))
	require.Equal(t, Enabled, Sometimes(100))
}
