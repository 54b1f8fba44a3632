internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOSupport

/// Opens connections to the relay, up to the point where they can carry a message.
struct SMTPConnector: Sendable {
    let settings: SMTPSettings
    let group: any EventLoopGroup
    let tls: TLSClient

    /// Connects, and returns the relay's own description. The owner already has the connection when this returns.
    func connect(for owner: any SMTPConnectionOwner) async throws(SMTPError) -> String {
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

    /// Opens the TCP connection. Reading starts only after the handlers are installed, so no byte of the greeting is
    /// lost.
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
        on channel: any Channel, _ owner: any SMTPConnectionOwner, _ ready: EventLoopPromise<String>
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if settings.security == .implicitTLS { try pipeline.addHandler(tls.handler()) }
        let heloName = settings.heloName ?? Self.literal(channel.localAddress)
        try pipeline.addHandler(
            SMTPHandler(settings: settings, heloName: heloName, tls: tls, owner: owner, ready: ready))
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
    }

    /// The address literal that EHLO sends in place of a host name (RFC 5321 section 4.1.3).
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

/// TLS 1.2 or later to the relay (RFC 8314, RFC 9325).
struct TLSClient: Sendable {
    private let context: NIOSSLContext
    private let serverName: String?
    private let isVerified: Bool

    init(_ settings: SMTPSettings) throws(SMTPError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        isVerified = settings.security != .startTLSOpportunistic || settings.credentials != nil
        configuration.certificateVerification = isVerified ? .fullVerification : .none
        if let file = settings.trustedCAFile { configuration.trustRoots = .file(file) }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            let file = settings.trustedCAFile ?? "the system's authorities"
            throw .tlsFailed(relay: settings.relay, reason: "\(file) cannot be used: \(error)")
        }
        // SNI carries no addresses (RFC 6066 section 3). NIOSSL verifies an address all the same.
        let isAddress = (try? SocketAddress(ipAddress: settings.host, port: 0)) != nil
        serverName = isAddress ? nil : settings.host
    }

    func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverName)
    }

    /// Whether the peer's certificate belongs to the host. NIOSSL has already compared an address.
    func isPeer(of pipeline: ChannelPipeline.SynchronousOperations) -> Bool {
        guard isVerified, let serverName else { return true }
        let handler = try? pipeline.handler(type: NIOSSLClientHandler.self)
        return PeerName.matches(serverName, handler?.peerCertificate)
    }
}
