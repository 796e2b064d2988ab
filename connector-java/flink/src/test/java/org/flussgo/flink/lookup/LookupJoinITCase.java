package org.flussgo.flink.lookup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Look-up joins, in the forms that Flink has. */
class LookupJoinITCase {
    private final FlussServer server = FlussServer.shared();

    private static FlinkSql probe(FlinkSql sql, String values) {
        sql.run("CREATE TEMPORARY VIEW probe AS SELECT x, y, PROCTIME() AS pt FROM (VALUES " + values + ") AS v (x, y)");
        return sql;
    }

    @ParameterizedTest
    @ValueSource(strings = {"'lookup.async' = 'true'", "'lookup.async' = 'false'", "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '10'",
        "'lookup.async' = 'false', 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = '1 min'"})
    void byKey(String options) {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE dim (a INT, b STRING, v STRING, n BIGINT, PRIMARY KEY (a, b) NOT ENFORCED) WITH ('bucket.num' = '2')");
        sql.batch().run("INSERT INTO dim VALUES (1, 'x', 'one', 10), (2, 'y', 'two', 20), (3, 'z', CAST(NULL AS STRING), 30)");
        probe(sql, "(1, 'x'), (2, 'y'), (3, 'z'), (9, 'x'), (CAST(NULL AS INT), 'x'), (1, 'x')");
        String join = " JOIN dim /*+ OPTIONS(" + options + ") */ FOR SYSTEM_TIME AS OF p.pt AS d ON ";
        assertThat(sql.rows("SELECT x, v, n FROM probe p" + join + "d.a = p.x AND d.b = p.y"))
                .containsExactly("+I[1, one, 10]", "+I[1, one, 10]", "+I[2, two, 20]", "+I[3, null, 30]");
        assertThat(sql.rows("SELECT x, n FROM probe p LEFT" + join + "p.y = d.b AND p.x = d.a"))
                .containsExactly("+I[1, 10]", "+I[1, 10]", "+I[2, 20]", "+I[3, 30]", "+I[9, null]", "+I[null, null]");
        assertThat(sql.rows("SELECT x, n FROM probe p" + join + "p.y = d.b AND p.x = d.a AND d.v = 'two'")).containsExactly("+I[2, 20]");
        assertThat(sql.rows("SELECT x FROM probe p" + join + "p.y = d.b AND p.x = d.a AND d.n > 15")).containsExactly("+I[2]", "+I[3]");
        assertThat(sql.rows("SELECT x, d.v FROM probe p" + join + "p.y = d.b AND d.a = 1")).contains("+I[1, one]", "+I[9, one]", "+I[null, one]");
    }

