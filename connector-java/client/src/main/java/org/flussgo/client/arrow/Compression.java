package org.flussgo.client.arrow;

import io.airlift.compress.lz4.Lz4Compressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.zstd.ZstdCompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.util.Arrays;

/** Arrow's compression of buffers: each that is not empty starts with its plain length, or -1 when it follows as it is. */
final class Compression {
    /**
     * What the buffers of one batch may take when they are decompressed, in bytes: the limit that the server has for what it takes in
     * (DefaultMaxUncompressed in proto/batch).
     */
    static final long MAX_PLAIN_BYTES = 64 << 20;

    private static final int PREFIX = 8;
    private static final long AS_IT_IS = -1;
    /** The size below which a buffer is written as it is. */
    private static final int MIN_COMPRESS = 64;
    // The most that a byte of a frame can become: a length byte of LZ4, and a zstd block of 4 bytes that repeats one to 128 KiB.
    private static final long MOST_LZ4 = 255;
    private static final long MOST_ZSTD = (128 << 10) / 4;

    private Compression() {}

    /** Decompresses buffers into one array, and sets their positions and sizes in it. */
    static byte[] decompress(Codec codec, byte[] src, int[] at, int[] size) {
        long total = 0;
        for (int i = 0; i < at.length; i++) {
            total += padded(plainLength(codec, src, at[i], size[i]));
        }
        if (total > MAX_PLAIN_BYTES) {
            throw new CorruptBatchException(
                    "a batch says that it has " + total + " bytes when decompressed; at most " + MAX_PLAIN_BYTES + " are taken");
        }
        byte[] out = new byte[(int) total];
        Unpacker unpacker = new Unpacker(codec);
        int to = 0;
        for (int i = 0; i < at.length; i++) {
            int n = (int) plainLength(codec, src, at[i], size[i]);
            if (n > 0) {
                unpacker.unpack(src, at[i], size[i], out, to, n);
            }
            at[i] = to;
            size[i] = n;
            to += (int) padded(n);
        }
        return out;
    }

    private static long padded(long n) {
        return (n + 7) & ~7L;
    }

    private static long plainLength(Codec codec, byte[] src, int at, int size) {
        if (size == 0) {
            return 0;
        }
        if (size < PREFIX) {
            throw new CorruptBatchException("a compressed buffer has " + size + " bytes, fewer than its length takes");
        }
        long n = Le.getLong(src, at);
        if (n == AS_IT_IS) {
            return size - PREFIX;
        }
        long most = (size - PREFIX) * (codec == Codec.ZSTD ? MOST_ZSTD : MOST_LZ4);
        if (n < 0 || n > most) {
            throw new CorruptBatchException(
                    "a buffer of " + (size - PREFIX) + " bytes says that it has " + n + " when decompressed, which cannot be");
        }
        return n;
    }

    /** Decompresses the buffers of a batch, one after the other. */
    private static final class Unpacker {
        private final ZstdDecompressor zstd;
        private final Lz4Decompressor lz4;

        Unpacker(Codec codec) {
            zstd = codec == Codec.ZSTD ? new ZstdDecompressor() : null;
            lz4 = codec == Codec.LZ4_FRAME ? new Lz4Decompressor() : null;
        }

        void unpack(byte[] src, int at, int size, byte[] out, int to, int n) {
            int from = at + PREFIX;
            int length = size - PREFIX;
            if (Le.getLong(src, at) == AS_IT_IS) {
                System.arraycopy(src, from, out, to, n);
                return;
            }
            int got;
            try {
                got = zstd != null
                        ? zstd.decompress(src, from, length, out, to, n)
                        : Lz4Frame.decompress(lz4, src, from, length, out, to, n);
            } catch (CorruptBatchException e) {
                throw e;
            } catch (RuntimeException e) { // decompressors throw IllegalStateException and others for damage too
                throw new CorruptBatchException("a buffer cannot be decompressed", e);
            }
            if (got != n) {
                throw new CorruptBatchException("a buffer has " + got + " bytes when decompressed and says that it has " + n);
            }
        }
    }

    /** Compresses the buffers of batches. Not thread-safe. */
    static final class Packer {
        private final ZstdCompressor zstd;
        private final Lz4Compressor lz4;
        private byte[] scratch = new byte[0];

        Packer(Codec codec) {
            zstd = codec == Codec.ZSTD ? new ZstdCompressor() : null;
            lz4 = codec == Codec.LZ4_FRAME ? new Lz4Compressor() : null;
        }

        /** The first n bytes as a buffer, n above 0: compressed, or as they are when that is shorter. */
        byte[] pack(byte[] src, int n) {
            if (n >= MIN_COMPRESS) {
                int end = frame(src, n);
                if (end - PREFIX < n) {
                    Le.putLong(scratch, 0, n);
                    return Arrays.copyOf(scratch, end);
                }
            }
            byte[] out = new byte[PREFIX + n];
            Le.putLong(out, 0, AS_IT_IS);
            System.arraycopy(src, 0, out, PREFIX, n);
            return out;
        }

        private int frame(byte[] src, int n) {
            int most = PREFIX + (zstd != null ? zstd.maxCompressedLength(n) : Lz4Frame.bound(lz4, n));
            if (scratch.length < most) {
                scratch = new byte[most];
            }
            return zstd != null
                    ? PREFIX + zstd.compress(src, 0, n, scratch, PREFIX, scratch.length - PREFIX)
                    : Lz4Frame.compress(lz4, src, n, scratch, PREFIX);
        }
    }
}
