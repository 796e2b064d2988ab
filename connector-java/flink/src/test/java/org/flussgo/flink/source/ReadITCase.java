package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading, in batches and as a stream. */
class ReadITCase {
    private final FlussServer server = FlussServer.shared();

    private static final String ALL_TYPES = "b BOOLEAN, t TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, c CHAR(3), v STRING, vn VARCHAR(5),"
            + " de DECIMAL(9, 2), dl DECIMAL(38, 10), da DATE, ti TIME(0), ts0 TIMESTAMP(0), ts3 TIMESTAMP(3), ts6 TIMESTAMP(6),"
            + " ts9 TIMESTAMP(9), ltz TIMESTAMP_LTZ(6), bi BINARY(2), bys BYTES, vb VARBINARY(4), a ARRAY<INT>, m MAP<STRING, INT>,"
            + " r ROW<x INT, y ARRAY<STRING>>";

    private static final String VALUES = "TRUE, CAST(-1 AS TINYINT), CAST(300 AS SMALLINT), 70000, 5000000000, CAST(1.5 AS FLOAT), 2.5E0, 'abc', 'text', 'vc',"
            + " 1234567.89, CAST('12345678901234567890.0123456789' AS DECIMAL(38, 10)), DATE '1969-12-31', TIME '10:11:12', TIMESTAMP '1969-12-31 23:59:58',"
            + " TIMESTAMP '1969-12-31 23:59:58.001', TIMESTAMP '1969-12-31 23:59:58.000001', TIMESTAMP '1969-12-31 23:59:58.000000001',"
            + " CAST(TIMESTAMP '2024-02-29 12:00:00.123456' AS TIMESTAMP_LTZ(6)), X'0102', X'FF00', X'AB', ARRAY[1, 2], MAP['k', 7], ROW(3, ARRAY['p', 'q'])";

    @ParameterizedTest
    @ValueSource(strings = {"", ", PRIMARY KEY (id) NOT ENFORCED"})
    void everyTypeComesBack(String key) {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE t (id INT NOT NULL, " + ALL_TYPES + key + ")");
        sql.run("INSERT INTO t SELECT 1, " + VALUES);
        sql.run("INSERT INTO t (id) VALUES (2)");
        List<String> rows = sql.rows("SELECT * FROM t");
        assertThat(rows).hasSize(2);
        assertThat(rows.get(0)).isEqualTo("+I[1, true, -1, 300, 70000, 5000000000, 1.5, 2.5, abc, text, vc, 1234567.89,"
                + " 12345678901234567890.0123456789, 1969-12-31, 10:11:12, 1969-12-31T23:59:58, 1969-12-31T23:59:58.001,"
                + " 1969-12-31T23:59:58.000001, 1969-12-31T23:59:58.000000001, 2024-02-29T12:00:00.123456Z, [1, 2], [-1, 0], [-85], [1, 2],"
                + " {k=7}, +I[3, [p, q]]]");
        assertThat(rows.get(1)).isEqualTo("+I[2" + ", null".repeat(25) + "]");
        // Every column can be filtered by its own value, on the server and in Flink.
        String[] names = {"b", "t", "s", "i", "l", "f", "d", "v", "vn", "de", "dl", "da", "ti", "ts0", "ts3", "ts6", "ts9", "ltz"};
        for (String n : names) {
            assertThat(sql.rows("SELECT t.id FROM t WHERE t." + n + " = (SELECT " + n + " FROM t WHERE id = 1)")).as(n).containsExactly("+I[1]");
            assertThat(sql.rows("SELECT id FROM t WHERE " + n + " IS NULL")).as(n).containsExactly("+I[2]");
        }
        assertThat(sql.rows("SELECT id FROM t WHERE l = 5000000000 AND v = 'text' AND de > 1 AND da < DATE '2000-01-01' AND b"))
                .containsExactly("+I[1]");
        assertThat(sql.rows("SELECT id FROM t WHERE ts9 = TIMESTAMP '1969-12-31 23:59:58.000000001' OR d > 100")).containsExactly("+I[1]");
        assertThat(sql.rows("SELECT id FROM t WHERE v LIKE 'te%' AND i IN (1, 70000)")).containsExactly("+I[1]");
    }

