package tablet

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/raft/v3"

	"github.com/fluss-go/fluss/server/clock"
)

// metrics are the host's. The zero registerer makes them free but for the calls.
type metrics struct {
	clock       clock.Clock
	registerer  prometheus.Registerer
	syncs       prometheus.Histogram
	batches     prometheus.Histogram
	bytes       prometheus.Counter
	checkpoints prometheus.Histogram
}

func newMetrics(r prometheus.Registerer, c clock.Clock) (*metrics, error) {
	m := &metrics{
		clock: c, registerer: r,
		syncs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fluss_tablet_wal_save_seconds",
			Help:    "Time to write an entry to the write-ahead log, with its sync.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16),
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fluss_tablet_entry_commands",
			Help:    "Commands per entry: how many appends shared one sync.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 12),
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fluss_tablet_entry_bytes_total",
			Help: "Bytes of entries proposed.",
		}),
		checkpoints: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fluss_tablet_checkpoint_seconds",
			Help:    "Time of a checkpoint.",
			Buckets: prometheus.ExponentialBuckets(1e-3, 2, 16),
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range m.all() {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the tablets' metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.syncs, m.batches, m.bytes, m.checkpoints}
}

func (m *metrics) close() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all() {
		m.registerer.Unregister(c)
	}
}

func (m *metrics) now() time.Time { return m.clock.Now() }

func (m *metrics) entry(commands, bytes int) {
	m.batches.Observe(float64(commands))
	m.bytes.Add(float64(bytes))
}

func (m *metrics) saved(began time.Time) { m.syncs.Observe(m.clock.Now().Sub(began).Seconds()) }

func (m *metrics) checkpoint(began time.Time) {
	m.checkpoints.Observe(m.clock.Now().Sub(began).Seconds())
}

// raftLogger passes raft's messages on. Raft's panics are the driver's to catch.
type raftLogger struct{ l *slog.Logger }

var _ raft.Logger = raftLogger{}

func (r raftLogger) Debug(v ...any)                   {}
func (r raftLogger) Debugf(format string, v ...any)   {}
func (r raftLogger) Info(v ...any)                    { r.l.Debug("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Infof(format string, v ...any)    { r.Info(fmt.Sprintf(format, v...)) }
func (r raftLogger) Warning(v ...any)                 { r.l.Warn("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Warningf(format string, v ...any) { r.Warning(fmt.Sprintf(format, v...)) }
func (r raftLogger) Error(v ...any)                   { r.l.Error("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Errorf(format string, v ...any)   { r.Error(fmt.Sprintf(format, v...)) }
func (r raftLogger) Fatal(v ...any)                   { r.Panic(v...) }
func (r raftLogger) Fatalf(format string, v ...any)   { r.Panicf(format, v...) }
func (r raftLogger) Panic(v ...any)                   { panic(fmt.Sprint(v...)) }
func (r raftLogger) Panicf(format string, v ...any)   { panic(fmt.Sprintf(format, v...)) }
