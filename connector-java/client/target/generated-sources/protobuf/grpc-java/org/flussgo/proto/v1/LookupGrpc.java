package org.flussgo.proto.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Lookup finds rows of primary-key tables by key.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class LookupGrpc {

  private LookupGrpc() {}

  public static final java.lang.String SERVICE_NAME = "fluss.v1.Lookup";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.LookupRequest,
      org.flussgo.proto.v1.LookupResponse> getLookupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Lookup",
      requestType = org.flussgo.proto.v1.LookupRequest.class,
      responseType = org.flussgo.proto.v1.LookupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.LookupRequest,
      org.flussgo.proto.v1.LookupResponse> getLookupMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.LookupRequest, org.flussgo.proto.v1.LookupResponse> getLookupMethod;
    if ((getLookupMethod = LookupGrpc.getLookupMethod) == null) {
      synchronized (LookupGrpc.class) {
        if ((getLookupMethod = LookupGrpc.getLookupMethod) == null) {
          LookupGrpc.getLookupMethod = getLookupMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.LookupRequest, org.flussgo.proto.v1.LookupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Lookup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.LookupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.LookupResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getLookupMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static LookupStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LookupStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LookupStub>() {
        @java.lang.Override
        public LookupStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LookupStub(channel, callOptions);
        }
      };
    return LookupStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static LookupBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LookupBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LookupBlockingV2Stub>() {
        @java.lang.Override
        public LookupBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LookupBlockingV2Stub(channel, callOptions);
        }
      };
    return LookupBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static LookupBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LookupBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LookupBlockingStub>() {
        @java.lang.Override
        public LookupBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LookupBlockingStub(channel, callOptions);
        }
      };
    return LookupBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static LookupFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LookupFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LookupFutureStub>() {
        @java.lang.Override
        public LookupFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LookupFutureStub(channel, callOptions);
        }
      };
    return LookupFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Lookup finds the rows of many keys of one table.
     * </pre>
     */
    default void lookup(org.flussgo.proto.v1.LookupRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.LookupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLookupMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Lookup.
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public static abstract class LookupImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return LookupGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Lookup.
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public static final class LookupStub
      extends io.grpc.stub.AbstractAsyncStub<LookupStub> {
    private LookupStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LookupStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LookupStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lookup finds the rows of many keys of one table.
     * </pre>
     */
    public void lookup(org.flussgo.proto.v1.LookupRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.LookupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLookupMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Lookup.
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public static final class LookupBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<LookupBlockingV2Stub> {
    private LookupBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LookupBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LookupBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Lookup finds the rows of many keys of one table.
     * </pre>
     */
    public org.flussgo.proto.v1.LookupResponse lookup(org.flussgo.proto.v1.LookupRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getLookupMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Lookup.
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public static final class LookupBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<LookupBlockingStub> {
    private LookupBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LookupBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LookupBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lookup finds the rows of many keys of one table.
     * </pre>
     */
    public org.flussgo.proto.v1.LookupResponse lookup(org.flussgo.proto.v1.LookupRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLookupMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Lookup.
   * <pre>
   * Lookup finds rows of primary-key tables by key.
   * </pre>
   */
  public static final class LookupFutureStub
      extends io.grpc.stub.AbstractFutureStub<LookupFutureStub> {
    private LookupFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LookupFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LookupFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lookup finds the rows of many keys of one table.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.LookupResponse> lookup(
        org.flussgo.proto.v1.LookupRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLookupMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LOOKUP = 0;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_LOOKUP:
          serviceImpl.lookup((org.flussgo.proto.v1.LookupRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.LookupResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getLookupMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.LookupRequest,
              org.flussgo.proto.v1.LookupResponse>(
                service, METHODID_LOOKUP)))
        .build();
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (LookupGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .addMethod(getLookupMethod())
              .build();
        }
      }
    }
    return result;
  }
}
