package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** UPDATE and DELETE where they could go wrong: literals, composite keys, computed columns, delete behaviors. */
class ModifyITCase extends SinkTestBase {

    /** Types of keys, each with two values. */
    private static final String[][] KEYS = {
        {"BOOLEAN", "TRUE", "FALSE"},
        {"TINYINT", "CAST(-5 AS TINYINT)", "CAST(6 AS TINYINT)"},
        {"SMALLINT", "CAST(-5 AS SMALLINT)", "CAST(6 AS SMALLINT)"},
        {"INT", "-5", "6"},
        {"BIGINT", "-5", "6"},
        {"BIGINT", "-5000000000", "6000000000"},
        {"DECIMAL(10, 2)", "1.50", "2.00"},
        {"DECIMAL(38, 2)", "1.50", "2.00"},
        {"CHAR(2)", "'ab'", "'cd'"},
        {"STRING", "'ab'", "''"},
        {"BINARY(2)", "x'0001'", "x'0002'"},
        {"BYTES", "x'00'", "x''"},
        {"DATE", "DATE '1969-12-31'", "DATE '2024-02-29'"},
        {"TIME(0)", "TIME '10:11:12'", "TIME '00:00:00'"},
        {"TIMESTAMP(0)", "TIMESTAMP '1969-12-31 23:59:59'", "TIMESTAMP '2024-01-01 00:00:00'"},
        {"TIMESTAMP(3)", "TIMESTAMP '1969-12-31 23:59:59.999'", "TIMESTAMP '2024-01-01 00:00:00.001'"},
        {"TIMESTAMP(6)", "TIMESTAMP '1969-12-31 23:59:59.999999'", "TIMESTAMP '2024-01-01 00:00:00'"},
        {"TIMESTAMP(9)", "TIMESTAMP '1969-12-31 23:59:59.999999999'", "TIMESTAMP '2024-01-01 00:00:00'"},
        {"TIMESTAMP_LTZ(3)", "TO_TIMESTAMP_LTZ(-1, 3)", "TO_TIMESTAMP_LTZ(1, 3)"},
    };

    /** The a of all rows of all tables t0, t1 and so on: "n=a". */
    private List<String> rowsOfAll() {
        List<String> queries = new ArrayList<>();
        for (int i = 0; i < KEYS.length; i++) {
            queries.add("SELECT '" + KEYS[i][0] + "' || a FROM t" + i);
        }
        return rows(String.join(" UNION ALL ", queries));
    }

    private static List<String> expected(int from, String... suffixes) {
        List<String> out = new ArrayList<>();
        for (int i = from; i < KEYS.length; i++) {
            for (String s : suffixes) {
                out.add("+I[" + KEYS[i][0] + s + "]");
            }
        }
        out.sort(null);
        return out;
    }

    @Test
    void deleteByTheKeyOfEachType() {
        StringBuilder inserts = new StringBuilder("EXECUTE STATEMENT SET BEGIN\n");
        for (int i = 0; i < KEYS.length; i++) {
            sql("CREATE TABLE t" + i + " (a STRING, twice AS CHAR_LENGTH(a), k " + KEYS[i][0]
                    + " NOT NULL, PRIMARY KEY (k) NOT ENFORCED) WITH ('bucket.num' = '3')");
            inserts.append("INSERT INTO t" + i + " SELECT 'one', " + KEYS[i][1] + " UNION ALL SELECT 'two', " + KEYS[i][2] + ";\n");
        }
        sql(inserts + "END");
        for (int i = 0; i < KEYS.length; i++) {
            sql("DELETE FROM t" + i + " WHERE k = " + KEYS[i][1]);
        }
        assertThat(rowsOfAll()).isEqualTo(expected(0, "two"));
        for (int i = 0; i < KEYS.length; i++) {
            sql("DELETE FROM t" + i + " WHERE " + KEYS[i][2] + " = k");
            sql("DELETE FROM t" + i + " WHERE " + KEYS[i][2] + " = k"); // a key that is not there
        }
        assertThat(rowsOfAll()).isEmpty();
    }

    @Test
    void updateByKeyOnATableWithComputedColumns() {
        sql("CREATE TABLE t (a STRING, twice AS CHAR_LENGTH(a), k DATE NOT NULL, n INT NOT NULL, b INT, PRIMARY KEY (k) NOT ENFORCED)"
                + " WITH ('bucket.num' = '3')");
        sql("INSERT INTO t VALUES ('one', DATE '1969-12-31', 1, 10), ('two', DATE '2024-01-01', 2, 20)");
        refused("UPDATE t SET twice = 3 WHERE k = DATE '1969-12-31'", "UPDATE of column twice", "is computed and not stored");
        sql("UPDATE t SET b = 11 WHERE k = DATE '1969-12-31'");
        sql("UPDATE t SET a = a || '!', b = CAST(NULL AS INT) WHERE twice = 3 AND n = 2");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[one, 3, 1969-12-31, 1, 11]", "+I[two!, 4, 2024-01-01, 2, null]");
        sql("DELETE FROM t WHERE twice = 3");
        assertThat(rows("SELECT a FROM t")).containsExactly("+I[two!]");
    }

