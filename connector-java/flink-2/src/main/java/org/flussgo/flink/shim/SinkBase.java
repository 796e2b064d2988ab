package org.flussgo.flink.shim;

import org.apache.flink.api.connector.sink2.Sink;

/** A sink, as Flink 2 wants it. */
public abstract class SinkBase<T> implements Sink<T> {
    private static final long serialVersionUID = 1L;
}
