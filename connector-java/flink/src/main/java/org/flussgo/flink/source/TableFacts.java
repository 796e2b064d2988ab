package org.flussgo.flink.source;

import java.util.List;
import java.util.Map;
import org.flussgo.flink.lookup.LookupJoin;

/** What the planner is told of a table by the catalog. Immutable. */
public final class TableFacts {
    private final List<String> columns;
    private final List<String> primaryKey;
    private final List<String> partitionKeys;
    private final List<String> bucketKeys;
    private final Map<String, String> options;

    /** The names of the columns, of the keys in their orders, and the options. */
    public TableFacts(
            List<String> columns, List<String> primaryKey, List<String> partitionKeys, List<String> bucketKeys, Map<String, String> options) {
        this.columns = columns;
        this.primaryKey = primaryKey;
        this.partitionKeys = partitionKeys;
        this.bucketKeys = bucketKeys;
        this.options = options;
    }

    List<String> columns() {
        return columns;
    }

    List<String> partitionKeys() {
        return partitionKeys;
    }

    LookupJoin.KeyColumns keyColumns() {
        return new LookupJoin.KeyColumns(primaryKey, partitionKeys, bucketKeys);
    }

    String option(String key, String ifNone) {
        return options.getOrDefault(key, ifNone);
    }

    /** Whether changes come without the rows before them. */
    boolean walImage() {
        return "WAL".equalsIgnoreCase(option("table.changelog.image", "FULL"));
    }
}
