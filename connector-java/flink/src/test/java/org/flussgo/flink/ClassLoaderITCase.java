package org.flussgo.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.flussgo.flink.testing.FlussServer;
import org.junit.jupiter.api.Test;

/** A job's class loader, with the jar in it, is let go when the job is over. */
class ClassLoaderITCase {
    private static final int JOBS = 30;

    private static WeakReference<ClassLoader> use(URL jar, String server) throws Exception {
        URLClassLoader loader = new URLClassLoader(new URL[] {jar}, ClassLoader.getPlatformClassLoader());
        Thread me = Thread.currentThread();
        ClassLoader before = me.getContextClassLoader();
        me.setContextClassLoader(loader);
        try {
            Class<?> config = loader.loadClass("org.flussgo.client.ClientConfig");
            Class<?> client = loader.loadClass("org.flussgo.client.FlussClient");
            Object c = client.getMethod("connect", config).invoke(null, config.getMethod("of", String.class).invoke(null, server));
            client.getMethod("hello").invoke(c);
            Object admin = client.getMethod("admin").invoke(c);
            admin.getClass().getMethod("listDatabases").invoke(admin);
            client.getMethod("close").invoke(c);
        } finally {
            me.setContextClassLoader(before);
            loader.close();
        }
        return new WeakReference<>(loader);
    }

    @Test
    void areLetGo() throws Exception {
        String line = new File("").getAbsoluteFile().getName();
        File[] jars = Objects.requireNonNull(new File("../dist").listFiles((d, n) -> n.startsWith("fluss-" + line + "-") && n.endsWith(".jar")));
        assertThat(jars).hasSize(1);
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            loaders.add(use(jars[0].toURI().toURL(), FlussServer.shared().bootstrap()));
        }
        long alive = JOBS;
        for (int i = 0; i < 100 && alive > 1; i++) {
            System.gc();
            Thread.sleep(200); // threads of the last ones end by themselves
            alive = loaders.stream().filter(l -> l.get() != null).count();
        }
        assertThat(alive).as("class loaders that something still holds").isLessThanOrEqualTo(1);
    }
}
