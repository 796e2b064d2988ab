package org.flussgo.flink.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/** SQL sessions against a server, in a database of their own; their jobs run in one cluster within this JVM. */
public final class FlinkSql {
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static Integer cluster;

    private final FlussServer server;
    private final TableEnvironment env;
    private final String database;

    private FlinkSql(FlussServer server, TableEnvironment env, String database) {
        this.server = server;
        this.env = env;
        this.database = database;
    }

    /** A streaming session in a new database. */
    public static FlinkSql streaming(FlussServer server) {
        return open(server, false, "db" + DATABASES.incrementAndGet());
    }

    /** A batch session in a new database. */
    public static FlinkSql batch(FlussServer server) {
        return open(server, true, "db" + DATABASES.incrementAndGet());
    }

    /** A batch session in the database of this one. */
    public FlinkSql batch() {
        return open(server, true, database);
    }

    /** A session in a database, which is made if it is missing. */
    public static FlinkSql open(FlussServer server, boolean batch, String database) {
        Configuration c = new Configuration();
        c.setString("execution.target", "remote");
        c.setString("rest.address", "127.0.0.1");
        c.setString("rest.port", Integer.toString(cluster()));
        c.setString("parallelism.default", "2");
        c.setString("execution.checkpointing.interval", "500ms");
        c.setString("restart-strategy.type", "fixed-delay");
        c.setString("restart-strategy.fixed-delay.attempts", "3");
        c.setString("restart-strategy.fixed-delay.delay", "100ms");
        EnvironmentSettings.Builder b = EnvironmentSettings.newInstance().withConfiguration(c);
        TableEnvironment env = TableEnvironment.create(batch ? b.inBatchMode().build() : b.inStreamingMode().build());
        FlinkSql sql = new FlinkSql(server, env, database);
        sql.run("CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = '" + server.bootstrap() + "')");
        sql.run("USE CATALOG f");
        sql.run("CREATE DATABASE IF NOT EXISTS " + database);
        sql.run("USE " + database);
        return sql;
    }

    /** The port of the cluster that the sessions of this JVM share. */
    private static synchronized int cluster() {
        if (cluster == null) {
            Configuration c = new Configuration();
            c.setString("rest.address", "127.0.0.1");
            c.setString("rest.bind-address", "127.0.0.1");
            c.setString("rest.bind-port", "0");
            MiniCluster m = new MiniCluster(new MiniClusterConfiguration.Builder()
                    .setConfiguration(c)
                    .setNumTaskManagers(1)
                    .setNumSlotsPerTaskManager(32)
                    .build());
            try {
                m.start();
                cluster = m.getRestAddress().get().getPort();
            } catch (Exception e) {
                throw new IllegalStateException("the cluster does not start", e);
            }
            Runtime.getRuntime().addShutdownHook(new Thread(m::closeAsync));
        }
        return cluster;
    }

    /** The session's database. */
    public String database() {
        return database;
    }

    /** What the session is. */
    public TableEnvironment env() {
        return env;
    }

    /** Runs a statement; of INSERT, UPDATE and DELETE waits for the end of the job. */
    public void run(String sql) {
        TableResult r = env.executeSql(sql);
        if (r.getJobClient().isPresent()) {
            try {
                r.await(2, TimeUnit.MINUTES);
            } catch (InterruptedException | ExecutionException | TimeoutException e) {
                throw new IllegalStateException(sql, e);
            }
        }
    }

    /** Starts a job that does not end by itself. */
    public TableResult start(String sql) {
        return env.executeSql(sql);
    }

    /** All rows of a query that ends, in any order, as text like "+I[1, a]". */
    public List<String> rows(String sql) {
        List<String> out = new ArrayList<>();
        try (CloseableIterator<Row> it = env.executeSql(sql).collect()) {
            it.forEachRemaining(r -> out.add(r.toString()));
        } catch (Exception e) {
            throw new IllegalStateException(sql, e);
        }
        return out.stream().sorted().collect(Collectors.toList());
    }

    /** The first rows of a query that goes on, in the order in which they come; the job is canceled then. */
    public List<String> first(String sql, int n) {
        List<String> out = new ArrayList<>();
        TableResult r = env.executeSql(sql);
        try (CloseableIterator<Row> it = r.collect()) {
            take(it, n, out);
        } catch (TimeoutException e) {
            throw new IllegalStateException(sql + " gave only " + out, e);
        } catch (Exception e) {
            throw new IllegalStateException(sql, e);
        }
        return out;
    }

    /** Takes the next rows of a query that goes on. */
    public static void take(Iterator<Row> it, int n, List<String> to) throws Exception {
        CompletableFuture.runAsync(() -> {
                    for (int i = 0; i < n && it.hasNext(); i++) {
                        synchronized (to) {
                            to.add(it.next().toString());
                        }
                    }
                })
                .get(Duration.ofSeconds(60).toMillis(), TimeUnit.MILLISECONDS);
    }
}
