package org.flussgo.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ErrorCodeTest {
    /** The table of the server, code by code: name, gRPC status, retry class. */
    @Test
    void isTheServersTable() throws Exception {
        Map<String, Integer> want = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("../../proto/errcode/testdata/codes.txt"))) {
            String[] f = line.trim().split("\\s+");
            if (f.length == 3) {
                want.put(f[0], Integer.valueOf(f[2]));
            }
        }
        Map<String, Integer> have = new TreeMap<>();
        for (ErrorCode c : ErrorCode.values()) {
            have.put(c.name(), c.retry().ordinal());
        }
        assertThat(have).isEqualTo(want);
        assertThat(ErrorCode.of("NOT_YET_KNOWN")).isEqualTo(ErrorCode.INTERNAL);
    }
}
