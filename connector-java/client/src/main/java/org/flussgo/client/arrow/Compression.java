package org.flussgo.client.arrow;

import io.airlift.compress.MalformedInputException;
import io.airlift.compress.lz4.Lz4Compressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.zstd.ZstdCompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.util.Arrays;

/** Arrow's compression of buffers: each starts with its plain length, or -1 when it follows as it is. */
final class Compression {
    /** What the buffers of one batch may take when they are decompressed. */
    private static final long MAX_PLAIN_BYTES = 1L << 30;

    private static final int PREFIX = 8;

    // The LZ4 frame format, lz4_Frame_format.md 1.6.3; see proto/batch/lz4frame.go.
    private static final int LZ4_MAGIC = 0x184D2204;
    private static final int LZ4_HEADER_BYTES = 7;
    private static final int LZ4_BLOCK_BYTES = 256 << 10;
    private static final int LZ4_PLAIN_BLOCK = 1 << 31;
    private static final int LZ4_FLAG_DICT = 1;
    private static final int LZ4_FLAG_CONTENT_SUM = 1 << 2;
    private static final int LZ4_FLAG_CONTENT_SIZE = 1 << 3;
    private static final int LZ4_FLAG_BLOCK_SUM = 1 << 4;
    private static final int LZ4_FLAG_INDEPENDENT = 1 << 5;
    private static final byte[] LZ4_DESCRIPTOR = {0x60, 0x50, (byte) 0xfb};

    private Compression() {}

    /** Decompresses buffers into one array, and sets their positions and sizes in it. */
    static byte[] decompress(Codec codec, byte[] src, int[] at, int[] size) {
        long total = 0;
        for (int i = 0; i < at.length; i++) {
            total += (plainLength(src, at[i], size[i]) + 7) & ~7L;
        }
        if (total > MAX_PLAIN_BYTES) {
            throw new CorruptBatchException("a batch says that it is " + total + " bytes when decompressed; at most " + MAX_PLAIN_BYTES + " are taken");
        }
        byte[] out = new byte[(int) total];
        int to = 0;
        for (int i = 0; i < at.length; i++) {
            int n = (int) plainLength(src, at[i], size[i]);
            if (n > 0) {
                one(codec, src, at[i], size[i], out, to, n);
            }
            at[i] = to;
            size[i] = n;
            to += n + 7 & ~7;
        }
        return out;
    }

    private static long plainLength(byte[] src, int at, int size) {
        if (size == 0) {
            return 0;
        }
        if (size < PREFIX) {
            throw new CorruptBatchException("a compressed buffer of " + size + " bytes");
        }
        long n = Le.getLong(src, at);
        if (n == -1) {
            return size - PREFIX;
        }
        if (n < 0 || n > MAX_PLAIN_BYTES) {
            throw new CorruptBatchException("a buffer that says it is " + n + " bytes when decompressed");
        }
        return n;
    }

    private static void one(Codec codec, byte[] src, int at, int size, byte[] out, int to, int n) {
        int from = at + PREFIX;
        int length = size - PREFIX;
        if (Le.getLong(src, at) == -1) {
            System.arraycopy(src, from, out, to, n);
            return;
        }
        try {
            int got = codec == Codec.ZSTD ? new ZstdDecompressor().decompress(src, from, length, out, to, n) : lz4(src, from, length, out, to, n);
            if (got != n) {
                throw new CorruptBatchException("a buffer has " + got + " bytes when decompressed, and says " + n);
            }
        } catch (MalformedInputException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new CorruptBatchException("a buffer that cannot be decompressed", e);
        }
    }

