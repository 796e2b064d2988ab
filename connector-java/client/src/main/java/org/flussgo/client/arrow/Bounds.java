package org.flussgo.client.arrow;

import java.util.Arrays;
import org.flussgo.proto.v1.TypeKind;

/** The smallest and largest value of a column, as a batch's column table has them. */
final class Bounds {
    private static final int MAX_TEXT_BYTES = 32;
    private static final int MAX_UTF8_BYTES = 4; // of a character

    final byte[] min;
    final byte[] max;
    final boolean minCut;
    final boolean maxCut;

    private Bounds(byte[] min, byte[] max, boolean minCut, boolean maxCut) {
        this.min = min;
        this.max = max;
        this.minCut = minCut;
        this.maxCut = maxCut;
    }

    /** The bounds of a column; null when none of its values has a place in an order, and for types that have none here. */
    static Bounds of(ColumnBuilder c) {
        if (c.nulls == c.length) {
            return null;
        }
        if (c instanceof ColumnBuilder.Text) {
            ColumnBuilder.Text t = (ColumnBuilder.Text) c;
            return texts(t, t.data.a, t.offsets.a, 0, t.type.getKind() != TypeKind.TYPE_KIND_BYTES);
        }
        if (c instanceof ColumnBuilder.Binaries) {
            ColumnBuilder.Binaries b = (ColumnBuilder.Binaries) c;
            return texts(b, b.values.a, null, b.width, false);
        }
        if (c instanceof ColumnBuilder.Bits) {
            return bits((ColumnBuilder.Bits) c);
        }
        if (!(c instanceof ColumnBuilder.Fixed)) {
            return null;
        }
        ColumnBuilder.Fixed f = (ColumnBuilder.Fixed) c;
        switch (f.type.getKind()) {
            case TYPE_KIND_FLOAT:
            case TYPE_KIND_DOUBLE:
                return floats(f);
            case TYPE_KIND_DECIMAL:
                return decimals(f);
            default:
                return integers(f);
        }
    }

    private static Bounds integers(ColumnBuilder.Fixed f) {
        long lo = Long.MAX_VALUE;
        long hi = Long.MIN_VALUE;
        for (int i = 0; i < f.length; i++) {
            if (f.nulls > 0 && f.isNull(i)) {
                continue;
            }
            long v = integer(f, i);
            lo = Math.min(lo, v);
            hi = Math.max(hi, v);
        }
        return fixed(f.width, lo, hi);
    }

    private static long integer(ColumnBuilder.Fixed f, int i) {
        byte[] a = f.values.a;
        switch (f.width) {
            case 1:
                return a[i];
            case 2:
                return Le.getShort(a, 2 * i);
            case 4:
                return Le.getInt(a, 4 * i);
            default:
                return Le.getLong(a, 8 * i);
        }
    }

    private static Bounds floats(ColumnBuilder.Fixed f) {
        boolean single = f.type.getKind() == TypeKind.TYPE_KIND_FLOAT;
        double lo = Double.POSITIVE_INFINITY;
        double hi = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < f.length; i++) {
            if (f.isNull(i)) {
                continue;
            }
            double v = single ? Float.intBitsToFloat(Le.getInt(f.values.a, 4 * i)) : Double.longBitsToDouble(Le.getLong(f.values.a, 8 * i));
            if (v < lo) { // a NaN is neither less nor greater
                lo = v;
            }
            if (v > hi) {
                hi = v;
            }
        }
        if (lo > hi) {
            return null;
        }
        return single
                ? fixed(4, Float.floatToRawIntBits((float) lo), Float.floatToRawIntBits((float) hi))
                : fixed(8, Double.doubleToRawLongBits(lo), Double.doubleToRawLongBits(hi));
    }

    private static Bounds fixed(int width, long lo, long hi) {
        return new Bounds(little(width, lo), little(width, hi), false, false);
    }

    private static byte[] little(int width, long v) {
        byte[] out = new byte[width];
        for (int i = 0; i < width; i++) {
            out[i] = (byte) (v >> 8 * i);
        }
        return out;
    }

    private static Bounds decimals(ColumnBuilder.Fixed f) {
        int lo = -1;
        int hi = -1;
        for (int i = 0; i < f.length; i++) {
            if (f.isNull(i)) {
                continue;
            }
            if (lo < 0 || less(f.values.a, i, lo)) {
                lo = i;
            }
            if (hi < 0 || less(f.values.a, hi, i)) {
                hi = i;
            }
        }
        int w = Layout.DECIMAL_BYTES;
        return new Bounds(Arrays.copyOfRange(f.values.a, lo * w, lo * w + w), Arrays.copyOfRange(f.values.a, hi * w, hi * w + w), false, false);
    }

    private static boolean less(byte[] a, int i, int j) {
        int w = Layout.DECIMAL_BYTES;
        int high = Long.compare(Le.getLong(a, i * w + 8), Le.getLong(a, j * w + 8));
        return high != 0 ? high < 0 : Long.compareUnsigned(Le.getLong(a, i * w), Le.getLong(a, j * w)) < 0;
    }

    private static Bounds bits(ColumnBuilder.Bits b) {
        boolean anyTrue = false;
        boolean anyFalse = false;
        for (int i = 0; i < b.length && !(anyTrue && anyFalse); i++) {
            if (b.nulls == 0 || !b.isNull(i)) {
                boolean v = (b.values.a[i >> 3] >> (i & 7) & 1) != 0;
                anyTrue |= v;
                anyFalse |= !v;
            }
        }
        return fixed(1, anyFalse ? 0 : 1, anyTrue ? 1 : 0);
    }

    /** The bounds of bytes d between offsets, or of a width where offsets are null. */
    private static Bounds texts(ColumnBuilder c, byte[] d, byte[] offsets, int width, boolean text) {
        int loFrom = -1;
        int loTo = 0;
        int hiFrom = 0;
        int hiTo = 0;
        for (int i = 0; i < c.length; i++) {
            if (c.nulls > 0 && c.isNull(i)) {
                continue;
            }
            int from = offsets == null ? i * width : Le.getInt(offsets, 4 * i);
            int to = offsets == null ? from + width : Le.getInt(offsets, 4 * i + 4);
            if (loFrom < 0) {
                loFrom = hiFrom = from;
                loTo = hiTo = to;
            } else if (Arrays.compareUnsigned(d, from, to, d, loFrom, loTo) < 0) {
                loFrom = from;
                loTo = to;
            } else if (Arrays.compareUnsigned(d, from, to, d, hiFrom, hiTo) > 0) {
                hiFrom = from;
                hiTo = to;
            }
        }
        byte[] min = cut(d, loFrom, loTo, text);
        byte[] max = cut(d, hiFrom, hiTo, text);
        return new Bounds(min, max, min.length < loTo - loFrom, max.length < hiTo - hiFrom);
    }

    /** The first bytes of a value, whole characters if it is a text. */
    private static byte[] cut(byte[] d, int from, int to, boolean text) {
        int end = to;
        if (to - from > MAX_TEXT_BYTES) {
            end = from + MAX_TEXT_BYTES;
            while (text && end > from + MAX_TEXT_BYTES - MAX_UTF8_BYTES && (d[end] & 0xc0) == 0x80) {
                end--;
            }
        }
        return Arrays.copyOfRange(d, from, end);
    }
}
