package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.ExceptionUtils;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The sink in DataStream programs, and what becomes of jobs when the table does not hold still. */
class FlussSinkITCase extends SinkTestBase {
    private StreamExecutionEnvironment env;

    @BeforeEach
    void connect() {
        env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
    }

    private FlussSinkBuilder<RowData> sink(String table) {
        return FlussSink.builder().setBootstrapServers(FlussServer.shared().bootstrap()).setDatabase(database).setTable(table);
    }

    /** An order, as a program has it. */
    public static final class Order {
        public int orderKey;
        private String clerk;

        public Order() {}

        Order(int orderKey, String clerk) {
            this.orderKey = orderKey;
            this.clerk = clerk;
        }

        public LocalTime at() {
            return LocalTime.of(23, 59, 59, 123_000_000);
        }

        public String getClerk() {
            return clerk;
        }

        public void setClerk(String clerk) {
            this.clerk = clerk;
        }
    }

    @Test
    void writesPojosRowsAndRowData() throws Exception {
        sql("CREATE TABLE t (order_key INT NOT NULL, clerk STRING, `at` TIME, PRIMARY KEY (order_key) NOT ENFORCED)");
        orders(1, "ann").sinkTo(sink("t").setRowWriter(RowWriter.ofPojos(Order.class)).build());
        orders(2, null).sinkTo(sink("t").setRowWriter(RowWriter.ofPojos(Order.class)).build());
        env.fromData(
                        Types.ROW_NAMED(new String[] {"order_key", "clerk", "at"}, Types.INT, Types.STRING, Types.LOCAL_TIME),
                        Row.of(3, "cleo", LocalTime.of(0, 0, 0, 1_000_000)))
                .sinkTo(sink("t").setRowWriter(RowWriter.ofRows()).build());
        env.fromSequence(4, 5).sinkTo(sink("t").setRowWriter((Long i) -> GenericRowData.of(i.intValue(), StringData.fromString("n" + i), 1)).build());
        env.execute();
        assertThat(rows("SELECT order_key, clerk FROM t")).containsExactly("+I[1, ann]", "+I[2, null]", "+I[3, cleo]", "+I[4, n4]", "+I[5, n5]");
        assertThat(rows("SELECT `at` FROM t WHERE order_key IN (1, 3, 4)"))
                .containsExactly("+I[00:00]", "+I[00:00]", "+I[23:59:59]");

        env.fromData(Types.ROW(Types.INT, Types.STRING, Types.LOCAL_TIME), Row.ofKind(RowKind.DELETE, 1, null, null))
                .sinkTo(sink("t").setRowWriter(RowWriter.ofRows()).setOption("client.writer.batch-timeout", "0 ms").build());
        orders(3, "CLEO")
                .sinkTo(sink("t").setRowWriter(RowWriter.ofPojos(Order.class)).setPartialUpdateColumns("order_key", "clerk").build());
        env.execute();
        assertThat(rows("SELECT * FROM t WHERE order_key IN (1, 3)")).containsExactly("+I[3, CLEO, 00:00]");
    }

    private DataStream<Order> orders(int key, String clerk) {
        return env.fromSequence(key, key).map(k -> new Order(k.intValue(), clerk)).returns(Order.class);
    }

    @Test
    void wrongUseIsSaid() {
        sql("CREATE TABLE t (k INT NOT NULL, nobody STRING, PRIMARY KEY (k) NOT ENFORCED)");
        assertThatThrownBy(() -> sink("none").build()).isInstanceOf(FlussException.class).hasMessageContaining("none");
        assertThatThrownBy(() -> sink("t").setOption("client.writer.batch-sise", "1")).hasMessageContaining("client.writer.batch-size");
        assertThatThrownBy(() -> FlussSink.builder().build()).hasMessageContaining("setBootstrapServers");
        orders(1, "x").sinkTo(sink("t").setRowWriter(RowWriter.ofPojos(Order.class)).build());
        assertThatThrownBy(env::execute).satisfies(e -> assertThat(ExceptionUtils.stringifyException(e)).contains("getter for column \"k\""));
    }

