package import Bulletins

/// A question to a callback, or a message for it.
package struct HubVerification: Sendable {
    package enum Mode: String, Sendable { case subscribe, unsubscribe, denied }

    package let number: Int64
    package let mode: Mode
    package let callback: String
    /// The callback's.
    package let host: String
    /// The feed's path, with its token if it is a private one.
    package let topic: String
    package let leaseSeconds: Int64
    /// Why it is denied.
    package let reason: String?
    /// How often it was tried before.
    package let attempts: Int

    package init(
        number: Int64, mode: Mode, callback: String, host: String, topic: String, leaseSeconds: Int64,
        reason: String?, attempts: Int
    ) {
        self.number = number
        self.mode = mode
        self.callback = callback
        self.host = host
        self.topic = topic
        self.leaseSeconds = leaseSeconds
        self.reason = reason
        self.attempts = attempts
    }
}

/// How a verification ended.
package enum HubVerdict: Sendable, Equatable {
    /// The callback wants it: the subscription begins, is renewed, or ends.
    case confirmed
    /// It does not, or never answered, or was told; nothing changes.
    case dropped
    /// To be tried again.
    case later(Timestamp)
    /// The hub refuses, and tells the callback why.
    case denied(String)
}
