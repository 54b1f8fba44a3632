internal import NIOCore

/// One message under way (RFC 5321 section 3.3): what was said of whom so far.
struct SMTPTransaction {
    /// The reply that is awaited.
    enum Step: Equatable {
        case sender
        case recipient(Int)
        case data
        /// None: the content is to be sent.
        case contentDue
        case content
    }

    let message: SMTPMessage
    var step = Step.sender
    /// None came yet: a kept connection may just be dead.
    var hasReply = false
    var senderRefusal: SMTPReply?
    /// By the recipients' places.
    private var refusals: [Int: SMTPReply] = [:]

    init(_ message: SMTPMessage) {
        self.message = message
    }

    mutating func refuse(_ recipient: Int, _ reply: SMTPReply) { refusals[recipient] = reply }

    /// Once all recipients were answered.
    var anyAccepted: Bool { senderRefusal == nil && refusals.count < message.recipients.count }
    var contentSent: Bool { step == .content }

    /// The outcomes, once the rest were accepted or refused together.
    func outcomes(_ reply: SMTPReply) -> [SMTPRecipientOutcome] {
        let others = reply.isPositive ? SMTPRecipientOutcome.accepted(reply) : .refused(reply)
        return message.recipients.indices.map { refusals[$0].map(SMTPRecipientOutcome.refused) ?? others }
    }

    /// The outcome when nobody was accepted. A message that is too large is its own fault (RFC 1870 section 6.1), and one
    /// with letters that the relay does not take (RFC 6531 section 3.5); any other sender that is refused is the relay's
    /// decision about all messages.
    func refusal(relay: String) -> Result<[SMTPRecipientOutcome], SMTPError> {
        if let senderRefusal {
            let isOfSize = senderRefusal.code == 552 && Refusal(senderRefusal) == .ofMessage
            guard isOfSize || message.isInternational && senderRefusal.isPermanent else {
                return .failure(.relayRefused(relay: relay, reply: senderRefusal))
            }
            return .success(message.recipients.map { _ in .refused(senderRefusal) })
        }
        return .success(message.recipients.indices.compactMap { refusals[$0].map(SMTPRecipientOutcome.refused) })
    }

    var stage: SMTPStage {
        switch step {
        case .sender: .sender
        case .recipient: .recipients
        case .data, .contentDue: .data
        case .content: .content
        }
    }
}
