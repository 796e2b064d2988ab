package org.flussgo.client;

import io.grpc.ManagedChannel;
import io.grpc.netty.NegotiationType;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The connections and threads that clients of one configuration share. The last client to leave stops all of it, so that nothing keeps a
 * class loader alive.
 */
final class Channels {
    private static final Map<ClientConfig, Channels> SHARED = new HashMap<>();
    private static final int MAX_MESSAGE_BYTES = 256 << 20;
    private static final int FLOW_CONTROL_WINDOW = 4 << 20;
    private static final int EVENT_LOOPS = 2;
    private static final int IDLE_SECONDS = 5;

    final ScheduledThreadPoolExecutor timer;
    private final ClientConfig config;
    private final EventLoopGroup loops;
    final ExecutorService executor;
    private final Map<String, ManagedChannel> channels = new HashMap<>(); // guarded by this
    private int users; // guarded by SHARED

    private Channels(ClientConfig config) {
        this.config = config;
        loops = new MultiThreadIoEventLoopGroup(EVENT_LOOPS, threads("fluss-io"), NioIoHandler.newFactory());
        executor = new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), threads("fluss-call"));
        timer = new ScheduledThreadPoolExecutor(1, threads("fluss-timer"));
        timer.setRemoveOnCancelPolicy(true);
    }

    /** Joins the users of the connections of a configuration. */
    static Channels join(ClientConfig config) {
        synchronized (SHARED) {
            Channels c = SHARED.computeIfAbsent(config, Channels::new);
            c.users++;
            return c;
        }
    }

    /** Leaves them; the last one out stops connections and threads, without waiting for calls. */
    void leave() {
        synchronized (SHARED) {
            if (--users > 0) {
                return;
            }
            SHARED.remove(config);
        }
        synchronized (this) {
            channels.values().forEach(ManagedChannel::shutdownNow);
            channels.clear();
        }
        timer.shutdownNow();
        executor.shutdown();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** The connection of a lane to a server, opened when it is first used: what is long in one lane holds up nobody in another. */
    synchronized ManagedChannel to(String endpoint, int lane) {
        return channels.computeIfAbsent(lane + "@" + endpoint, k -> open(endpoint));
    }

    private ManagedChannel open(String endpoint) {
        return NettyChannelBuilder.forTarget("dns:///" + endpoint)
                .negotiationType(NegotiationType.PLAINTEXT)
                .eventLoopGroup(loops)
                .channelType(NioSocketChannel.class)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) config.requestTimeout().toMillis())
                .executor(executor)
                .offloadExecutor(executor)
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .flowControlWindow(FLOW_CONTROL_WINDOW)
                .build();
    }

    /** Daemon threads that hold on to nobody's class loader. */
    private static ThreadFactory threads(String name) {
        AtomicInteger n = new AtomicInteger();
        return r -> {
            Thread t = new Thread(r, name + "-" + n.incrementAndGet());
            t.setDaemon(true);
            t.setContextClassLoader(Channels.class.getClassLoader());
            return t;
        };
    }
}
