package org.flussgo.client.arrow;

/** How the buffers of a batch are compressed, each by itself; the ordinal is the number in a batch's header. */
public enum Codec {
    NONE,
    LZ4_FRAME,
    ZSTD
}
