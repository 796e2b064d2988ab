/** What CALL sys.… can do. */
package org.flussgo.flink.catalog.procedure;
