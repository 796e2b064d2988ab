package tablet

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/ids"
)

// TestGoldenBytes pins version 1 of entries and of the values in the key-value store.
func TestGoldenBytes(t *testing.T) {
	e := appendCommand(beginEntry(nil), command{kind: kindTrimLog, bucket: ids.Bucket{Table: 7, Partition: 8, Bucket: 9}, payload: encodeInt(1 << 40)})
	e = appendCommand(e, command{kind: kindDropBuckets, bucket: ids.Bucket{Table: 7}})
	sealEntry(e, 1_700_000_000_000, 2)
	w := &writer{id: 5}
	w.last = 2
	w.count = 2
	w.lastMs = 99
	w.spans[1], w.spans[2] = span{10, 20}, span{20, 21}
	a := appliedState{at: position{index: 12, term: 3}, lastMs: 99, voters: []uint64{1}}
	got := strings.Join([]string{
		hex.EncodeToString(e), hex.EncodeToString(w.encode(nil)), hex.EncodeToString(a.encode()),
		hex.EncodeToString(appendWriterKey(nil, 1, ids.Bucket{Table: 7, Partition: 8, Bucket: 9}, 5)),
	}, "\n")
	golden, err := os.ReadFile("testdata/v1.hex")
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(golden)), got)
	again, err := decodeApplied(a.encode())
	require.NoError(t, err)
	require.Equal(t, a, again)
}
