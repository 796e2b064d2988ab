package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.airlift.compress.lz4.Lz4Compressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorOutputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorOutputStream.BlockSize;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorOutputStream.Parameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Frames of other writers, and ours. */
class Lz4FrameTest {
    private static final int BLOCK_BYTES = 64 << 10;

    @ParameterizedTest
    @CsvSource({"false,false,false", "true,false,false", "false,true,false", "false,false,true", "true,true,true"})
    void readsFramesOfOthers(boolean contentSum, boolean blockSum, boolean linked) throws IOException {
        byte[] plain = text(3 * BLOCK_BYTES + 777);
        byte[] frame = frame(plain, contentSum, blockSum, linked);
        byte[] out = new byte[plain.length];
        assertThat(Lz4Frame.decompress(new Lz4Decompressor(), frame, 0, frame.length, out, 0, out.length)).isEqualTo(plain.length);
        assertThat(Arrays.equals(out, plain)).isTrue();
    }

    @Test
    void linkedBlocksReferToThoseBefore() throws IOException {
        byte[] block = new byte[BLOCK_BYTES];
        new Random(3).nextBytes(block);
        byte[] plain = Arrays.copyOf(block, 2 * BLOCK_BYTES);
        System.arraycopy(block, 1000, plain, BLOCK_BYTES, BLOCK_BYTES - 1000);
        byte[] frame = frame(plain, false, false, true);
        assertThat(frame.length).as("the second block repeats the first").isLessThan(BLOCK_BYTES + 2000);
        byte[] out = new byte[plain.length + 20];
        assertThat(Lz4Frame.decompress(new Lz4Decompressor(), frame, 0, frame.length, out, 10, plain.length)).isEqualTo(plain.length);
        assertThat(Arrays.equals(out, 10, 10 + plain.length, plain, 0, plain.length)).isTrue();
        assertThat(out[9]).isZero();
        assertThat(out[out.length - 10]).isZero();
    }

    @Test
    void othersReadOurFrames() throws IOException {
        for (int n : new int[] {1, 64, 5000, 256 << 10, (256 << 10) + 1, 700_000}) {
            for (byte[] plain : new byte[][] {text(n), noise(n)}) {
                Lz4Compressor c = new Lz4Compressor();
                byte[] out = new byte[3 + Lz4Frame.bound(c, n)];
                int end = Lz4Frame.compress(c, plain, n, out, 3);
                byte[] back = new FramedLZ4CompressorInputStream(new ByteArrayInputStream(out, 3, end - 3)).readAllBytes();
                assertThat(Arrays.equals(back, plain)).as("%d bytes", n).isTrue();
            }
        }
    }

    @Test
    void damagedLinkedFrames() throws IOException {
        long seed = Trees.seed();
        byte[] plain = text(BLOCK_BYTES + 3000);
        byte[] good = frame(plain, false, false, true);
        Lz4Decompressor d = new Lz4Decompressor();
        for (long s = seed; s < seed + Trees.rounds(300); s++) {
            Random r = new Random(s);
            byte[] bad = good.clone();
            for (int n = 1 + r.nextInt(4); n > 0; n--) {
                int near = r.nextBoolean() ? good.length - 1500 : 0; // the linked block is at the end
                bad[near + r.nextInt(good.length - near)] = (byte) r.nextInt();
            }
            byte[] out = new byte[plain.length];
            try {
                Lz4Frame.decompress(d, bad, 0, bad.length, out, 0, out.length);
            } catch (CorruptBatchException | io.airlift.compress.MalformedInputException e) {
                // as it should be; what is not found, checksums find
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + s, e);
            }
        }
        for (int n = 0; n < good.length; n += 97) {
            int length = n;
            assertThatThrownBy(() -> Lz4Frame.decompress(d, good, 0, length, new byte[plain.length], 0, plain.length))
                    .isInstanceOf(CorruptBatchException.class);
        }
        assertThatThrownBy(() -> Lz4Frame.decompress(d, good, 0, good.length, new byte[plain.length], 0, plain.length - 1))
                .isInstanceOf(CorruptBatchException.class);
    }

    private static byte[] frame(byte[] plain, boolean contentSum, boolean blockSum, boolean linked) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (FramedLZ4CompressorOutputStream f =
                new FramedLZ4CompressorOutputStream(out, new Parameters(BlockSize.K64, contentSum, blockSum, linked))) {
            f.write(plain);
        }
        return out.toByteArray();
    }

    private static byte[] noise(int n) {
        byte[] b = new byte[n];
        new Random(n).nextBytes(b);
        return b;
    }

    /** Bytes that repeat, in runs and at distances. */
    private static byte[] text(int n) {
        byte[] b = new byte[n];
        Random r = new Random(n);
        for (int i = 0; i < n; ) {
            int run = Math.min(n - i, 1 + r.nextInt(300));
            if (i > 400 && r.nextInt(3) > 0) {
                System.arraycopy(b, i - run, b, i, run);
            } else {
                Arrays.fill(b, i, i + run, (byte) r.nextInt());
            }
            i += run;
        }
        return b;
    }
}
