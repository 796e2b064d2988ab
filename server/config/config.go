// Package config is what can be set on a server: one struct, one name for one
// thing in the configuration file, the environment and the flags.
//
// Sources in rising priority: the default, the file (YAML, flat keys), the
// environment (FLUSS_ and the name in capitals, '-' as '_'), the flag. The
// comments of the fields are the help texts of the flags and docs/server-options.md;
// `go generate ./server/config` writes both anew.
package config

import "time"

//go:generate go run ./optiondoc

// Config holds the options of a server. Make one with Default or Load.
type Config struct {
	// Directory that holds everything the server keeps. Created when missing; one
	// process at a time may use it.
	DataDir string `option:"data-dir" group:"Places"`
	// Address to serve gRPC and Arrow Flight on, host:port. Port 0 picks a free
	// one. Anything but loopback opens the server to the network, without
	// authentication.
	Listen string `option:"listen" group:"Places"`
	// Address of metrics and health (`/metrics`, `/healthz`, `/ready`), host:port;
	// `off` for none.
	HTTP string `option:"http" group:"Places"`
	// Address that clients are told to connect to, host:port. Empty means the one
	// listened on; set it when clients reach the server by another name.
	Advertise string `option:"advertise" group:"Places"`
	// Roles this process plays: `coordinator`, `tablet`. Without external etcd one
	// process plays both.
	Roles []string `option:"roles" group:"Places"`
	// How long a stop waits for requests under way before it cuts them off.
	// Range 0s to 1h.
	ShutdownTimeout time.Duration `option:"shutdown-timeout" group:"Places"`

	// Endpoints of an existing etcd cluster for the metadata, like
	// `http://10.0.0.1:2379`. Empty means embedded in the data directory.
	EtcdEndpoints []string `option:"etcd-endpoints" group:"Metadata"`
	// What every etcd key starts with, so that clusters can share an external etcd.
	// Ends in a slash.
	EtcdPrefix string `option:"etcd-prefix" group:"Metadata"`
	// Size at which the embedded etcd refuses changes, its history included.
	// Range 64MiB to 8GiB.
	EtcdQuota Bytes `option:"etcd-quota" group:"Metadata"`
	// Name of this server among those that share an external etcd, the same after
	// a restart. Empty means the host name and port.
	ServerName string `option:"server-name" group:"Metadata"`

	// What an ack means: `fsync`, on disk; `memory`, handed to the operating system:
	// it survives the end of the process and not a power cut.
	Durability string `option:"durability" group:"Writes"`
	// Tablets (Raft groups, each with one write-ahead log) on a fresh data directory.
	// More spread the work over more cores and cost more syncs. Fixed at the first
	// start. Range 1 to 64.
	Tablets int `option:"tablets" group:"Writes"`
	// Largest batch accepted from a client. Range 64KiB to 16MiB.
	MaxBatchSize Bytes `option:"max-batch-size" group:"Writes"`
	// Decompress the values of compressed batches before they are acked. That costs
	// one to two CPU-seconds per GB of zstd. Without it a client that sends values that
	// do not decompress makes its rows unreadable: scans fail at their offset, and go
	// on behind it. Turn it on for clients that are not trusted.
	VerifyCompressed bool `option:"verify-compressed" group:"Writes"`
	// How long a write waits for memory before it is refused with STORAGE_PRESSURE.
	// Range 1ms to 5m.
	InflightWait time.Duration `option:"inflight-wait" group:"Writes"`
	// How long a writer that sends nothing is remembered; a batch it retries later
	// than that is refused. Range 1m up.
	WriterExpiry time.Duration `option:"writer-expiry" group:"Writes"`

	// Memory of the process, which the budgets below are parts of. Three quarters of it,
	// without memory-cache, are the soft limit of the Go heap (GOMEMLIMIT); the rest is
	// for what lies outside of it. Range 256MiB up.
	MemoryLimit Bytes `option:"memory-limit" group:"Memory"`
	// Writes that wait or are being made durable, and batches that are decompressed to
	// be looked at. Past it writers are held back. 0 means 1/16 of memory-limit, at
	// least 32MiB.
	MemoryInflight Bytes `option:"memory-inflight" group:"Memory"`
	// Ends of logs, kept for readers that follow closely. When small, readers that
	// lag by milliseconds read files. 0 means 1/8 of memory-limit; at least 1MiB.
	MemoryTail Bytes `option:"memory-tail" group:"Memory"`
	// What is acked and not yet in segments. Past it writers are held back.
	// 0 means 1/8 of memory-limit; at least 1MiB.
	MemoryPending Bytes `option:"memory-pending" group:"Memory"`
	// Rows of primary-key tables that changed since the last checkpoint, past which
	// one is made. More writes hot rows to disk less often and makes restarts slower;
	// upserts are held back at four times as much. 0 means 1/32 of memory-limit, up to
	// 512MiB. Range 1MiB to 512MiB.
	MemoryRows Bytes `option:"memory-rows" group:"Memory"`
	// Cache of the key-value store, which has the rows of primary-key tables: half of
	// it for its blocks, half for single rows. It is outside of the Go heap.
	// 0 means 1/4 of memory-limit; at least 1MiB.
	MemoryCache Bytes `option:"memory-cache" group:"Memory"`

	// Used part of the disk above which writes are refused with DISK_FULL; reads
	// go on. Range 0 to 1, not below disk-recover-ratio.
	DiskWriteLimitRatio float64 `option:"disk-write-limit-ratio" group:"Disk"`
	// Used part of the disk below which refused writes are accepted again. Range 0 to 1.
	DiskRecoverRatio float64 `option:"disk-recover-ratio" group:"Disk"`
	// How often the disk is looked at. Range 10ms to 1h.
	DiskCheckInterval time.Duration `option:"disk-check-interval" group:"Disk"`
	// How much write-ahead log may be needed after a crash before a checkpoint is
	// made. More makes restarts slower. Range 1MiB to 64GiB.
	CheckpointBytes Bytes `option:"checkpoint-bytes" group:"Disk"`
	// How long changes wait for a checkpoint. Range 1s to 1d.
	CheckpointInterval time.Duration `option:"checkpoint-interval" group:"Disk"`
	// Segment files kept open for reading. Range 16 up.
	MaxOpenFiles int `option:"max-open-files" group:"Disk"`

	// Buckets of a table that is created without a number. Range 1 to max-bucket-number.
	DefaultBucketNumber int `option:"default-bucket-number" group:"Tables"`
	// Most buckets that a table, or a partition, may have. Range 1 to 65536.
	MaxBucketNumber int `option:"max-bucket-number" group:"Tables"`
	// Most partitions that a table may have. Range 1 to 100000.
	MaxPartitionNumber int `option:"max-partition-number" group:"Tables"`
	// How often partitions are created ahead and expired. Range 100ms to 1d.
	AutoPartitionCheckInterval time.Duration `option:"auto-partition-check-interval" group:"Tables"`
	// How often logs are trimmed to their table's retention. Range 100ms to 1d.
	RetentionCheckInterval time.Duration `option:"retention-check-interval" group:"Tables"`

	// Least severe log lines written: `debug`, `info`, `warn`, `error`.
	LogLevel string `option:"log-level" group:"Logs"`
	// Form of the log lines: `text` or `json`.
	LogFormat string `option:"log-format" group:"Logs"`
}

