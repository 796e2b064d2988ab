package org.flussgo.client.arrow;

import java.util.Arrays;

/** Bytes that grow. Those behind {@link #n} are zero. */
final class Buf {
    private static final int FIRST = 64;
    private static final int MAX = Integer.MAX_VALUE - 64;

    byte[] a = new byte[FIRST];
    int n;

    /** Makes room for so many more bytes behind n, and returns n. */
    int room(int more) {
        if (a.length - n < more) {
            long want = Math.max(2L * a.length, (long) n + more);
            if ((long) n + more > MAX) {
                throw new IllegalStateException("a batch of more than 2 GiB; send smaller ones");
            }
            a = Arrays.copyOf(a, (int) Math.min(want, MAX));
        }
        return n;
    }

    /** Forgets the bytes behind {@code to}. */
    void truncate(int to) {
        if (to < n) {
            Arrays.fill(a, to, n, (byte) 0);
            n = to;
        }
    }
}
