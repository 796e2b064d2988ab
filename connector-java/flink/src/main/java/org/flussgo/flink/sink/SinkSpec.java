package org.flussgo.flink.sink;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.WriteOptions;
import org.flussgo.flink.Connection;
import org.flussgo.flink.FlussOptions;

/** What a sink writes. A value that is not changed once a sink has it. */
public final class SinkSpec implements Serializable, Cloneable {
    private static final long serialVersionUID = 1L;

    final Connection connection;
    /** The columns of the rows that come. */
    RowType type;

    final List<String> primaryKey;
    final List<String> partitionKeys;
    final List<String> bucketKeys;
    final int buckets;
    /** The column that the server numbers, or null. */
    String autoIncrement;

    String mergeEngine = "";
    String deleteBehavior = "";
    boolean ignoreDelete;
    boolean bucketShuffle = true;
    Integer parallelism;
    WriteOptions options = WriteOptions.defaults();
    /** The columns that are written, the others keeping their values; null: whole rows. */
    List<String> targets;

    /** Names in the orders of the keys; {@code bucketKeys} empty: a log table whose rows go anywhere. */
    public SinkSpec(
            Connection connection, RowType type, List<String> primaryKey, List<String> partitionKeys, List<String> bucketKeys, int buckets) {
        this.connection = connection;
        this.type = type;
        this.primaryKey = new ArrayList<>(primaryKey);
        this.partitionKeys = new ArrayList<>(partitionKeys);
        this.bucketKeys = new ArrayList<>(bucketKeys);
        this.buckets = Math.max(1, buckets);
    }

    /** The column that the server numbers, which is left out of what is written; null: none. */
    public SinkSpec withAutoIncrement(String column) {
        SinkSpec s = copy();
        s.autoIncrement = column == null || column.isBlank() ? null : column.trim();
        return s;
    }

    /** The table's merge engine and what it does about deletes, as its options say; "" where they do not. */
    public SinkSpec withEngine(String engine, String deletes) {
        SinkSpec s = copy();
        s.mergeEngine = engine;
        s.deleteBehavior = deletes;
        return s;
    }

    /** The options of the sink in {@link FlussOptions}, and how rows are written. */
    public SinkSpec withOptions(ReadableConfig o) {
        SinkSpec s = copy();
        s.ignoreDelete = o.get(FlussOptions.SINK_IGNORE_DELETE);
        s.bucketShuffle = o.get(FlussOptions.SINK_BUCKET_SHUFFLE);
        s.parallelism = o.getOptional(FlussOptions.SINK_PARALLELISM).orElse(null);
        s.options = WriteOptions.defaults()
                .withBatchBytes((int) o.get(FlussOptions.CLIENT_WRITER_BATCH_SIZE).getBytes())
                .withLinger(o.get(FlussOptions.CLIENT_WRITER_BATCH_TIMEOUT))
                .withBufferBytes(o.get(FlussOptions.CLIENT_WRITER_BUFFER_MEMORY).getBytes())
                .withMaxInFlight(o.get(FlussOptions.CLIENT_WRITER_MAX_INFLIGHT))
                .withRoundRobin(o.get(FlussOptions.CLIENT_WRITER_NO_KEY_ASSIGNER) == FlussOptions.Assigner.ROUND_ROBIN)
                .withDynamicPartitions(o.get(FlussOptions.CLIENT_WRITER_DYNAMIC_CREATE_PARTITION));
        return s;
    }

    private SinkSpec copy() {
        try {
            return (SinkSpec) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** The same for rows with the columns of the names alone, in the order of the table. */
    SinkSpec of(Set<String> columns) {
        SinkSpec s = copy();
        s.type = new RowType(false, type.getFields().stream().filter(f -> columns.contains(f.getName())).collect(Collectors.toList()));
        return s;
    }

    /** The same for the columns of the names alone. */
    SinkSpec partial(List<String> columns) {
        SinkSpec s = copy();
        s.targets = new ArrayList<>(columns);
        return s;
    }

    /** The same, rows becoming what is written whatever the merge engine. */
    SinkSpec overwriting() {
        SinkSpec s = copy();
        s.options = options.withOverwrite(true);
        return s;
    }

    boolean keyed() {
        return !primaryKey.isEmpty();
    }

    /** Whether the merge engine takes no single columns, and decides itself which row of a key stays. */
    boolean wholeRows() {
        return mergeEngine.equalsIgnoreCase("first_row") || mergeEngine.equalsIgnoreCase("versioned");
    }

    /** Whether deletes are done: the default is to ignore them when there is a merge engine. */
    boolean deletes() {
        boolean engine = !mergeEngine.isEmpty() && !mergeEngine.equalsIgnoreCase("none");
        return deleteBehavior.isEmpty() ? !engine : deleteBehavior.equalsIgnoreCase("allow");
    }
}
