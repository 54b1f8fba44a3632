import Testing

@testable import DeliveryEngine

/// A channel comes back from a pause with a single attempt.
struct ChannelPauseTests {
    @Test func itBeginsAgainWithOneAttempt() {
        let pause = ChannelPause()
        #expect(pause.probes == nil)
        pause.begin()
        #expect(!pause.end(.unavailable(pause: .seconds(30))))
        #expect(pause.remaining ?? .zero > .seconds(29))
        #expect(pause.probes == 1)
        pause.begin()
        #expect(pause.probes == 0, "one at a time")
        #expect(!pause.end(.postponed(by: .seconds(1))), "which tells nothing of the way")
        #expect(pause.probes == 1)
        pause.begin()
        #expect(pause.end(.delivered), "what is told once")
        #expect(pause.probes == nil)
        pause.begin()
        #expect(!pause.end(.delivered))
    }
}
