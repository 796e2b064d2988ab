package org.flussgo.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What is in the jar that users install: nothing under a name that another library may have, and no native code. */
class JarITCase {
    private static final long MAX_BYTES = 12 << 20;

    private static List<String> entries(JarFile jar) {
        return jar.stream().map(e -> e.getName()).filter(n -> !n.endsWith("/")).collect(Collectors.toList());
    }

    @Test
    void isOurs() throws Exception {
        String line = new File("").getAbsoluteFile().getName(); // the module's folder: flink-1.20 or flink-2
        File[] jars = Objects.requireNonNull(new File("../dist").listFiles((d, n) -> n.startsWith("fluss-" + line + "-") && n.endsWith(".jar")));
        assertThat(jars).hasSize(1);
        assertThat(jars[0].length()).isLessThan(MAX_BYTES);
        List<String> strangers = new ArrayList<>();
        try (JarFile jar = new JarFile(jars[0])) {
            for (String n : entries(jar)) {
                boolean ours = n.startsWith("org/flussgo/") || n.startsWith("META-INF/");
                boolean nativeCode = n.startsWith("META-INF/native") || n.matches(".*\\.(so|dll|dylib|jnilib)");
                if (!ours || nativeCode || n.equals("module-info.class")) {
                    strangers.add(n);
                }
            }
            assertThat(strangers).isEmpty();
            String factories = new String(
                    jar.getInputStream(jar.getEntry("META-INF/services/org.apache.flink.table.factories.Factory")).readAllBytes());
            assertThat(factories).contains("org.flussgo.flink.catalog.FlussCatalogFactory", "org.flussgo.flink.catalog.FlussGoCatalogFactory");
            assertThat(entries(jar)).contains("META-INF/LICENSE").noneMatch(n -> n.startsWith("META-INF/versions/"));
        }
    }
}
