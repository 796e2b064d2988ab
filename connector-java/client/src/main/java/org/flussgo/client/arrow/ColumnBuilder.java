package org.flussgo.client.arrow;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import org.flussgo.client.Types;
import org.flussgo.client.Values;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/**
 * Collects the values of a column, or of a field nested in one, in Arrow's buffers. What throws halfway through a value leaves buffers that
 * only {@link #truncate} puts right.
 */
abstract class ColumnBuilder {
    private static final long SECONDS_PER_DAY = 24 * 60 * 60;

    final String path;
    final DataType type;
    final Buf validity = new Buf();
    final Tally tally;
    int length;
    int nulls;

    private ColumnBuilder(String path, DataType type, Tally tally) {
        this.path = path;
        this.type = type;
        this.tally = tally;
    }

    /** Counts the bytes that went to the buffers of all columns of a writer. */
    static final class Tally {
        /** It only goes up; who truncates sets it back. */
        long bytes;
    }

    /** A builder for a column; {@code path} is its name, with those of what it is nested in. */
    static ColumnBuilder of(String path, DataType t, Tally tally) {
        switch (Layout.form(t)) {
            case BITS:
                return new Bits(path, t, tally);
            case TEXT:
                return new Text(path, t, tally);
            case LIST:
                return t.getKind() == TypeKind.TYPE_KIND_MAP ? new Maps(path, t, tally) : new Lists(path, t, tally);
            case STRUCT:
                return new Rows(path, t, tally);
            default:
                return t.getKind() == TypeKind.TYPE_KIND_BINARY ? new Binaries(path, t, tally) : new Fixed(path, t, tally);
        }
    }

    /** Adds value i of {@code v}, null or not. */
    final void add(Values v, int i) {
        if (v.isNull(i)) {
            if (!type.getNullable()) {
                throw new ValueException(path, "is NOT NULL and the value is null");
            }
            addNull();
            return;
        }
        bit();
        put(v, i);
        valid();
    }

    /** Adds a null, whatever the type says: one in a row that is null itself need not be allowed. */
    final void addNull() {
        bit();
        putNull();
        nulls++;
        length++;
    }

    /** Makes room for the validity of the next value. */
    final void bit() {
        if ((length & 7) == 0) {
            validity.n = validity.room(1) + 1;
            tally.bytes++;
        }
    }

    /** Tells that the next value is there and not null. */
    final void valid() {
        validity.a[length >> 3] |= (byte) (1 << (length & 7));
        length++;
    }

    abstract void put(Values v, int i);

    abstract void putNull();

    /** Forgets the values behind {@code to}. */
    void truncate(int to) {
        if (to >= length) {
            validity.truncate((length + 7) / 8);
            return;
        }
        if (to == 0) {
            nulls = 0;
        } else {
            for (int i = to; i < length; i++) {
                if (isNull(i)) {
                    nulls--;
                } else {
                    validity.a[i >> 3] &= (byte) ~(1 << (i & 7));
                }
            }
        }
        validity.truncate((to + 7) / 8);
        length = to;
    }

    final boolean isNull(int i) {
        return (validity.a[i >> 3] >> (i & 7) & 1) == 0;
    }

    /** Tells the nodes and buffers of the column, depth first. */
    void visit(Visitor to) {
        to.node(length, nulls);
        to.buffer(validity.a, nulls == 0 ? 0 : (length + 7) / 8);
    }

    /** Takes what a column is made of. */
    interface Visitor {
        void node(int length, int nulls);

        void buffer(byte[] bytes, int n);
    }

    /** BOOLEAN. */
    static final class Bits extends ColumnBuilder {
        final Buf values = new Buf();

        Bits(String path, DataType t, Tally tally) {
            super(path, t, tally);
        }

        @Override
        void put(Values v, int i) {
            putNull();
            if (v.getBoolean(i)) {
                values.a[length >> 3] |= (byte) (1 << (length & 7));
            }
        }

        @Override
        void putNull() {
            if ((length & 7) == 0) {
                values.n = values.room(1) + 1;
                tally.bytes++;
            }
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            values.truncate((to + 7) / 8);
            if ((to & 7) != 0) {
                values.a[to >> 3] &= (byte) ((1 << (to & 7)) - 1);
            }
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.buffer(values.a, values.n);
        }
    }

    /** Values of fixed width. */
    static final class Fixed extends ColumnBuilder {
        final Buf values = new Buf();
        final int width;
        private final TypeKind kind;
        private final BigInteger limit; // of decimals: what none reaches
        private final long small; // the same as a long, and of times

