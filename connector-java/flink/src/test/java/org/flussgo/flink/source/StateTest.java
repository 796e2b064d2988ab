package org.flussgo.flink.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is in checkpoints is read for ever: the bytes here are those that releases have written, and are never made again. */
class StateTest {
    private static final String SPLIT_V1 =
            "000000000000000700000003000000000000000b0008646179243230323400000004ffffffffffffffff00000003010203000000000000270f";
    private static final String ENUMERATOR_V1 = "00000000000000070000000301"
            + "00000002000000000000000b000000000000000c"
            + "00000001" + SPLIT_V1;

    private static FlussSplit split() {
        return new FlussSplit(7, 3, 11, "day$2024", 4, FlussSplit.FULL, new byte[] {1, 2, 3}, 9999);
    }

    @Test
    void splitsOfVersion1() throws Exception {
        assertThat(HexFormat.of().formatHex(SplitSerializer.INSTANCE.serialize(split()))).isEqualTo(SPLIT_V1);
        assertThat(SplitSerializer.INSTANCE.deserialize(1, HexFormat.of().parseHex(SPLIT_V1))).isEqualTo(split());
    }

    @Test
    void enumeratorsOfVersion1() throws Exception {
        EnumeratorState.Serializer s = new EnumeratorState.Serializer();
        EnumeratorState state = new EnumeratorState(7, 3, true, Set.of(11L, 12L), List.of(split()));
        assertThat(HexFormat.of().formatHex(s.serialize(state))).isEqualTo(ENUMERATOR_V1);
        EnumeratorState back = s.deserialize(1, HexFormat.of().parseHex(ENUMERATOR_V1));
        assertThat(back.tableId).isEqualTo(7);
        assertThat(back.schemaId).isEqualTo(3);
        assertThat(back.started).isTrue();
        assertThat(back.partitions).containsExactly(11L, 12L);
        assertThat(back.unassigned).containsExactly(split());
    }

    @Test
    void laterVersionsAreRefused() {
        assertThatThrownBy(() -> SplitSerializer.INSTANCE.deserialize(2, new byte[0]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("version 2");
    }

    @Test
    void aBucketGoesToOneReader() {
        for (int readers = 1; readers < 5; readers++) {
            assertThat(split().owner(readers)).isEqualTo(split().at(5, new byte[0]).owner(readers)).isBetween(0, readers - 1);
        }
    }
}
