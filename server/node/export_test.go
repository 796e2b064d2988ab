package node

import "github.com/fluss-go/fluss/server/tablet"

// Host returns the host of the tablets.
func (n *Node) Host() *tablet.Host { return n.host }
