package org.flussgo.flink.sink;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.FlussClient;
import org.flussgo.client.TableMetadata;
import org.flussgo.flink.Connection;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.catalog.TableOptions;
import org.flussgo.flink.catalog.TypeConverter;
import org.flussgo.proto.v1.TableDescriptor;

/** Sets up a {@link FlussSink} for DataStream programs; {@link #build} asks the server for the table's columns. */
public final class FlussSinkBuilder<T> {
    private final RowWriter<T> rows;
    private String servers;
    private String database = FlussOptions.DEFAULT_DATABASE.defaultValue();
    private String table;
    private List<String> columns;
    private final Map<String, String> options = new HashMap<>();

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
        return setOption(FlussOptions.SINK_IGNORE_DELETE.key(), Boolean.toString(on));
    }

    /**
     * Sets an option of {@link FlussOptions}: {@code sink.ignore-delete}, and {@code client.*}.
     *
     * @throws org.apache.flink.table.api.ValidationException when there is none of the name
     */
    public FlussSinkBuilder<T> setOption(String name, String value) {
        TableOptions.check(Map.of(name, value));
        options.put(name, value);
        return this;
    }

    /** Takes the records that the writer makes rows of. */
    public <R> FlussSinkBuilder<R> setRowWriter(RowWriter<R> other) {
        FlussSinkBuilder<R> b = new FlussSinkBuilder<>(other);
        b.servers = servers;
        b.database = database;
        b.table = table;
        b.columns = columns;
        b.options.putAll(options);
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
        Connection c = Connection.of(Configuration.fromMap(options).set(FlussOptions.BOOTSTRAP_SERVERS, servers), database, table);
        try (FlussClient client = c.connect()) {
            TableMetadata t = client.table(c.path());
            TableDescriptor d = t.info().getDescriptor();
            RowType type = TypeConverter.rowType(t.columns());
            Map<String, String> p = d.getPropertiesMap();
            SinkSpec spec = new SinkSpec(
                            c, type, d.getSchema().getPrimaryKeyList(), d.getPartitionKeysList(), d.getBucketKeysList(), t.buckets())
                    .withAutoIncrement(t.autoIncrement())
                    .withEngine(p.getOrDefault("table.merge-engine", ""), p.getOrDefault("table.delete.behavior", ""))
                    .withOptions(Configuration.fromMap(options));
            return new FlussSink<>(columns == null ? spec : spec.partial(columns), rows);
        }
    }
}
