package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;

/** {@code $changelog} and {@code $binlog}: all kinds of changes, parts of their columns, starts, partitions. */
class VirtualTablesITCase {
    private final FlussServer server = FlussServer.shared();

    @Test
    void showWhatHappened() throws Exception {
        FlinkSql sql = FlinkSql.streaming(server);
        FlinkSql batch = sql.batch();
        sql.run("CREATE TABLE k (id INT, v STRING, n BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('bucket.num' = '1')");
        batch.run("INSERT INTO k VALUES (1, 'a', 10)");
        Thread.sleep(20); // the server's clock, by which a scan starts, must move
        long between = System.currentTimeMillis();
        Thread.sleep(20);
        batch.run("INSERT INTO k VALUES (1, 'b', 20)");
        batch.run("DELETE FROM k WHERE id = 1");
        assertThat(batch.rows("SELECT n, _log_offset, v FROM k$changelog")).containsExactly("+I[10, 0, a]", "+I[10, 1, a]", "+I[20, 2, b]", "+I[20, 3, b]");
        assertThat(batch.rows("SELECT _change_type FROM k$changelog"))
                .containsExactly("+I[delete]", "+I[insert]", "+I[update_after]", "+I[update_before]");
        assertThat(batch.rows("SELECT COUNT(*) FROM k$changelog")).containsExactly("+I[4]");
        assertThat(batch.rows("SELECT _log_offset FROM k$changelog WHERE n = 20 AND v = 'b'")).containsExactly("+I[2]", "+I[3]");
        assertThat(batch.rows("SELECT COUNT(*) FROM k$changelog WHERE _commit_timestamp > TO_TIMESTAMP_LTZ(" + between + ", 3)"))
                .containsExactly("+I[3]");
        assertThat(batch.rows("SELECT `after`.n, _change_type, `before`.v FROM k$binlog"))
                .containsExactly("+I[10, insert, null]", "+I[20, update, a]", "+I[null, delete, b]");
        assertThat(batch.rows("SELECT _log_offset FROM k$binlog")).hasSize(3);
        String hint = " /*+ OPTIONS('scan.startup.mode' = 'timestamp', 'scan.startup.timestamp' = '" + between + "') */";
        assertThat(sql.first("SELECT _log_offset FROM k$changelog" + hint, 3)).containsExactly("+I[1]", "+I[2]", "+I[3]");
        assertThat(sql.first("SELECT _change_type FROM k$binlog" + hint, 2)).containsExactly("+I[update]", "+I[delete]");
        assertThat(sql.first("SELECT id FROM k$changelog /*+ OPTIONS('scan.startup.mode' = 'earliest') */", 4)).hasSize(4);
        assertThatThrownBy(() -> batch.run("INSERT INTO k$changelog VALUES ('insert', 1, TO_TIMESTAMP_LTZ(0, 3), 1, 'a', 1)"))
                .hasStackTraceContaining("changelog");
        assertThatThrownBy(() -> batch.rows("SELECT * FROM k$nothing")).hasStackTraceContaining("k$nothing");
    }

    @Test
    void ofPartitionsAndAfterColumnsCame() {
        FlinkSql batch = FlinkSql.batch(server);
        batch.run("CREATE TABLE p (id INT, d STRING, v INT, PRIMARY KEY (id, d) NOT ENFORCED) PARTITIONED BY (d) WITH ('bucket.num' = '1')");
        batch.run("INSERT INTO p VALUES (1, 'x', 1), (2, 'y', 2)");
        batch.run("ALTER TABLE p ADD (w STRING)");
        batch.run("INSERT INTO p VALUES (1, 'x', 3, 'w')");
        assertThat(batch.rows("SELECT id, v, w FROM p$changelog WHERE d = 'x'"))
                .containsExactly("+I[1, 1, null]", "+I[1, 1, null]", "+I[1, 3, w]");
        assertThat(batch.rows("SELECT `before`.w, `after`.w FROM p$binlog WHERE _change_type = 'update'")).containsExactly("+I[null, w]");
        assertThat(batch.rows("SELECT d, COUNT(*) FROM p$changelog GROUP BY d")).containsExactly("+I[x, 3]", "+I[y, 1]");
    }

    @Test
    void ofALogTable() {
        FlinkSql batch = FlinkSql.batch(server);
        batch.run("CREATE TABLE l (id INT) WITH ('bucket.num' = '1')");
        batch.run("INSERT INTO l VALUES (7), (8)");
        assertThat(batch.rows("SELECT _change_type, _log_offset, id FROM l$changelog")).isEqualTo(List.of("+I[insert, 0, 7]", "+I[insert, 1, 8]"));
        assertThatThrownBy(() -> batch.rows("SELECT * FROM l$binlog")).hasStackTraceContaining("l$binlog");
    }
}
