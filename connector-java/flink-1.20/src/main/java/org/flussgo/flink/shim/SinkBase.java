package org.flussgo.flink.shim;

import java.io.IOException;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** A sink, as Flink 1.20 wants it: with a method that it calls no more. */
public abstract class SinkBase<T> implements Sink<T> {
    private static final long serialVersionUID = 1L;

    @Deprecated
    @Override
    public SinkWriter<T> createWriter(InitContext context) {
        throw new UnsupportedOperationException("Flink 1.20 opens writers with a WriterInitContext");
    }

    @Override
    public abstract SinkWriter<T> createWriter(WriterInitContext context) throws IOException;
}
