package rpc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACacheIsBoundedByColumns(t *testing.T) {
	c := newCache[int, string](10)
	require.Equal(t, "a", c.add(1, "a", 4))
	require.Equal(t, "a", c.add(1, "b", 4), "the first one stays")
	c.add(2, "b", 4)
	_, ok := c.find(1)
	require.True(t, ok)
	c.add(3, "c", 0)
	_, ok = c.find(1)
	require.False(t, ok, "it started over")
	kept, ok := c.find(3)
	require.True(t, ok)
	require.Equal(t, "c", kept)
}
