package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs stop with a savepoint and go on from it, at another parallelism, with nothing lost and nothing twice. */
class SavepointITCase {
    private final FlussServer server = FlussServer.shared();

    @TempDir
    Path dir;

    private FlinkSql session(String database, int parallelism, String savepoint) {
        FlinkSql sql = FlinkSql.open(server, false, database);
        sql.env().getConfig().set("parallelism.default", Integer.toString(parallelism));
        if (savepoint != null) {
            sql.env().getConfig().set("execution.savepoint.path", savepoint);
            sql.env().getConfig().set("execution.state-recovery.path", savepoint);
        }
        return sql;
    }

    private static void await(FlinkSql batch, String query, String want) throws Exception {
        List<String> have = null;
        for (int i = 0; i < 100; i++) {
            have = batch.rows(query);
            if (have.equals(List.of(want))) {
                return;
            }
            Thread.sleep(100);
        }
        assertThat(have).containsExactly(want);
    }

    @Test
    void rescales() throws Exception {
        FlinkSql setUp = FlinkSql.streaming(server);
        FlinkSql batch = setUp.batch();
        setUp.run("CREATE TABLE src (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('bucket.num' = '3')");
        setUp.run("CREATE TABLE log (id INT, v INT) PARTITIONED BY (v) WITH ('bucket.num' = '2', 'scan.partition.discovery.interval' = '200ms')");
        setUp.run("CREATE TABLE seen (id INT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED)");
        setUp.run("CREATE TABLE total (g INT, n BIGINT, s BIGINT, PRIMARY KEY (g) NOT ENFORCED)");
        String job = "EXECUTE STATEMENT SET BEGIN"
                + " INSERT INTO seen SELECT id, COUNT(*) FROM log GROUP BY id;"
                + " INSERT INTO total SELECT 1, COUNT(*), SUM(v) FROM src;"
                + " END";
        String savepoint = null;
        int rows = 0;
        for (int parallelism : new int[] {2, 4, 1}) {
            JobClient client = session(setUp.database(), parallelism, savepoint).start(job).getJobClient().orElseThrow();
            for (int i = 0; i < 3; i++) {
                rows++;
                batch.run("INSERT INTO log VALUES (" + rows + ", " + rows % 3 + ")");
                batch.run("INSERT INTO src VALUES (" + rows + ", 1), (0, " + rows + ")");
            }
            await(batch, "SELECT COUNT(*), MAX(n), MIN(n) FROM seen", "+I[" + rows + ", 1, 1]");
            await(batch, "SELECT n, s FROM total", "+I[" + (rows + 1) + ", " + 2 * rows + "]");
            savepoint = client.stopWithSavepoint(false, dir.toUri().toString(), SavepointFormatType.CANONICAL).get(60, TimeUnit.SECONDS);
        }
        // The table of the state is gone: its place in another of the name is none.
        setUp.run("DROP TABLE src");
        setUp.run("CREATE TABLE src (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('bucket.num' = '3')");
        String last = savepoint;
        assertThatThrownBy(() -> session(setUp.database(), 1, last).start(job).await(60, TimeUnit.SECONDS))
                .hasStackTraceContaining("was dropped and created again");
    }
}
