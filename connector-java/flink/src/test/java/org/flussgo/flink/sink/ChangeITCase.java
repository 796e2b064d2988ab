package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;

/** UPDATE, DELETE, partial updates, and what is refused. */
class ChangeITCase {
    private final FlussServer server = FlussServer.shared();

    @Test
    void byKeyOfEveryType() {
        FlinkSql sql = FlinkSql.batch(server);
        List<String[]> keys = List.of(
                new String[] {"BOOLEAN", "TRUE"}, new String[] {"TINYINT", "5"}, new String[] {"SMALLINT", "5"}, new String[] {"INT", "5"},
                new String[] {"BIGINT", "5"}, new String[] {"FLOAT", "CAST(1.5 AS FLOAT)"}, new String[] {"DOUBLE", "1.5E0"},
                new String[] {"DECIMAL(10, 2)", "1.25"}, new String[] {"DECIMAL(30, 2)", "1.25"}, new String[] {"DATE", "DATE '1960-02-29'"},
                new String[] {"TIME(0)", "TIME '10:11:12'"}, new String[] {"TIMESTAMP(3)", "TIMESTAMP '1969-12-31 23:59:59.999'"},
                new String[] {"TIMESTAMP(6)", "TIMESTAMP '1969-12-31 23:59:59.999999'"},
                new String[] {"TIMESTAMP_LTZ(3)", "CAST(TIMESTAMP '1969-12-31 23:59:59.999' AS TIMESTAMP_LTZ(3))"},
                new String[] {"STRING", "'some key'"}, new String[] {"VARCHAR(9)", "'some key'"}, new String[] {"BYTES", "X'0102'"},
                new String[] {"BINARY(2)", "X'0102'"});
        for (int i = 0; i < keys.size(); i++) {
            String type = keys.get(i)[0];
            String value = keys.get(i)[1];
            String t = "k" + i;
            sql.run("CREATE TABLE " + t + " (k " + type + ", p AS PROCTIME(), n INT, v STRING, PRIMARY KEY (k, n) NOT ENFORCED)");
            sql.run("INSERT INTO " + t + " SELECT CAST(" + value + " AS " + type + "), n, v FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS x (n, v)");
            assertThat(sql.rows("SELECT n, v FROM " + t + " WHERE k = " + value + " AND n = 2")).as(type).containsExactly("+I[2, b]");
            sql.run("UPDATE " + t + " SET v = 'u' WHERE k = " + value + " AND n = 2");
            sql.run("DELETE FROM " + t + " WHERE n = 1 AND k = " + value);
            assertThat(sql.rows("SELECT n, v FROM " + t)).as(type).containsExactly("+I[2, u]", "+I[3, c]");
        }
    }

    @Test
    void byAnyPredicate() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE t (id INT, v STRING, n BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('bucket.num' = '3')");
        sql.run("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'b', 3), (4, CAST(NULL AS STRING), 4)");
        sql.run("UPDATE t SET n = n + 10, v = UPPER(v) WHERE v = 'b'");
        assertThat(sql.rows("SELECT * FROM t")).containsExactly("+I[1, a, 1]", "+I[2, B, 12]", "+I[3, B, 13]", "+I[4, null, 4]");
        sql.run("DELETE FROM t WHERE n > 12 OR v IS NULL");
        assertThat(sql.rows("SELECT * FROM t")).containsExactly("+I[1, a, 1]", "+I[2, B, 12]");
        sql.run("UPDATE t SET v = 'all'");
        assertThat(sql.rows("SELECT * FROM t")).containsExactly("+I[1, all, 1]", "+I[2, all, 12]");
        sql.run("DELETE FROM t");
        assertThat(sql.rows("SELECT COUNT(*) FROM t")).containsExactly("+I[0]");
    }

