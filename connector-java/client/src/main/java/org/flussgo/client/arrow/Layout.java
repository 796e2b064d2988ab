package org.flussgo.client.arrow;

import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** How Arrow lays a type out: its buffers and their widths. */
final class Layout {
    static final int DECIMAL_BYTES = 16;
    /** The largest precision that is handed over as a long. */
    static final int SMALL_DECIMAL_DIGITS = 18;

    private static final int MAX_DECIMAL_DIGITS = 38;
    private static final int MAX_TIME_DIGITS = 9;
    private static final int MILLI_DIGITS = 3;
    private static final int MAX_BINARY_BYTES = 1 << 20;

    private Layout() {}

    /** What the buffers of a type are, after the validity. */
    enum Form {
        /** Values of a bit. */
        BITS,
        /** Values of a width in bytes. */
        FIXED,
        /** Offsets, then bytes. */
        TEXT,
        /** Offsets into the children. */
        LIST,
        /** Nothing: the children have all. */
        STRUCT
    }

    static Form form(DataType t) {
        switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN:
                return Form.BITS;
            case TYPE_KIND_CHAR:
            case TYPE_KIND_STRING:
            case TYPE_KIND_BYTES:
                return Form.TEXT;
            case TYPE_KIND_ARRAY:
            case TYPE_KIND_MAP:
                return Form.LIST;
            case TYPE_KIND_ROW:
                return Form.STRUCT;
            default:
                return Form.FIXED;
        }
    }

    /** The bytes of a value of fixed width. */
    static int width(DataType t) {
        switch (t.getKind()) {
            case TYPE_KIND_TINYINT:
                return 1;
            case TYPE_KIND_SMALLINT:
                return 2;
            case TYPE_KIND_INT:
            case TYPE_KIND_DATE:
            case TYPE_KIND_FLOAT:
                return 4;
            case TYPE_KIND_TIME:
                return t.getPrecision() <= MILLI_DIGITS ? 4 : 8;
            case TYPE_KIND_BIGINT:
            case TYPE_KIND_DOUBLE:
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return 8;
            case TYPE_KIND_DECIMAL:
                return DECIMAL_BYTES;
            case TYPE_KIND_BINARY:
                return t.getLength();
            default:
                throw new IllegalArgumentException("a " + t.getKind() + " has no fixed width");
        }
    }

    /** The number of nodes of a type in a batch's metadata, those of its children included. */
    static int nodes(DataType t) {
        int n = t.getKind() == TypeKind.TYPE_KIND_MAP ? 2 : 1; // a map's entries are one of their own
        for (Field f : t.getFieldsList()) {
            n += nodes(f.getType());
        }
        return n;
    }

    /** The number of buffers of a type in a batch's metadata, those of its children included. */
    static int buffers(DataType t) {
        int n;
        switch (form(t)) {
            case STRUCT:
                n = 1;
                break;
            case TEXT:
                n = 3;
                break;
            default:
                n = t.getKind() == TypeKind.TYPE_KIND_MAP ? 3 : 2;
        }
        for (Field f : t.getFieldsList()) {
            n += buffers(f.getType());
        }
        return n;
    }

    /** What is wrong with a type, not looking into its children: the end of a sentence; null when nothing is. */
    static String fault(DataType t) {
        int n = t.getFieldsCount();
        switch (t.getKind()) {
            case TYPE_KIND_UNSPECIFIED:
            case UNRECOGNIZED:
                return "has a type that this client does not know";
            case TYPE_KIND_BINARY:
                return outside("a length", t.getLength(), 1, MAX_BINARY_BYTES);
            case TYPE_KIND_DECIMAL:
                String fault = outside("a precision", t.getPrecision(), 1, MAX_DECIMAL_DIGITS);
                return fault != null ? fault : outside("a scale", t.getScale(), 0, t.getPrecision());
            case TYPE_KIND_TIME:
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return outside("a precision", t.getPrecision(), 0, MAX_TIME_DIGITS);
            case TYPE_KIND_ARRAY:
                return n == 1 ? null : "is an ARRAY of " + n + " types";
            case TYPE_KIND_MAP:
                return n == 2 ? null : "is a MAP of " + n + " types";
            case TYPE_KIND_ROW:
                return n > 0 ? null : "is a ROW of no fields";
            default:
                return null;
        }
    }

    private static String outside(String what, int is, int low, int high) {
        return is >= low && is <= high ? null : "has " + what + " of " + is + ", it must be " + low + " to " + high;
    }

    /** Throws IllegalArgumentException, with the column's name, for a type that no column can have. */
    static void check(String path, DataType t) {
        String fault = fault(t);
        if (fault != null) {
            throw new IllegalArgumentException("column \"" + path + "\" " + fault);
        }
        for (Field f : t.getFieldsList()) {
            check(path + "." + f.getName(), f.getType());
        }
    }
}
