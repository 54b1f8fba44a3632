import Foundation
import Synchronization
import Testing

@testable import Runtime

/// Rendering is shared, cancellable, and never delays urgent work.
struct RenderPoolTests {
    /// Blocks the only thread for ordinary work until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)
        private let reached = Mutex(0)

        var times: Int { reached.withLock(\.self) }

        func block() {
            reached.withLock { $0 += 1 }
            while !isOpen.withLock(\.self) { usleep(1000) }
        }

        func open() { isOpen.withLock { $0 = true } }

        func waitUntilReached() async throws {
            while times == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    @Test func whatIsUrgentDoesNotWaitForWhatIsNot() async throws {
        let (pool, gate) = (RenderPool(threads: 1), Gate())
        let slow = Task { await pool.run { gate.block() } }
        try await gate.waitUntilReached()
        #expect(await pool.run(isUrgent: true) { 7 } == 7)
        gate.open()
        #expect(await slow.value != nil)
    }

    @Test func aStopWaitsForNothingThatHasNotBegun() async throws {
        let (pool, gate) = (RenderPool(threads: 1), Gate())
        let slow = Task { await pool.run { gate.block() } }
        try await gate.waitUntilReached()
        let waiting = (1...50).map { number in Task { await pool.run { number } } }
        for task in waiting { task.cancel() }
        for task in waiting { #expect(await task.value == nil) }
        gate.open()
        #expect(await slow.value != nil)
        #expect(await pool.run { 1 } == 1)
    }

    @Test func whatManyWantIsRenderedOnce() async throws {
        let (pool, gate, cache) = (RenderPool(threads: 4), Gate(), RenderCache<Int, Int>())
        let all = await withTaskGroup(of: Int?.self) { group in
            for _ in 1...100 {
                group.addTask {
                    await cache.value(1, on: pool, isUrgent: false) {
                        gate.block()
                        return 7
                    }
                }
            }
            try? await gate.waitUntilReached()
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(all == Array(repeating: 7, count: 100))
        #expect(gate.times == 1)
    }

    @Test func whoLeavesSharedWorkLeavesItToTheOthers() async throws {
        let (work, gate, pool) = (SharedWork<Int, Int>(), Gate(), RenderPool(threads: 1))
        let slow = Task { await pool.run { gate.block() } }
        try await gate.waitUntilReached()
        let leaver = Task { await work.value(1) { await pool.run { 7 } } }
        let stayer = Task { await work.value(1) { await pool.run { 8 } } }
        try await Task.sleep(for: .milliseconds(50))
        leaver.cancel()
        #expect(await leaver.value == nil)
        gate.open()
        #expect(await [7, 8].contains(stayer.value ?? 0))
        _ = await slow.value
    }
}
