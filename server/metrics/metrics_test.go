package metrics

import (
	"context"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
)

// value returns the value of the counter or gauge with the name and labels, 0 when there is none.
func value(t *testing.T, r *prometheus.Registry, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			same := 0
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] == l.GetValue() {
					same++
				}
			}
			if same == len(labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func TestCallsAreCountedByCode(t *testing.T) {
	r := NewRegistry()
	s := New(r, "1.2.3")
	info := &grpc.UnaryServerInfo{FullMethod: "/fluss.v1.Admin/CreateTable"}
	_, err := s.Unary(context.Background(), nil, info, func(context.Context, any) (any, error) { return 1, nil })
	require.NoError(t, err)
	missing := errcode.New(errcode.UnknownTable, nil, "no")
	for _, err := range []error{missing, errcode.ToStatus(missing)} {
		_, got := s.Unary(context.Background(), nil, info, func(context.Context, any) (any, error) { return nil, err })
		require.Equal(t, err, got)
	}
	require.InDelta(t, 1, value(t, r, "fluss_rpc_calls_total", map[string]string{"method": "Admin.CreateTable", "code": "OK"}), 0)
	require.InDelta(t, 2, value(t, r, "fluss_rpc_calls_total", map[string]string{"method": "Admin.CreateTable", "code": "UNKNOWN_TABLE"}), 0)

	stream := &grpc.StreamServerInfo{FullMethod: "/arrow.flight.protocol.FlightService/DoGet"}
	doGet := map[string]string{"method": "FlightService.DoGet"}
	require.NoError(t, s.Stream(nil, nil, stream, func(any, grpc.ServerStream) error {
		require.InDelta(t, 1, value(t, r, "fluss_rpc_open_calls", doGet), 0)
		return nil
	}))
	require.InDelta(t, 0, value(t, r, "fluss_rpc_open_calls", doGet), 0)
}

func TestNamesFollowTheRules(t *testing.T) {
	r := NewRegistry()
	New(r, "1.2.3")
	families, err := r.Gather()
	require.NoError(t, err)
	name := regexp.MustCompile(`^(fluss|go|process)_[a-z0-9_]+$`)
	for _, f := range families {
		require.Regexp(t, name, f.GetName())
		require.NotEmpty(t, f.GetHelp(), f.GetName())
	}
}