    private static int lz4(byte[] src, int from, int length, byte[] out, int to, int n) {
        int end = from + length;
        if (length < LZ4_HEADER_BYTES || Le.getInt(src, from) != LZ4_MAGIC) {
            throw new CorruptBatchException("a buffer that is no LZ4 frame");
        }
        int flags = src[from + 4];
        if ((flags >> 6 & 3) != 1 || (flags & LZ4_FLAG_DICT) != 0) {
            throw new CorruptBatchException("an LZ4 frame of another version, or with a dictionary");
        }
        int at = from + LZ4_HEADER_BYTES + ((flags & LZ4_FLAG_CONTENT_SIZE) != 0 ? 8 : 0);
        int wrote = 0;
        Lz4Decompressor d = new Lz4Decompressor();
        while (true) {
            if (end - at < 4) {
                throw new CorruptBatchException("an LZ4 frame that ends in the middle");
            }
            int mark = Le.getInt(src, at);
            at += 4;
            if (mark == 0) {
                break;
            }
            int block = mark & ~LZ4_PLAIN_BLOCK;
            if (block > end - at) {
                throw new CorruptBatchException("an LZ4 frame that ends in the middle");
            }
            if ((mark & LZ4_PLAIN_BLOCK) != 0) {
                if (block > n - wrote) {
                    throw new CorruptBatchException("an LZ4 frame of more bytes than it says");
                }
                System.arraycopy(src, at, out, to + wrote, block);
                wrote += block;
            } else if ((flags & LZ4_FLAG_INDEPENDENT) != 0 || wrote == 0) {
                wrote += d.decompress(src, at, block, out, to + wrote, n - wrote);
            } else {
                throw new CorruptBatchException("an LZ4 frame of linked blocks, which this client does not read");
            }
            at += block + ((flags & LZ4_FLAG_BLOCK_SUM) != 0 ? 4 : 0);
        }
        if ((flags & LZ4_FLAG_CONTENT_SUM) != 0) {
            at += 4;
        }
        if (at != end) {
            throw new CorruptBatchException("bytes behind an LZ4 frame");
        }
        return wrote;
    }

    /** The buffer compressed, with its length in front; as it is, with -1 in front, when that is shorter. */
    static byte[] compress(Codec codec, byte[] src, int n) {
        byte[] out;
        int end;
        if (codec == Codec.ZSTD) {
            ZstdCompressor c = new ZstdCompressor();
            out = new byte[PREFIX + c.maxCompressedLength(n)];
            end = PREFIX + c.compress(src, 0, n, out, PREFIX, out.length - PREFIX);
        } else {
            Lz4Compressor c = new Lz4Compressor();
            int blocks = (n + LZ4_BLOCK_BYTES - 1) / LZ4_BLOCK_BYTES;
            out = new byte[PREFIX + LZ4_HEADER_BYTES + 4 + blocks * (4 + c.maxCompressedLength(LZ4_BLOCK_BYTES))];
            end = lz4Frame(c, src, n, out);
        }
        if (end >= PREFIX + n) {
            out = new byte[PREFIX + n];
            Le.putLong(out, 0, -1);
            System.arraycopy(src, 0, out, PREFIX, n);
            return out;
        }
        Le.putLong(out, 0, n);
        return Arrays.copyOf(out, end);
    }

    private static int lz4Frame(Lz4Compressor c, byte[] src, int n, byte[] out) {
        Le.putInt(out, PREFIX, LZ4_MAGIC);
        System.arraycopy(LZ4_DESCRIPTOR, 0, out, PREFIX + 4, LZ4_DESCRIPTOR.length);
        int at = PREFIX + LZ4_HEADER_BYTES;
        for (int from = 0; from < n; from += LZ4_BLOCK_BYTES) {
            int block = Math.min(n - from, LZ4_BLOCK_BYTES);
            int got = c.compress(src, from, block, out, at + 4, out.length - at - 4);
            if (got >= block) {
                System.arraycopy(src, from, out, at + 4, block);
                Le.putInt(out, at, block | LZ4_PLAIN_BLOCK);
                got = block;
            } else {
                Le.putInt(out, at, got);
            }
            at += 4 + got;
        }
        Le.putInt(out, at, 0);
        return at + 4;
    }
}
