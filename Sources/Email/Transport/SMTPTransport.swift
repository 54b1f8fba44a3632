package import DeliveryEngine
package import SMTP
import ServiceLifecycle

/// Sends mails through SMTP relays.
package struct SMTPTransport: MailTransport {
    private let client: SMTPClient

    package var executors: [any TaskExecutor] { client.executors }

    package var openConnections: Int { client.openConnections }

    package init(client: SMTPClient) { self.client = client }

    package func send(_ mail: OutgoingMail) async -> AttemptOutcome {
        do throws(SMTPError) {
            let message = try SMTPMessage(
                sender: mail.sender, recipients: [mail.recipient], content: mail.content, envelopeID: mail.id)
            guard let outcome = try await client.send(message).first else {
                return AttemptOutcome(.retry(after: nil), detail: "the relay did not answer for the recipient")
            }
            return SMTPFailurePolicy.outcome(of: outcome)
        } catch {
            return SMTPFailurePolicy.outcome(of: error)
        }
    }
}

/// Ends the connections to the relays with QUIT when the worker stops (RFC 5321 section 4.1.1.10).
package struct RelayService: Service {
    private let client: SMTPClient

    package init(client: SMTPClient) { self.client = client }

    package func run() async throws {
        try? await gracefulShutdown()
        await client.shutdown()
    }
}
