package metastore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Options say where the metadata is.
type Options struct {
	// Dir is the directory of the embedded etcd, made when missing. No other
	// process may use it: the caller holds a lock. Exactly one of Dir and
	// Endpoints is set.
	Dir string
	// Endpoints are those of an existing etcd cluster, like "http://host:2379".
	Endpoints []string
	// Username and Password are sent to Endpoints; empty for none.
	Username, Password string
	// TLS is used with Endpoints; nil for none.
	TLS *tls.Config
	// Prefix is what every key starts with, so that clusters can share an etcd.
	// It ends in a slash. Default "/fluss/".
	Prefix string
	// Identity names this process among those that share the metadata, the same
	// after a restart: opening a store ends the earlier session of the same
	// identity. Default "embedded" with Dir; required with Endpoints.
	Identity string
	// SessionTTL is how long after its death a process is taken for alive.
	// Default 10 s, at least 2 s. Too short, and a stalled disk ends sessions.
	SessionTTL time.Duration
	// QuotaBytes is the size at which the embedded etcd refuses changes, history
	// included. Default 1 GiB, at least 64 MiB.
	QuotaBytes int64
	// UnsafeNoSync keeps the embedded etcd from syncing its files: for tests only,
	// a power cut loses the catalog.
	UnsafeNoSync bool
	// Logger takes what the store and etcd have to say, etcd's warnings and worse.
	// Default: nothing is logged.
	Logger *slog.Logger
}

const (
	defaultPrefix     = "/fluss/"
	defaultIdentity   = "embedded"
	defaultSessionTTL = 10 * time.Second
	minSessionTTL     = 2 * time.Second
	defaultQuota      = 1 << 30
	minQuota          = 64 << 20
)

// EnsureDefaults returns o with the defaults in the place of zero values.
func (o Options) EnsureDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Identity == "" && o.Dir != "" {
		o.Identity = defaultIdentity
	}
	if o.SessionTTL == 0 {
		o.SessionTTL = defaultSessionTTL
	}
	if o.QuotaBytes == 0 {
		o.QuotaBytes = defaultQuota
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports every fault of o.
func (o Options) Validate() error {
	var faults []error
	if (o.Dir == "") == (len(o.Endpoints) == 0) {
		faults = append(faults, errors.New("set either a directory for the embedded etcd or the endpoints of an external one"))
	}
	if !strings.HasSuffix(o.Prefix, "/") {
		faults = append(faults, fmt.Errorf("the key prefix %q does not end in a slash", o.Prefix))
	}
	if o.Identity == "" {
		faults = append(faults, errors.New("an external etcd needs an identity of this process"))
	}
	if o.SessionTTL < minSessionTTL {
		faults = append(faults, fmt.Errorf("the session TTL %s is below %s", o.SessionTTL, minSessionTTL))
	}
	if o.QuotaBytes < minQuota {
		faults = append(faults, fmt.Errorf("the quota of %d bytes is below %d", o.QuotaBytes, int64(minQuota)))
	}
	return errors.Join(faults...)
}
