package node

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// gatherer takes the levels anew before each look at the metrics.
type gatherer struct{ n *Node }

var _ prometheus.Gatherer = gatherer{}

// Gather implements prometheus.Gatherer.
func (g gatherer) Gather() ([]*dto.MetricFamily, error) {
	g.n.takeLevels()
	return g.n.metrics.Gather()
}

func (n *Node) takeLevels() {
	c, m := n.meta.Catalog(), n.counters
	partitions, buckets := 0, 0
	for t := range c.Tables() {
		partitions += t.PartitionCount()
	}
	for _, t := range n.host.Tablets() {
		buckets += t.Status().Buckets
	}
	m.Databases.Set(float64(len(c.Databases())))
	m.Tables.Set(float64(c.TableCount()))
	m.Partitions.Set(float64(partitions))
	m.Buckets.Set(float64(buckets))
	m.DiskUsage.Set(n.diskUsage())
	m.DiskWriteLocked.Set(oneIf(n.host.WriteLocked()))
	m.ScanStreams.Set(float64(n.flight.Streams()))
	m.Ready.Set(oneIf(n.ready(context.Background()) == nil))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
