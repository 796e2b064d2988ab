/**
 * Arrow on the heap: batches are read from, and written to, byte arrays, without arrow-java, native code or memory outside of the heap.
 *
 * <p>Reading: {@link org.flussgo.client.arrow.SchemaMessage} tells the columns, {@link org.flussgo.client.arrow.BatchReader} makes
 * {@link org.flussgo.client.arrow.Vector}s that look into the bytes as they were received. Writing:
 * {@link org.flussgo.client.arrow.BatchWriter} collects rows and lays them out as proto/batch/FORMAT.md says.
 */
package org.flussgo.client.arrow;
