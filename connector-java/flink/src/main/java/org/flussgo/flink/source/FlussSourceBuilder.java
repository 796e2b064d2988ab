package org.flussgo.flink.source;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.FlussClient;
import org.flussgo.client.TableMetadata;
import org.flussgo.flink.Connection;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.FlussOptions.StartupMode;
import org.flussgo.flink.catalog.TypeConverter;
import org.flussgo.proto.v1.Field;

/** Sets up a {@link FlussSource} for DataStream programs; {@link #build} asks the server for the table's columns. */
public final class FlussSourceBuilder<T> {
    private final RowReader<T> reader;
    private String servers;
    private String database = FlussOptions.DEFAULT_DATABASE.defaultValue();
    private String table;
    private List<String> columns;
    private StartupMode startup = StartupMode.FULL;
    private long startupMillis;
    private boolean bounded;
    private String filter = "";
    private Duration discovery = FlussOptions.SCAN_PARTITION_DISCOVERY_INTERVAL.defaultValue();

    FlussSourceBuilder(RowReader<T> reader) {
        this.reader = reader;
    }

    /** host:port of one or more servers, separated by commas. */
    public FlussSourceBuilder<T> setBootstrapServers(String hosts) {
        servers = hosts;
        return this;
    }

    /** The database of the table; "fluss" when it is not said. */
    public FlussSourceBuilder<T> setDatabase(String name) {
        database = name;
        return this;
    }

    /** The table to read. */
    public FlussSourceBuilder<T> setTable(String name) {
        table = name;
        return this;
    }

    /** The columns to read, in that order; all when it is not said. */
    public FlussSourceBuilder<T> setProjectedColumns(String... names) {
        columns = List.of(names);
        return this;
    }

    /** Where the scan starts: FULL when it is not said. TIMESTAMP by {@link #setStartingTimestamp}. */
    public FlussSourceBuilder<T> setStartupMode(StartupMode mode) {
        startup = mode;
        return this;
    }

    /** Starts with the first row committed at the time or later, in milliseconds since 1970. */
    public FlussSourceBuilder<T> setStartingTimestamp(long millis) {
        startup = StartupMode.TIMESTAMP;
        startupMillis = millis;
        return this;
    }

    /** Ends with what the table has when the job starts. */
    public FlussSourceBuilder<T> setBounded() {
        bounded = true;
        return this;
    }

    /** Only rows for which the filter is true, as {@code fluss read --where} takes it. */
    public FlussSourceBuilder<T> setFilter(String text) {
        filter = text;
        return this;
    }

    /** How often a scan that is not bounded looks for partitions. */
    public FlussSourceBuilder<T> setPartitionDiscoveryInterval(Duration d) {
        discovery = d;
        return this;
    }

    /** Emits what the reader makes of rows. */
    public <R> FlussSourceBuilder<R> setReader(RowReader<R> other) {
        FlussSourceBuilder<R> b = new FlussSourceBuilder<>(other);
        b.servers = servers;
        b.database = database;
        b.table = table;
        b.columns = columns;
        b.startup = startup;
        b.startupMillis = startupMillis;
        b.bounded = bounded;
        b.filter = filter;
        b.discovery = discovery;
        return b;
    }

    /**
     * The source.
     *
     * @throws org.flussgo.client.FlussException UNKNOWN_TABLE and whatever else the server says
     */
    public FlussSource<T> build() {
        if (servers == null || table == null) {
            throw new IllegalStateException("a source needs setBootstrapServers and setTable");
        }
        Connection c = new Connection(
                servers, FlussOptions.CLIENT_REQUEST_TIMEOUT.defaultValue(), FlussOptions.CLIENT_RETRY_TIMEOUT.defaultValue(), database, table);
        try (FlussClient client = c.connect()) {
            TableMetadata t = client.table(c.path());
            List<Output> outputs = new ArrayList<>();
            List<RowType.RowField> fields = new ArrayList<>();
            for (Field f : chosen(t)) {
                LogicalType type = TypeConverter.toFlink(f.getType());
                outputs.add(Output.data(f.getName()));
                fields.add(new RowType.RowField(f.getName(), type));
            }
            ScanSpec spec = new ScanSpec(c, t.keyed(), bounded, outputs, new RowType(false, fields));
            spec.startup = startup;
            spec.startupMillis = startupMillis;
            spec.filter = filter;
            spec.discoveryMillis = discovery.toMillis();
            return new FlussSource<>(spec, reader);
        }
    }

    private List<Field> chosen(TableMetadata t) {
        if (columns == null) {
            return t.columns();
        }
        List<Field> out = new ArrayList<>();
        for (String name : columns) {
            int i = t.indexOf(name);
            if (i < 0) {
                throw new IllegalArgumentException("table " + t.name() + " has no column \"" + name + "\"");
            }
            out.add(t.columns().get(i));
        }
        return out;
    }
}
