package org.flussgo.client;

import io.grpc.ManagedChannel;
import io.grpc.netty.NegotiationType;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The connections and threads that clients of one configuration share. The last client to leave stops all of it, so that nothing keeps a
 * class loader alive.
 */
final class Channels {
    /** gRPC logs with stack traces what callers are told in a sentence. It is kept here, for loggers nobody holds are forgotten. */
    private static final Logger GRPC = Logger.getLogger(ManagedChannel.class.getPackageName());

    static {
        GRPC.setLevel(Level.SEVERE);
    }

    private static final Map<ClientConfig, Channels> SHARED = new HashMap<>();
    private static final int MAX_MESSAGE_BYTES = 256 << 20;
    private static final int FLOW_CONTROL_WINDOW = 4 << 20;
    private static final int EVENT_LOOPS = 2;
    private static final int IDLE_SECONDS = 5;
    private static final int CLOSE_SECONDS = 1;

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

    /**
     * Leaves them; the last one out stops connections and threads, without waiting for calls. The threads have ended when it returns, or so
     * nearly always: a class loader may be closed right after a job, and a thread that still needs a class of it would cry out.
     */
    void leave() {
        synchronized (SHARED) {
            if (--users > 0) {
                return;
            }
            SHARED.remove(config);
        }
        List<ManagedChannel> open;
        synchronized (this) {
            open = new ArrayList<>(channels.values());
            channels.clear();
        }
        timer.shutdownNow();
        open.forEach(ManagedChannel::shutdownNow);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
        try {
            for (ManagedChannel c : open) {
                c.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        executor.shutdown();
        loops.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
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
