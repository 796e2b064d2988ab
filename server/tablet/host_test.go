package tablet

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
)

func TestAppendsSurviveRestart(t *testing.T) {
	fs := vfs.NewMem()
	h := openHost(t, testOptions(fs))
	tab := tabletOf(t, h, 1)
	openBuckets(t, tab, 1, 2)
	for i := range 10 {
		r := appendNow(tab, bucket1, makeBatch(7, ids.Sequence(i), 3, 128))
		require.NoError(t, r.Err)
		require.Equal(t, AppendResult{Base: ids.Offset(3 * i), End: ids.Offset(3*i + 3)}, r)
	}
	require.NoError(t, h.Close())
	require.NoError(t, h.Close())

	h = openHost(t, testOptions(fs))
	tab = tabletOf(t, h, 1)
	l, err := tab.Log(bucket1)
	require.NoError(t, err)
	require.Len(t, readLog(t, l), 10)
	r := appendNow(tab, bucket1, makeBatch(7, 9, 3, 128))
	require.Equal(t, AppendResult{Base: 27, End: 30}, r, "a repeated batch gets its first answer")
	r = appendNow(tab, bucket1, makeBatch(7, 10, 3, 128))
	require.Equal(t, AppendResult{Base: 30, End: 33}, r)
	require.NoError(t, h.Close())
}
