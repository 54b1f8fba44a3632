internal import NIOCore
internal import NIOPosix
internal import NIOSupport

/// Opens connections to the relay, ready for a message.
struct Connector: Sendable {
    let settings: SMTPSettings
    let group: any EventLoopGroup
    let tls: TLSClient

    /// Returns what the relay said of itself. The owner got the connection before.
    func connect(for owner: any ConnectionOwner) async throws(SMTPError) -> String {
        let channel = try await open()
        let ready = channel.eventLoop.makePromise(of: String.self)
        channel.eventLoop.execute {
            do {
                try install(on: channel, owner, ready)
            } catch {
                ready.fail(SMTPError.tlsFailed(relay: settings.relay, reason: "\(error)"))
                channel.close(promise: nil)
            }
        }
        do {
            return try await ready.futureResult.get()
        } catch {
            throw fault(error)
        }
    }

    /// Nothing is read before the handlers are there.
    private func open() async throws(SMTPError) -> any Channel {
        do {
            return try await ClientBootstrap(group: group)
                .connectTimeout(settings.connectTimeout)
                .channelOption(.autoRead, value: false)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: settings.host, port: settings.port).get()
        } catch {
            throw fault(error)
        }
    }

    private func install(
        on channel: any Channel, _ owner: any ConnectionOwner, _ ready: EventLoopPromise<String>
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if settings.security == .implicitTLS { try pipeline.addHandler(tls.handler()) }
        let heloName = settings.heloName ?? Self.literal(channel.localAddress)
        try pipeline.addHandler(
            SMTPHandler(settings: settings, heloName: heloName, tls: tls, owner: owner, ready: ready))
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
    }

    /// RFC 5321 section 4.1.3.
    static func literal(_ address: SocketAddress?) -> String {
        guard let address, let ip = address.ipAddress else { return "[127.0.0.1]" }
        if case .v6 = address { return "[IPv6:\(ip.prefix { $0 != "%" })]" }
        return "[\(ip)]"
    }

    private func fault(_ error: any Error) -> SMTPError {
        switch error {
        case let error as SMTPError: error
        case ChannelError.connectTimeout: .timedOut(relay: settings.relay, stage: .connecting)
        default: .connectFailed(relay: settings.relay, reason: ConnectFault.words(error))
        }
    }
}