    @Test
    void aDroppedTableFailsAQuietJob() throws Exception {
        sql("CREATE TABLE t (k INT, s STRING)");
        JobClient job = trickle("t");
        awaitRows("t");
        sql("DROP TABLE t");
        sql("CREATE TABLE t (k INT, s STRING)");
        FlussException e = failure(job);
        assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_TABLE);
        assertThat(e).hasMessageContaining("writing to " + database + ".t failed");
        assertThat(rows("SELECT * FROM t")).isEmpty();
    }

    @Test
    void jobsGoOnWhileTheTableChanges() throws Exception {
        sql("CREATE TABLE t (k INT, s STRING)");
        JobClient job = trickle("t");
        awaitRows("t");
        sql("ALTER TABLE t ADD (extra INT)");
        sql("ALTER TABLE t RENAME s TO text");
        long before = count("t");
        for (int i = 0; i < 100 && count("t") < before + 20; i++) {
            Thread.sleep(100);
        }
        assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.RUNNING);
        assertThat(count("t")).isGreaterThan(before);
        job.cancel().get();
        assertThat(rows("SELECT DISTINCT text, extra FROM t")).containsExactly("+I[s, null]");
    }

    @Test
    void aPlanFromBeforeAChangeFindsItsColumns() throws Exception {
        sql("CREATE TABLE t (k INT NOT NULL, a STRING, b INT, c INT, PRIMARY KEY (k) NOT ENFORCED)");
        FlussSink<RowData> whole = sink("t").build();
        FlussSink<RowData> part = sink("t").setPartialUpdateColumns("k", "a", "c").build();
        sql("ALTER TABLE t RENAME a TO text");
        sql("ALTER TABLE t MODIFY b BIGINT");
        sql("ALTER TABLE t DROP c");
        sql("ALTER TABLE t ADD (extra INT)");
        sql("INSERT INTO t VALUES (2, 'old', 7, 70)");
        rows(GenericRowData.of(1, StringData.fromString("x"), 5, 6)).sinkTo(whole);
        rows(GenericRowData.of(2, StringData.fromString("y"), 5, 6)).sinkTo(part);
        env.execute();
        assertThat(rows("SELECT * FROM t")).containsExactly("+I[1, x, 5, null]", "+I[2, y, 7, 70]");
        rows(GenericRowData.ofKind(RowKind.DELETE, 1, null, null, null)).sinkTo(whole);
        env.execute();
        assertThat(rows("SELECT k FROM t")).containsExactly("+I[2]");
    }

    private DataStream<RowData> rows(GenericRowData row) {
        RowType type = RowType.of(new IntType(), new VarCharType(99), new IntType(), new IntType());
        TypeInformation<RowData> info = org.apache.flink.table.runtime.typeutils.InternalTypeInfo.of(type);
        return env.fromData(info, row);
    }

    /** A job that never ends and writes a row now and then. */
    private JobClient trickle(String table) throws Exception {
        env.enableCheckpointing(100);
        env.fromSequence(0, Long.MAX_VALUE / 2)
                .map(i -> {
                    Thread.sleep(5);
                    return i;
                })
                .sinkTo(sink(table)
                        .setRowWriter((Long i) -> GenericRowData.of((int) (i % 1000), StringData.fromString("s")))
                        .setOption("client.writer.batch-timeout", "10 ms")
                        .build())
                .setParallelism(1);
        return env.executeAsync();
    }

    private long count(String table) {
        return rows("SELECT k FROM " + table).size();
    }

    private void awaitRows(String table) throws Exception {
        for (int i = 0; i < 300 && count(table) == 0; i++) {
            Thread.sleep(50);
        }
        assertThat(count(table)).isPositive();
    }

    private static FlussException failure(JobClient job) throws Exception {
        try {
            job.getJobExecutionResult().get(Duration.ofSeconds(30).toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            return ExceptionUtils.findThrowable(e, FlussException.class).orElseThrow(() -> new AssertionError(e));
        }
        throw new AssertionError("the job ended well");
    }
}
