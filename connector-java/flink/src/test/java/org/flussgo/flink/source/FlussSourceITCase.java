package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.CloseableIterator;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.flussgo.flink.testing.FlinkSql;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The source in DataStream programs. */
class FlussSourceITCase {
    private final FlussServer server = FlussServer.shared();
    private FlinkSql sql;
    private StreamExecutionEnvironment env;

    @BeforeEach
    void open() {
        sql = FlinkSql.batch(server);
        env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(2);
    }

    private FlussSourceBuilder<RowData> source(String table) {
        return FlussSource.builder().setBootstrapServers(server.bootstrap()).setDatabase(sql.database()).setTable(table);
    }

    private <T> List<String> all(FlussSource<T> source) throws Exception {
        List<String> out = new ArrayList<>();
        try (CloseableIterator<String> it = env.fromSource(source, WatermarkStrategy.noWatermarks(), "rows").map(Object::toString).executeAndCollect()) {
            it.forEachRemaining(out::add);
        }
        out.sort(null);
        return out;
    }

    /** "kind id clerk", and nothing of rows without a clerk. */
    private static final class Texts implements RowReader<String> {
        private static final long serialVersionUID = 1L;

        @Override
        public String read(RowData row) {
            return row.isNullAt(1) ? null : row.getRowKind().shortString() + " " + row.getInt(0) + " " + row.getString(1);
        }

        @Override
        public TypeInformation<String> producedType(RowType rowType) {
            return Types.STRING;
        }
    }

    @Test
    void readsWhatItIsToldTo() throws Exception {
        sql.run("CREATE TABLE t (order_key INT NOT NULL, clerk STRING, price DOUBLE, PRIMARY KEY (order_key) NOT ENFORCED) WITH ('bucket.num' = '3')");
        sql.run("INSERT INTO t VALUES (1, 'ann', 1.5E0), (2, 'bob', 2.5E0), (3, CAST(NULL AS STRING), 3.5E0)");
        assertThat(all(source("t").setBounded().setReader(new Texts()).build())).containsExactly("+I 1 ann", "+I 2 bob");
        assertThat(all(source("t").setBounded().setProjectedColumns("price", "order_key").setFilter("price > 2").build()))
                .containsExactly("+I(2.5,2)", "+I(3.5,3)");
        try (CloseableIterator<String> it = env.fromSource(
                        source("t").setStartupMode(org.flussgo.flink.FlussOptions.StartupMode.EARLIEST).setReader(new Texts()).build(),
                        WatermarkStrategy.noWatermarks(),
                        "changes")
                .executeAndCollect()) {
            sql.run("INSERT INTO t VALUES (2, 'cleo', 1E0)");
            List<String> got = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                got.add(it.next());
            }
            assertThat(got).containsSubsequence("+I 2 bob", "-U 2 bob", "+U 2 cleo").contains("+I 1 ann");
        }
    }

    @Test
    void wrongUseIsSaid() {
        assertThatThrownBy(() -> FlussSource.builder().setTable("t").build()).hasMessageContaining("setBootstrapServers");
        assertThatThrownBy(() -> source("nothing").build())
                .isInstanceOfSatisfying(FlussException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_TABLE));
        sql.run("CREATE TABLE c (id INT)");
        assertThatThrownBy(() -> source("c").setProjectedColumns("idd").build()).hasMessageContaining("no column \"idd\"");
        assertThatThrownBy(() -> all(source("c").setBounded().setFilter("idd = 1").build())).hasStackTraceContaining("idd");
    }
}
