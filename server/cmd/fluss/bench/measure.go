package bench

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fluss-go/fluss/sdk"
)

// Result is what a benchmark measured, ready for JSON.
type Result struct {
	Benchmark  string  `json:"benchmark"`
	Table      string  `json:"table"`
	Shape      Shape   `json:"shape,omitempty"`
	Durability string  `json:"durability"`
	Rows       int64   `json:"rows"`
	Bytes      int64   `json:"bytes"` // of the rows as Arrow buffers, before compression
	Seconds    float64 `json:"seconds"`
	// RowsPerSecond and MBPerSecond follow from the three above; MB is 10^6 bytes.
	RowsPerSecond float64 `json:"rows_per_second"`
	MBPerSecond   float64 `json:"mb_per_second"`
	// ClientCPU and ServerCPU are CPU-seconds; the server's is absent without its HTTP port.
	ClientCPU float64  `json:"client_cpu_seconds"`
	ServerCPU *float64 `json:"server_cpu_seconds,omitempty"`
	// CPUPerGB is that of both over 10^9 bytes.
	CPUPerGB *float64 `json:"cpu_seconds_per_gb,omitempty"`
	// CPUPerMillion is that of both over 10^6 rows, of benchmarks by key.
	CPUPerMillion *float64 `json:"cpu_seconds_per_million_rows,omitempty"`
	// Keys is how many keys were chosen from, Callers how many looked up.
	Keys    int64 `json:"keys,omitempty"`
	Callers int   `json:"callers,omitempty"`
	// Found is how many look-ups had a row.
	Found *int64 `json:"found,omitempty"`
	// LongestGap is the longest time between two acks, in ms.
	LongestGap *float64 `json:"longest_gap_ms,omitempty"`
	// Latency is of acks, of look-ups, or from write to read.
	Latency *Quantiles `json:"latency_ms,omitempty"`
	// Ack is the time from write to ack, where Latency is to the read.
	Ack *Quantiles `json:"ack_latency_ms,omitempty"`
}

// Quantiles are in ms.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// NewQuantiles sorts times and returns their quantiles; nil for none.
func NewQuantiles(times []time.Duration) *Quantiles {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[min(len(times)-1, int(q*float64(len(times))))]) / float64(time.Millisecond)
	}
	return &Quantiles{P50: at(.5), P90: at(.9), P99: at(.99), Max: at(1)}
}

// meter measures the wall and CPU seconds of a run.
type meter struct {
	http     string
	start    time.Time
	client   float64
	server   float64
	serverOK bool
}

func startMeter(ctx context.Context, cluster sdk.Cluster) *meter {
	m := &meter{}
	if len(cluster.Servers) > 0 {
		m.http = cluster.Servers[0].HTTPEndpoint
	}
	m.server, m.serverOK = serverCPU(ctx, m.http)
	m.client = ownCPU()
	m.start = time.Now()
	return m
}

func (m *meter) end(ctx context.Context, r *Result) {
	r.Seconds = time.Since(m.start).Seconds()
	r.ClientCPU = ownCPU() - m.client
	r.RowsPerSecond = float64(r.Rows) / r.Seconds
	const mb, gb = 1e6, 1e9
	r.MBPerSecond = float64(r.Bytes) / mb / r.Seconds
	if after, ok := serverCPU(ctx, m.http); ok && m.serverOK {
		cpu := after - m.server
		r.ServerCPU = &cpu
		if r.Bytes > 0 {
			per := (cpu + r.ClientCPU) / (float64(r.Bytes) / gb)
			r.CPUPerGB = &per
		}
		if r.Keys > 0 && r.Rows > 0 {
			const million = 1e6
			per := (cpu + r.ClientCPU) / (float64(r.Rows) / million)
			r.CPUPerMillion = &per
		}
	}
}

// ownCPU returns the CPU-seconds of this process.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// serverCPU asks the server's /metrics for the CPU-seconds of its process.
func serverCPU(ctx context.Context, endpoint string) (float64, bool) {
	if endpoint == "" {
		return 0, false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+endpoint+"/metrics", http.NoBody)
	if err != nil {
		return 0, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "process_cpu_seconds_total "); ok {
			s, err := strconv.ParseFloat(v, 64)
			return s, err == nil
		}
	}
	return 0, false
}
