// An HTTP/1.1 client for posts to hosts that strangers have named. It knows nothing of bulletins.
//
// A post passes through these layers, each in a folder of its own:
//
//   HTTPTarget, AddressGuard   parse the URL and decide which addresses may be reached
//   HTTPConnectionPool         queues the post, shares connections per origin and bounds them
//   HTTPConnector              looks the host up, judges each address and connects
//   HTTPConnection             sends one request at a time and enforces the time limits
//   RequestEncoder, ResponseAssembler, WireHandler   translate between requests and bytes
//
// Names are looked up by CachingResolver, and behind it by SystemResolver on threads of its own.

public import Logging
public import NIOCore
internal import NIOSupport
internal import NIOSSL

/// Posts over HTTP/1.1 (RFC 9110, RFC 9112) to hosts that strangers have named.
///
/// - The client judges every address before it connects, and the peer's address again before the first byte leaves:
///   see `AddressGuard`. It ignores proxies of the environment.
/// - It follows no redirects. A 3xx is a status like any other.
/// - A post ends within `totalTimeout`, whatever the server does. The client keeps only the status, `Retry-After` and
///   the first bytes of the body.
/// - Connections are pooled. The client repeats a request only once, and only if the server closed a kept connection
///   without a single byte of a response. After any other failure, it is unknown whether the server acted on the
///   request.
public final class HTTPPostClient: Sendable {
    private let pool: HTTPConnectionPool
    private let encoder: RequestEncoder
    private let resolver: any AddressResolving
    private let totalTimeout: TimeAmount
    /// One executor per event loop. Tasks that post a lot run most cheaply on one of them.
    public let executors: [any TaskExecutor]

    /// Creates a client. The event loops must outlive it. A CA file that cannot be read, or an invalid `userAgent`,
    /// is an error.
    public init(
        settings: HTTPPostSettings, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws(HTTPPostError) {
        encoder = try RequestEncoder(userAgent: settings.userAgent)
        resolver =
            settings.resolver
            ?? CachingResolver(
                SystemResolver(timeout: settings.resolveTimeout, eventLoopGroup: eventLoopGroup))
        let connector = HTTPConnector(
            settings: settings, addressGuard: AddressGuard(allowed: settings.allowedNetworks),
            resolver: resolver, group: eventLoopGroup, tls: try Self.tls(settings))
        pool = HTTPConnectionPool(
            settings: settings, connector: connector, group: eventLoopGroup, logger: logger)
        totalTimeout = settings.totalTimeout
        executors = eventLoopGroup.makeIterator().map { EventLoopExecutor($0) }
    }

    /// Prepares posts to a target with the headers that they have in common.
    public func template(
        to target: HTTPTarget, headers: [(String, String)]
    ) throws(HTTPPostError) -> HTTPPostTemplate {
        try encoder.template(target, headers: headers)
    }

    /// The number of connections that are open or being opened, to all hosts.
    public var openConnections: Int { pool.openConnections }

    /// Posts, and returns any status that the server answers with.
    public func post(_ request: HTTPPostRequest) async throws(HTTPPostError) -> HTTPPostResponse {
        let template = try template(to: request.target, headers: [])
        return try await post(template, headers: request.headers, body: request.body)
    }

    /// Posts to a prepared target, with the headers and body of this request.
    public func post(
        _ template: HTTPPostTemplate, headers: [(String, String)], body: ByteBuffer
    ) async throws(HTTPPostError) -> HTTPPostResponse {
        try await send(template.target.origin, try encoder.encode(template, headers: headers, body: body))
    }

    /// Sends a GET under the same limits as a post, and returns any status.
    public func get(_ target: HTTPTarget) async throws(HTTPPostError) -> HTTPPostResponse {
        try await send(target.origin, encoder.get(target))
    }

    private func send(_ origin: Origin, _ bytes: ByteBuffer) async throws(HTTPPostError) -> HTTPPostResponse {
        let exchange = HTTPExchange(origin: origin, bytes: bytes, deadline: .now() + totalTimeout)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if exchange.begin(continuation) { pool.submit(exchange) }
            }
        } onCancel: {
            exchange.cancel()
        }
        return try outcome.get()
    }

    /// Rejects new posts, fails those that wait for a connection, and returns when the posts under way have ended and
    /// every connection is closed. Call it once, before the event loops end.
    public func shutdown() async {
        await pool.shutdown()
        await resolver.shutdown()
    }

    /// TLS 1.2 or later with a verified certificate and host name (RFC 9325).
    private static func tls(_ settings: HTTPPostSettings) throws(HTTPPostError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        if let file = settings.trustedCAFile { configuration.trustRoots = .file(file) }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let file = settings.trustedCAFile ?? "the system's authorities"
            throw .badSettings(reason: "\(file) cannot be used: \(error)")
        }
    }
}
