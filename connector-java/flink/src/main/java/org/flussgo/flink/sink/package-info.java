/**
 * Writes tables: {@link org.flussgo.flink.sink.FlussTableSink} is what the planner sees, and {@link org.flussgo.flink.sink.FlussSink} what
 * runs. Rows are acked by the server before a checkpoint completes: they are written at least once, and to a primary-key table in effect
 * once, for writing a row again changes nothing.
 */
package org.flussgo.flink.sink;
