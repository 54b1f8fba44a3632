package import SMTP
import ServiceLifecycle

/// Takes leave of the relays with QUIT when the worker stops (RFC 5321 section 4.1.1.10).
package struct RelayService: Service {
    private let client: SMTPClient

    package init(client: SMTPClient) { self.client = client }

    package func run() async throws {
        try? await gracefulShutdown()
        await client.shutdown()
    }
}
