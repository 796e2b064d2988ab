package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.types.Row;
import org.apache.flink.util.CollectionUtil;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.FlussClient;
import org.flussgo.flink.testing.FlussServer;
import org.flussgo.proto.v1.TablePath;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Statements against a server, each test in a database of its own; jobs restart for ever unless something ends them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
abstract class SinkTestBase {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(8)
            .setConfiguration(restarting())
            .build());

    final String database = "sink_" + UUID.randomUUID().toString().substring(0, 8);
    // Made in each test: only then is the cluster that which programs run on.
    TableEnvironment batch;
    TableEnvironment streaming;

    private static Configuration restarting() {
        Configuration c = new Configuration();
        c.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        c.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
        c.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, java.time.Duration.ofMillis(50));
        return c;
    }

    private TableEnvironment environment(EnvironmentSettings settings) {
        TableEnvironment env = TableEnvironment.create(settings);
        env.getConfig().set("table.local-time-zone", "America/St_Johns");
        env.getConfig().set("parallelism.default", "2");
        env.executeSql("CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = '" + FlussServer.shared().bootstrap()
                + "', 'client.request-timeout' = '20 s')");
        env.useCatalog("f");
        return env;
    }

    @BeforeEach
    void create() {
        batch = environment(EnvironmentSettings.inBatchMode());
        streaming = environment(EnvironmentSettings.inStreamingMode());
        batch.executeSql("CREATE DATABASE " + database);
        batch.useDatabase(database);
        streaming.useDatabase(database);
    }

    @AfterEach
    void drop() {
        batch.useDatabase("fluss");
        batch.executeSql("DROP DATABASE " + database + " CASCADE");
    }

    /** Runs a statement in batch mode and waits for its job, if it starts one. */
    void sql(String text) {
        run(batch, text);
    }

    static void run(TableEnvironment env, String text) {
        try {
            TableResult r = env.executeSql(text);
            if (r.getJobClient().isPresent()) {
                r.await();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The rows of a query in batch mode, as text, in order of the text. */
    List<String> rows(String query) {
        List<String> out = new ArrayList<>();
        for (Row r : CollectionUtil.iteratorToList(batch.executeSql(query).collect())) {
            out.add(r.toString());
        }
        out.sort(null);
        return out;
    }

    /** Asserts that a statement fails, the words in some message of what it fails with. */
    void refused(String text, String... words) {
        refused(batch, text, words);
    }

    static void refused(TableEnvironment env, String text, String... words) {
        assertThatThrownBy(() -> run(env, text)).satisfies(e -> {
            StringBuilder all = new StringBuilder();
            for (Throwable t = e; t != null; t = t.getCause()) {
                all.append(t.getMessage()).append('\n');
            }
            org.assertj.core.api.Assertions.assertThat(all.toString()).contains(words);
        });
    }

    FlussClient client() {
        return FlussClient.connect(ClientConfig.of(FlussServer.shared().bootstrap()));
    }

    TablePath path(String table) {
        return TablePath.newBuilder().setDatabase(database).setTable(table).build();
    }
}
