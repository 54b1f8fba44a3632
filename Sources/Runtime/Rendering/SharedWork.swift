import Synchronization

/// Does each thing once, however many want it while it is under way.
package final class SharedWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
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

    /// What `work` returns, or the same work of this key that is under way already. Nil if the work was cancelled, or if
    /// this task was: it leaves, and the work goes on for the others who wait for it.
    package func value(_ key: Key, _ work: @escaping @Sendable () async -> Value?) async -> Value? {
        await share(key, work)?.value
    }

    /// The same, and whether this call began the work.
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

    /// A task's part in some work; none if the task is cancelled.
    private enum Part { case none, begun, joined }

    private func join(
        _ key: Key, _ waiter: Int, _ continuation: CheckedContinuation<Value?, Never>,
        _ work: @escaping @Sendable () async -> Value?
    ) -> Part {
        state.withLock { state in
            // A handler of a cancellation that came before this has found nobody to take out.
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

    /// The last who leaves ends the work.
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
            // Work that was left may end after the next of its key began.
            state.flights[key]?.number == number ? state.flights.removeValue(forKey: key)?.waiters : nil
        }
        for waiter in (waiters ?? [:]).values { waiter.resume(returning: value) }
    }
}
