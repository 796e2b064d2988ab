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

    @Test
    void theCatalogsOwn() {
        assertThatThrownBy(() -> TableOptions.check("connector")).hasMessageContaining("(EXCLUDING OPTIONS)");
        assertThatThrownBy(() -> TableOptions.check("flink.schema")).hasMessageContaining("ALTER TABLE");
    }
}
