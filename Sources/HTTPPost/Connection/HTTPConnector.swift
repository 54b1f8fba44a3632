internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Opens connections. It looks the name up, judges every address, connects to one of the allowed ones, and judges the
/// peer's address again before the first byte leaves.
struct HTTPConnector: Sendable {
    /// How many addresses of a host are tried.
    private static let maximumAddresses = 8

    let settings: HTTPPostSettings
    let addressGuard: AddressGuard
    let resolver: any AddressResolving
    let group: any EventLoopGroup
    let tls: NIOSSLContext

    /// Opens a connection, which then reports itself to the pool.
    func connect(_ origin: Origin, for pool: HTTPConnectionPool) async throws(HTTPPostError) {
        let addresses = try await addresses(of: origin)
        let deadline = NIODeadline.now() + settings.connectTimeout
        var failure = HTTPPostError.connectFailed(host: origin.host, reason: "it has no address")
        for (index, address) in addresses.enumerated() {
            // The remaining time is divided among the remaining addresses, so that a dead one cannot use it up.
            let left = (deadline - .now()).nanoseconds / Int64(addresses.count - index)
            do throws(HTTPPostError) {
                let attempt = Attempt(origin: origin, deadline: deadline, limit: .nanoseconds(left))
                return try await connect(to: address, attempt, for: pool)
            } catch {
                failure = error
                // Another address helps only if this one cannot be reached.
                switch error {
                case .connectFailed, .timedOut(_, stage: .connecting): continue
                default: throw error
                }
            }
        }
        throw failure
    }

    /// The addresses of a host that may be reached. Refused addresses in a mixed answer are left out.
    private func addresses(of origin: Origin) async throws(HTTPPostError) -> [SocketAddress] {
        let found: [SocketAddress]
        if let literal = try? SocketAddress(ipAddress: origin.host, port: origin.port) {
            found = [literal]
        } else {
            found = try await resolver.resolve(origin.host, port: origin.port)
        }
        var refusal: HTTPPostError?
        var open: [SocketAddress] = []
        for address in found {
            do throws(HTTPPostError) {
                try judge(address, origin)
                open.append(address)
            } catch {
                refusal = refusal ?? error
            }
        }
        if open.isEmpty {
            throw refusal ?? .resolveFailed(host: origin.host, reason: "it has no address")
        }
        return Array(open.prefix(Self.maximumAddresses))
    }

    /// Throws if an address must not be reached.
    private func judge(_ address: SocketAddress?, _ origin: Origin) throws(HTTPPostError) {
        guard let address else {
            throw .connectFailed(host: origin.host, reason: "the peer's address is unknown")
        }
        let verdict = addressGuard.judge(address, for: origin, ports: settings.ports)
        if case .refused(let reason) = verdict {
            let shown = IPAddress(address)?.description ?? "a Unix domain socket"
            throw .addressRefused(host: origin.host, address: shown, reason: reason)
        }
    }

    /// An attempt at one address of a host.
    private struct Attempt {
        let origin: Origin
        /// The time limit for the whole connection, including TLS.
        let deadline: NIODeadline
        /// The share of that time which TCP may take at this address.
        let limit: TimeAmount
    }

    private func connect(
        to address: SocketAddress, _ attempt: Attempt, for pool: HTTPConnectionPool
    ) async throws(HTTPPostError) {
        let origin = attempt.origin
        let connected = ClientBootstrap(group: group)
            .connectTimeout(attempt.limit)
            .connect(to: address)
            .flatMap { channel in
                // This callback runs before the channel has read or written anything.
                let ready = channel.eventLoop.makePromise(of: Void.self)
                let opening = Opening(origin: origin, deadline: attempt.deadline, ready: ready)
                do {
                    try self.judge(channel.remoteAddress, origin)
                    try self.install(opening, on: channel, pool)
                } catch {
                    ready.fail(error)
                    channel.close(promise: nil)
                }
                return ready.futureResult
            }
        do {
            try await connected.get()
        } catch {
            throw HTTPConnectionFault.connecting(error, attempt.origin.host)
        }
    }

    /// Installs TLS, the byte counter, the HTTP decoder and the connection itself.
    private func install(
        _ opening: Opening, on channel: any Channel, _ pool: HTTPConnectionPool
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if opening.origin.isTLS {
            // SNI carries no addresses (RFC 6066 section 3). NIOSSL verifies an address all the same.
            let host = opening.origin.host
            let name = IPAddress(host) == nil ? host : nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
        }
        // Enough for a head of 64 KiB and a body in very small chunks.
        let wire = WireHandler(limit: 128 * 1024 + settings.maximumResponseBytes * 8)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 * 1024
        limits.maxHeaderListSize = 64 * 1024
        let decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward,
            limitConfiguration: limits)
        try pipeline.addHandler(wire)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(
            HTTPConnection(opening: opening, pool: pool, wire: wire, settings: settings))
    }
}
