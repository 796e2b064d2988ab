package org.flussgo.client.arrow;

/** How the buffers of a batch are compressed, each by itself; the ordinal is the number in a batch's header. */
public enum Codec {
    /** Not compressed: fastest, and values are read where they were received. */
    NONE,
    /** LZ4 in its frame format: cheap to make and to read. */
    LZ4_FRAME,
    /** zstd: smaller than LZ4 and slower. */
    ZSTD
}
