// Package flink runs Flink's own SQL client, with the connector's jar on its class
// path, against the real server.
//
// `make e2e-flink` prepares what it needs: the jars in connector-java/dist, and a
// Flink of packages for each line in FLUSS_FLINK. Without that the tests are
// skipped, for they need Java.
package flink
