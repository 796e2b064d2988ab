package org.flussgo.flink;

import java.io.Serializable;
import java.time.Duration;
import org.apache.flink.configuration.ReadableConfig;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.FlussClient;
import org.flussgo.proto.v1.TablePath;

/** How to reach a table: what every part of a job takes along. Immutable. */
public final class Connection implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String servers;
    private final Duration requestTimeout;
    private final Duration retryTimeout;
    private final String database;
    private final String table;

    /** The table of the names, on the servers of {@code bootstrap.servers}. */
    public Connection(String servers, Duration requestTimeout, Duration retryTimeout, String database, String table) {
        this.servers = servers;
        this.requestTimeout = requestTimeout;
        this.retryTimeout = retryTimeout;
        this.database = database;
        this.table = table;
    }

    /** The table of the names, reached as the options say. */
    public static Connection of(ReadableConfig options, String database, String table) {
        return new Connection(
                options.get(FlussOptions.BOOTSTRAP_SERVERS),
                options.get(FlussOptions.CLIENT_REQUEST_TIMEOUT),
                options.get(FlussOptions.CLIENT_RETRY_TIMEOUT),
                database,
                table);
    }

    /** A new client; the caller closes it. */
    public FlussClient connect() {
        return FlussClient.connect(ClientConfig.of(servers).withRequestTimeout(requestTimeout).withRetryTimeout(retryTimeout));
    }

    /** The table's name for the server. */
    public TablePath path() {
        return TablePath.newBuilder().setDatabase(database).setTable(table).build();
    }

    /** See {@link FlussOptions#BOOTSTRAP_SERVERS}. */
    public String servers() {
        return servers;
    }

    /** How long what fails for a while is tried again. */
    public Duration retryTimeout() {
        return retryTimeout;
    }

    /** "database.table". */
    public String name() {
        return database + "." + table;
    }
}
