package org.flussgo.flink.sink;

import java.io.Serializable;
import java.util.List;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.WriteOptions;
import org.flussgo.flink.Connection;

/** What a sink writes. A value that is not changed once a sink has it. */
public final class SinkSpec implements Serializable, Cloneable {
    private static final long serialVersionUID = 1L;

    Connection connection;
    /** The columns of the rows that come. */
    RowType type;

    List<String> primaryKey;
    List<String> partitionKeys;
    List<String> bucketKeys;
    int buckets;
    String mergeEngine = "";
    String deleteBehavior = "";
    boolean ignoreDelete;
    boolean bucketShuffle = true;
    Integer parallelism;
    private boolean partial;
    WriteOptions options = WriteOptions.defaults();

    /** Names in the orders of the keys; {@code bucketKeys} empty: a log table whose rows go anywhere. */
    public SinkSpec(
            Connection connection, RowType type, List<String> primaryKey, List<String> partitionKeys, List<String> bucketKeys, int buckets) {
        this.connection = connection;
        this.type = type;
        this.primaryKey = primaryKey;
        this.partitionKeys = partitionKeys;
        this.bucketKeys = bucketKeys;
        this.buckets = buckets;
    }

    /** The table's merge engine and what it does about deletes, as its options say; "" where they do not. */
    public SinkSpec withEngine(String engine, String deletes) {
        SinkSpec s = copy();
        s.mergeEngine = engine;
        s.deleteBehavior = deletes;
        return s;
    }

    /** See the sink's options in {@link org.flussgo.flink.FlussOptions}. */
    public SinkSpec withSinkOptions(boolean dropDeletes, boolean shuffle, Integer subtasks) {
        SinkSpec s = copy();
        s.ignoreDelete = dropDeletes;
        s.bucketShuffle = shuffle;
        s.parallelism = subtasks;
        return s;
    }

    /** How rows are written. */
    public SinkSpec withOptions(WriteOptions o) {
        SinkSpec s = copy();
        s.options = o;
        return s;
    }

    private SinkSpec copy() {
        try {
            return (SinkSpec) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** Whether single columns are written. */
    boolean partial() {
        return partial;
    }

    /** The same for the columns of the names alone. */
    SinkSpec partial(List<String> columns) {
        SinkSpec s = copy();
        s.partial = true;
        s.options = options.withTargetColumns(columns);
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
}
