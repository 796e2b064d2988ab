package org.flussgo.flink.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;

/** A server process on the loopback, with data of its own. */
public final class FlussServer implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(30);
    private static FlussServer shared;

    private final Path dir;
    private final int port;
    private Process process;

    private FlussServer() throws IOException {
        dir = Files.createTempDirectory("fluss-it");
        try (ServerSocket s = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = s.getLocalPort();
        }
    }

    /** The server that the tests of this JVM share; it ends with it. */
    public static synchronized FlussServer shared() {
        if (shared == null) {
            shared = start();
        }
        return shared;
    }

    /** Another server; the caller closes it. */
    public static FlussServer start() {
        try {
            FlussServer s = new FlussServer();
            Runtime.getRuntime().addShutdownHook(new Thread(s::close));
            s.restart();
            return s;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** host:port. */
    public String bootstrap() {
        return "127.0.0.1:" + port;
    }

    /** Starts it again where it was, with the data it had; returns when it answers. */
    public synchronized void restart() {
        kill();
        String bin = System.getenv().getOrDefault("FLUSS_BIN", new File("../../bin/fluss").getAbsolutePath());
        if (!new File(bin).canExecute()) {
            throw new IllegalStateException("there is no server at " + bin + ": run make build, or set FLUSS_BIN");
        }
        List<String> command = new ArrayList<>(List.of(
                bin, "server", "--data-dir", dir.resolve("data").toString(), "--listen", bootstrap(), "--http", "off"));
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(dir.resolve("log").toFile()).start();
            awaitReady();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitReady() throws IOException {
        long until = System.nanoTime() + START.toNanos();
        try (FlussClient c = FlussClient.connect(ClientConfig.of(bootstrap()).withRequestTimeout(Duration.ofSeconds(2)))) {
            while (true) {
                try {
                    c.admin().listDatabases();
                    return;
                } catch (FlussException e) {
                    if (!process.isAlive() || System.nanoTime() > until) {
                        throw new IllegalStateException(
                                "the server did not start: " + Files.readString(dir.resolve("log"), StandardCharsets.UTF_8), e);
                    }
                }
            }
        }
    }

    /** Ends it like kill -9. */
    public synchronized void kill() {
        if (process == null) {
            return;
        }
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process = null;
    }

    /** Ends it and removes what it had. */
    @Override
    public synchronized void close() {
        kill();
        FileUtils.deleteDirectoryQuietly(dir.toFile());
    }
}
