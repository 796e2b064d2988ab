/** Look-up joins: {@link org.flussgo.flink.lookup.LookupJoin} says what is looked up, and makes the functions that do it. */
package org.flussgo.flink.lookup;
