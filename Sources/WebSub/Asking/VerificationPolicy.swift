import Bulletins
import DeliveryEngine
import HTTPPost
import NIOCore
import Storage

/// The whole policy of verification: the meaning of each answer of a callback.
struct VerificationPolicy: Sendable {
    /// The pauses after which a callback that cannot be reached is asked again.
    let schedule: RetrySchedule

    /// The answer of a callback, or the error that it caused.
    enum Answer {
        case response(HTTPPostResponse)
        case error(HTTPPostError)
    }

    /// Returns the verdict on an answer; nil if the question was cut short and remains open.
    ///
    /// Only a 2xx answer with exactly the challenge confirms (WebSub, section 5.3.1). A callback that is out of order
    /// is asked again. Any other answer means no.
    func verdict(_ answer: Answer, to verification: HubVerification, challenge: String, now: Timestamp) -> HubVerdict? {
        switch answer {
        case .response(let response):
            if response.status >= 500 || response.status == 429 { return later(verification, now) }
            // A callback that was told of a denial need not answer anything.
            guard verification.mode != .denied, (200..<300).contains(response.status),
                response.body.readableBytesView.elementsEqual(challenge.utf8)
            else { return .dropped }
            return .confirmed
        case .error(.cancelled), .error(.closed): return nil
        case .error(.badURL), .error(.badHeader), .error(.addressRefused): return .dropped
        case .error: return later(verification, now)
        }
    }

    private func later(_ verification: HubVerification, _ now: Timestamp) -> HubVerdict {
        let effect = schedule.effect(
            of: .retry(after: nil), attempt: verification.attempts + 1, now: now, jitter: .random(in: 0...1))
        if case .retry(let time) = effect { return .later(time) }
        return .dropped
    }
}
