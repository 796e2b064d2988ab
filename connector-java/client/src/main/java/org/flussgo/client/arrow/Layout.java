package org.flussgo.client.arrow;

import org.flussgo.proto.v1.DataType;

/** How Arrow lays a type out: its buffers and their widths. */
final class Layout {
    static final int DECIMAL_BYTES = 16;

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
                return t.getPrecision() <= 3 ? 4 : 8;
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
}
