package node

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the HTTP server: none of its answers is long.
const (
	httpHeaderTimeout = 5 * time.Second
	readyTimeout      = 2 * time.Second
)

// readiness answers whether writes and reads work; nil means they do.
type readiness func(ctx context.Context) error

// httpServer serves metrics, health and readiness.
type httpServer struct {
	server   *http.Server
	listener net.Listener
	done     chan error
}

// startHTTP listens on address and serves until close.
func startHTTP(address string, metrics prometheus.Gatherer, ready readiness) (*httpServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	h := &httpServer{
		server:   &http.Server{Handler: httpHandler(metrics, ready, isLoopback(listener.Addr())), ReadHeaderTimeout: httpHeaderTimeout},
		listener: listener,
		done:     make(chan error, 1),
	}
	go func() { h.done <- h.server.Serve(listener) }()
	return h, nil
}

// isLoopback reports whether only this machine reaches the address.
func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// httpHandler answers the pages; profiles only if local, for they tell of what is
// in memory and cost CPU.
func httpHandler(metrics prometheus.Gatherer, ready readiness, local bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	if local {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone when this fails, and nobody else wants to know.
	_ = json.NewEncoder(w).Encode(body)
}

// close stops serving and waits for the requests that are under way, at most until ctx ends.
func (h *httpServer) close(ctx context.Context) error {
	err := h.server.Shutdown(ctx)
	if served := <-h.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
