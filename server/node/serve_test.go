package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
)

// A batch that is taken can be read: no reader decompresses more than its default.
func TestWriteLimitsAreThoseOfReaders(t *testing.T) {
	require.EqualValues(t, 8<<20, writeLimits(1<<20, false).MaxUncompressed)
	require.EqualValues(t, batch.DefaultMaxUncompressed, writeLimits(16<<20, false).MaxUncompressed)
	require.False(t, writeLimits(1<<20, false).CheckCompressed)
	require.True(t, writeLimits(1<<20, true).CheckCompressed)
}
