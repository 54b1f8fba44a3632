internal import Synchronization

/// The exchange between a consumer's thread and its tasks: messages in one direction, settlements in the other.
///
/// No method blocks. `ConsumerSettings.prefetch` and `maximumUnacknowledgedBytes` bound the contents.
final class ConsumerMailbox: Sendable {
    typealias Batch = Result<[IncomingMessage]?, AMQPError>

    private struct State {
        var arrived: [IncomingMessage] = []
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Batch, Never>)] = []
        var lastWaiter: UInt64 = 0
        var settlement = ConsumerSession.Settlement()
        var unacknowledged = UnacknowledgedMemory()
        /// The thread was woken, and has not taken the settlement yet.
        var isSignalled = false
        /// The reason why no more messages arrive; nil while the connection is open.
        var end: AMQPError?
    }

    private let wakeup: Wakeup
    private let state = Mutex(State())

    init(wakeup: Wakeup) { self.wakeup = wakeup }

    // MARK: - For tasks

    /// Waits for messages, and returns everything that has arrived up to the limits of a batch; nil once the task is
    /// cancelled or the scope has ended.
    func next() async throws(AMQPError) -> [IncomingMessage]? {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let batch = await withTaskCancellationHandler {
            await wait(id)
        } onCancel: {
            cancel(id)
        }
        return try batch.get()
    }

    func acknowledge(through tag: UInt64) {
        settle { state in
            state.settlement.acknowledgedThrough = max(state.settlement.acknowledgedThrough, tag)
            state.unacknowledged.release(through: tag)
        }
    }

    func reject(_ tag: UInt64, requeue: Bool) {
        settle { $0.settlement.rejected.append((tag, requeue)) }
    }

    private func settle(_ change: (inout State) -> Void) {
        let wakes = state.withLock { state in
            guard state.end == nil else { return false }  // The delivery tags are invalid by now.
            change(&state)
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        if wakes { wakeup.signal() }
    }

    private func wait(_ id: UInt64) async -> Batch {
        if Task.isCancelled { return .success(nil) }
        return await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Batch? in
                if let batch = Self.take(&state) { return batch }
                state.waiters.append((id, continuation))
                return nil
            }
            if let ready {
                continuation.resume(returning: ready)
            } else if Task.isCancelled {
                // The cancellation handler may have run before the waiter was registered.
                cancel(id)
            }
        }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: .success(nil))
    }

    /// Takes the next batch, or the end if no message is left. Messages that arrived before the end may still be
    /// processed, though not acknowledged.
    private static func take(_ state: inout State) -> Batch? {
        if state.arrived.isEmpty {
            return state.end.map { $0 == .cancelled ? .success(nil) : .failure($0) }
        }
        let count = batchCount(state.arrived)
        guard state.arrived.count > count else {
            defer { state.arrived = [] }
            return .success(state.arrived)
        }
        defer { state.arrived.removeFirst(count) }
        return .success(Array(state.arrived.prefix(count)))
    }

    /// The number of messages in the next batch: at least one, within the limits of count and bytes.
    private static func batchCount(_ messages: [IncomingMessage]) -> Int {
        var room = IncomingMessages.batchSize
        var count = 0
        for message in messages.prefix(IncomingMessages.batchLimit) {
            room -= message.memorySize
            if room < 0, count > 0 { break }
            count += 1
        }
        return count
    }

    // MARK: - For the thread

    /// The estimated memory of the messages that were delivered and are not acknowledged yet.
    var unacknowledgedBytes: Int { state.withLock { $0.unacknowledged.size } }

    func deliver(_ messages: [IncomingMessage]) {
        resume { state in
            state.unacknowledged.add(messages)
            if state.arrived.isEmpty {
                state.arrived = messages
            } else {
                state.arrived.append(contentsOf: messages)
            }
        }
    }

    func end(_ reason: AMQPError) {
        resume { state in
            state.end = reason
            // These can no longer be acknowledged, and the broker redelivers them.
            state.arrived = []
            state.unacknowledged = UnacknowledgedMemory()
        }
    }

    func takeSettlement() -> ConsumerSession.Settlement {
        state.withLock { state in
            state.isSignalled = false
            defer { state.settlement = .init() }
            return state.settlement
        }
    }

    private func resume(_ change: (inout State) -> Void) {
        let ready = state.withLock { state in
            change(&state)
            var ready: [(CheckedContinuation<Batch, Never>, Batch)] = []
            while let waiter = state.waiters.first, let batch = Self.take(&state) {
                state.waiters.removeFirst()
                ready.append((waiter.continuation, batch))
            }
            return ready
        }
        for (continuation, batch) in ready { continuation.resume(returning: batch) }
    }
}
