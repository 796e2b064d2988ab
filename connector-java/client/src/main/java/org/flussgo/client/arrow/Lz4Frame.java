package org.flussgo.client.arrow;

import io.airlift.compress.lz4.Lz4Compressor;
import io.airlift.compress.lz4.Lz4Decompressor;

/**
 * The LZ4 frame format (lz4_Frame_format.md 1.6.3), as far as buffers need it. The frames written have independent blocks and no
 * checksums, as those of proto/batch/lz4frame.go: columns have their own. Reading takes what other writers make too, blocks that refer to
 * the ones before included; checksums in a frame are passed over.
 */
final class Lz4Frame {
    private static final int MAGIC = 0x184D2204;
    private static final int HEADER_BYTES = 7;
    private static final int BLOCK_BYTES = 256 << 10;
    private static final int PLAIN_BLOCK = 1 << 31; // set in the size of a block that is not compressed
    private static final int SIZE_BYTES = 4;
    private static final int SUM_BYTES = 4;
    private static final int FLAG_DICT = 1;
    private static final int FLAG_CONTENT_SUM = 1 << 2;
    private static final int FLAG_CONTENT_SIZE = 1 << 3;
    private static final int FLAG_BLOCK_SUM = 1 << 4;
    private static final int FLAG_INDEPENDENT = 1 << 5;
    // Version 1, independent blocks of at most 256 KiB, and the checksum of the two bytes.
    private static final byte[] DESCRIPTOR = {0x60, 0x50, (byte) 0xfb};

    private Lz4Frame() {}

    /** The most bytes that a frame of n bytes takes, with what the compressor needs behind it while it works. */
    static int bound(Lz4Compressor c, int n) {
        int blocks = (n + BLOCK_BYTES - 1) / BLOCK_BYTES;
        return HEADER_BYTES + SIZE_BYTES + SIZE_BYTES * blocks + n + c.maxCompressedLength(BLOCK_BYTES) - BLOCK_BYTES;
    }

    /** Writes the first n bytes of {@code src} as a frame, and returns where it ends. */
    static int compress(Lz4Compressor c, byte[] src, int n, byte[] out, int at) {
        Le.putInt(out, at, MAGIC);
        System.arraycopy(DESCRIPTOR, 0, out, at + SIZE_BYTES, DESCRIPTOR.length);
        int to = at + HEADER_BYTES;
        for (int from = 0; from < n; from += BLOCK_BYTES) {
            int block = Math.min(n - from, BLOCK_BYTES);
            int got = c.compress(src, from, block, out, to + SIZE_BYTES, out.length - to - SIZE_BYTES);
            if (got >= block) {
                System.arraycopy(src, from, out, to + SIZE_BYTES, block);
                Le.putInt(out, to, block | PLAIN_BLOCK);
                got = block;
            } else {
                Le.putInt(out, to, got);
            }
            to += SIZE_BYTES + got;
        }
        Le.putInt(out, to, 0);
        return to + SIZE_BYTES;
    }

    /** Reads the one frame in {@code [from, from + length)} to {@code out} at {@code to}, n bytes at most, and returns how many it has. */
    static int decompress(Lz4Decompressor d, byte[] src, int from, int length, byte[] out, int to, int n) {
        int end = from + length;
        int flags = flags(src, from, length);
        int at = from + HEADER_BYTES + ((flags & FLAG_CONTENT_SIZE) != 0 ? 8 : 0);
        int limit = to + n;
        int wrote = to;
        while (true) {
            if (end - at < SIZE_BYTES) {
                throw cutShort();
            }
            int mark = Le.getInt(src, at);
            at += SIZE_BYTES;
            if (mark == 0) {
                break;
            }
            int block = mark & ~PLAIN_BLOCK;
            if (block > end - at) {
                throw cutShort();
            }
            if ((mark & PLAIN_BLOCK) != 0) {
                wrote = copy(src, at, block, out, wrote, limit);
            } else if ((flags & FLAG_INDEPENDENT) != 0 || wrote == to) {
                wrote += d.decompress(src, at, block, out, wrote, limit - wrote);
            } else {
                wrote = linkedBlock(src, at, at + block, out, to, wrote, limit);
            }
            at += block + ((flags & FLAG_BLOCK_SUM) != 0 ? SUM_BYTES : 0);
        }
        if (at + ((flags & FLAG_CONTENT_SUM) != 0 ? SUM_BYTES : 0) != end) {
            throw new CorruptBatchException("an LZ4 frame does not end where its buffer does");
        }
        return wrote - to;
    }

    private static int flags(byte[] src, int from, int length) {
        if (length < HEADER_BYTES || Le.getInt(src, from) != MAGIC) {
            throw new CorruptBatchException("a buffer that should be an LZ4 frame is none");
        }
        int flags = src[from + SIZE_BYTES];
        if ((flags >> 6 & 3) != 1 || (flags & FLAG_DICT) != 0) {
            throw new CorruptBatchException("an LZ4 frame is of another version than 1, or needs a dictionary");
        }
        return flags;
    }

    private static int copy(byte[] src, int from, int n, byte[] out, int to, int limit) {
        if (n > limit - to) {
            throw tooLong();
        }
        System.arraycopy(src, from, out, to, n);
        return to + n;
    }

    /** Reads a block that may refer to what was written since {@code base}, and returns where its content ends. */
    private static int linkedBlock(byte[] src, int from, int end, byte[] out, int base, int to, int limit) {
        int at = from;
        while (at < end) {
            int token = src[at++] & 0xff;
            int literals = token >> 4;
            if (literals == 15) {
                int b;
                do {
                    b = next(src, at++, end);
                    literals += b;
                } while (b == 255 && literals <= limit - to);
            }
            if (literals > end - at) {
                throw cutShort();
            }
            to = copy(src, at, literals, out, to, limit);
            at += literals;
            if (at == end) {
                return to;
            }
            int back = next(src, at, end) | next(src, at + 1, end) << 8;
            at += 2;
            int match = token & 15;
            if (match == 15) {
                int b;
                do {
                    b = next(src, at++, end);
                    match += b;
                } while (b == 255 && match <= limit - to);
            }
            match += 4;
            if (back == 0 || back > to - base || match > limit - to) {
                throw tooLong();
            }
            for (int stop = to + match; to < stop; to++) {
                out[to] = out[to - back];
            }
        }
        throw cutShort();
    }

    private static int next(byte[] src, int at, int end) {
        if (at >= end) {
            throw cutShort();
        }
        return src[at] & 0xff;
    }

    private static CorruptBatchException cutShort() {
        return new CorruptBatchException("an LZ4 frame is cut short");
    }

    private static CorruptBatchException tooLong() {
        return new CorruptBatchException("an LZ4 frame has more bytes than its buffer says, or refers to bytes before it");
    }
}
