/** Flink's rows over what the client reads, and as what the client writes. */
package org.flussgo.flink.row;
