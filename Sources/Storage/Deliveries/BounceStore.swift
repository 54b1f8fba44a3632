package import Bulletins

/// A report about a mail that a relay had taken.
package struct Bounce: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// It could not be delivered, for good or for too long.
        case failed
        /// It is late; it may still be delivered.
        case delayed
        /// The recipient called it unwanted.
        case complaint
    }

    package let kind: Kind
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    package let status: String?
    /// The words of the report, at most 500 characters.
    package let detail: String?

    package init(kind: Kind, status: String?, detail: String?) {
        self.kind = kind
        self.status = status
        self.detail = detail.map { String($0.prefix(500)) }
    }

    /// The judgement of a failure.
    package var verdict: MailVerdict { MailVerdict(status: status, text: detail) }

    /// Whether it puts the address on the suppression list.
    package var suppresses: Bool {
        switch kind {
        case .complaint: true
        case .failed: if case .gone = verdict { true } else { false }
        case .delayed: false
        }
    }
}

/// A bounce in the form in which it is kept.
package struct BounceRow: Sendable, Equatable {
    package let bounce: Bounce
    package let receivedAt: Timestamp

    package init(bounce: Bounce, receivedAt: Timestamp) { (self.bounce, self.receivedAt) = (bounce, receivedAt) }
}

/// The result of recording a bounce.
package enum BounceEffect: Sendable, Equatable {
    /// It is recorded.
    case recorded
    /// The attempt that it answers is not recorded yet, and its record would undo the bounce. The caller tries again.
    case underWay
    /// There is no such delivery, or none by email.
    case unknown
}
