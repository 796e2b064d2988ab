package org.flussgo.client.arrow;

import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** Where the fields of a batch's header are: proto/batch/FORMAT.md. */
final class BatchFormat {
    static final int HEADER_BYTES = 128;
    static final int ALIGN = 64;
    static final int COLUMN_ENTRY_BYTES = 16;
    static final int FLAG_CHANGE_TYPES = 1;
    static final int MAGIC = 'F' | 'L' << 8 | 'B' << 16 | '1' << 24;

    static final int TOTAL_BYTES = 4;
    static final int HEADER_CRC = 8;
    static final int HEAD_CRC = 12;
    static final int VERSION = 16;
    static final int FLAGS = 17;
    static final int CODEC = 18;
    static final int ROW_COUNT = 20;
    static final int WRITER_ID = 56;
    static final int SEQUENCE = 64;
    static final int SCHEMA_ID = 68;
    static final int METADATA_BYTES = 72;
    static final int COLUMN_TABLE_BYTES = 76;
    static final int BODY_BYTES = 80;
    static final int UNCOMPRESSED_BYTES = 84;

    /** The last column of batches with change types, as proto/schema names it. */
    static final Field CHANGE_TYPE = Field.newBuilder()
            .setName("_change_type")
            .setType(DataType.newBuilder().setKind(TypeKind.TYPE_KIND_TINYINT))
            .build();

    private BatchFormat() {}

    /** Rounds up to what batches and their buffers are aligned to. */
    static long pad(long n) {
        return n + ALIGN - 1 & -ALIGN;
    }
}
