package import Bulletins

/// A row of `websub list`.
package struct HubSubscriptionRow: Sendable {
    package let number: Int64
    package let callback: String
    /// The feed's path; of a private one with the number of its endpoint, as its token is nobody's to see.
    package let topic: String
    /// `active` or `ended`.
    package let state: String
    package let isSigned: Bool
    package let createdAt: Timestamp
    package let expiresAt: Timestamp
    package let endedAt: Timestamp?
    package let why: String?
    package let attempts: Int
    /// When a push is due; nil if none is, or it is under way.
    package let dueAt: Timestamp?
    package let pushedAt: Timestamp?
    package let failingSince: Timestamp?
    /// Of the last attempt.
    package let code: String?
    package let detail: String?

    package init(
        number: Int64, callback: String, topic: String, state: String, isSigned: Bool, createdAt: Timestamp,
        expiresAt: Timestamp, endedAt: Timestamp?, why: String?, attempts: Int, dueAt: Timestamp?,
        pushedAt: Timestamp?, failingSince: Timestamp?, code: String?, detail: String?
    ) {
        self.number = number
        self.callback = callback
        self.topic = topic
        self.state = state
        self.isSigned = isSigned
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.endedAt = endedAt
        self.why = why
        self.attempts = attempts
        self.dueAt = dueAt
        self.pushedAt = pushedAt
        self.failingSince = failingSince
        self.code = code
        self.detail = detail
    }
}