    @Test
    void byCompositeKeysWithPartitions() {
        sql("CREATE TABLE t (dt DATE NOT NULL, n DECIMAL(5, 2) NOT NULL, b BOOLEAN NOT NULL, a STRING, PRIMARY KEY (b, dt, n) NOT ENFORCED)"
                + " PARTITIONED BY (dt) WITH ('bucket.num' = '2', 'bucket.key' = 'n')");
        sql("INSERT INTO t VALUES (DATE '2024-01-01', 1.5, TRUE, 'x'), (DATE '2024-01-01', 1.5, FALSE, 'y'), (DATE '2024-01-02', 1.5, TRUE, 'z')");
        sql("DELETE FROM t WHERE n = 1.50 AND dt = DATE '2024-01-01' AND b");
        assertThat(rows("SELECT a FROM t")).containsExactly("+I[y]", "+I[z]");
        sql("UPDATE t SET a = a || '!' WHERE n = 1.50 AND dt = DATE '2024-01-01' AND NOT b");
        sql("DELETE FROM t WHERE dt = DATE '2024-01-02'"); // a part of the key
        sql("DELETE FROM t WHERE dt = DATE '1999-01-01' AND n = 0 AND b"); // no such partition, and none is made
        assertThat(rows("SELECT a FROM t")).containsExactly("+I[y!]");
        assertThat(rows("SHOW PARTITIONS t")).hasSize(2);
    }

    @Test
    void aLiteralThatNoKeyHasDeletesNothing() {
        sql("CREATE TABLE d (k DECIMAL(5, 2) NOT NULL, PRIMARY KEY (k) NOT ENFORCED)");
        sql("CREATE TABLE s (k TIMESTAMP(0) NOT NULL, PRIMARY KEY (k) NOT ENFORCED)");
        sql("CREATE TABLE i (k TINYINT NOT NULL, PRIMARY KEY (k) NOT ENFORCED)");
        sql("INSERT INTO d VALUES (1.50)");
        sql("INSERT INTO s VALUES (TIMESTAMP '2024-01-01 00:00:00')");
        sql("INSERT INTO i VALUES (CAST(1 AS TINYINT))");
        sql("DELETE FROM d WHERE k = 1.501");
        sql("DELETE FROM s WHERE k = TIMESTAMP '2024-01-01 00:00:00.5'");
        sql("DELETE FROM i WHERE k = 257");
        sql("DELETE FROM i WHERE k = 1 AND k = 2");
        assertThat(rows("SELECT * FROM d")).hasSize(1);
        assertThat(rows("SELECT * FROM s")).hasSize(1);
        assertThat(rows("SELECT * FROM i")).hasSize(1);
    }

    @Test
    void byWhatIsRead() {
        sql("CREATE TABLE t (k INT NOT NULL, n INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('bucket.num' = '3')");
        sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 1)");
        sql("DELETE FROM t WHERE k IN (SELECT k + 1 FROM t WHERE n = 1)");
        sql("UPDATE t SET n = n + k WHERE k > 2");
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, 1]", "+I[3, 4]");
    }

    @Test
    void whatCannotBeChangedIsSaid() {
        sql("CREATE TABLE log (k INT, a STRING)");
        sql("CREATE TABLE t (k INT NOT NULL, a STRING, PRIMARY KEY (k) NOT ENFORCED)");
        sql("CREATE TABLE dis (k INT NOT NULL, a STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('table.delete.behavior' = 'disable')");
        sql("CREATE TABLE ign (k INT NOT NULL, a STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('table.delete.behavior' = 'ignore')");
        refused("UPDATE log SET a = 'x' WHERE k = 1", "log table");
        refused("DELETE FROM log WHERE k = 1", "log table");
        refused("DELETE FROM log", "log table");
        refused("UPDATE t SET k = 2 WHERE k = 1", "UPDATE of column k", "primary key");
        refused("DELETE FROM dis WHERE k = 1", "table.delete.behavior", "disable");
        refused("DELETE FROM ign WHERE k > 1", "table.delete.behavior", "ignore");
        refused(streaming, "DELETE FROM t WHERE k = 1", "streaming");
    }
}
