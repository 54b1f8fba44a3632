import Runtime
import Testing

/// Hints are neither lost before a wait nor by the end of one.
struct HintTests {
    @Test func aHintBeforeTheWaitIsNotLost() async {
        let hint = Hint()
        hint.signal()
        await hint.wait()
    }

    @Test func aWaitEndsByItsLimitAndTheNextStillHears() async {
        let hint = Hint()
        for _ in 0..<20 { await hint.wait(atMost: .milliseconds(1)) }
        let started = ContinuousClock.now
        async let heard: Void = hint.wait(atMost: .seconds(30))
        try? await Task.sleep(for: .milliseconds(20))
        hint.signal()
        await heard
        #expect(started.duration(to: .now) < .seconds(20))
    }

    @Test func aCancelledWaitReturns() async {
        let hint = Hint()
        let task = Task { await hint.wait() }
        task.cancel()
        await task.value
    }
}