    @Test
    void byPrefix() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE dim (a INT, b STRING, v STRING, PRIMARY KEY (a, b) NOT ENFORCED) WITH ('bucket.key' = 'a', 'bucket.num' = '2')");
        sql.batch().run("INSERT INTO dim VALUES (1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', 'three')");
        probe(sql, "(1, 'x'), (2, 'q'), (7, 'x')");
        assertThat(sql.rows("SELECT x, b, v FROM probe p JOIN dim FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = p.x"))
                .containsExactly("+I[1, x, one]", "+I[1, y, two]", "+I[2, x, three]");
        assertThat(sql.rows("SELECT x, b FROM probe p JOIN dim FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = p.x AND d.v = 'two'"))
                .containsExactly("+I[1, y]");
        assertThatThrownBy(() -> sql.rows("SELECT x FROM probe p JOIN dim FOR SYSTEM_TIME AS OF p.pt AS d ON d.b = p.y"))
                .hasStackTraceContaining("needs a condition on each column of its primary key [a, b], or of its beginning [a]");
    }

    @Test
    void inPartitions() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE dim (a INT, d STRING, v STRING, PRIMARY KEY (a, d) NOT ENFORCED) PARTITIONED BY (d)");
        sql.batch().run("INSERT INTO dim VALUES (1, 'x', 'one'), (1, 'y', 'two')");
        probe(sql, "(1, 'x'), (1, 'nowhere'), (2, 'y')");
        assertThat(sql.rows("SELECT x, y, v FROM probe p JOIN dim FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = p.x AND d.d = p.y"))
                .containsExactly("+I[1, x, one]");
    }

    @Test
    void everyKeyType() {
        FlinkSql sql = FlinkSql.streaming(server);
        List<String[]> keys = List.of(
                new String[] {"BOOLEAN", "TRUE"}, new String[] {"TINYINT", "CAST(5 AS TINYINT)"}, new String[] {"BIGINT", "CAST(5 AS BIGINT)"},
                new String[] {"DOUBLE", "CAST(1.5 AS DOUBLE)"}, new String[] {"DECIMAL(10, 2)", "CAST(1.25 AS DECIMAL(10, 2))"},
                new String[] {"DECIMAL(30, 2)", "CAST(1.25 AS DECIMAL(30, 2))"}, new String[] {"DATE", "DATE '1960-02-29'"},
                new String[] {"TIMESTAMP(3)", "TIMESTAMP '1969-12-31 23:59:59.999'"}, new String[] {"TIMESTAMP(6)", "TIMESTAMP '1969-12-31 23:59:59.999999'"},
                new String[] {"STRING", "'some key'"}, new String[] {"BYTES", "X'0102'"});
        for (int i = 0; i < keys.size(); i++) {
            String type = keys.get(i)[0];
            sql.run("CREATE TABLE k" + i + " (k " + type + ", v INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('bucket.num' = '3')");
            sql.run("INSERT INTO k" + i + " SELECT CAST(" + keys.get(i)[1] + " AS " + type + "), 42");
            sql.run("CREATE TEMPORARY VIEW p" + i + " AS SELECT CAST(x AS " + type + ") AS x, PROCTIME() AS pt FROM (VALUES (" + keys.get(i)[1]
                    + ")) AS v (x)");
            assertThat(sql.rows("SELECT d.v FROM p" + i + " p JOIN k" + i + " FOR SYSTEM_TIME AS OF p.pt AS d ON d.k = p.x")).as(type)
                    .containsExactly("+I[42]");
        }
    }

    @Test
    void insertIfNotExists() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE uids (uid STRING, n INT, PRIMARY KEY (uid) NOT ENFORCED) WITH ('auto-increment.fields' = 'n', 'bucket.num' = '1')");
        probe(sql, "(1, 'user_a'), (2, 'user_b'), (3, 'user_a'), (4, 'user_c')");
        assertThat(sql.rows("SELECT x, d.n FROM probe p JOIN uids /*+ OPTIONS('lookup.insert-if-not-exists' = 'true', 'lookup.async' = 'false') */"
                        + " FOR SYSTEM_TIME AS OF p.pt AS d ON d.uid = p.y"))
                .containsExactly("+I[1, 1]", "+I[2, 2]", "+I[3, 1]", "+I[4, 3]");
        assertThat(sql.batch().rows("SELECT COUNT(*) FROM uids")).containsExactly("+I[3]");
    }

    @Test
    void columnsChangeUnderAJoin() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE orders (x INT, pt AS PROCTIME())");
        sql.run("CREATE TABLE dim (k INT, v STRING, n INT, PRIMARY KEY (k) NOT ENFORCED)");
        batch.run("INSERT INTO dim VALUES (1, 'one', 10)");
        batch.run("INSERT INTO orders VALUES (1)");
        String join = "SELECT x, v, n FROM orders o JOIN dim /*+ OPTIONS('lookup.async' = '%s') */ FOR SYSTEM_TIME AS OF o.pt AS d"
                + " ON d.k = o.x AND d.n = o.x * 10";
        try (CloseableIterator<Row> async = sql.start(String.format(join, "true")).collect();
                CloseableIterator<Row> sync = sql.start(String.format(join, "false")).collect()) {
            List<String> got = new ArrayList<>();
            FlinkSql.take(async, 1, got);
            FlinkSql.take(sync, 1, got);
            batch.run("ALTER TABLE dim MODIFY n BIGINT");
            batch.run("ALTER TABLE dim RENAME v TO w");
            batch.run("ALTER TABLE dim ADD (z INT)");
            batch.run("INSERT INTO dim VALUES (2, 'two', 20, 0)");
            batch.run("INSERT INTO orders VALUES (2)");
            FlinkSql.take(async, 1, got);
            FlinkSql.take(sync, 1, got);
            assertThat(got).containsExactly("+I[1, one, 10]", "+I[1, one, 10]", "+I[2, two, 20]", "+I[2, two, 20]");
        }
    }

    @Test
    void wrongUse() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE logs (a INT)");
        sql.run("CREATE TABLE dim (a INT, v INT, PRIMARY KEY (a) NOT ENFORCED)");
        probe(sql, "(1, 'x')");
        assertThatThrownBy(() -> sql.rows("SELECT x FROM probe p JOIN logs FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = p.x"))
                .hasStackTraceContaining("has no primary key");
        assertThatThrownBy(() -> sql.rows("SELECT x FROM probe p JOIN dim FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = CAST(p.x AS BIGINT)"))
                .hasStackTraceContaining("both of its sides have the same type");
        assertThatThrownBy(() -> sql.rows("SELECT x FROM probe p JOIN dim /*+ OPTIONS('lookup.cache' = 'FULL') */ FOR SYSTEM_TIME AS OF p.pt AS d ON d.a = p.x"))
                .hasStackTraceContaining("'lookup.cache' = 'FULL' is not supported");
    }
}
