package org.flussgo.flink.source;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.flink.Connection;
import org.flussgo.flink.FlussOptions.StartupMode;
import org.flussgo.proto.v1.PartitionInfo;

/** What a scan reads: a value that the planner's pushes change, copied whenever the planner copies. */
public final class ScanSpec implements Serializable, Cloneable {
    private static final long serialVersionUID = 1L;

    /** What is read of a table. */
    public enum What {
        /** Rows of a log table; of a primary-key table its rows as they are, then the changes. */
        ROWS,
        CHANGELOG,
        BINLOG,
        /** One row: how many rows there are. */
        COUNT
    }

    Connection connection;
    What what = What.ROWS;
    boolean keyed;
    boolean bounded;
    StartupMode startup = StartupMode.FULL;
    long startupMillis;
    long discoveryMillis;
    List<Output> outputs;
    RowType type;
    String filter = "";
    List<PartitionFilter> partitionFilters = Collections.emptyList();
    long limit;

    /** A scan of all that a table has. */
    public ScanSpec(Connection connection, boolean keyed, boolean bounded, List<Output> outputs, RowType type) {
        this.connection = connection;
        this.keyed = keyed;
        this.bounded = bounded;
        this.outputs = new ArrayList<>(outputs);
        this.type = type;
    }

    /** The same of something else. */
    public ScanSpec withWhat(What other) {
        ScanSpec s = copy();
        s.what = other;
        return s;
    }

    /** The same from another place; {@code millis} is looked at with TIMESTAMP. */
    public ScanSpec withStartup(StartupMode mode, long millis) {
        ScanSpec s = copy();
        s.startup = mode;
        s.startupMillis = millis;
        return s;
    }

    /** The same with partitions looked for so often, in milliseconds; 0 or less: never. */
    public ScanSpec withDiscovery(long millis) {
        ScanSpec s = copy();
        s.discoveryMillis = millis;
        return s;
    }

    /** Another that may be changed without this one. */
    public ScanSpec copy() {
        try {
            return (ScanSpec) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** Whether the kinds of rows come from the changes: of a primary-key table that is followed. */
    boolean emitsChanges() {
        return keyed && what == What.ROWS && !bounded;
    }

    /** Whether buckets start with the rows as they are. */
    boolean startsWithRows() {
        return keyed && what == What.ROWS && startup == StartupMode.FULL;
    }

    /** Whether the filters on partition columns let a partition be read. */
    boolean takes(PartitionInfo p) {
        for (PartitionFilter f : partitionFilters) {
            if (!f.takes(p)) {
                return false;
            }
        }
        return true;
    }
}
