internal import NIOCore
internal import NIOSSL
internal import NIOSupport

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
        // An address has no server name (RFC 6066 section 3); it is verified all the same.
        let isAddress = (try? SocketAddress(ipAddress: settings.host, port: 0)) != nil
        serverName = isAddress ? nil : settings.host
    }

    func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverName)
    }

    /// Whether the certificate that was shown is the host's. An address was compared by NIOSSL already.
    func isPeer(of pipeline: ChannelPipeline.SynchronousOperations) -> Bool {
        guard isVerified, let serverName else { return true }
        let handler = try? pipeline.handler(type: NIOSSLClientHandler.self)
        return PeerName.matches(serverName, handler?.peerCertificate)
    }
}