    @Test
    void batchReadsAll() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE logs (id INT, v STRING) WITH ('bucket.num' = '3')");
        sql.run("CREATE TABLE keyed (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('bucket.num' = '3')");
        sql.run("CREATE TEMPORARY TABLE many (id INT, v STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '5000',"
                + " 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '5000', 'fields.v.length' = '3')");
        for (String t : List.of("logs", "keyed")) {
            assertThat(sql.rows("SELECT COUNT(*) FROM " + t)).containsExactly("+I[0]");
            assertThat(sql.rows("SELECT * FROM " + t)).isEmpty();
            sql.run("INSERT INTO " + t + " SELECT * FROM many");
            sql.run("INSERT INTO " + t + " VALUES (9001, CAST(NULL AS STRING))");
            assertThat(sql.rows("SELECT COUNT(*), COUNT(v), COUNT(DISTINCT id), MAX(id) FROM " + t)).containsExactly("+I[5001, 5000, 5001, 9001]");
            assertThat(sql.rows("SELECT COUNT(*) FROM " + t)).containsExactly("+I[5001]");
            assertThat(sql.rows("SELECT COUNT(v) FROM " + t)).containsExactly("+I[5000]");
            assertThat(sql.rows("SELECT * FROM " + t + " LIMIT 2")).hasSize(2);
            assertThat(sql.rows("SELECT * FROM " + t + " LIMIT 4000")).hasSize(4000);
            assertThat(sql.rows("SELECT * FROM " + t + " LIMIT 40000")).hasSize(5001);
            assertThat(sql.rows("SELECT id FROM " + t + " WHERE id > 4998")).containsExactlyInAnyOrder("+I[4999]", "+I[5000]", "+I[9001]");
            assertThat(sql.rows("SELECT id FROM " + t + " WHERE id = 77777")).isEmpty();
            assertThat(sql.rows("SELECT id FROM " + t + " WHERE 17 = id")).containsExactly("+I[17]");
            assertThat(sql.rows("SELECT a.id FROM " + t + " a JOIN " + t + " b ON a.id = b.id WHERE a.id < 3"))
                    .containsExactlyInAnyOrder("+I[1]", "+I[2]");
        }
        assertThat(sql.env().explainSql("SELECT COUNT(*) FROM keyed")).contains("aggregates=[grouping=[], aggFunctions=[Count1AggFunction()]]");
        assertThat(sql.env().explainSql("SELECT COUNT(v) FROM keyed")).doesNotContain("aggFunctions");
        assertThat(sql.env().explainSql("SELECT id FROM keyed WHERE v = 'x'")).contains("filter=[=(v,");
    }

    @Test
    void startsWhereItIsTold() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        for (String key : List.of("", ", PRIMARY KEY (id) NOT ENFORCED")) {
            String t = key.isEmpty() ? "l" : "k";
            sql.run("CREATE TABLE " + t + " (id INT, v STRING" + key + ")");
            batch.run("INSERT INTO " + t + " VALUES (1, 'a')");
            Thread.sleep(20); // the clock of the server, which a start by time goes by, must move
            long between = System.currentTimeMillis();
            Thread.sleep(20);
            batch.run("INSERT INTO " + t + " VALUES (2, 'b')");
            assertThat(sql.first("SELECT * FROM " + t, 2)).containsExactlyInAnyOrder("+I[1, a]", "+I[2, b]");
            assertThat(sql.first("SELECT * FROM " + t + " /*+ OPTIONS('scan.startup.mode' = 'earliest') */", 2)).containsExactly("+I[1, a]", "+I[2, b]");
            assertThat(sql.first("SELECT * FROM " + t + " /*+ OPTIONS('scan.startup.mode' = 'timestamp', 'scan.startup.timestamp' = '" + between
                            + "') */", 1))
                    .containsExactly("+I[2, b]");
            try (CloseableIterator<Row> it =
                    sql.start("SELECT * FROM " + t + " /*+ OPTIONS('scan.startup.mode' = 'latest') */").collect()) {
                List<String> got = new ArrayList<>();
                Thread writes = new Thread(() -> {
                    for (int i = 0; i < 50 && got.isEmpty(); i++) {
                        batch.run("INSERT INTO " + t + " VALUES (" + (100 + i) + ", 'z')");
                    }
                });
                writes.start();
                FlinkSql.take(it, 1, got);
                writes.join();
                assertThat(got.get(0)).endsWith(", z]");
            }
        }
        assertThatThrownBy(() -> sql.env().explainSql("SELECT * FROM k /*+ OPTIONS('scan.startup.mode' = 'timestamp') */"))
                .hasStackTraceContaining("needs 'scan.startup.timestamp'");
        assertThatThrownBy(() -> batch.rows("SELECT * FROM k /*+ OPTIONS('scan.startup.mode' = 'earliest') */"))
                .hasStackTraceContaining("k$changelog");
        assertThatThrownBy(() -> sql.env().explainSql("SELECT * FROM k /*+ OPTIONS('scan.startup.mod' = 'full') */"))
                .hasStackTraceContaining("did you mean 'scan.startup.mode'");
    }

    @Test
    void rowsThenChanges() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE k (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED)");
        batch.run("INSERT INTO k VALUES (1, 'a'), (2, 'b')");
        TableResult r = sql.start("SELECT * FROM k");
        List<String> got = new ArrayList<>();
        try (CloseableIterator<Row> it = r.collect()) {
            FlinkSql.take(it, 2, got);
            assertThat(got).containsExactlyInAnyOrder("+I[1, a]", "+I[2, b]");
            batch.run("INSERT INTO k VALUES (1, 'c')");
            batch.run("DELETE FROM k WHERE id = 2");
            got.clear();
            FlinkSql.take(it, 3, got);
            assertThat(got).containsExactly("-U[1, a]", "+U[1, c]", "-D[2, b]");
        }
        assertThat(batch.rows("SELECT _change_type, _log_offset, id, v FROM k$changelog"))
                .containsExactlyInAnyOrder("+I[insert, 0, 1, a]", "+I[insert, 1, 2, b]", "+I[update_before, 2, 1, a]", "+I[update_after, 3, 1, c]",
                        "+I[delete, 4, 2, b]");
        assertThat(batch.rows("SELECT _change_type, `before`, `after` FROM k$binlog"))
                .containsExactlyInAnyOrder("+I[insert, null, +I[1, a]]", "+I[insert, null, +I[2, b]]", "+I[update, +I[1, a], +I[1, c]]",
                        "+I[delete, +I[2, b], null]");
        assertThat(batch.rows("SELECT id FROM k$changelog WHERE _change_type = 'delete'")).containsExactly("+I[2]");
        assertThat(sql.first("SELECT v, _change_type FROM k$changelog", 5)).hasSize(5);
    }

    @Test
    void metadataColumns() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE m (id INT, v STRING, o BIGINT METADATA FROM 'offset' VIRTUAL, b INT METADATA FROM 'bucket' VIRTUAL,"
                + " ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, ch STRING METADATA FROM 'change_type' VIRTUAL)"
                + " WITH ('bucket.num' = '1')");
        sql.run("INSERT INTO m VALUES (7, 'x'), (8, 'y')");
        assertThat(sql.rows("SELECT o, b, ch, id FROM m")).containsExactly("+I[0, 0, +A, 7]", "+I[1, 0, +A, 8]");
        assertThat(sql.rows("SELECT id FROM m WHERE ts > TIMESTAMP '2020-01-01 00:00:00'")).hasSize(2);
        assertThat(sql.rows("SELECT o FROM m")).containsExactly("+I[0]", "+I[1]");
    }

    @Test
    void partitionsComeAndAreLeftOut() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE p (id INT, d STRING, v INT) PARTITIONED BY (d) WITH ('scan.partition.discovery.interval' = '200ms')");
        batch.run("INSERT INTO p VALUES (1, 'x', 1), (2, 'y', 1)");
        assertThat(batch.rows("SELECT id FROM p WHERE d = 'x'")).containsExactly("+I[1]");
        assertThat(batch.rows("SELECT id FROM p WHERE d IN ('y', 'z') AND v = 1")).containsExactly("+I[2]");
        assertThat(batch.rows("SHOW PARTITIONS p")).containsExactly("+I[d=x]", "+I[d=y]");
        assertThat(batch.rows("SELECT COUNT(*) FROM p WHERE d = 'x'")).containsExactly("+I[1]");
        try (CloseableIterator<Row> it = sql.start("SELECT id, d FROM p WHERE d <> 'y'").collect()) {
            List<String> got = new ArrayList<>();
            FlinkSql.take(it, 1, got);
            batch.run("INSERT INTO p VALUES (3, 'new', 1)");
            FlinkSql.take(it, 1, got);
            batch.run("ALTER TABLE p DROP PARTITION (d = 'x')");
            batch.run("INSERT INTO p VALUES (4, 'newer', 1)");
            FlinkSql.take(it, 1, got);
            assertThat(got).containsExactly("+I[1, x]", "+I[3, new]", "+I[4, newer]");
        }
        assertThat(batch.rows("SELECT COUNT(*) FROM p")).containsExactly("+I[3]");
    }

    @Test
    void columnsChangeUnderAJob() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE e (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED)");
        batch.run("INSERT INTO e VALUES (1, 1)");
        try (CloseableIterator<Row> it = sql.start("SELECT id, v FROM e").collect()) {
            List<String> got = new ArrayList<>();
            FlinkSql.take(it, 1, got);
            batch.run("ALTER TABLE e ADD (w STRING)");
            batch.run("ALTER TABLE e MODIFY v BIGINT");
            batch.run("INSERT INTO e VALUES (2, 2, 'w')");
            FlinkSql.take(it, 1, got);
            assertThat(got).containsExactly("+I[1, 1]", "+I[2, 2]");
        }
        assertThat(batch.rows("SELECT * FROM e")).containsExactly("+I[1, 1, null]", "+I[2, 2, w]");
    }

    @Test
    void columnsAreWidenedAndRenamedUnderAJob() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE w (k BIGINT, a INT, b STRING, PRIMARY KEY (k) NOT ENFORCED)");
        batch.run("INSERT INTO w VALUES (1, 1, 'x')");
        try (CloseableIterator<Row> all = sql.start("SELECT * FROM w").collect();
                CloseableIterator<Row> some = sql.start("SELECT a FROM w WHERE k > 0").collect();
                CloseableIterator<Row> changes = sql.start("SELECT a, b FROM `w$changelog`").collect()) {
            List<String> got = new ArrayList<>();
            FlinkSql.take(all, 1, got);
            FlinkSql.take(some, 1, got);
            FlinkSql.take(changes, 1, got);
            batch.run("ALTER TABLE w MODIFY a BIGINT");
            batch.run("ALTER TABLE w RENAME a TO aa");
            batch.run("ALTER TABLE w RENAME b TO bb");
            batch.run("ALTER TABLE w ADD (f STRING FIRST)");
            batch.run("INSERT INTO w VALUES ('f', 2, 2, 'y')");
            FlinkSql.take(all, 1, got);
            FlinkSql.take(some, 1, got);
            FlinkSql.take(changes, 1, got);
            assertThat(got).containsExactly("+I[1, 1, x]", "+I[1]", "+I[1, x]", "+I[2, 2, y]", "+I[2]", "+I[2, y]");
        }
    }

    @Test
    void aTableThatIsDroppedEndsTheJobAtOnce() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE dropped (id INT)");
        TableResult r = sql.start("SELECT * FROM dropped");
        try (CloseableIterator<Row> it = r.collect()) {
            sql.batch().run("INSERT INTO dropped VALUES (1)");
            List<String> got = new ArrayList<>();
            FlinkSql.take(it, 1, got);
            sql.run("DROP TABLE dropped");
            assertThatThrownBy(() -> FlinkSql.take(it, 1, got))
                    .hasStackTraceContaining("there is no table \"dropped\"")
                    .hasStackTraceContaining("The failure is not recoverable");
        }
    }

    @Test
    void aTableThatIsAnotherEndsTheJob() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE gone (id INT)");
        TableResult r = sql.start("SELECT * FROM gone");
        try (CloseableIterator<Row> it = r.collect()) {
            sql.batch().run("INSERT INTO gone VALUES (1)");
            List<String> got = new ArrayList<>();
            FlinkSql.take(it, 1, got);
            sql.run("DROP TABLE gone");
            sql.run("CREATE TABLE gone (id INT)");
            assertThatThrownBy(() -> FlinkSql.take(it, 1, got)).hasStackTraceContaining("was dropped");
        }
        assertThat(sql.batch().rows("SELECT * FROM gone")).isEmpty();
    }
}
