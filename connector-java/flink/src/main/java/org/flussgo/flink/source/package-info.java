/**
 * Reads tables: {@link org.flussgo.flink.source.FlussTableSource} is what the planner sees, and
 * {@link org.flussgo.flink.source.FlussSource} what runs (FLIP-27).
 *
 * <p>A split is a bucket. Its reader holds one scan of the server, which hands over from the rows as they are to the changes by itself;
 * where a reader is, is an offset, or, among rows, a token of the server. A batch is emitted whole, so that a checkpoint never falls
 * into one.
 */
package org.flussgo.flink.source;
