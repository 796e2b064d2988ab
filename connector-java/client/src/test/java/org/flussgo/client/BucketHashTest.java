package org.flussgo.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.flussgo.proto.v1.Field;
import org.junit.jupiter.api.Test;

class BucketHashTest {
    /** The vectors that the server's tests keep. */
    @Test
    void vectors() throws Exception {
        JsonArray all = JsonParser.parseString(Files.readString(Path.of("../../proto/keys/testdata/bucket_hash.json"))).getAsJsonArray();
        assertThat(all.size()).isGreaterThan(30);
        for (JsonElement e : all) {
            JsonObject v = e.getAsJsonObject();
            List<Field> columns = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (JsonElement t : v.getAsJsonArray("types")) {
                names.add("c" + columns.size());
                columns.add(Field.newBuilder().setName(names.get(columns.size())).setType(TypeText.type(t.getAsString())).build());
            }
            Values row = JsonRow.of(columns, v.getAsJsonArray("values"));
            BucketHash h = new BucketHash(columns, names);
            assertThat(h.hash(row)).as(v.toString()).isEqualTo(v.get("hash").getAsInt());
            v.getAsJsonObject("buckets").entrySet().forEach(b ->
                    assertThat(h.bucket(row, Integer.parseInt(b.getKey()))).as(v.toString()).isEqualTo(b.getValue().getAsInt()));
        }
    }
}
