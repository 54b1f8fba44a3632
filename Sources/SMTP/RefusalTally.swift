internal import NIOCore

/// Tells a relay that refuses this client from one that refuses one recipient. Words alone do not tell: a relay that
/// serves some domains only says of the others what it says to strangers. A machine with the time passed in.
struct RefusalTally {
    enum Judgement: Equatable {
        /// The relay serves nobody through this client: it is to rest.
        case relay
        /// That is not known yet: the message is to be asked for again, as if it had not been tried.
        case doubtful
        /// The recipient's, or the message's.
        case message
    }

    /// Who was refused since the relay took the last message.
    private var inARow: Set<String> = []
    /// When recipients were first refused so.
    private var suspects: [String: NIODeadline] = [:]
    private var lastAccepted: NIODeadline?

    /// Recipients that are told apart, of the most that are remembered.
    private static let mostSuspects = 1000
    /// How many different ones make it the relay's.
    private static let enoughProbably = 2
    private static let enoughUnknown = 3
    /// Messages that were on their way when a recipient was refused prove nothing.
    private static let overlap = TimeAmount.seconds(5)

    mutating func accepted(_ recipient: String, at now: NIODeadline) {
        lastAccepted = now
        if !inARow.isEmpty { inARow = [] }
        if !suspects.isEmpty { suspects[recipient] = nil }
    }

    mutating func judge(_ reply: SMTPReply, of recipient: String, at now: NIODeadline) -> Judgement {
        switch Refusal(reply) {
        case .ofMessage: return .message
        case .ofClient: return .relay
        case .ofUnknown:
            inARow.insert(recipient)
            return inARow.count >= Self.enoughUnknown ? .relay : .message
        case .probablyOfClient:
            if servedOthers(since: suspects[recipient]) { return .message }
            suspect(recipient, now)
            return inARow.count >= Self.enoughProbably ? .relay : .doubtful
        }
    }

    /// Whether the relay took messages of others well after it refused this one.
    private func servedOthers(since refused: NIODeadline?) -> Bool {
        guard let refused, let lastAccepted else { return false }
        return lastAccepted > refused + Self.overlap
    }

    private mutating func suspect(_ recipient: String, _ now: NIODeadline) {
        if inARow.count < Self.mostSuspects { inARow.insert(recipient) }
        guard suspects[recipient] == nil else { return }
        if suspects.count >= Self.mostSuspects { suspects = [:] }
        suspects[recipient] = now
    }
}
