// Package logstore stores the log of one bucket as a run of segment files, and
// gives it to readers from memory while it is young and from files afterwards.
//
// A Log takes batches that are final: ordered, numbered and committed by the
// tablet. Append only notes where a batch goes (segment and position) and keeps
// its bytes; background writers of the Store bring them into files in large
// pieces, and Sync waits until they are there for good. The truth about a log
// is its State, which the tablet persists with its applied index: bytes of the
// active segment past State.SegmentBytes, and segments past it, are leftovers
// of a crash, which are overwritten or removed when the log is first used.
//
// Batches stay readable in memory after they were written, until the Store's
// budget makes the oldest ones go; batches that were not written never go.
// So a reader at the tail needs no I/O, and one that falls behind goes on from
// the files without a gap. No lock is held over I/O: what serializes a log's
// file operations is a turn that only writers, Sync and recovery take.
//
// A Log is safe for one appender (the tablet's apply) and any number of readers.
// The bytes on disk are described in FORMAT.md.
package logstore
