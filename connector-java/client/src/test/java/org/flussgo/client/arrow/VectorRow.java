package org.flussgo.client.arrow;

import java.math.BigInteger;
import java.util.Arrays;
import org.flussgo.client.Values;

/** A row of a batch that was read, or elements of an array in it, as values to write. */
final class VectorRow implements Values {
    private final Vector[] columns;
    private final int from;
    private final int n;

    /** Row {@code row} of the columns. */
    VectorRow(Vector[] columns, int row) {
        this.columns = columns;
        this.from = row;
        this.n = columns.length;
    }

    private VectorRow(Vector elements, int from, int to) {
        this.columns = new Vector[to - from];
        Arrays.fill(columns, elements);
        this.from = -1 - from;
        this.n = to - from;
    }

    static VectorRow of(ArrowBatch b, int row) {
        Vector[] columns = new Vector[b.columns()];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = b.column(i);
        }
        return new VectorRow(columns, row);
    }

    private int at(int i) {
        return from >= 0 ? from : -1 - from + i;
    }

    @Override
    public int size() {
        return n;
    }

    @Override
    public boolean isNull(int i) {
        return columns[i].isNull(at(i));
    }

    @Override
    public boolean getBoolean(int i) {
        return columns[i].getBoolean(at(i));
    }

    @Override
    public byte getByte(int i) {
        return columns[i].getByte(at(i));
    }

    @Override
    public short getShort(int i) {
        return columns[i].getShort(at(i));
    }

    @Override
    public int getInt(int i) {
        return columns[i].getInt(at(i));
    }

    @Override
    public long getLong(int i) {
        return columns[i].getLong(at(i));
    }

    @Override
    public float getFloat(int i) {
        return columns[i].getFloat(at(i));
    }

    @Override
    public double getDouble(int i) {
        return columns[i].getDouble(at(i));
    }

    @Override
    public long getTime(int i, int precision) {
        return columns[i].getTime(at(i));
    }

    @Override
    public byte[] getBytes(int i) {
        Vector v = columns[i];
        return Arrays.copyOfRange(v.data(), v.start(at(i)), v.end(at(i)));
    }

    @Override
    public long getSmallDecimal(int i, int precision, int scale) {
        return columns[i].getSmallDecimal(at(i));
    }

    @Override
    public BigInteger getLargeDecimal(int i, int precision, int scale) {
        return columns[i].getLargeDecimal(at(i));
    }

    @Override
    public Values getArray(int i) {
        Vector v = columns[i];
        return new VectorRow(v.child(0), v.elementStart(at(i)), v.elementEnd(at(i)));
    }

    @Override
    public Values getMapKeys(int i) {
        return getArray(i);
    }

    @Override
    public Values getMapValues(int i) {
        Vector v = columns[i];
        return new VectorRow(v.child(1), v.elementStart(at(i)), v.elementEnd(at(i)));
    }

    @Override
    public Values getRow(int i, int fields) {
        Vector[] of = new Vector[fields];
        for (int k = 0; k < fields; k++) {
            of[k] = columns[i].child(k);
        }
        return new VectorRow(of, at(i));
    }
}
