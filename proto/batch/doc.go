// Package batch is the one form that rows have on the wire, on disk and in
// memory: a fixed header, an Arrow IPC metadata flatbuffer, a table of column
// checksums and statistics, and an Arrow body. FORMAT.md draws it.
//
// Encoder makes batches from Arrow record batches, Validate takes hostile bytes
// and answers whether they are a batch, View reads a batch's head without its
// body, Decode makes an Arrow record batch that aliases the body. Metadata is
// read and built here and nowhere else, so that a column of a stored batch can
// be sent without being decoded.
//
// Everything is little-endian, and so must be the machine.
package batch