        Fixed(String path, DataType t, Tally tally) {
            super(path, t, tally);
            width = Layout.width(t);
            kind = t.getKind();
            limit = kind == TypeKind.TYPE_KIND_DECIMAL ? BigInteger.TEN.pow(t.getPrecision()) : null;
            if (kind == TypeKind.TYPE_KIND_TIME) {
                small = SECONDS_PER_DAY * Types.unitsPerSecond(t.getPrecision());
            } else {
                small = limit != null && t.getPrecision() <= Layout.SMALL_DECIMAL_DIGITS ? limit.longValueExact() : 0;
            }
        }

        /** Adds a value of a TINYINT. */
        void addByte(byte v) {
            bit();
            int at = values.room(1); // first: it may make another array
            values.a[at] = v;
            values.n = at + 1;
            tally.bytes++;
            valid();
        }

        @Override
        void put(Values v, int i) {
            int at = values.room(width);
            switch (kind) {
                case TYPE_KIND_TINYINT:
                    values.a[at] = v.getByte(i);
                    break;
                case TYPE_KIND_SMALLINT:
                    Le.putShort(values.a, at, v.getShort(i));
                    break;
                case TYPE_KIND_INT:
                case TYPE_KIND_DATE:
                    Le.putInt(values.a, at, v.getInt(i));
                    break;
                case TYPE_KIND_BIGINT:
                    Le.putLong(values.a, at, v.getLong(i));
                    break;
                case TYPE_KIND_FLOAT:
                    Le.putInt(values.a, at, Float.floatToRawIntBits(v.getFloat(i)));
                    break;
                case TYPE_KIND_DOUBLE:
                    Le.putLong(values.a, at, Double.doubleToRawLongBits(v.getDouble(i)));
                    break;
                case TYPE_KIND_DECIMAL:
                    decimal(v, i, at);
                    break;
                case TYPE_KIND_TIME:
                    time(v.getTime(i, type.getPrecision()), at);
                    break;
                default:
                    Le.putLong(values.a, at, v.getTime(i, type.getPrecision()));
            }
            values.n = at + width;
            tally.bytes += width;
        }

        private void time(long t, int at) {
            if (t < 0 || t >= small) {
                throw new ValueException(path, "is " + Types.sql(type) + " and the value " + t + " is not within a day, [0, " + small + ")");
            }
            if (width == 4) {
                Le.putInt(values.a, at, (int) t);
            } else {
                Le.putLong(values.a, at, t);
            }
        }

        private void decimal(Values v, int i, int at) {
            int p = type.getPrecision();
            if (p <= Layout.SMALL_DECIMAL_DIGITS) {
                long unscaled = v.getSmallDecimal(i, p, type.getScale());
                if (unscaled >= small || unscaled <= -small) {
                    throw tooLarge(BigInteger.valueOf(unscaled));
                }
                Le.putLong(values.a, at, unscaled);
                Le.putLong(values.a, at + 8, unscaled >> 63);
                return;
            }
            BigInteger large = v.getLargeDecimal(i, p, type.getScale());
            if (large.abs().compareTo(limit) >= 0) {
                throw tooLarge(large);
            }
            Le.putLong(values.a, at, large.longValue());
            Le.putLong(values.a, at + 8, large.shiftRight(64).longValue());
        }

        private ValueException tooLarge(BigInteger unscaled) {
            return new ValueException(path, "is " + Types.sql(type) + " and the value "
                    + new BigDecimal(unscaled, type.getScale()) + " has more digits");
        }

        @Override
        void putNull() {
            values.n = values.room(width) + width;
            tally.bytes += width;
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            values.truncate(to * width);
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.buffer(values.a, values.n);
        }
    }

    /** BINARY(n). */
    static final class Binaries extends ColumnBuilder {
        final Buf values = new Buf();
        final int width;

        Binaries(String path, DataType t, Tally tally) {
            super(path, t, tally);
            width = t.getLength();
        }

        @Override
        void put(Values v, int i) {
            byte[] b = v.getBytes(i);
            if (b.length != width) {
                throw new ValueException(path, "is BINARY(" + width + ") and the value has " + b.length + " bytes");
            }
            int at = values.room(width);
            System.arraycopy(b, 0, values.a, at, width);
            values.n = at + width;
            tally.bytes += width;
        }

        @Override
        void putNull() {
            values.n = values.room(width) + width;
            tally.bytes += width;
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            values.truncate(to * width);
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.buffer(values.a, values.n);
        }
    }

    /** Offsets, 4 bytes each and one more than values; the first is 0. */
    private abstract static class Offsets extends ColumnBuilder {
        final Buf offsets = new Buf();

