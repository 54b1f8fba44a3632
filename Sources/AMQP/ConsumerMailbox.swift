internal import Synchronization

/// What passes between a consumer's thread and its tasks: messages one way, decisions the other.
/// Nothing in here blocks; what it holds is bounded by the prefetch, and by `ConsumerSettings.maximumHeld`.
final class ConsumerMailbox: Sendable {
    typealias Batch = Result<[IncomingMessage]?, AMQPError>

    private struct State {
        var arrived: [IncomingMessage] = []
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Batch, Never>)] = []
        var lastWaiter: UInt64 = 0
        var settlement = ConsumerSession.Settlement()
        var held = HeldMessages()
        /// Whether the thread was woken and has not looked yet.
        var isSignalled = false
        /// Why there will be no more messages.
        var end: AMQPError?
    }

    private let wakeup: Wakeup
    private let state = Mutex(State())

    init(wakeup: Wakeup) { self.wakeup = wakeup }

    // MARK: - For tasks

    /// All that has arrived, as soon as there is something.
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
            state.held.release(through: tag)
        }
    }

    func reject(_ tag: UInt64, requeue: Bool) {
        settle { $0.settlement.rejected.append((tag, requeue)) }
    }

    private func settle(_ change: (inout State) -> Void) {
        let wakes = state.withLock { state in
            guard state.end == nil else { return false }  // The tags have lost their meaning.
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
                // The handler may have run before there was a waiter to resume.
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

    /// Messages first: what arrived before the end still may be worked on, though not acknowledged.
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

    /// How many of these make a batch: at least one, and no more than the limits of count and bytes allow.
    private static func batchCount(_ messages: [IncomingMessage]) -> Int {
        var room = IncomingMessages.batchSize
        var count = 0
        for message in messages.prefix(IncomingMessages.batchLimit) {
            room -= message.cost
            if room < 0, count > 0 { break }
            count += 1
        }
        return count
    }

    // MARK: - For the thread

    /// Bytes of what was delivered and is not acknowledged yet.
    var heldCost: Int { state.withLock { $0.held.cost } }

    func deliver(_ messages: [IncomingMessage]) {
        resume { state in
            state.held.add(messages)
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
            // Nothing in here can be acknowledged any more, and the broker delivers it again.
            state.arrived = []
            state.held = HeldMessages()
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
