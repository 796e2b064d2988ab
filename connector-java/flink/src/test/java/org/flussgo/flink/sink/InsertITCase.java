package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;

/** INSERT, with all that may be among the rows. */
class InsertITCase extends SinkTestBase {

    @Test
    void appendsToLogTables() {
        sql("CREATE TABLE l (a INT, b STRING) WITH ('bucket.num' = '3')");
        sql("CREATE TABLE k (a INT, b STRING) WITH ('bucket.num' = '3', 'bucket.key' = 'b')");
        sql("INSERT INTO l VALUES (1, 'x'), (2, CAST(NULL AS STRING)), (3, 'z')");
        sql("INSERT INTO k SELECT * FROM l");
        run(streaming, "INSERT INTO k (b) VALUES ('only b')");
        assertThat(rows("SELECT * FROM k")).containsExactly("+I[1, x]", "+I[2, null]", "+I[3, z]", "+I[null, only b]");
    }

    @Test
    void writesEveryTypeAndReadsItBack() {
        sql("CREATE TABLE t (k INT NOT NULL, b BOOLEAN, i8 TINYINT, i16 SMALLINT, i64 BIGINT, f FLOAT, d DOUBLE, c CHAR(3), s STRING, v VARCHAR(9),"
                + " d1 DECIMAL(9, 2), d2 DECIMAL(38, 10), dt DATE, tm TIME(3), ts0 TIMESTAMP(0), ts3 TIMESTAMP(3), ts6 TIMESTAMP(6), ts9 TIMESTAMP(9),"
                + " lz TIMESTAMP_LTZ(3), bi BINARY(2), vb VARBINARY(5), by1 BYTES, ar ARRAY<INT>, mp MAP<STRING, BIGINT>,"
                + " ro ROW<x INT, y ARRAY<ROW<z STRING>>>, PRIMARY KEY (k) NOT ENFORCED) WITH ('bucket.num' = '2')");
        String row = "TRUE, CAST(-8 AS TINYINT), CAST(-16 AS SMALLINT), -64, CAST(1.5 AS FLOAT), CAST(-2.25 AS DOUBLE), 'äöü', 'text', 'nine', -1234567.89,"
                + " CAST('-1234567890123456789012345678.0123456789' AS DECIMAL(38, 10)), DATE '1969-12-31', TIME '23:59:59',"
                + " TIMESTAMP '1969-12-31 23:59:59', TIMESTAMP '1969-12-31 23:59:59.999', TIMESTAMP '1900-01-01 00:00:00.000001',"
                + " TIMESTAMP '1969-12-31 23:59:59.999999999', CAST(TIMESTAMP '1969-12-31 23:59:59.999' AS TIMESTAMP_LTZ(3)),"
                + " x'0102', x'030405', x'', ARRAY[1, CAST(NULL AS INT)], MAP['a', 1], ROW(7, ARRAY[ROW('q')])";
        sql("INSERT INTO t SELECT 1, " + row);
        sql("INSERT INTO t (k) VALUES (2)");
        assertThat(rows("SELECT * FROM t")).containsExactly(
                "+I[1, true, -8, -16, -64, 1.5, -2.25, äöü, text, nine, -1234567.89, -1234567890123456789012345678.0123456789, 1969-12-31,"
                        + " 23:59:59, 1969-12-31T23:59:59, 1969-12-31T23:59:59.999, 1900-01-01T00:00:00.000001, 1969-12-31T23:59:59.999999999,"
                        + " 1970-01-01T03:29:59.999Z, [1, 2], [3, 4, 5], [], [1, null], {a=1}, +I[7, [+I[q]]]]",
                "+I[2" + ", null".repeat(24) + "]");
        refused("INSERT INTO t (k, ts9) VALUES (3, TIMESTAMP '9999-12-31 23:59:59')", "out of the range", "2262");
    }

    @Test
    void partialUpdatesByTwoWriters() {
        sql("CREATE TABLE t (a STRING, twice AS k * 2, k INT NOT NULL, b INT, dt STRING NOT NULL, PRIMARY KEY (dt, k) NOT ENFORCED)"
                + " PARTITIONED BY (dt)");
        run(streaming, "INSERT INTO t (k, a, dt) VALUES (1, 'one', 'x'), (2, 'two', 'x')");
        run(streaming, "INSERT INTO t (b, dt, k) VALUES (10, 'x', 1)");
        sql("INSERT INTO t PARTITION (dt = 'x') (k, b) VALUES (2, 20)");
        assertThat(rows("SELECT k, a, b, twice, dt FROM t")).containsExactly("+I[1, one, 10, 2, x]", "+I[2, two, 20, 4, x]");

        sql("INSERT INTO t (dt, k, b, a) VALUES ('x', 2, 21, 'TWO')"); // all columns, in another order
        sql("INSERT INTO t PARTITION (dt = 'y') SELECT 'three', 3, 30");
        assertThat(rows("SELECT k, a, b, dt FROM t WHERE k > 1")).containsExactly("+I[2, TWO, 21, x]", "+I[3, three, 30, y]");

        refused("INSERT INTO t (a, b) VALUES ('q', 1)", "Column 'k' has no default value");
        refused("INSERT INTO t (k, a) VALUES (1, 'q')", "Column 'dt' has no default value");
    }

