package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.apache.flink.table.api.ValidationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableOptionsTest {
    @ParameterizedTest
    @ValueSource(strings = {
        "table.anything", "bucket.num", "bucket.key", "scan.startup.mode", "sink.parallelism", "lookup.cache",
        "lookup.partial-cache.max-rows", "scan.watermark.alignment.group", "client.retry-timeout", "auto-increment.fields", "owner",
        "fields.a.agg"
    })
    void fine(String key) {
        assertThatCode(() -> TableOptions.check(key)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "scan.startup.mod, scan.startup.mode",
        "sink.ignore-deletes, sink.ignore-delete",
        "lookup.asynchronous, lookup.async",
        "client.request.timeout, client.request-timeout",
        "bucket.number, bucket.num"
    })
    void unknown(String key, String nearest) {
        assertThatThrownBy(() -> TableOptions.check(Map.of(key, "x")))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("there is no option '" + key + "'; did you mean '" + nearest + "'?");
    }

    @ParameterizedTest
    @CsvSource({
        "scan.startup.mode, bad",
        "sink.ignore-delete, maybe",
        "sink.parallelism, 0",
        "client.writer.max-inflight-requests-per-bucket, 0",
        "client.writer.max-inflight-requests-per-bucket, 6",
        "client.writer.batch-size, 0 b",
        "client.writer.batch-size, 64mb",
        "client.writer.bucket.no-key-assigner, foo",
        "bucket.num, x"
    })
    void badValue(String key, String value) {
        assertThatThrownBy(() -> TableOptions.check(Map.of(key, value)))
                .isInstanceOf(ValidationException.class)
                .hasMessageStartingWith("option '" + key + "' cannot be '" + value + "': ");
    }

    @ParameterizedTest
    @CsvSource({
        "scan.startup.mode, latest", "scan.startup.mode, FULL", "client.writer.batch-size, 2 mb", "client.writer.bucket.no-key-assigner, round_robin",
        "client.writer.max-inflight-requests-per-bucket, 5", "scan.watermark.idle-timeout, 1 s", "lookup.cache, PARTIAL"
    })
    void goodValue(String key, String value) {
        assertThatCode(() -> TableOptions.check(Map.of(key, value))).doesNotThrowAnyException();
    }

    @Test
    void theCatalogsOwn() {
        assertThatThrownBy(() -> TableOptions.check("connector")).hasMessageContaining("(EXCLUDING OPTIONS)");
        assertThatThrownBy(() -> TableOptions.check("flink.schema")).hasMessageContaining("ALTER TABLE");
    }
}
