internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Opens connections: looks the name up, judges every address, connects to one of them, judges the
/// address once more that the socket is really connected to, and only then lets a byte out.
struct Connector: Sendable {
    /// More addresses than this are not tried.
    private static let maximumAddresses = 8

    let settings: HTTPPostSettings
    let addressGuard: AddressGuard
    let resolver: any AddressResolving
    let group: any EventLoopGroup
    let tls: NIOSSLContext

    /// Opens a connection, which then reports itself to the pool.
    func connect(_ origin: Origin, for pool: ConnectionPool) async throws(HTTPPostError) {
        let addresses = try await addresses(of: origin)
        let deadline = NIODeadline.now() + settings.connectTimeout
        var failure = HTTPPostError.connectFailed(host: origin.host, reason: "it has no address")
        for (index, address) in addresses.enumerated() {
            // What is left is shared among the addresses left, so a dead one cannot use it all.
            let left = (deadline - .now()).nanoseconds / Int64(addresses.count - index)
            do throws(HTTPPostError) {
                return try await connect(
                    address, origin, within: .nanoseconds(left), deadline, pool)
            } catch {
                failure = error
                // Another address helps only against what TCP could not reach.
                switch error {
                case .connectFailed, .timedOut(_, stage: .connecting): continue
                default: throw error
                }
            }
        }
        throw failure
    }

    /// The addresses of a host that may be reached. An answer that mixes in others is used only
    /// as far as it is clean.
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

    private func judge(_ address: SocketAddress?, _ origin: Origin) throws(HTTPPostError) {
        guard let address else {
            throw .connectFailed(host: origin.host, reason: "the peer's address is not known")
        }
        let verdict = addressGuard.judge(address, for: origin, ports: settings.ports)
        if case .refused(let reason) = verdict {
            let shown = IPAddress(address)?.description ?? "a file"
            throw .addressRefused(host: origin.host, address: shown, reason: reason)
        }
    }

    private func connect(
        _ address: SocketAddress, _ origin: Origin, within limit: TimeAmount,
        _ deadline: NIODeadline, _ pool: ConnectionPool
    ) async throws(HTTPPostError) {
        let connected = ClientBootstrap(group: group)
            .connectTimeout(limit)
            .connect(to: address)
            .flatMap { channel in
                // Still in the callback of the connection: nothing was read or written yet.
                let ready = channel.eventLoop.makePromise(of: Void.self)
                let opening = Opening(origin: origin, deadline: deadline, ready: ready)
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
            throw ConnectionFault.connecting(error, origin.host)
        }
    }

    private func install(
        _ opening: Opening, on channel: any Channel, _ pool: ConnectionPool
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if opening.origin.isTLS {
            // An address has no server name (RFC 6066 section 3); it is verified all the same.
            let host = opening.origin.host
            let name = IPAddress(host) == nil ? host : nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
        }
        // A head of 64 KiB, and a body that may come in very small chunks.
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
