package import DeliveryEngine
package import NIOCore

/// A mail on its way out, and its envelope.
package struct OutgoingMail: Sendable {
    /// Header and body (RFC 5322), with CRLF line ends and not dot-stuffed.
    package var content: ByteBuffer
    package let sender: String
    package let recipient: String
    /// The same on every attempt: the Message-ID without its brackets, or the delivery's signed mark.
    package let id: String

    package init(content: ByteBuffer, sender: String, recipient: String, id: String) {
        self.content = content
        self.sender = sender
        self.recipient = recipient
        self.id = id
    }
}

/// Where mails go: a relay, or a folder.
package protocol MailTransport: Sendable {
    /// Where mails are best made and sent, by turns; empty for anywhere.
    var executors: [any TaskExecutor] { get }

    /// Hands one mail over.
    func send(_ mail: OutgoingMail) async -> AttemptOutcome
}

extension MailTransport {
    package var executors: [any TaskExecutor] { [] }
}
