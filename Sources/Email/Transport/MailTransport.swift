package import DeliveryEngine
package import NIOCore

/// A mail with its envelope.
package struct OutgoingMail: Sendable {
    /// Header and body (RFC 5322) with CRLF line ends, not dot-stuffed.
    package var content: ByteBuffer
    package let sender: String
    package let recipient: String
    /// The Message-ID without angle brackets, or the delivery's signed tag. It is the same on every attempt.
    package let id: String

    package init(content: ByteBuffer, sender: String, recipient: String, id: String) {
        self.content = content
        self.sender = sender
        self.recipient = recipient
        self.id = id
    }
}

/// The way that mails take: a relay or a Maildir folder.
package protocol MailTransport: Sendable {
    /// The executors on which mails are best composed and sent, in turn. Empty for any.
    var executors: [any TaskExecutor] { get }

    /// The number of connections that are open.
    var openConnections: Int { get }

    /// Sends one mail.
    func send(_ mail: OutgoingMail) async -> AttemptOutcome
}

extension MailTransport {
    package var executors: [any TaskExecutor] { [] }

    package var openConnections: Int { 0 }
}
