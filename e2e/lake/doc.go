// Package lake holds tests of the lake with real processes: servers, and the MinIO of
// lake/objstore/miniotest. `make e2e-lake` runs them.
package lake
