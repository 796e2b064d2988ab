package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.InstantiationUtil;
import org.apache.flink.util.function.ThrowingRunnable;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A writer alone, with a mailbox that the test reads. */
class FlussSinkWriterITCase extends SinkTestBase {
    private final BlockingQueue<ThrowingRunnable<? extends Exception>> mails = new LinkedBlockingQueue<>();
    private final Map<String, Counter> counters = new HashMap<>();
    private Gauge<?> sendTime;

    @SuppressWarnings("unchecked")
    private final MailboxExecutor mailbox = (MailboxExecutor) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {MailboxExecutor.class}, (p, m, args) -> {
                for (Object a : args) {
                    if (a instanceof ThrowingRunnable) {
                        mails.add((ThrowingRunnable<? extends Exception>) a);
                    }
                }
                return null;
            });

    private final SinkWriterMetricGroup metrics = (SinkWriterMetricGroup) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {SinkWriterMetricGroup.class}, (p, m, args) -> {
                if (m.getReturnType() == Counter.class) {
                    return counters.computeIfAbsent(m.getName(), n -> new SimpleCounter());
                }
                sendTime = (Gauge<?>) args[0];
                return null;
            });

    @BeforeEach
    void table() {
        sql("CREATE TABLE t (k INT NOT NULL, s STRING, PRIMARY KEY (k) NOT ENFORCED)");
    }

    private FlussSinkWriter<RowData> writer(Map<String, String> options) throws Exception {
        FlussSinkBuilder<RowData> b =
                FlussSink.builder().setBootstrapServers(FlussServer.shared().bootstrap()).setDatabase(database).setTable("t");
        options.forEach(b::setOption);
        // as it comes to a task
        SinkSpec spec = InstantiationUtil.clone(b.build()).spec();
        return new FlussSinkWriter<>(spec, RowWriter.rows(), mailbox, metrics);
    }

    private static RowData row(RowKind kind, int k) {
        return GenericRowData.ofKind(kind, k, StringData.fromString("abc"));
    }

    @Test
    void tellsFlinkWhatItSent() throws Exception {
        try (FlussSinkWriter<RowData> w = writer(Map.of())) {
            for (int k = 0; k < 1000; k++) {
                w.write(row(RowKind.INSERT, k), null);
                w.write(row(RowKind.UPDATE_BEFORE, k), null); // said by what follows
            }
            w.write(row(RowKind.DELETE, 0), null);
            w.flush(false);
            assertThat(counters.get("getNumRecordsSendCounter").getCount()).isEqualTo(1001);
            assertThat(counters.get("getNumBytesSendCounter").getCount()).isGreaterThan(1001 * 7);
            assertThat(counters.get("getNumRecordsSendErrorsCounter").getCount()).isZero();
            assertThat((Long) sendTime.getValue()).isBetween(0L, 60_000L);
        }
        try (FlussSinkWriter<RowData> w = writer(Map.of("sink.ignore-delete", "true"))) {
            w.write(row(RowKind.DELETE, 1), null);
            w.flush(true);
            assertThat(counters.get("getNumRecordsSendCounter").getCount()).isEqualTo(1001);
        }
        assertThat(rows("SELECT COUNT(*) FROM t")).containsExactly("+I[999]");
    }

    @Test
    void aFailureIsSeenThoughNoRowComes() throws Exception {
        try (FlussSinkWriter<RowData> w = writer(Map.of("client.writer.batch-timeout", "10 ms"))) {
            w.write(row(RowKind.INSERT, 1), null);
            w.flush(false);
            sql("DROP TABLE t");
            w.write(row(RowKind.INSERT, 2), null);
            ThrowingRunnable<? extends Exception> mail = mails.poll(30, TimeUnit.SECONDS);
            assertThat(mail).isNotNull();
            assertThatThrownBy(mail::run).isInstanceOf(SuppressRestartsException.class).satisfies(e -> {
                FlussException cause = ExceptionUtils.findThrowable(e, FlussException.class).orElseThrow();
                assertThat(cause.code()).isEqualTo(ErrorCode.UNKNOWN_TABLE);
                // as it goes to the one who decides about restarts
                assertThat(InstantiationUtil.<Throwable>clone(e)).isInstanceOf(SuppressRestartsException.class);
            });
            assertThat(counters.get("getNumRecordsSendErrorsCounter").getCount()).isEqualTo(1);
            assertThatThrownBy(() -> w.write(row(RowKind.INSERT, 3), null)).isInstanceOf(SuppressRestartsException.class);
            assertThatThrownBy(() -> w.flush(false)).isInstanceOf(SuppressRestartsException.class);
        }
    }

    @Test
    void closesAtOnceWithoutWaitingForRows() throws Exception {
        FlussSinkWriter<RowData> w = writer(Map.of("client.writer.batch-timeout", "1 h"));
        for (int k = 0; k < 10_000; k++) {
            w.write(row(RowKind.INSERT, k), null);
        }
        long before = System.nanoTime();
        w.close();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(2));
        assertThat(mails).isEmpty();
    }
}
