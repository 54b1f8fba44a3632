import Bulletins
package import DeliveryEngine
import NIOCore
package import SMTP

/// Mails through an SMTP relay.
package struct SMTPTransport: MailTransport {
    private let client: SMTPClient

    package init(client: SMTPClient) { self.client = client }

    package func send(_ message: [UInt8], from sender: String, to recipient: String, id: String) async -> AttemptOutcome
    {
        do throws(SMTPError) {
            let mail = try SMTPMessage(sender: sender, recipients: [recipient], content: ByteBuffer(bytes: message))
            guard let outcome = try await client.send(mail).first else {
                return AttemptOutcome(.retry(after: nil), detail: "the relay said nothing of the recipient")
            }
            return SMTPFailurePolicy.outcome(of: outcome)
        } catch {
            return SMTPFailurePolicy.outcome(of: error)
        }
    }
}
