package batch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

func TestUnreadableTellsThePlace(t *testing.T) {
	err := batch.Unreadable(errcode.New(errcode.InvalidBatch, nil, "buffer 1 does not decompress"), ids.Bucket{Table: 7, Bucket: 3}, 10, 15)
	require.ErrorContains(t, err, "the rows [10, 15) of table 7 bucket 3")
	require.ErrorContains(t, err, "buffer 1 does not decompress; read on from offset 15")
	require.Equal(t, "15", errcode.From(err).Facts["end"])
	other := errcode.New(errcode.Canceled, nil, "x")
	require.Equal(t, error(other), batch.Unreadable(other, ids.Bucket{}, 0, 1))
}