        Offsets(String path, DataType t, Tally tally) {
            super(path, t, tally);
            offsets.n = 4;
        }

        final void end(int at) {
            int to = offsets.room(4);
            Le.putInt(offsets.a, to, at);
            offsets.n = to + 4;
            tally.bytes += 4;
        }

        final int offset(int i) {
            return Le.getInt(offsets.a, 4 * i);
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.buffer(offsets.a, length == 0 ? 0 : offsets.n);
        }
    }

    /** CHAR, STRING and BYTES. */
    static final class Text extends Offsets {
        final Buf data = new Buf();
        private final int most; // characters of a CHAR, or 0

        Text(String path, DataType t, Tally tally) {
            super(path, t, tally);
            most = t.getKind() == TypeKind.TYPE_KIND_CHAR ? t.getLength() : 0;
        }

        @Override
        void put(Values v, int i) {
            byte[] b = v.getBytes(i);
            if (most > 0 && b.length > most && characters(b) > most) {
                throw new ValueException(path, "is CHAR(" + most + ") and the value has " + characters(b) + " characters");
            }
            int at = data.room(b.length);
            System.arraycopy(b, 0, data.a, at, b.length);
            data.n = at + b.length;
            tally.bytes += b.length;
            end(data.n);
        }

        private static int characters(byte[] utf8) {
            int n = 0;
            for (byte b : utf8) {
                n += (b & 0xc0) != 0x80 ? 1 : 0;
            }
            return n;
        }

        @Override
        void putNull() {
            end(data.n);
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            data.truncate(offset(to));
            offsets.truncate(4 * (to + 1));
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.buffer(data.a, data.n);
        }
    }

    private static final class Lists extends Offsets {
        private final ColumnBuilder elements;

        Lists(String path, DataType t, Tally tally) {
            super(path, t, tally);
            elements = of(path + ".element", t.getFields(0).getType(), tally);
        }

        @Override
        void put(Values v, int i) {
            Values list = v.getArray(i);
            int n = list.size();
            for (int k = 0; k < n; k++) {
                elements.add(list, k);
            }
            end(elements.length);
        }

        @Override
        void putNull() {
            end(elements.length);
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            elements.truncate(offset(to));
            offsets.truncate(4 * (to + 1));
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            elements.visit(to);
        }
    }

    private static final class Maps extends Offsets {
        private final ColumnBuilder keys;
        private final ColumnBuilder values;

        Maps(String path, DataType t, Tally tally) {
            super(path, t, tally);
            DataType key = t.getFields(0).getType().toBuilder().setNullable(false).build();
            keys = of(path + ".key", key, tally);
            values = of(path + ".value", t.getFields(1).getType(), tally);
        }

        @Override
        void put(Values v, int i) {
            Values k = v.getMapKeys(i);
            Values w = v.getMapValues(i);
            int n = k.size();
            if (w.size() != n) {
                throw new ValueException(path, "is a MAP and the value has " + n + " keys and " + w.size() + " values");
            }
            for (int e = 0; e < n; e++) {
                keys.add(k, e);
                values.add(w, e);
            }
            end(keys.length);
        }

        @Override
        void putNull() {
            end(keys.length);
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            keys.truncate(offset(to));
            values.truncate(offset(to));
            offsets.truncate(4 * (to + 1));
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            to.node(keys.length, 0); // the entries, a struct that is never null
            to.buffer(validity.a, 0);
            keys.visit(to);
            values.visit(to);
        }
    }

    private static final class Rows extends ColumnBuilder {
        private final ColumnBuilder[] fields;

        Rows(String path, DataType t, Tally tally) {
            super(path, t, tally);
            List<Field> of = t.getFieldsList();
            fields = new ColumnBuilder[of.size()];
            for (int k = 0; k < fields.length; k++) {
                fields[k] = of(path + "." + of.get(k).getName(), of.get(k).getType(), tally);
            }
        }

        @Override
        void put(Values v, int i) {
            Values row = v.getRow(i, fields.length);
            for (int k = 0; k < fields.length; k++) {
                fields[k].add(row, k);
            }
        }

        @Override
        void putNull() {
            for (ColumnBuilder f : fields) {
                f.addNull();
            }
        }

        @Override
        void truncate(int to) {
            super.truncate(to);
            for (ColumnBuilder f : fields) {
                f.truncate(to);
            }
        }

        @Override
        void visit(Visitor to) {
            super.visit(to);
            for (ColumnBuilder f : fields) {
                f.visit(to);
            }
        }
    }
}
