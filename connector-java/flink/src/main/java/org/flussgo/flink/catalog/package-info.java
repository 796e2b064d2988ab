/**
 * The catalog: databases, tables and partitions of a server in Flink SQL.
 *
 * <p>What the server knows of a table is never kept twice. What only Flink knows (computed and metadata columns, watermarks, declared
 * lengths of strings) is one custom property of the table, see {@link org.flussgo.flink.catalog.FlinkSchema}.
 */
package org.flussgo.flink.catalog;
