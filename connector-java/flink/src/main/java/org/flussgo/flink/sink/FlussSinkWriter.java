package org.flussgo.flink.sink;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.table.data.RowData;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.TableMetadata;
import org.flussgo.client.TableWriter;
import org.flussgo.client.WriteOptions;
import org.flussgo.client.arrow.ValueException;
import org.flussgo.flink.row.FlinkValues;
import org.flussgo.proto.v1.Field;

/** Writes the rows of a subtask. */
final class FlussSinkWriter<T> implements SinkWriter<T> {
    private final SinkSpec spec;
    private final RowWriter<T> rows;
    private final FlussClient client;
    private final TableWriter writer;
    private final FlinkValues values;
    private final Counter sent;
    private final Counter bytes;
    private final Counter errors;
    private volatile boolean closed;
    private long bytesTold;

    FlussSinkWriter(SinkSpec spec, RowWriter<T> rows, MailboxExecutor mailbox, SinkWriterMetricGroup metrics) throws IOException {
        this.spec = spec;
        this.rows = rows;
        this.sent = metrics.getNumRecordsSendCounter();
        this.bytes = metrics.getNumBytesSendCounter();
        this.errors = metrics.getNumRecordsSendErrorsCounter();
        client = spec.connection.connect();
        TableWriter opened = null;
        try {
            TableMetadata table = client.table(spec.connection.path());
            opened = client.writer(spec.connection.path(), table.info().getTableId(), options(table));
        } catch (FlussException e) {
            throw failure(e);
        } finally {
            if (opened == null) {
                client.close();
            }
        }
        writer = opened;
        values = new FlinkValues(spec.type, positions(writer.columns()));
        // A failure must be seen though no row comes any more.
        writer.onFailure(() -> {
            try {
                mailbox.execute(this::fail, "a write to %s failed", spec.connection.name());
            } catch (RejectedExecutionException e) {
                // the task is over
            }
        });
    }

    /** Columns that came after the job was planned keep what they have. */
    private WriteOptions options(TableMetadata table) {
        List<String> known = new ArrayList<>();
        boolean all = true;
        for (Field f : table.columns()) {
            boolean has = spec.type.getFieldNames().contains(f.getName());
            all = all && has;
            if (has && !f.getName().equals(table.autoIncrement())) {
                known.add(f.getName());
            }
        }
        return all || !spec.keyed() || spec.partial() ? spec.options : spec.options.withTargetColumns(known);
    }

    private int[] positions(List<Field> columns) {
        return columns.stream().mapToInt(f -> spec.type.getFieldNames().indexOf(f.getName())).toArray();
    }

    private void fail() throws IOException {
        if (!closed) {
            errors.inc();
            try {
                writer.flush(); // throws what it failed for
            } catch (FlussException e) {
                throw failure(e);
            }
        }
    }

    private IOException failure(FlussException e) {
        return new IOException("writing to " + spec.connection.name() + " failed: " + e.getMessage(), e);
    }

    @Override
    public void write(T record, Context context) throws IOException {
        try {
            RowData row = rows.write(record);
            switch (row.getRowKind()) {
                case INSERT:
                case UPDATE_AFTER:
                    if (spec.keyed()) {
                        writer.upsert(values.of(row));
                    } else {
                        writer.append(values.of(row));
                    }
                    break;
                case DELETE:
                    delete(row);
                    break;
                default:
                    // what an update takes back is replaced by what it puts there
                    if (!spec.keyed()) {
                        delete(row);
                    }
            }
            sent.inc();
            long n = writer.bytesSent();
            bytes.inc(n - bytesTold);
            bytesTold = n;
        } catch (FlussException e) {
            throw failure(e);
        } catch (ValueException e) {
            throw new IOException("a row for " + spec.connection.name() + " was refused: " + e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("a record for " + spec.connection.name() + " could not be made a row: " + e.getMessage(), e);
        }
    }

    private void delete(RowData row) throws IOException {
        if (spec.ignoreDelete) {
            return;
        }
        if (!spec.keyed()) {
            throw new IOException("table " + spec.connection.name() + " has no primary key, so that nothing can be deleted or updated in it:"
                    + " set 'sink.ignore-delete' = 'true' to drop such rows");
        }
        writer.delete(values.of(row));
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
        try {
            writer.flush();
        } catch (FlussException e) {
            throw failure(e);
        }
    }

    @Override
    public void close() {
        closed = true;
        writer.close();
        client.close();
    }
}
