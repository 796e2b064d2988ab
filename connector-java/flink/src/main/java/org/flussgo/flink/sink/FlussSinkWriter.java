package org.flussgo.flink.sink;

import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.TableMetadata;
import org.flussgo.client.TableWriter;
import org.flussgo.client.arrow.ValueException;
import org.flussgo.flink.row.FlinkValues;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the rows of a subtask. */
final class FlussSinkWriter<T> implements SinkWriter<T> {
    private static final Logger LOG = LoggerFactory.getLogger(FlussSinkWriter.class);
    private static final int ROWS_BETWEEN_METRICS = 256;

    private final SinkSpec spec;
    private final RowWriter<T> rows;
    private final WriteFailures failures;
    private final FlussClient client;
    private final TableWriter writer;
    private final FlinkValues values;
    private final Counter sent;
    private final Counter bytes;
    private final Counter errors;
    private volatile boolean closed;
    /** The position of the column that the server numbers in the rows; -1 when they have none. */
    private final int numbered;
    private long bytesTold;
    private int untold;

    FlussSinkWriter(SinkSpec spec, RowWriter<T> rows, MailboxExecutor mailbox, SinkWriterMetricGroup metrics) throws IOException {
        this.spec = spec;
        this.rows = rows;
        this.failures = new WriteFailures(spec);
        this.sent = metrics.getNumRecordsSendCounter();
        this.bytes = metrics.getNumBytesSendCounter();
        this.errors = metrics.getNumRecordsSendErrorsCounter();
        numbered = spec.type.getFieldNames().indexOf(spec.autoIncrement);
        client = spec.connection.connect();
        TableWriter opened = null;
        try {
            open();
            TableMetadata table = client.table(spec.connection.path());
            WritePlan plan = WritePlan.of(spec, table.info());
            opened = client.writer(spec.connection.path(), table.info().getTableId(), plan.options());
            values = new FlinkValues(spec.type, plan.positions(opened.columns()));
        } catch (FlussException e) {
            throw failures.of(e);
        } finally {
            if (opened == null) {
                client.close();
            }
        }
        writer = opened;
        metrics.setCurrentSendTimeGauge(writer::lastSendMillis);
        writer.onRetry(LOG::warn);
        // A failure must be seen though no row comes any more.
        writer.onFailure(() -> {
            try {
                mailbox.execute(this::fail, "a write to %s failed", spec.connection.name());
            } catch (RejectedExecutionException e) {
                // the task is over
            }
        });
    }

    private void open() {
        try {
            rows.open(spec.type);
        } catch (IllegalArgumentException e) {
            throw failures.refused("records for " + spec.connection.name() + " cannot be made rows: " + e.getMessage());
        }
    }

    private void fail() throws IOException {
        if (!closed) {
            errors.inc();
            try {
                writer.flush(); // throws what it failed for
            } catch (FlussException e) {
                throw failures.of(e);
            }
        }
    }

    @Override
    public void write(T record, Context context) throws IOException {
        try {
            RowData row = row(record);
            checkNumbered(row);
            if (write(row)) {
                sent.inc();
                if (++untold >= ROWS_BETWEEN_METRICS) {
                    tell();
                }
            }
        } catch (FlussException e) {
            throw failures.of(e);
        } catch (ValueException e) {
            throw failures.of(e);
        }
    }

    /** A number that the server gives would replace the one of the row without a word. */
    private void checkNumbered(RowData row) {
        boolean writes = row.getRowKind() == RowKind.INSERT || row.getRowKind() == RowKind.UPDATE_AFTER;
        if (numbered >= 0 && writes && !row.isNullAt(numbered)) {
            throw failures.refused("a row for " + spec.connection.name() + " has a value for column " + spec.autoIncrement
                    + ", which the server numbers: name the other columns, INSERT INTO " + spec.connection.name() + " (…), or make it NULL");
        }
    }

    private RowData row(T record) throws IOException {
        try {
            return rows.write(record);
        } catch (IOException | FlussException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("a record for " + spec.connection.name() + " could not be made a row: " + e.getMessage(), e);
        }
    }

    /** Hands over what a row says; returns whether that was anything. */
    private boolean write(RowData row) {
        switch (row.getRowKind()) {
            case INSERT:
            case UPDATE_AFTER:
                if (spec.keyed()) {
                    writer.upsert(values.of(row));
                } else {
                    writer.append(values.of(row));
                }
                return true;
            case UPDATE_BEFORE:
                // of a key, it is replaced by what follows
                return !spec.keyed() && delete(row);
            default:
                return delete(row);
        }
    }

    private boolean delete(RowData row) {
        if (spec.ignoreDelete) {
            return false;
        }
        if (!spec.keyed()) {
            throw failures.refused("table " + spec.connection.name() + " has no primary key, so that nothing can be deleted or updated in it:"
                    + " set 'sink.ignore-delete' = 'true' to drop such rows");
        }
        writer.delete(values.of(row));
        return true;
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
        try {
            writer.flush();
        } catch (FlussException e) {
            throw failures.of(e);
        }
        tell();
    }

    private void tell() {
        long n = writer.bytesSent();
        bytes.inc(n - bytesTold);
        bytesTold = n;
        untold = 0;
    }

    @Override
    public void close() {
        closed = true;
        writer.close();
        client.close();
    }
}
