import Bulletins
import DeliveryEngine
import HTTPPost
import NIOCore
import Storage

/// What each answer of a callback means for what it was asked: all of a verification's policy.
struct VerificationPolicy: Sendable {
    /// When a callback that cannot be reached is asked again.
    let schedule: RetrySchedule

    enum Answer {
        case response(HTTPPostResponse)
        case error(HTTPPostError)
    }

    /// Nil if the question was cut short and stays as it is. Only 2xx with exactly the challenge confirms (WebSub, section
    /// 5.3.1); a callback that is out of order is asked again, any other answer is a no.
    func verdict(_ answer: Answer, to verification: HubVerification, challenge: String, now: Timestamp) -> HubVerdict? {
        switch answer {
        case .response(let response):
            if response.status >= 500 || response.status == 429 { return later(verification, now) }
            // Who is told something need not say anything.
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
