/** What tests with the real server and a Flink of their own have in common. */
package org.flussgo.flink.testing;