// Roles of a server.
const (
	RoleCoordinator = "coordinator"
	RoleTablet      = "tablet"
)

// Durabilities.
const (
	DurabilityFsync  = "fsync"
	DurabilityMemory = "memory"
)

// HTTPOff as Config.HTTP means that there is no HTTP server.
const HTTPOff = "off"

// Default returns the options as they are when nothing is set.
func Default() *Config {
	c := &Config{}
	c.EnsureDefaults()
	return c
}

// Parts of the memory limit that the budgets get.
const (
	inflightPart = 16
	tailPart     = 8
	pendingPart  = 8
	rowsPart     = 32
	cachePart    = 4

	// minInflight is the smallest memory-inflight.
	minInflight = 32 * MiB
	// maxRows is the largest memory-rows; see tablet.MaxRowsBytes.
	maxRows = 512 * MiB
)

// EnsureDefaults sets what is zero to its default, the budgets to their parts of
// the memory limit.
func (c *Config) EnsureDefaults() {
	c.ensureStatic()
	c.ensureBudgets()
}

// HeapLimit is the soft limit of the Go heap: memory-cache is outside of it, as are
// the program itself and what its libraries take.
func (c *Config) HeapLimit() Bytes { return (c.MemoryLimit - c.MemoryCache) / 4 * 3 }

func (c *Config) ensureBudgets() {
	setDefault(&c.MemoryInflight, max(c.MemoryLimit/inflightPart, minInflight))
	setDefault(&c.MemoryTail, c.MemoryLimit/tailPart)
	setDefault(&c.MemoryPending, c.MemoryLimit/pendingPart)
	setDefault(&c.MemoryRows, min(c.MemoryLimit/rowsPart, maxRows))
	setDefault(&c.MemoryCache, c.MemoryLimit/cachePart)
}

// ensureStatic sets the defaults that do not hang on other options.
func (c *Config) ensureStatic() {
	setDefault(&c.DataDir, "./fluss-data")
	setDefault(&c.Listen, "127.0.0.1:9123")
	setDefault(&c.HTTP, "127.0.0.1:9124")
	if len(c.Roles) == 0 {
		c.Roles = []string{RoleCoordinator, RoleTablet}
	}
	setDefault(&c.ShutdownTimeout, 30*time.Second)
	setDefault(&c.EtcdPrefix, "/fluss/")
	setDefault(&c.EtcdQuota, GiB)
	setDefault(&c.Durability, DurabilityFsync)
	setDefault(&c.Tablets, 8)
	setDefault(&c.MaxBatchSize, 16*MiB)
	setDefault(&c.InflightWait, 5*time.Second)
	setDefault(&c.WriterExpiry, 7*day)
	setDefault(&c.MemoryLimit, 2*GiB)
	setDefault(&c.DiskWriteLimitRatio, 0.85)
	setDefault(&c.DiskRecoverRatio, 0.80)
	setDefault(&c.DiskCheckInterval, time.Second)
	setDefault(&c.CheckpointBytes, 256*MiB)
	setDefault(&c.CheckpointInterval, time.Minute)
	setDefault(&c.MaxOpenFiles, 512)
	setDefault(&c.DefaultBucketNumber, 1)
	setDefault(&c.MaxBucketNumber, 4096)
	setDefault(&c.MaxPartitionNumber, 1000)
	setDefault(&c.AutoPartitionCheckInterval, 10*time.Minute)
	setDefault(&c.RetentionCheckInterval, time.Minute)
	setDefault(&c.LogLevel, "info")
	setDefault(&c.LogFormat, "text")
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
