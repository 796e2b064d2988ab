package org.flussgo.flink.sink;

import java.io.IOException;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;
import org.flussgo.flink.shim.SinkBase;

/** Writes a table. */
public final class FlussSink<T> extends SinkBase<T> {
    private static final long serialVersionUID = 1L;

    private final SinkSpec spec;
    private final RowWriter<T> rows;

    /** A sink of what the spec says. */
    public FlussSink(SinkSpec spec, RowWriter<T> rows) {
        this.spec = spec;
        this.rows = rows;
    }

    /** A sink to be set up: of RowData until {@link FlussSinkBuilder#setRowWriter} says otherwise. */
    public static FlussSinkBuilder<RowData> builder() {
        return new FlussSinkBuilder<>(RowWriter.rows());
    }

    SinkSpec spec() {
        return spec;
    }

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) throws IOException {
        return new FlussSinkWriter<>(spec, rows, context.getMailboxExecutor(), context.metricGroup());
    }
}
