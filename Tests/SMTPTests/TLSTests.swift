import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import TestCertificates
import Testing

@testable import SMTP

@Suite(.serialized, .timeLimit(.minutes(1))) struct TLSTests {
    @Test(arguments: [SMTPSecurity.startTLSRequired, .startTLSOpportunistic, .implicitTLS])
    func sendsOverTLS(_ security: SMTPSecurity) async throws {
        let summary = try await transfer(security, trusted: true)
        #expect(summary == "220 scripted (TLS, no login)")
    }

    @Test(arguments: [SMTPSecurity.startTLSRequired, .implicitTLS])
    func unknownAuthority(_ security: SMTPSecurity) async throws {
        do {
            _ = try await transfer(security, trusted: false)
            Issue.record("an unknown authority was trusted")
        } catch let error as SMTPError {
            guard case .tlsFailed = error else { throw error }
        }
    }

    /// Without credentials, opportunistic TLS does not verify the certificate.
    @Test func opportunisticDoesNotVerify() async throws {
        let summary = try await transfer(.startTLSOpportunistic, trusted: false)
        #expect(summary == "220 scripted (TLS, no login)")
    }

    /// NIOSSL alone would accept a certificate for the relay's address instead of its name.
    @Test(arguments: [SMTPSecurity.startTLSRequired, .implicitTLS])
    func anAddressIsNoName(_ security: SMTPSecurity) async throws {
        await #expect {
            _ = try await transfer(security, trusted: true, Certificates.addressOnly)
        } throws: { error in
            if case .tlsFailed(_, let reason) = error as? SMTPError { !reason.contains(/SSL|[A-Z]_|\(/) } else { false }
        }
    }

    private func transfer(
        _ security: SMTPSecurity, trusted: Bool, _ pair: Certificates.Pair = Certificates.good
    ) async throws -> String {
        let relay = try await ScriptedRelay.start(tls: context(pair), isImplicit: security == .implicitTLS) { line in
            switch line.text.prefix(4) {
            case "EHLO": "250-relay\r\n250-STARTTLS\r\n250 PIPELINING\r\n"
            case "STAR": "220 go\r\n"
            default: ScriptedRelay.ordinary(line.text)
            }
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "smtp-\(UUID().uuidString).pem")
        let authorities = Certificates.authority + "\n" + Certificates.addressOnly.certificate
        try authorities.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        var settings = SMTPSettings(host: "localhost", port: relay.port, security: security)
        settings.trustedCAFile = trusted ? file.path : nil
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        let message = try SMTPMessage(sender: "", recipients: ["x@y.example"], content: ByteBuffer(string: "x"))
        let result: Result<String, any Error>
        do {
            let summary = try await client.probe()[0].get()
            _ = try await client.send(message)
            result = .success(summary)
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        try await relay.stop()
        return try result.get()
    }

    private func context(_ pair: Certificates.Pair) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
    }
}
