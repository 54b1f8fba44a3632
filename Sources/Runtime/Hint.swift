import Synchronization

/// Wakes a stage after a commit that may concern it.
///
/// A hint carries no data. It may come too often or, after a crash, not at all, so a stage reads its work from the
/// store and polls slowly besides. A hint has one waiter at a time. (An `AsyncStream` does not serve here: it ends for
/// good when one wait on it is cancelled, as every wait with a limit is.)
package final class Hint: Sendable {
    private struct State {
        var isSignalled = false
        var waiter: CheckedContinuation<Void, Never>?
        /// The number of the wait that the waiter belongs to.
        var wait: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Wakes the waiter, or the next one if nobody waits. Several signals before a wait count as one.
    package func signal() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.isSignalled = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits for a hint, or until the task is cancelled.
    package func wait() async {
        let wait = state.withLock { state in
            state.wait += 1
            return state.wait
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    guard !state.isSignalled, !Task.isCancelled, state.wait == wait else {
                        state.isSignalled = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isReady {
                    continuation.resume()
                } else if Task.isCancelled {
                    // The handler may have run before there was a waiter to resume.
                    end(wait)
                }
            }
        } onCancel: {
            end(wait)
        }
    }

    /// Waits for a hint even if the task is cancelled. It serves work that has an end of its own.
    package func waitUninterrupted() async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                state.wait += 1
                guard !state.isSignalled else {
                    state.isSignalled = false
                    return true
                }
                state.waiter = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// Waits for a hint, until `limit` has passed, or until the task is cancelled.
    package func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func end(_ wait: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.wait == wait else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
