import Bulletins
import Storage
import Testing

@testable import DeliveryEngine

/// The schedule of retries is that of the contract.
struct RetryScheduleTests {
    private let schedule = RetrySchedule()
    private let now = Timestamp(milliseconds: 0)

    private func seconds(_ attempt: Int, asked: Duration? = nil, jitter: Double = 0) -> Double? {
        guard
            case .retry(let at) = schedule.effect(of: .retry(after: asked), attempt: attempt, now: now, jitter: jitter)
        else { return nil }
        return Double(at.milliseconds) / 1000
    }

    @Test func thePausesAreThoseOfTheContract() {
        #expect((1...9).map { seconds($0) } == [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, nil])
    }

    @Test func jitterLengthensByATenthAtMost() {
        #expect(seconds(1, jitter: 1) == 5.5)
        #expect(seconds(3, jitter: 0.5) == 126)
    }

    @Test func aReceiverMayAskForMoreButNotForLessOrForEver() {
        #expect(seconds(1, asked: .seconds(60)) == 60)
        #expect(seconds(2, asked: .seconds(1)) == 30)
        #expect(seconds(1, asked: .seconds(1_000_000)) == 86_400)
    }

    @Test func otherVerdictsEndOrRelease() {
        #expect(schedule.effect(of: .delivered, attempt: 1, now: now, jitter: 0) == .delivered)
        #expect(schedule.effect(of: .failed, attempt: 1, now: now, jitter: 0) == .failed)
        #expect(
            schedule.effect(of: .unavailable(pause: .seconds(7)), attempt: 1, now: now, jitter: 0)
                == .released(at: now + .seconds(7)))
    }
}
