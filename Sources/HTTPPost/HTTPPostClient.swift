public import Logging
public import NIOCore
internal import NIOSupport
internal import NIOSSL

/// Posts over HTTP/1.1 (RFC 9110, RFC 9112) to hosts that strangers have named.
///
/// - Every address is judged before it is connected to, and again when it is, before a byte is
///   sent: see `AddressGuard`. Proxies of the environment are not asked.
/// - Redirects are not followed; a 3xx is a status.
/// - A post ends within `totalTimeout`, whatever the server does; of an answer only the status,
///   `Retry-After` and the beginning of the content are kept.
/// - Connections are kept and used again. A request is sent a second time only when the server
///   closed a kept connection without a byte of an answer, and only once. After any other failure
///   it is unknown whether the request was acted on.
public final class HTTPPostClient: Sendable {
    private let pool: ConnectionPool
    private let encoder: RequestEncoder
    private let resolver: any AddressResolving
    private let totalTimeout: TimeAmount
    /// One for each event loop. A task that posts much does so with the least work on one of these.
    public let executors: [any TaskExecutor]

    /// A client on event loops that outlive it. Fails on a file of authorities that cannot be
    /// read, or a `userAgent` that cannot be sent.
    public init(
        settings: HTTPPostSettings, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws(HTTPPostError) {
        encoder = try RequestEncoder(userAgent: settings.userAgent)
        resolver =
            settings.resolver
            ?? CachingResolver(
                SystemResolver(timeout: settings.resolveTimeout, eventLoopGroup: eventLoopGroup))
        let connector = Connector(
            settings: settings, addressGuard: AddressGuard(allowed: settings.allowedNetworks),
            resolver: resolver, group: eventLoopGroup, tls: try Self.tls(settings))
        pool = ConnectionPool(
            settings: settings, connector: connector, group: eventLoopGroup, logger: logger)
        totalTimeout = settings.totalTimeout
        executors = eventLoopGroup.makeIterator().map { EventLoopExecutor($0) }
    }

    /// Prepares posts to a target, with the headers that all of them have.
    public func template(
        to target: HTTPTarget, headers: [(String, String)]
    ) throws(HTTPPostError) -> HTTPPostTemplate {
        try encoder.template(target, headers: headers)
    }

    /// Posts, and returns whatever status the server gave.
    public func post(_ request: HTTPPostRequest) async throws(HTTPPostError) -> HTTPPostResponse {
        let template = try template(to: request.target, headers: [])
        return try await post(template, headers: request.headers, body: request.body)
    }

    /// Posts what was prepared, with the headers and the content of this request.
    public func post(
        _ template: HTTPPostTemplate, headers: [(String, String)], body: ByteBuffer
    ) async throws(HTTPPostError) -> HTTPPostResponse {
        try await send(template.target.origin, try encoder.encode(template, headers: headers, body: body))
    }

    /// Gets, under the same limits as a post, and returns whatever status the server gave.
    public func get(_ target: HTTPTarget) async throws(HTTPPostError) -> HTTPPostResponse {
        try await send(target.origin, encoder.get(target))
    }

    private func send(_ origin: Origin, _ bytes: ByteBuffer) async throws(HTTPPostError) -> HTTPPostResponse {
        let exchange = Exchange(origin: origin, bytes: bytes, deadline: .now() + totalTimeout)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if exchange.begin(continuation) { pool.submit(exchange) }
            }
        } onCancel: {
            exchange.cancel()
        }
        return try outcome.get()
    }

    /// Refuses new posts, fails those that wait for a connection, lets those under way end, and
    /// returns when every connection is closed. To be called once, before the event loops end.
    public func shutdown() async {
        await pool.shutdown()
        await resolver.shutdown()
    }

    /// TLS 1.2 or later, with the peer and its name verified (RFC 9325).
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