    @Test
    void partialUpdates() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE t (id INT, a STRING, b STRING, c INT, PRIMARY KEY (id) NOT ENFORCED)");
        sql.run("INSERT INTO t (id, a) VALUES (1, 'a1'), (2, 'a2')");
        sql.run("INSERT INTO t (b, id) VALUES ('b1', 1), ('b3', 3)");
        sql.run("INSERT INTO t (c, b, a, id) VALUES (9, 'b4', 'a4', 4)");
        assertThat(sql.rows("SELECT * FROM t"))
                .containsExactly("+I[1, a1, b1, null]", "+I[2, a2, null, null]", "+I[3, null, b3, null]", "+I[4, a4, b4, 9]");
        sql.run("CREATE TABLE f (id INT, a STRING, b STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('table.merge-engine' = 'first_row')");
        assertThatThrownBy(() -> sql.run("INSERT INTO f (id, a) VALUES (1, 'x')")).hasStackTraceContaining("takes whole rows");
        assertThatThrownBy(() -> sql.run("UPDATE f SET a = 'x' WHERE id = 1")).hasStackTraceContaining("decides which row stays");
        assertThatThrownBy(() -> sql.run("DELETE FROM f WHERE id = 1")).hasStackTraceContaining("decides which row stays");
    }

    @Test
    void engines() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE s (id INT, n BIGINT, m INT, PRIMARY KEY (id) NOT ENFORCED)"
                + " WITH ('table.merge-engine' = 'aggregation', 'fields.n.agg' = 'sum', 'fields.m.agg' = 'max')");
        sql.run("INSERT INTO s VALUES (1, 5, 5), (1, 6, 3), (2, 1, 1)");
        assertThat(sql.rows("SELECT * FROM s")).containsExactly("+I[1, 11, 5]", "+I[2, 1, 1]");
        sql.run("UPDATE s SET n = 100 WHERE id = 1");
        assertThat(sql.rows("SELECT * FROM s")).containsExactly("+I[1, 100, 5]", "+I[2, 1, 1]");
        sql.run("CREATE TABLE v (id INT, at_ms BIGINT, x STRING, PRIMARY KEY (id) NOT ENFORCED)"
                + " WITH ('table.merge-engine' = 'versioned', 'table.merge-engine.versioned.ver-column' = 'at_ms')");
        sql.run("INSERT INTO v VALUES (1, 5, 'new')");
        sql.run("INSERT INTO v VALUES (1, 4, 'old')");
        assertThat(sql.rows("SELECT * FROM v")).containsExactly("+I[1, 5, new]");
        FlinkSql stream = FlinkSql.open(server, false, sql.database());
        assertThat(stream.env().explainSql("INSERT INTO s SELECT id, n, m FROM s")).doesNotContain("upsertMaterialize");
    }

    @Test
    void whatIsRefused() {
        FlinkSql sql = FlinkSql.batch(server);
        sql.run("CREATE TABLE k (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED)");
        sql.run("CREATE TABLE l (id INT, v STRING)");
        sql.run("CREATE TABLE p (id INT, d STRING) PARTITIONED BY (d)");
        assertThatThrownBy(() -> sql.run("INSERT INTO k (v) VALUES ('x')")).hasStackTraceContaining("Column 'id' has no default value and does not allow NULLs");
        assertThatThrownBy(() -> sql.run("UPDATE k SET id = 2 WHERE id = 1")).hasStackTraceContaining("is in the primary key [id]");
        assertThatThrownBy(() -> sql.run("UPDATE l SET v = 'x' WHERE id = 1")).hasStackTraceContaining("log table");
        assertThatThrownBy(() -> sql.run("DELETE FROM l WHERE id = 1")).hasStackTraceContaining("log table");
        assertThatThrownBy(() -> sql.run("INSERT OVERWRITE k VALUES (1, 'x')")).hasStackTraceContaining("OVERWRITE");
        assertThatThrownBy(() -> sql.run("INSERT INTO p VALUES (1, 'a$b')")).hasStackTraceContaining("has a '$' in it");
        assertThatThrownBy(() -> sql.run("INSERT INTO p VALUES (1, '')")).hasStackTraceContaining("is empty");
        assertThatThrownBy(() -> sql.run("INSERT INTO k$changelog SELECT * FROM k$changelog")).hasStackTraceContaining("write to that one");
    }

    @Test
    void deletesAreDroppedWhenAsked() {
        FlinkSql sql = FlinkSql.streaming(server);
        sql.run("CREATE TABLE src (id INT, g INT, PRIMARY KEY (id) NOT ENFORCED)");
        sql.run("CREATE TABLE sums (g INT, n BIGINT) WITH ('sink.ignore-delete' = 'true')");
        sql.run("CREATE TABLE plain (g INT, n BIGINT)");
        sql.batch().run("INSERT INTO src VALUES (1, 1), (2, 1)");
        assertThatThrownBy(() -> sql.env().explainSql("INSERT INTO plain SELECT g, COUNT(*) FROM src GROUP BY g"))
                .hasStackTraceContaining("doesn't support consuming update");
        assertThat(sql.env().explainSql("INSERT INTO sums SELECT g, COUNT(*) FROM src GROUP BY g")).contains("Sink");
    }
}
