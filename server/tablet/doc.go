// Package tablet makes many logs replicated and durable together: it hosts the
// tablets of a data directory, each a Raft group over one write-ahead log.
//
// An append waits in the tablet's queue with others; the driver packs what
// waits into one entry, saves it with one sync, and applies it once committed.
// Apply (machine.go, control.go) is a pure state machine: from the same entries
// every replica gets the same offsets, answers and files; what depends on time
// or place is put into the entry by the leader. The driver (driver.go) has the
// goroutine, the raft library and the disk.
//
// What apply changes is kept in memory and written to the key-value store by
// checkpoints (checkpoint.go), so that the durable state is always that of one
// applied index per tablet, with logs at least as long. After a crash the
// entries above it are applied again. FORMAT.md draws entries and keys.
package tablet
