package org.flussgo.flink.sink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.FlussClient;
import org.flussgo.client.TableMetadata;
import org.flussgo.client.WriteOptions;
import org.flussgo.flink.Connection;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.catalog.TypeConverter;
import org.flussgo.proto.v1.TableDescriptor;

/** Sets up a {@link FlussSink} for DataStream programs; {@link #build} asks the server for the table's columns. */
public final class FlussSinkBuilder<T> {
    private final RowWriter<T> rows;
    private String servers;
    private String database = FlussOptions.DEFAULT_DATABASE.defaultValue();
    private String table;
    private List<String> columns;
    private boolean ignoreDelete;
    private WriteOptions options = WriteOptions.defaults();

    FlussSinkBuilder(RowWriter<T> rows) {
        this.rows = rows;
    }

    /** host:port of one or more servers, separated by commas. */
    public FlussSinkBuilder<T> setBootstrapServers(String hosts) {
        servers = hosts;
        return this;
    }

    /** The database of the table; "fluss" when it is not said. */
    public FlussSinkBuilder<T> setDatabase(String name) {
        database = name;
        return this;
    }

    /** The table to write. */
    public FlussSinkBuilder<T> setTable(String name) {
        table = name;
        return this;
    }

    /** The columns that are written, the others keeping their values, those of the key among them; rows still have all columns. */
    public FlussSinkBuilder<T> setPartialUpdateColumns(String... names) {
        columns = List.of(names);
        return this;
    }

    /** Drops deletes instead of writing them. */
    public FlussSinkBuilder<T> setIgnoreDelete(boolean on) {
        ignoreDelete = on;
        return this;
    }

    /** How rows are written. */
    public FlussSinkBuilder<T> setWriteOptions(WriteOptions o) {
        options = o;
        return this;
    }

    /** Takes the records that the writer makes rows of. */
    public <R> FlussSinkBuilder<R> setRowWriter(RowWriter<R> other) {
        FlussSinkBuilder<R> b = new FlussSinkBuilder<>(other);
        b.servers = servers;
        b.database = database;
        b.table = table;
        b.columns = columns;
        b.ignoreDelete = ignoreDelete;
        b.options = options;
        return b;
    }

    /**
     * The sink.
     *
     * @throws org.flussgo.client.FlussException UNKNOWN_TABLE and whatever else the server says
     */
    public FlussSink<T> build() {
        if (servers == null || table == null) {
            throw new IllegalStateException("a sink needs setBootstrapServers and setTable");
        }
        Connection c = new Connection(
                servers, FlussOptions.CLIENT_REQUEST_TIMEOUT.defaultValue(), FlussOptions.CLIENT_RETRY_TIMEOUT.defaultValue(), database, table);
        try (FlussClient client = c.connect()) {
            TableMetadata t = client.table(c.path());
            TableDescriptor d = t.info().getDescriptor();
            RowType type = TypeConverter.rowType(t.columns());
            Map<String, String> p = d.getPropertiesMap();
            SinkSpec spec = new SinkSpec(
                            c, type, new ArrayList<>(d.getSchema().getPrimaryKeyList()), new ArrayList<>(d.getPartitionKeysList()),
                            new ArrayList<>(d.getBucketKeysList()), t.buckets())
                    .withEngine(p.getOrDefault("table.merge-engine", ""), p.getOrDefault("table.delete.behavior", ""))
                    .withSinkOptions(ignoreDelete, true, null)
                    .withOptions(options);
            return new FlussSink<>(columns == null ? spec : spec.partial(columns), rows);
        }
    }
}
