package org.flussgo.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/** What a client needs to know. Immutable; clients with equal configurations share connections. */
public final class ClientConfig {
    /** The port of a server that is named without one. */
    public static final int DEFAULT_PORT = 9123;

    private final List<String> servers;
    private final Duration requestTimeout;
    private final Duration retryTimeout;

    private ClientConfig(List<String> servers, Duration requestTimeout, Duration retryTimeout) {
        this.servers = servers;
        this.requestTimeout = requestTimeout;
        this.retryTimeout = retryTimeout;
    }

    /**
     * A configuration with the defaults.
     *
     * @param bootstrapServers host:port of one or more servers, separated by commas; any of them will do
     * @throws FlussException INVALID_ARGUMENT when it names no server, or one with a bad port
     */
    public static ClientConfig of(String bootstrapServers) {
        List<String> out = new ArrayList<>();
        for (String s : bootstrapServers.split(",")) {
            if (!s.trim().isEmpty()) {
                out.add(withPort(s.trim()));
            }
        }
        if (out.isEmpty()) {
            throw new FlussException(ErrorCode.INVALID_ARGUMENT, "bootstrap.servers names no server: give it as host:port");
        }
        return new ClientConfig(Collections.unmodifiableList(out), Duration.ofSeconds(10), Duration.ofMinutes(2));
    }

    private static String withPort(String s) {
        int colon = s.lastIndexOf(':');
        if (colon < 0 || s.endsWith("]")) {
            return s + ":" + DEFAULT_PORT;
        }
        try {
            int port = Integer.parseInt(s.substring(colon + 1));
            if (colon > 0 && port > 0 && port < 1 << 16) {
                return s;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new FlussException(ErrorCode.INVALID_ARGUMENT, "bootstrap.servers has \"" + s + "\", which is not host:port");
    }

    /** How long one call may take, and a server may take to be reached; 10 s by default. */
    public ClientConfig withRequestTimeout(Duration d) {
        return new ClientConfig(servers, d, retryTimeout);
    }

    /** How long what failed for a while is tried again; 2 minutes by default. */
    public ClientConfig withRetryTimeout(Duration d) {
        return new ClientConfig(servers, requestTimeout, d);
    }

    /** The servers, host:port each. */
    public List<String> servers() {
        return servers;
    }

    /** See {@link #withRequestTimeout}. */
    public Duration requestTimeout() {
        return requestTimeout;
    }

    /** See {@link #withRetryTimeout}. */
    public Duration retryTimeout() {
        return retryTimeout;
    }

    @Override
    public boolean equals(Object o) {
        if (!(o instanceof ClientConfig)) {
            return false;
        }
        ClientConfig c = (ClientConfig) o;
        return servers.equals(c.servers) && requestTimeout.equals(c.requestTimeout) && retryTimeout.equals(c.retryTimeout);
    }

    @Override
    public int hashCode() {
        return Objects.hash(servers, requestTimeout, retryTimeout);
    }

    @Override
    public String toString() {
        return String.join(",", servers);
    }
}
