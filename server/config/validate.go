package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker collects the faults of a Config.
type checker struct{ faults []error }

func (k *checker) fault(option, format string, args ...any) {
	k.faults = append(k.faults, fmt.Errorf("%s: %s", option, fmt.Sprintf(format, args...)))
}

func within[T cmp.Ordered](k *checker, option string, v, low, high T) {
	if v < low || v > high {
		k.fault(option, "%v is outside %v to %v", v, low, high)
	}
}

func atLeast[T cmp.Ordered](k *checker, option string, v, low T) {
	if v < low {
		k.fault(option, "%v is below %v", v, low)
	}
}

func (k *checker) oneOf(option, v string, known ...string) {
	if !slices.Contains(known, v) {
		k.fault(option, "%q is not one of %s", v, strings.Join(known, ", "))
	}
}

func (k *checker) address(option, v string) {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		k.fault(option, "%q is no host:port", v)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		k.fault(option, "%q has no port in 0 to 65535", v)
	}
	if strings.ContainsAny(host, " /") {
		k.fault(option, "%q has no valid host", v)
	}
}

// duration is for messages: time.Duration prints 7 days as 168h0m0s.
type duration time.Duration

func (d duration) String() string { return FormatDuration(time.Duration(d)) }

// Validate reports every fault at once, each named by its option; nil when there
// is none. Defaults must be in place.
func (c *Config) Validate() error {
	k := &checker{}
	c.validatePlaces(k)
	c.validateMetadata(k)
	c.validateWrites(k)
	c.validateDisk(k)
	c.validateTables(k)
	k.oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error")
	k.oneOf("log-format", c.LogFormat, "text", "json")
	return errors.Join(k.faults...)
}

func (c *Config) validatePlaces(k *checker) {
	if c.DataDir == "" {
		k.fault("data-dir", "is empty")
	}
	k.address("listen", c.Listen)
	if c.HTTP != HTTPOff {
		k.address("http", c.HTTP)
		if _, port, err := net.SplitHostPort(c.HTTP); err == nil && c.HTTP == c.Listen && port != "0" {
			k.fault("http", "%q is the address of listen too", c.HTTP)
		}
	}
	if c.Advertise != "" {
		k.address("advertise", c.Advertise)
	}
	for _, r := range c.Roles {
		k.oneOf("roles", r, RoleCoordinator, RoleTablet)
	}
	for _, r := range []string{RoleCoordinator, RoleTablet} {
		if !slices.Contains(c.Roles, r) {
			k.fault("roles", "%s is missing: one process plays both roles", r)
		}
	}
	within(k, "shutdown-timeout", duration(c.ShutdownTimeout), 0, duration(time.Hour))
}

func (c *Config) validateMetadata(k *checker) {
	for _, e := range c.EtcdEndpoints {
		u, err := url.Parse(e)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			k.fault("etcd-endpoints", "%q is no URL like http://host:2379", e)
		}
	}
	if !strings.HasPrefix(c.EtcdPrefix, "/") || !strings.HasSuffix(c.EtcdPrefix, "/") {
		k.fault("etcd-prefix", "%q does not start and end with a slash", c.EtcdPrefix)
	}
	within(k, "etcd-quota", c.EtcdQuota, 64*MiB, 8*GiB)
}

func (c *Config) validateWrites(k *checker) {
	k.oneOf("durability", c.Durability, DurabilityFsync, DurabilityMemory)
	within(k, "tablets", c.Tablets, 1, 64)
	within(k, "max-batch-size", c.MaxBatchSize, 64*KiB, 16*MiB)
	within(k, "inflight-wait", duration(c.InflightWait), duration(time.Millisecond), duration(5*time.Minute))
	atLeast(k, "writer-expiry", duration(c.WriterExpiry), duration(time.Minute))
	atLeast(k, "memory-limit", c.MemoryLimit, 256*MiB)
	atLeast(k, "memory-inflight", c.MemoryInflight, minInflight)
	atLeast(k, "memory-tail", c.MemoryTail, MiB)
	atLeast(k, "memory-pending", c.MemoryPending, MiB)
	within(k, "memory-rows", c.MemoryRows, MiB, maxRows)
	atLeast(k, "memory-cache", c.MemoryCache, MiB)
	if sum := c.MemoryInflight + c.MemoryTail + c.MemoryPending + c.MemoryRows + c.MemoryCache; sum > c.MemoryLimit {
		k.fault("memory-limit", "the budgets add up to %v, above the limit of %v", sum, c.MemoryLimit)
	}
}

func (c *Config) validateDisk(k *checker) {
	within(k, "disk-write-limit-ratio", c.DiskWriteLimitRatio, 0, 1)
	within(k, "disk-recover-ratio", c.DiskRecoverRatio, 0, 1)
	if c.DiskRecoverRatio > c.DiskWriteLimitRatio {
		k.fault("disk-recover-ratio", "%v is above disk-write-limit-ratio, %v", c.DiskRecoverRatio, c.DiskWriteLimitRatio)
	}
	within(k, "disk-check-interval", duration(c.DiskCheckInterval), duration(10*time.Millisecond), duration(time.Hour))
	within(k, "checkpoint-bytes", c.CheckpointBytes, MiB, 64*GiB)
	within(k, "checkpoint-interval", duration(c.CheckpointInterval), duration(time.Second), duration(24*time.Hour))
	atLeast(k, "max-open-files", c.MaxOpenFiles, 16)
}

func (c *Config) validateTables(k *checker) {
	within(k, "max-bucket-number", c.MaxBucketNumber, 1, 65536)
	within(k, "default-bucket-number", c.DefaultBucketNumber, 1, max(1, c.MaxBucketNumber))
	within(k, "max-partition-number", c.MaxPartitionNumber, 1, 100000)
	for option, d := range map[string]time.Duration{
		"auto-partition-check-interval": c.AutoPartitionCheckInterval, "retention-check-interval": c.RetentionCheckInterval,
	} {
		within(k, option, duration(d), duration(100*time.Millisecond), duration(24*time.Hour))
	}
}

// Loopback tells whether the address to listen on can only be reached from this machine.
func (c *Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Level is LogLevel for package slog; Info when it is not known.
func (c *Config) Level() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return l
}
