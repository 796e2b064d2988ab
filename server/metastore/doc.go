// Package metastore keeps the cluster's metadata in etcd: databases, tables,
// partitions, where their buckets are, the tablets, the servers, and the
// counters that ids come from. It is the only package that knows etcd.
//
// A Store holds a Catalog in memory, an immutable snapshot that a watch keeps
// current, so reading costs no call. Every change is one etcd transaction that
// compares what it builds on; when it returns, Catalog shows it.
//
// Two things span etcd and the tablets: opening the buckets of something new,
// and a changed descriptor. Each is announced by an Intent before the tablets
// learn of it, and the transaction that publishes it takes the intent away. So
// an intent whose session is gone tells what a crashed server left half done,
// and a publication whose intent was taken away by somebody else fails.
//
// The keys and values are described in FORMAT.md.
package metastore
