import Bulletins
import Storage
import Testing

struct EndpointRulesTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let day = Duration.seconds(86_400)

    private func attempt(
        _ effect: AttemptRecord.Effect, _ channel: Channel, isFailing: Bool = false, detail: String? = nil
    ) -> AttemptRecord {
        AttemptRecord(
            delivery: ClaimedDelivery(
                number: 1, bulletin: 1, endpoint: 1, channel: channel, address: "x", isFailing: isFailing),
            effect: effect, startedAt: Self.now, duration: .zero, code: nil, detail: detail)
    }

    @Test(arguments: [Channel.webhook, .websub])
    func aFailureCountsAgainstTheEndpoint(channel: Channel) {
        for effect in [AttemptRecord.Effect.failed, .retry(at: Self.now)] {
            #expect(EndpointRules.step(after: attempt(effect, channel)) == .fail)
            // Of mails it may be the sender's fault.
            #expect(EndpointRules.step(after: attempt(effect, .email)) == .none)
        }
        #expect(EndpointRules.step(after: attempt(.delivered, channel)) == .none)
        #expect(EndpointRules.step(after: attempt(.delivered, channel, isFailing: true)) == .recover)
    }

    @Test(arguments: Channel.allCases)
    func whatIsGoneIsTurnedOff(channel: Channel) {
        #expect(EndpointRules.step(after: attempt(.endpointGone, channel)) == .turnOff(why: "it is gone"))
        #expect(EndpointRules.step(after: attempt(.endpointGone, channel, detail: "410")) == .turnOff(why: "410"))
    }

    private static let unsent: [AttemptRecord.Effect] = [.expired, .cancelled, .suppressed, .released(at: now)]

    @Test(arguments: unsent)
    func whatWasNotSentSaysNothing(effect: AttemptRecord.Effect) {
        #expect(EndpointRules.step(after: attempt(effect, .webhook, isFailing: true)) == .none)
    }

    /// Hours between failures, and the result after the last.
    struct Gaps: Sendable {
        let hours: [Double]
        let result: Int64

        init(_ hours: [Double], _ result: Int64) { (self.hours, self.result) = (hours, result) }
    }

    /// 1 if the endpoint is exhausted.
    private static let exhaustions = [
        Gaps([], 0), Gaps([24, 24, 24, 24], 0), Gaps([24, 24, 24, 24, 24], 1), Gaps([12, 12, 12, 12, 12], 0),
        Gaps(Array(repeating: 12, count: 10), 1),
        // A gap counts a day at most, so neither a pause nor a clock that jumped ahead turns it off.
        Gaps([2400], 0), Gaps([2400, 2400, 2400, 2400], 0), Gaps([2400, 2400, 2400, 2400, 2400], 1),
        // A clock that went back counts nothing.
        Gaps([24, 24, -48, 24, 24], 0),
    ]

    @Test(arguments: exhaustions)
    func fiveDaysOfFailuresExhaustAnEndpoint(gaps: Gaps) {
        var (time, health) = (Self.now, EndpointHealth.healthy.failing(at: Self.now))
        for gap in gaps.hours {
            time = time + .seconds(gap * 3600)
            health = health.failing(at: time)
        }
        #expect(health.exhaustedSince == (gaps.result == 1 ? Self.now : nil))
        #expect(health.failingSince == Self.now && health.failedAt == time)
    }

    @Test func theReasonNamesTheFirstFailure() {
        #expect(EndpointRules.exhaustion(since: Self.now) == "it has only failed since \(Self.now.text)")
        #expect(EndpointRules.exhaustion(since: Self.now, said: "503").hasSuffix(": 503"))
    }

    /// The days that are counted. The first mail fails at noon.
    private static let countedDays = [
        Gaps([], 1), Gaps([1, 1], 1), Gaps([24], 2), Gaps([13], 2), Gaps([11], 1), Gaps([24, 24, 24, 24], 5),
        Gaps([24, 1, 23], 3),
        // Failures that are further apart than two weeks have nothing to do with each other.
        Gaps([14 * 24], 2), Gaps([14 * 24 + 1], 1), Gaps([24, 24, 15 * 24, 24], 2),
        // A clock that went back counts nothing until it is past the last failure.
        Gaps([24, -24], 2), Gaps([24, -24, 24], 2), Gaps([24, -24, 48], 3),
    ]

    @Test(arguments: countedDays)
    func daysWithFailedMailsAreCounted(gaps: Gaps) {
        var time = Timestamp(milliseconds: 20_000 * 86_400_000 + 43_200_000)
        var count = MailFailureDays.counting(nil, now: time)
        for gap in gaps.hours {
            time = time + .seconds(gap * 3600)
            count = .counting(count, now: time)
        }
        #expect(count.days == gaps.result && count.isEnough == (gaps.result >= 5))
    }
}
