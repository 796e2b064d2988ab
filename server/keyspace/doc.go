// Package keyspace keeps the rows of one bucket of a primary-key table: layers in
// memory over the key-value store.
//
// Writes go to the newest layer. A checkpoint freezes it, writes it into the
// key-value store together with the rest of the tablet's state, and thaws it
// when that is durable. So what is on disk is always the state of one applied
// index, whatever the store flushes when, and a row that is written a thousand
// times between two checkpoints is written to the store once.
//
// One goroutine writes, freezes and thaws; reads may come from any.
package keyspace
