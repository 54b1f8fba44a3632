internal import NIOCore

/// One message under way (RFC 5321 section 3.3): the expected reply, and the recipients' replies up to now.
struct SMTPTransaction {
    /// The reply that comes next.
    enum Step: Equatable {
        case sender
        case recipient(Int)
        case data
        /// No reply is due: the content must be sent first.
        case contentDue
        case content
    }

    let message: SMTPMessage
    var step = Step.sender
    /// Whether the relay has replied to this message. Until it has, a kept connection may simply be dead.
    var hasReply = false
    var senderRejection: SMTPReply?
    /// The rejected recipients, by index.
    private var rejections: [Int: SMTPReply] = [:]

    init(_ message: SMTPMessage) {
        self.message = message
    }

    mutating func reject(_ recipient: Int, _ reply: SMTPReply) { rejections[recipient] = reply }

    /// Whether the relay accepted at least one recipient. Valid after the reply to the last RCPT.
    var anyAccepted: Bool { senderRejection == nil && rejections.count < message.recipients.count }
    var contentSent: Bool { step == .content }

    /// The outcome per recipient, given the reply to the message as a whole.
    func outcomes(_ reply: SMTPReply) -> [SMTPRecipientOutcome] {
        let others = reply.isPositive ? SMTPRecipientOutcome.accepted(reply) : .rejected(reply)
        return message.recipients.indices.map { rejections[$0].map(SMTPRecipientOutcome.rejected) ?? others }
    }

    /// The outcome of a message of which the relay accepted nothing. A rejected sender is the message's own fault if
    /// the message is too large (RFC 1870 section 6.1) or has an address that the relay cannot carry (RFC 6531
    /// section 3.5). Any other rejected sender is the relay's decision about all messages.
    func rejection(relay: String) -> Result<[SMTPRecipientOutcome], SMTPError> {
        if let senderRejection {
            let isTooLarge = senderRejection.code == 552 && SMTPRejection(senderRejection) == .recipientOrMessage
            guard isTooLarge || message.isInternational && senderRejection.isPermanent else {
                return .failure(.relayRejected(relay: relay, reply: senderRejection))
            }
            return .success(message.recipients.map { _ in .rejected(senderRejection) })
        }
        return .success(message.recipients.indices.compactMap { rejections[$0].map(SMTPRecipientOutcome.rejected) })
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
