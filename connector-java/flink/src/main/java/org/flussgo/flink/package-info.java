/** The Flink connector: a catalog of {@code 'type' = 'fluss'} with its tables' sources, sinks and look-ups. */
package org.flussgo.flink;
