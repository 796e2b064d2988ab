package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.flussgo.client.TypeText;
import org.flussgo.client.Values;
import org.flussgo.proto.v1.Field;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BatchWriterTest {
    private static final byte INSERT = 1;
    private static final byte DELETE = 4;

    static List<Arguments> refusals() {
        return List.of(
                refusal("INT NOT NULL", 1, null, "column \"x\" is NOT NULL and the value is null", "x"),
                refusal("DECIMAL(4, 2)", big("9999"), big("10000"), "column \"x\" is DECIMAL(4, 2) and the value 100.00 has more digits", "x"),
                refusal("DECIMAL(4, 2)", big("-9999"), big("-10000"), "the value -100.00 has more digits", "x"),
                refusal("DECIMAL(18, 0)", big("999999999999999999"), big("-9223372036854775808"), "has more digits", "x"),
                refusal("DECIMAL(38, 0)", big("9".repeat(38)), big("1" + "0".repeat(38)), "has more digits", "x"),
                refusal("DECIMAL(20, 1)", big("-" + "9".repeat(20)), big("9".repeat(80)), "has more digits", "x"),
                refusal("BINARY(3)", bytes(3), bytes(2), "is BINARY(3) and the value has 2 bytes", "x"),
                refusal("CHAR(3)", "\ud83d\ude00\u6f22z", "abcd", "is CHAR(3) and the value has 4 characters", "x"),
                refusal("TIME(0)", 86_399L, 86_400L, "is TIME(0) and the value 86400 is not within a day, [0, 86400)", "x"),
                refusal("TIME(3)", 0L, -1L, "not within a day", "x"),
                refusal("TIME(6)", 86_399_999_999L, 86_400_000_000L, "not within a day", "x"),
                refusal("TIME(9)", 86_399_999_999_999L, Long.MIN_VALUE, "not within a day", "x"),
                refusal("ARRAY<INT NOT NULL>", List.of(1, 2), Arrays.asList(1, 2, null), "column \"x.element\" is NOT NULL", "x.element"),
                refusal("MAP<STRING, INT>", List.of(pair("a", 1)), List.of(pair("a", 1), pair(null, 2)), "column \"x.key\"", "x.key"),
                refusal("MAP<INT, ROW<a BYTES, b CHAR(1)>>", List.of(pair(1, List.of(bytes(9), "b"))),
                        List.of(pair(1, List.of(bytes(9), "b")), pair(2, List.of(bytes(9), "bb"))), "is CHAR(1)", "x.value.b"),
                refusal("ROW<a INT, b ARRAY<ROW<c STRING, d INT NOT NULL>>>", Arrays.asList(1, List.of(List.of("c", 4))),
                        Arrays.asList(1, List.of(List.of("c", 4), Arrays.asList("d", null))), "is NOT NULL", "x.b.element.d"));
    }

    private static Arguments refusal(String type, Object good, Object bad, String message, String column) {
        return Arguments.of(type, good, bad, message, column);
    }

    private static BigInteger big(String s) {
        return new BigInteger(s);
    }

    private static ByteBuffer bytes(int n) {
        return ByteBuffer.wrap(new byte[n]);
    }

    private static List<Object> pair(Object key, Object value) {
        return Arrays.asList(key, value);
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void refusesAndGoesOn(String type, Object good, Object bad, String message, String column) {
        List<Field> columns = TypeText.columns("before STRING, flag BOOLEAN, x " + type + ", after BIGINT");
        BatchWriter w = new BatchWriter(columns, 1, true, Codec.NONE);
        BatchWriter clean = new BatchWriter(columns, 1, true, Codec.NONE);
        for (int i = 0; i < 20; i++) {
            Values row = Trees.values(Arrays.asList("row " + i, i % 2 == 0, good, (long) i));
            w.add(row, null, INSERT);
            clean.add(row, null, INSERT);
            int bytes = w.bytes();
            Throwable e = catchThrowable(() -> w.add(Trees.values(Arrays.asList("refused", true, bad, 1L)), null, INSERT));
            assertThat(e).isInstanceOf(ValueException.class).hasMessageContaining(message);
            assertThat(((ValueException) e).column()).isEqualTo(column);
            assertThat(w.rows()).isEqualTo(i + 1);
            assertThat(w.bytes()).isEqualTo(bytes);
        }
        assertThat(w.encode()).isEqualTo(clean.encode());
        assertThat(Trees.of(new BatchReader(columns).readBatch(w.encode(), 0, w.encode().length))).hasSize(20);
    }

    @Test
    void mapOfOtherKeysThanValues() {
        List<Field> columns = TypeText.columns("m MAP<INT, INT>");
        BatchWriter w = new BatchWriter(columns, 1, false, Codec.NONE);
        Values row = spoiled(Trees.values(List.of(List.of(List.of(1, 2)))), "getMapValues", Trees.values(List.of()));
        assertThatThrownBy(() -> w.add(row, null, INSERT))
                .isInstanceOf(ValueException.class).hasMessage("column \"m\" is a MAP and the value has 1 keys and 0 values");
        assertThat(w.isEmpty()).isTrue();
    }

    /** A row that throws halfway, whatever and wherever, is as if it had not been. */
    @Test
    void rowsThatThrow() {
        long seed = Trees.seed();
        for (long s = seed; s < seed + Trees.rounds(60); s++) {
            Trees t = new Trees(s);
            Random r = new Random(s);
            List<Field> columns = t.columns();
            BatchWriter w = new BatchWriter(columns, 1, false, Codec.NONE);
            List<List<Object>> kept = new ArrayList<>();
            for (List<Object> row : t.rows(columns, 60)) {
                int[] calls = {r.nextInt(12)};
                try {
                    w.add(throwing(Trees.values(row), calls), null, INSERT);
                    kept.add(row);
                } catch (UnsupportedOperationException e) {
                    assertThat(calls[0]).isNegative();
                }
                if (r.nextInt(30) == 0) {
                    w.reset();
                    kept.clear();
                    assertThat(w.bytes()).isZero();
                }
            }
            assertThat(w.rows()).isEqualTo(kept.size());
            assertThat(w.encode()).as("seed %d", s).isEqualTo(Trees.encode(columns, Codec.NONE, kept));
        }
    }

    /** Values of which one call more than so many fails. */
    private static Values throwing(Values of, int[] calls) {
        return (Values) Proxy.newProxyInstance(Values.class.getClassLoader(), new Class<?>[] {Values.class}, (p, method, args) -> {
            if (!method.getName().equals("size") && --calls[0] < 0) {
                throw new UnsupportedOperationException();
            }
            Object out = call(of, method, args);
            return out instanceof Values v ? throwing(v, calls) : out;
        });
    }

    private static Values spoiled(Values of, String name, Object result) {
        return (Values) Proxy.newProxyInstance(Values.class.getClassLoader(), new Class<?>[] {Values.class},
                (p, method, args) -> method.getName().equals(name) ? result : call(of, method, args));
    }

    private static Object call(Values of, java.lang.reflect.Method m, Object[] args) throws Throwable {
        m.setAccessible(true);
        try {
            return m.invoke(of, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Test
    void changeTypesAndRowsThatDelete() {
        List<Field> columns = TypeText.columns("k INT NOT NULL, v STRING NOT NULL, n ROW<a INT NOT NULL>");
        BatchWriter w = new BatchWriter(columns, 1, true, Codec.NONE, new boolean[] {true, false, false});
        w.add(Trees.values(List.of(1, "one", List.of(5))), null, INSERT);
        w.add(onlyAt(0, 7), null, DELETE);
        w.add(Trees.values(List.of(2, "two", List.of(6))), null, (byte) 3);
        byte[] b = w.encode();
        assertThat(b[BatchFormat.FLAGS]).isEqualTo((byte) 1);
        ArrowBatch batch = new BatchReader(columns).readBatch(b, 0, b.length);
        assertThat(batch.columns()).isEqualTo(4);
        assertThat(batch.fields()).hasSize(4);
        assertThat(batch.fields().get(3).getName()).isEqualTo("_change_type");
        assertThat(Trees.of(batch)).isEqualTo(List.of(
                List.of(1, "one", List.of(5), INSERT), Arrays.asList(7, null, null, DELETE), List.of(2, "two", List.of(6), (byte) 3)));
        assertThatThrownBy(() -> w.add(onlyAt(0, 7), null, INSERT)).as("not a row that deletes").isInstanceOf(IllegalStateException.class);
        assertThat(w.rows()).isEqualTo(3);
    }

    @Test
    void withoutChangeTypesNoRowDeletes() {
        List<Field> columns = TypeText.columns("k INT NOT NULL, v STRING");
        BatchWriter w = new BatchWriter(columns, 1, false, Codec.NONE, new boolean[] {true, false});
        w.add(Trees.values(List.of(1, "one")), null, DELETE);
        byte[] b = w.encode();
        assertThat(Trees.of(new BatchReader(columns).readBatch(b, 0, b.length))).isEqualTo(List.of(List.of(1, "one")));
    }

    /** A row of which only one position may be asked for. */
    private static Values onlyAt(int position, Object value) {
        List<Object> tree = new ArrayList<>(Collections.nCopies(position + 1, null));
        tree.set(position, value);
        Values v = Trees.values(tree);
        return (Values) Proxy.newProxyInstance(Values.class.getClassLoader(), new Class<?>[] {Values.class}, (p, method, args) -> {
            if ((int) args[0] != position) {
                throw new IllegalStateException("position " + args[0] + " was asked for");
            }
            return call(v, method, args);
        });
    }

    @Test
    void positions() {
        List<Field> columns = TypeText.columns("a INT, b STRING");
        BatchWriter w = new BatchWriter(columns, 1, false, Codec.NONE);
        w.add(Trees.values(List.of("x", 9.5, 3)), new int[] {2, 0}, INSERT);
        byte[] b = w.encode();
        assertThat(Trees.of(new BatchReader(columns).readBatch(b, 0, b.length))).isEqualTo(List.of(List.of(3, "x")));
    }

    @Test
    void bytesAreAboutTheSize() {
        long seed = Trees.seed();
        for (long s = seed; s < seed + 30; s++) {
            Trees t = new Trees(s);
            List<Field> columns = t.columns();
            BatchWriter w = new BatchWriter(columns, 1, false, Codec.NONE);
            assertThat(w.bytes()).isZero();
            for (List<Object> row : t.rows(columns, 300)) {
                int before = w.bytes();
                w.add(Trees.values(row), null, INSERT);
                assertThat(w.bytes()).isGreaterThanOrEqualTo(before);
            }
            int size = w.encode().length;
            int slack = 64 + columns.stream().mapToInt(c -> 80 + 64 * Layout.buffers(c.getType())).sum();
            assertThat(w.bytes()).as("seed %d", s).isBetween(size - slack, (int) (size * 1.15) + slack);
        }
    }

    @Test
    void numbersAnEncodedBatch() {
        List<Field> columns = TypeText.columns("a INT");
        byte[] b = Trees.encode(columns, Codec.NONE, List.of(List.of(1)));
        byte[] first = b.clone();
        BatchWriter.number(b, -5L, 77);
        assertThat(Le.getLong(b, BatchFormat.WRITER_ID)).isEqualTo(-5);
        assertThat(Le.getInt(b, BatchFormat.SEQUENCE)).isEqualTo(77);
        assertThat(Trees.of(new BatchReader(columns).readBatch(b, 0, b.length))).isEqualTo(List.of(List.of(1)));
        BatchWriter.number(b, 0, 0);
        assertThat(b).isEqualTo(first);
    }

    @Test
    void encodingTwiceGivesTheSame() {
        Trees t = new Trees(11);
        List<Field> columns = TypeText.columns("a INT, s STRING, l ARRAY<STRING>");
        List<List<Object>> rows = t.rows(columns, 200);
        for (Codec codec : Codec.values()) {
            BatchWriter w = new BatchWriter(columns, 1, false, codec);
            rows.forEach(row -> w.add(Trees.values(row), null, INSERT));
            byte[] first = w.encode();
            assertThat(w.encode()).isEqualTo(first);
            w.reset();
            assertThat(w.isEmpty()).isTrue();
            rows.forEach(row -> w.add(Trees.values(row), null, INSERT));
            assertThat(w.encode()).isEqualTo(first);
        }
    }

    @Test
    void batchesWithoutRowsOrColumns() {
        List<Field> columns = TypeText.columns("a INT NOT NULL, s STRING, l ARRAY<ROW<x MAP<INT, BYTES>>>, b BOOLEAN");
        for (Codec codec : Codec.values()) {
            byte[] none = Trees.encode(columns, codec, List.of());
            assertThat(new BatchReader(columns).readBatch(none, 0, none.length).rows()).isZero();
            byte[] bare = Trees.encode(List.of(), codec, List.of(List.of(), List.of()));
            ArrowBatch b = new BatchReader(List.of()).readBatch(bare, 0, bare.length);
            assertThat(b.rows()).isEqualTo(2);
            assertThat(b.columns()).isZero();
        }
    }

    @Test
    void aBatchAmongOtherBytes() {
        List<Field> columns = TypeText.columns("a INT, s STRING");
        byte[] batch = Trees.encode(columns, Codec.NONE, List.of(List.of(1, "x")));
        byte[] around = new byte[batch.length + 300];
        Arrays.fill(around, (byte) 0x55);
        System.arraycopy(batch, 0, around, 101, batch.length);
        assertThat(Trees.of(new BatchReader(columns).readBatch(around, 101, batch.length))).isEqualTo(List.of(List.of(1, "x")));
        assertThat(Trees.of(new BatchReader(columns).readBatch(around, 101, around.length - 101))).isEqualTo(List.of(List.of(1, "x")));
    }

    @Test
    void typesThatNoColumnHas() {
        for (String type : new String[] {"DECIMAL(39, 0)", "DECIMAL(4, 5)", "DECIMAL", "BINARY", "TIME(10)", "ARRAY<DECIMAL(0, 0)>"}) {
            List<Field> columns = TypeText.columns("x " + type);
            assertThatThrownBy(() -> new BatchWriter(columns, 1, false, Codec.NONE))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("column \"x");
            assertThatThrownBy(() -> new BatchReader(columns)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
