package import DeliveryEngine

/// Where mails go: a relay, or a folder.
package protocol MailTransport: Sendable {
    /// Hands one message over. `id` is the delivery's, for what names files by it.
    func send(_ message: [UInt8], from sender: String, to recipient: String, id: String) async -> AttemptOutcome
}
