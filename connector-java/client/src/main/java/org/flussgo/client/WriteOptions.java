package org.flussgo.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The options of a {@link TableWriter}. Immutable: each {@code with} returns another. */
public final class WriteOptions implements Cloneable, java.io.Serializable {
    private static final long serialVersionUID = 1L;

    private List<String> targetColumns;
    private boolean overwrite;
    private int batchBytes = 1 << 20;
    private Duration linger = Duration.ofMillis(100);
    private long bufferBytes = 64 << 20;
    private int maxInFlight = 5;
    private boolean roundRobin;
    private boolean dynamicPartitions = true;

    private WriteOptions() {}

    /** All columns are written, batches are of 1 MiB, and rows wait 100 ms for others. */
    public static WriteOptions defaults() {
        return new WriteOptions();
    }

    private WriteOptions copy() {
        try {
            return (WriteOptions) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** The columns written, those of the key among them, the others keeping their values; null: all columns. For primary-key tables. */
    public WriteOptions withTargetColumns(List<String> columns) {
        WriteOptions o = copy();
        o.targetColumns = columns == null ? null : new ArrayList<>(columns);
        return o;
    }

    /** Whether rows become what is written whatever the merge engine. */
    public WriteOptions withOverwrite(boolean on) {
        WriteOptions o = copy();
        o.overwrite = on;
        return o;
    }

    /** The bytes of one bucket's rows that are sent together. */
    public WriteOptions withBatchBytes(int bytes) {
        WriteOptions o = copy();
        o.batchBytes = bytes;
        return o;
    }

    /** How long rows wait for others to be sent with. */
    public WriteOptions withLinger(Duration d) {
        WriteOptions o = copy();
        o.linger = d;
        return o;
    }

    /** The bytes of rows held until they are acked; a writer waits when there are more. */
    public WriteOptions withBufferBytes(long bytes) {
        WriteOptions o = copy();
        o.bufferBytes = bytes;
        return o;
    }

    /** Batches of one bucket that wait for their acks at once: 1 to 5, which is what the server remembers of a writer. */
    public WriteOptions withMaxInFlight(int n) {
        WriteOptions o = copy();
        o.maxInFlight = Math.max(1, Math.min(n, 5));
        return o;
    }

    /** Whether rows of a log table without bucket key go to its buckets in turn, and not to one until its batch is full. */
    public WriteOptions withRoundRobin(boolean on) {
        WriteOptions o = copy();
        o.roundRobin = on;
        return o;
    }

    /** Whether the writer creates the partitions of its rows; else a row of a missing one is UNKNOWN_PARTITION. */
    public WriteOptions withDynamicPartitions(boolean on) {
        WriteOptions o = copy();
        o.dynamicPartitions = on;
        return o;
    }

    List<String> targetColumns() {
        return targetColumns;
    }

    boolean overwrite() {
        return overwrite;
    }

    int batchBytes() {
        return batchBytes;
    }

    Duration linger() {
        return linger;
    }

    long bufferBytes() {
        return bufferBytes;
    }

    int maxInFlight() {
        return maxInFlight;
    }

    boolean roundRobin() {
        return roundRobin;
    }

    /** See {@link #withDynamicPartitions}. */
    public boolean dynamicPartitions() {
        return dynamicPartitions;
    }
}
