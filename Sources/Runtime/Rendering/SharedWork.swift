import Synchronization

/// Runs each piece of work once, however many callers want its result while it runs.
///
/// An example: a feed changed, and 500 requests for it arrive within the 20 ms that its rendering takes. The first
/// request starts the work, and the other 499 join it; all get the same result. If a client disconnects, its request
/// leaves and the work goes on. If all 500 leave, the work is cancelled.
package final class SharedWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Work under way, and the callers that wait for it.
    private struct Flight {
        let number: Int
        var task: Task<Void, Never>?
        var waiters: [Int: CheckedContinuation<Value?, Never>]
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var numbers = 0

        mutating func nextNumber() -> Int {
            numbers += 1
            return numbers
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Returns the result of `work`, or of the work with the same key that already runs. Nil if the work was cancelled,
    /// or if this task was: it then leaves the work to the others who wait.
    package func value(_ key: Key, _ work: @escaping @Sendable () async -> Value?) async -> Value? {
        await share(key, work)?.value
    }

    /// The same as `value`, and whether this call began the work.
    package func share(
        _ key: Key, _ work: @escaping @Sendable () async -> Value?
    ) async -> (value: Value, isOwn: Bool)? {
        let number = state.withLock { $0.nextNumber() }
        var part = Part.none
        let value = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                part = join(key, number, continuation, work)
                if part == .none { continuation.resume(returning: nil) }
            }
        } onCancel: {
            leave(key, number)
        }
        return value.map { ($0, part == .begun) }
    }

    /// A task's part in shared work; `none` if the task was cancelled before it joined.
    private enum Part { case none, begun, joined }

    private func join(
        _ key: Key, _ waiter: Int, _ continuation: CheckedContinuation<Value?, Never>,
        _ work: @escaping @Sendable () async -> Value?
    ) -> Part {
        state.withLock { state in
            // If the cancellation came before this, its handler found no waiter to remove.
            if Task.isCancelled { return .none }
            if state.flights[key] != nil {
                state.flights[key]?.waiters[waiter] = continuation
                return .joined
            }
            let number = state.nextNumber()
            let task = Task { self.end(key, number, await work()) }
            state.flights[key] = Flight(number: number, task: task, waiters: [waiter: continuation])
            return .begun
        }
    }

    /// Removes a waiter. The last one that leaves cancels the work.
    private func leave(_ key: Key, _ waiter: Int) {
        let (continuation, task) = state.withLock { state in
            let continuation = state.flights[key]?.waiters.removeValue(forKey: waiter)
            guard continuation != nil, let flight = state.flights[key], flight.waiters.isEmpty else {
                return (continuation, Task<Void, Never>?.none)
            }
            state.flights[key] = nil
            return (continuation, flight.task)
        }
        task?.cancel()
        continuation?.resume(returning: nil)
    }

    private func end(_ key: Key, _ number: Int, _ value: Value?) {
        let waiters = state.withLock { state in
            // Abandoned work may end after the next work of the same key began.
            state.flights[key]?.number == number ? state.flights.removeValue(forKey: key)?.waiters : nil
        }
        for waiter in (waiters ?? [:]).values { waiter.resume(returning: value) }
    }
}