    @Test
    void writesChanges() throws Exception {
        sql("CREATE TABLE t (k INT NOT NULL, a STRING, PRIMARY KEY (k) NOT ENFORCED)");
        sql("CREATE TABLE log (k INT, a STRING)");
        changes("INSERT INTO %s SELECT * FROM src", "t");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, b]");
        changes("INSERT INTO %s /*+ OPTIONS('sink.ignore-delete' = 'true') */ SELECT * FROM src", "t");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, b]", "+I[2, x]");

        refused(bridge(), "INSERT INTO " + database + ".log SELECT * FROM src", "doesn't support consuming update");
        changes("INSERT INTO %s /*+ OPTIONS('sink.ignore-delete' = 'true') */ SELECT * FROM src", "log");
        assertThat(rows("SELECT * FROM log")).containsExactly("+I[1, a]", "+I[1, b]", "+I[2, x]");
    }

    @Test
    void aPartialDeleteTakesItsColumnsAway() throws Exception {
        sql("CREATE TABLE t (k INT NOT NULL, a STRING, b STRING, PRIMARY KEY (k) NOT ENFORCED)");
        sql("INSERT INTO t (k, b) VALUES (2, 'stays')");
        changes("INSERT INTO %s (k, a) SELECT f0, f1 FROM src", "t");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, b, null]", "+I[2, null, stays]");
    }

    /** Writes +I(1, a), +I(2, x), -U(1, a), +U(1, b), -D(2, x). */
    private void changes(String insert, String table) throws Exception {
        run(bridge(), String.format(insert, database + "." + table));
    }

    private StreamTableEnvironment bridge() {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        StreamTableEnvironment t = StreamTableEnvironment.create(env);
        t.executeSql("CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = '" + FlussServer.shared().bootstrap() + "')");
        t.createTemporaryView(
                "src",
                t.fromChangelogStream(
                        env.fromData(
                                org.apache.flink.api.common.typeinfo.Types.ROW(
                                        org.apache.flink.api.common.typeinfo.Types.INT, org.apache.flink.api.common.typeinfo.Types.STRING),
                                Row.ofKind(RowKind.INSERT, 1, "a"),
                                Row.ofKind(RowKind.INSERT, 2, "x"),
                                Row.ofKind(RowKind.UPDATE_BEFORE, 1, "a"),
                                Row.ofKind(RowKind.UPDATE_AFTER, 1, "b"),
                                Row.ofKind(RowKind.DELETE, 2, "x")),
                        Schema.newBuilder().column("f0", "INT NOT NULL").column("f1", "STRING").primaryKey("f0").build(),
                        ChangelogMode.all()));
        t.executeSql("CREATE TEMPORARY VIEW f." + database + ".src AS SELECT * FROM src");
        t.useCatalog("f");
        t.useDatabase(database);
        return t;
    }

    @Test
    void mergeEnginesDecide() {
        sql("CREATE TABLE f1 (k INT NOT NULL, a INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('table.merge-engine' = 'first_row')");
        sql("CREATE TABLE v (k INT NOT NULL, a INT, ver BIGINT, PRIMARY KEY (k) NOT ENFORCED)"
                + " WITH ('table.merge-engine' = 'versioned', 'table.merge-engine.versioned.ver-column' = 'ver')");
        sql("CREATE TABLE g (k INT NOT NULL, best INT, total BIGINT, PRIMARY KEY (k) NOT ENFORCED)"
                + " WITH ('table.merge-engine' = 'aggregation', 'fields.best.agg' = 'max', 'fields.total.agg' = 'sum')");
        for (int i = 1; i <= 3; i++) {
            int a = i == 2 ? 9 : i;
            sql("INSERT INTO f1 VALUES (1, " + a + ")");
            sql("INSERT INTO v VALUES (1, " + a + ", " + (i == 2 ? 7 : i) + ")");
            sql("INSERT INTO g VALUES (1, " + a + ", " + a + ")");
        }
        assertThat(rows("SELECT * FROM f1")).containsExactly("+I[1, 1]");
        assertThat(rows("SELECT * FROM v")).containsExactly("+I[1, 9, 7]");
        assertThat(rows("SELECT * FROM g")).containsExactly("+I[1, 9, 13]");

        refused("INSERT INTO v (k, ver) VALUES (1, 99)", "whole rows", "[a]");
        refused("INSERT INTO f1 (k) VALUES (1)", "whole rows");
        sql("INSERT INTO g (k, best) VALUES (1, 50)");
        sql("UPDATE g SET total = 1 WHERE k = 1"); // is what it says, and adds nothing
        assertThat(rows("SELECT * FROM g")).containsExactly("+I[1, 50, 1]");
        refused("DELETE FROM g WHERE k = 1", "merge engine", "table.delete.behavior");
        refused("UPDATE v SET a = 1 WHERE k = 1", "merge engine");
        refused("DELETE FROM f1 WHERE k = 1", "merge engine");
    }

    @Test
    void partitionsAreMadeOnTheWay() {
        sql("CREATE TABLE t (a INT, dt STRING, h INT) PARTITIONED BY (dt, h)");
        sql("INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'x', 1)");
        assertThat(rows("SHOW PARTITIONS t")).hasSize(2);
        assertThat(rows("SELECT a FROM t WHERE dt = 'x'")).containsExactly("+I[1]", "+I[3]");
    }

    @Test
    void aRefusedPartitionEndsTheInsert() {
        sql("CREATE TABLE t (a INT, dt STRING) PARTITIONED BY (dt)");
        sql("INSERT INTO t VALUES (1, 'x')");
        for (var env : java.util.List.of(batch, streaming)) {
            env.getConfig().set("execution.checkpointing.interval", "100 ms");
            refused(env, "INSERT INTO t VALUES (1, 'no$good')", "writing to " + database + ".t failed", "dt", "no$good");
            refused(env, "INSERT INTO t VALUES (1, CAST(NULL AS STRING))", "dt", "null");
            refused(env, "INSERT INTO t VALUES (1, '" + "p".repeat(300) + "')", "writing to " + database + ".t failed");
            refused(env, "INSERT INTO t /*+ OPTIONS('client.writer.dynamic-create-partition.enabled' = 'false') */ VALUES (1, 'z')", "no partition \"z\"");
        }
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, x]");
    }

    @Test
    void aRowThatIsTooLargeIsRefusedAtOnce() {
        sql("CREATE TABLE l (k INT, s STRING)");
        sql("CREATE TABLE t (k INT NOT NULL, s STRING, PRIMARY KEY (k) NOT ENFORCED)");
        for (String table : java.util.List.of("l", "t")) {
            refused(streaming, "INSERT INTO " + table + " SELECT 1, REPEAT('x', 20000000)",
                    "writing to " + database + "." + table + " failed: 1 rows of", "and the server takes 16777216");
            assertThat(rows("SELECT k FROM " + table)).isEmpty();
        }
    }

    @Test
    void theServerNumbersRows() {
        sql("CREATE TABLE t (name STRING NOT NULL, a INT, id BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('auto-increment.fields' = 'id')");
        sql("INSERT INTO t (name, a) VALUES ('x', 1)");
        sql("INSERT INTO t (name) VALUES ('y')");
        sql("INSERT INTO t (a, name) VALUES (3, 'y')");
        sql("INSERT INTO t VALUES ('z', 4, CAST(NULL AS BIGINT))");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[x, 1, 1]", "+I[y, 3, 2]", "+I[z, 4, 3]");
        refused("INSERT INTO t (name, id) VALUES ('q', 7)", "the server numbers");
        refused("INSERT INTO t VALUES ('q', 1, 7)", "has a value for column id, which the server numbers: name the other columns");
        refused("UPDATE t SET id = 7 WHERE name = 'x'", "the server numbers");
        sql("UPDATE t SET a = 5 WHERE name = 'x'");
        sql("DELETE FROM t WHERE name = 'y'");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[x, 5, 1]", "+I[z, 4, 3]");
    }

    @Test
    void rowsGoToTheWriterOfTheirBucket() {
        sql("CREATE TABLE k (k INT NOT NULL, a STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('bucket.num' = '2')");
        sql("CREATE TABLE l (k INT, a STRING)");
        assertThat(plan("INSERT INTO k SELECT * FROM src")).contains("CUSTOM").doesNotContain("HASH");
        assertThat(plan("INSERT INTO l SELECT * FROM src")).doesNotContain("CUSTOM");
        assertThat(plan("INSERT INTO k /*+ OPTIONS('sink.bucket-shuffle' = 'false') */ SELECT * FROM src")).doesNotContain("CUSTOM");
        assertThat(plan("INSERT INTO k /*+ OPTIONS('sink.parallelism' = '3') */ SELECT * FROM src")).contains("\"parallelism\" : 3");
    }

    private String plan(String insert) {
        run(streaming, "CREATE TEMPORARY TABLE IF NOT EXISTS src (k INT NOT NULL, a STRING) WITH ('connector' = 'datagen')");
        String text = streaming.explainSql(insert, org.apache.flink.table.api.ExplainDetail.JSON_EXECUTION_PLAN);
        assertThat(text).doesNotContain("upsertMaterialize=[true]");
        return text;
    }

    @Test
    void overwriteAndTruncateAreRefused() {
        sql("CREATE TABLE t (k INT NOT NULL, PRIMARY KEY (k) NOT ENFORCED)");
        refused("INSERT OVERWRITE t VALUES (1)", "INSERT OVERWRITE is not for tables of Fluss");
        refused("TRUNCATE TABLE t", "TRUNCATE TABLE is not for tables of Fluss");
    }
}
