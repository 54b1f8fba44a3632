internal import NIOCore

/// Decides whether a rejection comes from a relay that serves nobody through this client or concerns one recipient
/// only.
///
/// The reply's words alone do not tell: "Relay access denied" may mean a wrong password, or a relay that serves some
/// domains only. So the tally also counts how many recipients in a row were rejected, and whether the relay accepted
/// mail for others since. It reads no clock; callers pass the time in.
struct RejectionTally {
    enum Judgement: Equatable {
        /// The relay serves nobody through this client, so it rests.
        case relay
        /// Not known yet. The message is tried again as if this attempt had not happened.
        case doubtful
        /// The rejection concerns this recipient or this message.
        case message
    }

    /// The recipients rejected since the relay last accepted a message.
    private var consecutive: Set<String> = []
    /// The time of each recipient's first rejection of this kind.
    private var suspects: [String: NIODeadline] = [:]
    private var lastAccepted: NIODeadline?

    /// How many recipients the tally remembers at most.
    private static let maximumSuspects = 1000
    /// How many different recipients show that the relay rejects this client.
    private static let probableThreshold = 2
    private static let unexplainedThreshold = 3
    /// An acceptance this soon after a rejection proves nothing: that message may have been under way when the relay
    /// changed its mind.
    private static let overlap = TimeAmount.seconds(5)

    /// Notes that the relay accepted a message: it serves this client, so nothing is counted against it any more.
    mutating func accepted(_ recipient: String, at now: NIODeadline) {
        lastAccepted = now
        if !consecutive.isEmpty { consecutive = [] }
        if !suspects.isEmpty { suspects[recipient] = nil }
    }

    /// Judges a rejection by its words, and by the rejections and acceptances before it.
    mutating func judge(_ reply: SMTPReply, of recipient: String, at now: NIODeadline) -> Judgement {
        switch SMTPRejection(reply) {
        case .recipientOrMessage: return .message
        case .client: return .relay
        case .unexplainedPolicy:
            consecutive.insert(recipient)
            return consecutive.count >= Self.unexplainedThreshold ? .relay : .message
        case .probablyClient:
            if servedOthers(since: suspects[recipient]) { return .message }
            suspect(recipient, now)
            return consecutive.count >= Self.probableThreshold ? .relay : .doubtful
        }
    }

    /// Whether the relay accepted other messages well after it rejected this recipient.
    private func servedOthers(since rejected: NIODeadline?) -> Bool {
        guard let rejected, let lastAccepted else { return false }
        return lastAccepted > rejected + Self.overlap
    }

    private mutating func suspect(_ recipient: String, _ now: NIODeadline) {
        if consecutive.count < Self.maximumSuspects { consecutive.insert(recipient) }
        guard suspects[recipient] == nil else { return }
        if suspects.count >= Self.maximumSuspects { suspects = [:] }
        suspects[recipient] = now
    }
}
