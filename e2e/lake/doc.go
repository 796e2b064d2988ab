// Package lake holds the tests of the lake with real servers and object stores.
package lake
