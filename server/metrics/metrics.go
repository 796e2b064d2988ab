// Package metrics is what a server counts: the registry behind GET /metrics and
// the metrics of the whole process. Names are fluss_<thing>_<unit>, with the words
// of the glossary. Packages that count things of their own (tablets) register
// with the same registry under the same rules.
package metrics

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Server holds the metrics of one server process. It is safe for concurrent use.
type Server struct {
	// RowsWritten, BatchesWritten and BytesWritten count what was acked; bytes as on the wire.
	RowsWritten, BatchesWritten, BytesWritten prometheus.Counter
	// WriteErrors counts batches that were refused, by code.
	WriteErrors *prometheus.CounterVec
	// WriteSeconds is the time from a batch's arrival to its ack.
	WriteSeconds prometheus.Histogram
	// RowsUpserted and RowsDeleted count the acked rows of primary-key tables, by what was asked for.
	RowsUpserted, RowsDeleted prometheus.Counter
	// LookupKeys counts keys looked up, LookupRows the rows found by them, and
	// LookupSeconds times requests, which have many keys.
	LookupKeys, LookupRows prometheus.Counter
	LookupSeconds          prometheus.Histogram
	// RowsRead and BytesRead count what was streamed to readers; bytes as on the wire.
	RowsRead, BytesRead prometheus.Counter
	// ScanStreams is the number of DoGet streams under way.
	ScanStreams prometheus.Gauge
	// DiskUsage is the used part of the disk, 0 to 1.
	DiskUsage prometheus.Gauge
	// DiskWriteLocked is 1 while writes are refused for want of disk space.
	DiskWriteLocked prometheus.Gauge
	// Databases, Tables, Partitions and Buckets count what the catalog has.
	Databases, Tables, Partitions, Buckets prometheus.Gauge
	// Ready is 1 when writes and reads work.
	Ready prometheus.Gauge

	calls       *prometheus.CounterVec
	callSeconds *prometheus.HistogramVec
	openCalls   *prometheus.GaugeVec
}

// seconds are buckets from a fraction of an fsync up to a stall.
var seconds = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewRegistry returns a registry, which GET /metrics shows, that tells of the Go
// runtime and the process.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// New returns the metrics of a server of the given release, registered with r.
// It may be called once for a registry.
func New(r prometheus.Registerer, version string) *Server {
	s := &Server{
		RowsWritten:    counter("fluss_write_rows_total", "Rows acked to writers."),
		BatchesWritten: counter("fluss_write_batches_total", "Batches acked to writers."),
		BytesWritten:   counter("fluss_write_bytes_total", "Bytes of acked batches, as sent."),
		WriteErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fluss_write_errors_total", Help: "Batches refused, by error code.",
		}, []string{"code"}),
		WriteSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fluss_write_seconds", Help: "Time from a batch's arrival to its ack.", Buckets: seconds,
		}),
		RowsUpserted: counter("fluss_upsert_rows_total", "Rows upserted into primary-key tables, as sent and acked."),
		RowsDeleted:  counter("fluss_delete_rows_total", "Rows and keys sent to be deleted from primary-key tables, and acked."),
		LookupKeys:   counter("fluss_lookup_keys_total", "Keys and prefixes looked up."),
		LookupRows:   counter("fluss_lookup_rows_total", "Rows found by look-ups."),
		LookupSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fluss_lookup_seconds", Help: "Time to answer a look-up, which may have many keys.", Buckets: seconds,
		}),
		RowsRead:        counter("fluss_read_rows_total", "Rows streamed to readers."),
		BytesRead:       counter("fluss_read_bytes_total", "Bytes streamed to readers, as sent."),
		ScanStreams:     gauge("fluss_scan_streams", "Scans being streamed."),
		DiskUsage:       gauge("fluss_disk_usage_ratio", "Used part of the data directory's disk, 0 to 1."),
		DiskWriteLocked: gauge("fluss_disk_write_locked", "1 while writes are refused for want of disk space."),
		Databases:       gauge("fluss_databases", "Databases in the catalog."),
		Tables:          gauge("fluss_tables", "Tables in the catalog."),
		Partitions:      gauge("fluss_partitions", "Partitions in the catalog."),
		Buckets:         gauge("fluss_buckets", "Buckets on this server."),
		Ready:           gauge("fluss_ready", "1 when writes and reads work."),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fluss_rpc_calls_total", Help: "Calls answered, by method and error code (OK for none).",
		}, []string{"method", "code"}),
		callSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fluss_rpc_seconds", Help: "Time to answer a call; streams are not counted.", Buckets: seconds,
		}, []string{"method"}),
		openCalls: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fluss_rpc_open_calls", Help: "Calls and streams under way.",
		}, []string{"method"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fluss_build_info", Help: "Always 1; the labels tell the release.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build,
		s.RowsWritten, s.BatchesWritten, s.BytesWritten, s.WriteErrors, s.WriteSeconds, s.RowsRead, s.BytesRead,
		s.RowsUpserted, s.RowsDeleted, s.LookupKeys, s.LookupRows, s.LookupSeconds,
		s.ScanStreams, s.DiskUsage, s.DiskWriteLocked, s.Databases, s.Tables, s.Partitions, s.Buckets, s.Ready,
		s.calls, s.callSeconds, s.openCalls)
	return s
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// Unary counts and times unary calls. It goes inside the interceptor that turns
// errors into statuses, or outside: both forms of error are understood.
func (s *Server) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	method := short(info.FullMethod)
	start := time.Now() //nolint:forbidigo // a duration for people, nothing depends on it
	s.openCalls.WithLabelValues(method).Inc()
	resp, err := next(ctx, req)
	s.openCalls.WithLabelValues(method).Dec()
	s.calls.WithLabelValues(method, code(err)).Inc()
	s.callSeconds.WithLabelValues(method).Observe(time.Since(start).Seconds())
	return resp, err
}

// Stream counts streams as Unary counts calls; it does not time them.
func (s *Server) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	method := short(info.FullMethod)
	open := s.openCalls.WithLabelValues(method)
	open.Inc()
	err := next(srv, stream)
	open.Dec()
	s.calls.WithLabelValues(method, code(err)).Inc()
	return err
}

// short returns "Admin.CreateTable" for "/fluss.v1.Admin/CreateTable".
func short(method string) string {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return service[strings.LastIndexByte(service, '.')+1:] + "." + name
}

func code(err error) string {
	if err == nil {
		return "OK"
	}
	return string(errcode.Of(err))
}
