package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;

/** Event time: watermarks of each bucket by itself, buckets that rest, and buckets that wait for others. */
class WatermarkITCase {
    private final FlussServer server = FlussServer.shared();

    /** One window of a minute for each of the rows; the last of them closes the one before. */
    private static final String WINDOWS = "SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE %s, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
            + " GROUP BY window_start, window_end";

    @Test
    void aBucketMayRest() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.env().getConfig().set("table.exec.source.idle-timeout", "500ms");
        sql.run("CREATE TABLE w (id INT NOT NULL, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"
                + " WITH ('bucket.num' = '3', 'bucket.key' = 'id')");
        // All rows are in the bucket of 1: the other two are empty.
        sql.batch().run("INSERT INTO w VALUES (1, TIMESTAMP '2024-01-01 00:00:01'), (1, TIMESTAMP '2024-01-01 00:00:59'),"
                + " (1, TIMESTAMP '2024-01-01 00:02:00')");
        assertThat(sql.env().explainSql(String.format(WINDOWS, "w"))).contains("watermark=[-(ts, 1000:INTERVAL SECOND)]");
        assertThat(sql.first(String.format(WINDOWS, "w"), 1)).containsExactly("+I[2024-01-01T00:00, 2]");
    }

    @Test
    void eachBucketHasItsOwn() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.env().getConfig().set("parallelism.default", "1");
        sql.run("CREATE TABLE o (id INT NOT NULL, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('bucket.num' = '2', 'bucket.key' = 'id')");
        // The rows of one bucket are an hour behind those of the other. One watermark for both would drop them as late.
        FlinkSql batch = sql.batch();
        List<Integer> ids = oneOfEachBucket(batch);
        batch.run("INSERT INTO o VALUES (" + ids.get(0) + ", TIMESTAMP '2024-01-01 01:00:00'), (" + ids.get(0) + ", TIMESTAMP '2024-01-01 01:10:00')");
        try (CloseableIterator<Row> it = sql.start(String.format(WINDOWS, "o")).collect()) {
            List<String> got = new ArrayList<>();
            batch.run("INSERT INTO o VALUES (" + ids.get(1) + ", TIMESTAMP '2024-01-01 00:00:00'), (" + ids.get(1) + ", TIMESTAMP '2024-01-01 01:05:00')");
            FlinkSql.take(it, 2, got);
            assertThat(got).containsExactly("+I[2024-01-01T00:00, 1]", "+I[2024-01-01T01:00, 1]");
        }
    }

    /** Two ids that are in different buckets of two. */
    private static List<Integer> oneOfEachBucket(FlinkSql batch) {
        batch.run("CREATE TABLE probe (id INT NOT NULL, b INT METADATA FROM 'bucket' VIRTUAL) WITH ('bucket.num' = '2', 'bucket.key' = 'id')");
        batch.run("INSERT INTO probe VALUES (1), (2), (3), (4), (5), (6), (7), (8)");
        List<Integer> out = new ArrayList<>();
        for (int b = 0; b < 2; b++) {
            out.add(Integer.valueOf(batch.rows("SELECT MIN(id) FROM probe WHERE b = " + b).get(0).replaceAll("\\D", "")));
        }
        return out;
    }

    @Test
    void bucketsWaitForOthersInAnAlignmentGroup() throws Exception {
        FlinkSql batch = FlinkSql.batch(server);
        batch.run("CREATE TABLE a (id INT NOT NULL, ms BIGINT) WITH ('bucket.num' = '2', 'bucket.key' = 'id')");
        List<Integer> ids = oneOfEachBucket(batch);
        int fast = ids.get(0);
        int slow = ids.get(1);
        batch.run("INSERT INTO a VALUES (" + slow + ", 0), (" + fast + ", 0)");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        FlussSource<RowData> source = FlussSource.builder()
                .setBootstrapServers(server.bootstrap())
                .setDatabase(batch.database())
                .setTable("a")
                .build();
        WatermarkStrategy<RowData> marks = WatermarkStrategy.<RowData>forMonotonousTimestamps()
                .withTimestampAssigner((r, t) -> r.getLong(1))
                .withWatermarkAlignment("g", Duration.ofSeconds(10), Duration.ofMillis(50));
        List<String> got = new ArrayList<>();
        try (CloseableIterator<String> it = env.fromSource(source, marks, "a")
                .map(r -> r.getInt(0) + "@" + r.getLong(1))
                .executeAndCollect()) {
            take(it, 2, got);
            // One bucket runs ahead by more than the drift: of what it gets from then on nothing comes ...
            batch.run("INSERT INTO a VALUES (" + fast + ", 1000000)");
            take(it, 1, got);
            Thread.sleep(1_000); // time for the pause to arrive, which nothing tells of
            batch.run("INSERT INTO a VALUES (" + fast + ", 1000001)");
            batch.run("INSERT INTO a VALUES (" + slow + ", 1)");
            take(it, 1, got);
            assertThat(got.get(3)).isEqualTo(slow + "@1");
            // ... until the other has come near.
            batch.run("INSERT INTO a VALUES (" + slow + ", 999000)");
            take(it, 2, got);
            assertThat(got.subList(4, 6)).containsExactly(slow + "@999000", fast + "@1000001");
        }
    }

    private static void take(CloseableIterator<String> it, int n, List<String> to) {
        for (int i = 0; i < n; i++) {
            to.add(it.next());
        }
    }
}
