package org.flussgo.client.arrow;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.flussgo.client.Types;
import org.flussgo.client.Values;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/**
 * Rows as trees of plain objects, made at random and taken from vectors. A tree is null, or what boxes the type: Long for times too,
 * BigInteger for the unscaled value of a decimal, String for texts, ByteBuffer for bytes, List for arrays and rows, and a List of pairs, as
 * Lists, for maps.
 */
final class Trees {
    private static final int MAX_DEPTH = 3;
    private static final int[] CHARACTERS = {'a', 'b', 'z', ' ', 0xe9, 0x6f22, 0x1f600, 0x7f, 0x10ffff};

    private final Random r;

    Trees(long seed) {
        r = new Random(seed);
    }

    /** A seed for a test to print, or the one to repeat: -Dseed=. */
    static long seed() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed " + seed);
        return seed;
    }

    /** How many rounds a random test makes; -Drounds= for more. */
    static int rounds(int n) {
        return Integer.getInteger("rounds", n);
    }

    /** Columns of any types, with ids from 1; there may be none. */
    List<Field> columns() {
        List<Field> out = new ArrayList<>();
        for (int n = r.nextInt(7); n > 0; n--) {
            out.add(field("c" + n, out.size() + 1, MAX_DEPTH));
        }
        return out;
    }

    private Field field(String name, int id, int depth) {
        return Field.newBuilder().setName(name).setId(id).setType(type(depth)).build();
    }

    private DataType type(int depth) {
        int last = (depth == 0 ? TypeKind.TYPE_KIND_BYTES : TypeKind.TYPE_KIND_ROW).getNumber();
        DataType.Builder b = DataType.newBuilder()
                .setKind(TypeKind.forNumber(1 + r.nextInt(last)))
                .setNullable(r.nextInt(4) > 0);
        switch (b.getKind()) {
            case TYPE_KIND_CHAR -> b.setLength(1 + r.nextInt(40));
            case TYPE_KIND_BINARY -> b.setLength(1 + r.nextInt(r.nextBoolean() ? 5 : 50));
            case TYPE_KIND_DECIMAL -> {
                b.setPrecision(1 + r.nextInt(38));
                b.setScale(r.nextInt(b.getPrecision() + 1));
            }
            case TYPE_KIND_TIME, TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> b.setPrecision(r.nextInt(10));
            case TYPE_KIND_ARRAY -> b.addFields(field("element", 0, depth - 1));
            case TYPE_KIND_MAP -> {
                Field key = field("key", 0, depth - 1);
                b.addFields(key.toBuilder().setType(key.getType().toBuilder().setNullable(false)));
                b.addFields(field("value", 0, depth - 1));
            }
            case TYPE_KIND_ROW -> {
                for (int n = 1 + r.nextInt(4); n > 0; n--) {
                    b.addFields(field("f" + n, 0, depth - 1));
                }
            }
            default -> { }
        }
        return b.build();
    }

    /** A number of rows of the columns; some columns have no nulls, and some nothing else. */
    List<List<Object>> rows(List<Field> columns, int n) {
        int[] nullsInTen = columns.stream().mapToInt(c -> new int[] {0, 2, 10}[r.nextInt(8) / 3]).toArray();
        List<List<Object>> out = new ArrayList<>();
        while (out.size() < n) {
            List<Object> row = new ArrayList<>();
            for (int i = 0; i < nullsInTen.length; i++) {
                row.add(value(columns.get(i).getType(), nullsInTen[i]));
            }
            out.add(row);
        }
        return out;
    }

    private Object value(DataType t, int nullsInTen) {
        if (t.getNullable() && r.nextInt(10) < nullsInTen) {
            return null;
        }
        return switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN -> r.nextBoolean();
            case TYPE_KIND_TINYINT -> (byte) r.nextInt();
            case TYPE_KIND_SMALLINT -> (short) r.nextInt();
            case TYPE_KIND_INT, TYPE_KIND_DATE -> r.nextInt();
            case TYPE_KIND_BIGINT, TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> r.nextLong() >> r.nextInt(64);
            case TYPE_KIND_FLOAT -> r.nextInt(9) == 0 ? new float[] {Float.NaN, -0f, Float.NEGATIVE_INFINITY}[r.nextInt(3)] : (float) r.nextGaussian();
            case TYPE_KIND_DOUBLE -> r.nextInt(9) == 0 ? new double[] {Double.NaN, -0d, Double.MAX_VALUE}[r.nextInt(3)] : r.nextGaussian();
            case TYPE_KIND_CHAR -> text(r.nextInt(t.getLength() + 1));
            case TYPE_KIND_STRING -> text(r.nextInt(r.nextInt(20) == 0 ? 500 : 20));
            case TYPE_KIND_DECIMAL -> decimal(t.getPrecision());
            case TYPE_KIND_TIME -> (long) (r.nextDouble() * 86_400 * Types.unitsPerSecond(t.getPrecision()));
            case TYPE_KIND_BINARY -> bytes(t.getLength());
            case TYPE_KIND_BYTES -> bytes(r.nextInt(60));
            case TYPE_KIND_ARRAY -> list(t.getFields(0).getType());
            case TYPE_KIND_MAP -> pairs(t);
            default -> row(t, nullsInTen);
        };
    }

    private String text(int characters) {
        StringBuilder b = new StringBuilder();
        boolean ascii = r.nextBoolean();
        for (int i = 0; i < characters; i++) {
            b.appendCodePoint(CHARACTERS[r.nextInt(ascii ? 4 : CHARACTERS.length)]);
        }
        return b.toString();
    }

    private ByteBuffer bytes(int n) {
        byte[] b = new byte[n];
        r.nextBytes(b);
        return ByteBuffer.wrap(b);
    }

    private BigInteger decimal(int precision) {
        BigInteger most = BigInteger.TEN.pow(precision).subtract(BigInteger.ONE);
        BigInteger v = r.nextInt(9) == 0 ? most : new BigInteger(127, r).mod(most).shiftRight(r.nextInt(40));
        return r.nextBoolean() ? v.negate() : v;
    }

    private List<Object> list(DataType element) {
        List<Object> out = new ArrayList<>();
        for (int n = r.nextInt(4); n > 0; n--) {
            out.add(value(element, 2));
        }
        return out;
    }

    private List<Object> pairs(DataType map) {
        List<Object> out = new ArrayList<>();
        for (int n = r.nextInt(4); n > 0; n--) {
            out.add(Arrays.asList(value(map.getFields(0).getType(), 2), value(map.getFields(1).getType(), 2)));
        }
        return out;
    }

    private List<Object> row(DataType t, int nullsInTen) {
        List<Object> out = new ArrayList<>();
        for (Field f : t.getFieldsList()) {
            out.add(value(f.getType(), nullsInTen));
        }
        return out;
    }

    /** The rows of a batch. */
    static List<List<Object>> of(ArrowBatch b) {
        List<List<Object>> out = new ArrayList<>();
        for (int i = 0; i < b.rows(); i++) {
            List<Object> row = new ArrayList<>();
            for (int k = 0; k < b.columns(); k++) {
                row.add(of(b.column(k), i));
            }
            out.add(row);
        }
        return out;
    }

    /** Value i of a vector. */
    static Object of(Vector v, int i) {
        if (v.isNull(i)) {
            return null;
        }
        return switch (v.type().getKind()) {
            case TYPE_KIND_BOOLEAN -> v.getBoolean(i);
            case TYPE_KIND_TINYINT -> v.getByte(i);
            case TYPE_KIND_SMALLINT -> v.getShort(i);
            case TYPE_KIND_INT, TYPE_KIND_DATE -> v.getInt(i);
            case TYPE_KIND_BIGINT -> v.getLong(i);
            case TYPE_KIND_FLOAT -> v.getFloat(i);
            case TYPE_KIND_DOUBLE -> v.getDouble(i);
            case TYPE_KIND_TIME, TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> v.getTime(i);
            case TYPE_KIND_DECIMAL -> v.type().getPrecision() <= 18 ? BigInteger.valueOf(v.getSmallDecimal(i)) : v.getLargeDecimal(i);
            case TYPE_KIND_CHAR, TYPE_KIND_STRING -> new String(v.data(), v.start(i), v.end(i) - v.start(i), StandardCharsets.UTF_8);
            case TYPE_KIND_BINARY, TYPE_KIND_BYTES -> ByteBuffer.wrap(Arrays.copyOfRange(v.data(), v.start(i), v.end(i)));
            case TYPE_KIND_ROW -> {
                List<Object> row = new ArrayList<>();
                for (int k = 0; k < v.type().getFieldsCount(); k++) {
                    row.add(of(v.child(k), i));
                }
                yield row;
            }
            default -> {
                List<Object> list = new ArrayList<>();
                for (int e = v.elementStart(i); e < v.elementEnd(i); e++) {
                    Object first = of(v.child(0), e);
                    list.add(v.type().getKind() == TypeKind.TYPE_KIND_MAP ? Arrays.asList(first, of(v.child(1), e)) : first);
                }
                yield list;
            }
        };
    }

    /** A tree, of a row or an array, as values to write. */
    static Values values(List<?> tree) {
        return new TreeValues(tree);
    }

    /** Encodes rows as a batch. */
    static byte[] encode(List<Field> columns, Codec codec, List<List<Object>> rows) {
        BatchWriter w = new BatchWriter(columns, 1, false, codec);
        rows.forEach(row -> w.add(values(row), null, (byte) 1));
        return w.encode();
    }

    private record TreeValues(List<?> tree) implements Values {
        @Override
        public int size() {
            return tree.size();
        }

        @Override
        public boolean isNull(int i) {
            return tree.get(i) == null;
        }

        @Override
        public boolean getBoolean(int i) {
            return (Boolean) tree.get(i);
        }

        @Override
        public byte getByte(int i) {
            return (Byte) tree.get(i);
        }

        @Override
        public short getShort(int i) {
            return (Short) tree.get(i);
        }

        @Override
        public int getInt(int i) {
            return (Integer) tree.get(i);
        }

        @Override
        public long getLong(int i) {
            return (Long) tree.get(i);
        }

        @Override
        public float getFloat(int i) {
            return (Float) tree.get(i);
        }

        @Override
        public double getDouble(int i) {
            return (Double) tree.get(i);
        }

        @Override
        public long getTime(int i, int precision) {
            return (Long) tree.get(i);
        }

        @Override
        public byte[] getBytes(int i) {
            return tree.get(i) instanceof String s ? s.getBytes(StandardCharsets.UTF_8) : ((ByteBuffer) tree.get(i)).array();
        }

        @Override
        public long getSmallDecimal(int i, int precision, int scale) {
            return ((BigInteger) tree.get(i)).longValueExact();
        }

        @Override
        public BigInteger getLargeDecimal(int i, int precision, int scale) {
            return (BigInteger) tree.get(i);
        }

        @Override
        public Values getArray(int i) {
            return new TreeValues((List<?>) tree.get(i));
        }

        @Override
        public Values getMapKeys(int i) {
            return part(i, 0);
        }

        @Override
        public Values getMapValues(int i) {
            return part(i, 1);
        }

        private Values part(int i, int k) {
            List<Object> out = new ArrayList<>();
            for (Object pair : (List<?>) tree.get(i)) {
                out.add(((List<?>) pair).get(k));
            }
            return new TreeValues(out);
        }

        @Override
        public Values getRow(int i, int fields) {
            return getArray(i);
        }
    }
}
