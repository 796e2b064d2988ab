// Command bench measures a real server through its real interfaces and, with -out, writes
// docs/benchmarks.md.
//
//	make bench                      everything, 7 rounds, into docs/benchmarks.md
//	go run ./e2e/bench -only scan   what matches a regular expression
//
// The machines are shared and noisy, so a claim is a ratio of rounds that are
// interleaved in one run, the CPU seconds of client and server come first and
// the wall clock second; figures are medians with their range. The server is
// bin/fluss as its own process; the client is this process.
package main
