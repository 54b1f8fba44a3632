package import Bulletins

/// How long an endpoint, or a callback of the hub, has only failed.
///
/// Every gap between two failures counts as a day at most. A clock that jumps ahead thus ages an endpoint by one day, and
/// five days of failures are failures on at least five days.
package struct EndpointHealth: Sendable, Equatable {
    /// The first failure since the last success; nil if the last attempt succeeded.
    package var failingSince: Timestamp?
    package var failingFor: Duration
    package var failedAt: Timestamp?

    package static let healthy = EndpointHealth()

    package init(failingSince: Timestamp? = nil, failingFor: Duration = .zero, failedAt: Timestamp? = nil) {
        (self.failingSince, self.failingFor, self.failedAt) = (failingSince, failingFor, failedAt)
    }

    /// Its health after one more failure.
    package func failing(at now: Timestamp) -> EndpointHealth {
        guard let failingSince else { return EndpointHealth(failingSince: now, failedAt: now) }
        let gap = min(max(now - (failedAt ?? now), .zero), EndpointRules.longestGap)
        return EndpointHealth(failingSince: failingSince, failingFor: failingFor + gap, failedAt: now)
    }

    /// Since when it has failed for longer than any endpoint may; nil while it is given more time.
    package var exhaustedSince: Timestamp? { failingFor >= EndpointRules.patience ? failingSince : nil }
}

/// When an endpoint that fails is turned off, left alone for a while, or given another chance. The rules are the same for
/// the endpoints of deliveries and for the callbacks of the hub.
package enum EndpointRules {
    /// How long an endpoint may do nothing but fail.
    package static let patience = longestGap * 5
    /// The most that a gap between two failures counts.
    package static let longestGap = Duration.seconds(86_400)

    /// The consequence of an attempt for its endpoint.
    package enum Step: Sendable, Equatable {
        case none
        /// It works again: its health is `EndpointHealth.healthy`.
        case recover
        /// It failed once more. If its health is exhausted then, it is turned off.
        case fail
        /// It is gone for good.
        case turnOff(why: String)
    }

    package static func step(after attempt: AttemptRecord) -> Step {
        switch attempt.effect {
        case .delivered: attempt.delivery.isFailing ? .recover : .none
        case .endpointGone: .turnOff(why: attempt.detail ?? "it is gone")
        // Where failures may be the sender's fault, `MailFailureDays` judges them.
        case .retry, .failed: attempt.delivery.channel.traits.restsAfterFailures ? .none : .fail
        case .expired, .cancelled, .suppressed, .released: .none
        }
    }

    /// Why an exhausted endpoint is turned off, for its owner.
    package static func exhaustion(since: Timestamp, said: String? = nil) -> String {
        "it has only failed since \(since.text)" + (said.map { ": \($0)" } ?? "")
    }
}

/// On how many days mails to an address failed that might be delivered on another day.
///
/// After enough such days the address rests: it gets nothing but emergencies for a while, and then another chance.
package struct MailFailureDays: Sendable, Equatable {
    package var days: Int64
    package var lastAt: Timestamp

    /// The days with failures after which an address rests.
    package static let enough: Int64 = 5
    /// Failures that are further apart than this have nothing to do with each other.
    package static let memory = day * 14
    /// How long the address rests.
    package static let rest = day * 30
    private static let day = Duration.seconds(86_400)

    package init(days: Int64, lastAt: Timestamp) { (self.days, self.lastAt) = (days, lastAt) }

    /// The count after a failure now; `earlier` is nil if none is remembered.
    package static func counting(_ earlier: MailFailureDays?, now: Timestamp) -> MailFailureDays {
        guard let earlier, now - earlier.lastAt <= memory else {
            return MailFailureDays(days: 1, lastAt: now)
        }
        let isNewDay = dayNumber(earlier.lastAt) < dayNumber(now)
        return MailFailureDays(days: earlier.days + (isNewDay ? 1 : 0), lastAt: max(now, earlier.lastAt))
    }

    package var isEnough: Bool { days >= Self.enough }

    private static func dayNumber(_ time: Timestamp) -> Int64 { time.milliseconds / Int64(day / .milliseconds(1)) }
}
