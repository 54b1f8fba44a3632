internal import Synchronization

/// What passes between a consumer's thread and its tasks: messages one way, decisions the other.
/// Nothing in here blocks; what it holds is bounded by the prefetch.
final class ConsumerMailbox: Sendable {
    typealias Batch = Result<[IncomingMessage]?, AMQPError>

    private struct State {
        var arrived: [IncomingMessage] = []
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Batch, Never>)] = []
        var lastWaiter: UInt64 = 0
        var settlement = ConsumerSession.Settlement()
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
        settle { $0.acknowledgedThrough = max($0.acknowledgedThrough, tag) }
    }

    func reject(_ tag: UInt64, requeue: Bool) {
        settle { $0.rejected.append((tag, requeue)) }
    }

    private func settle(_ change: (inout ConsumerSession.Settlement) -> Void) {
        let wakes = state.withLock { state in
            guard state.end == nil else { return false }  // The tags have lost their meaning.
            change(&state.settlement)
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
        guard state.arrived.count > IncomingMessages.batchLimit else {
            defer { state.arrived = [] }
            return .success(state.arrived)
        }
        defer { state.arrived.removeFirst(IncomingMessages.batchLimit) }
        return .success(Array(state.arrived.prefix(IncomingMessages.batchLimit)))
    }

    // MARK: - For the thread

    func deliver(_ messages: [IncomingMessage]) {
        resume { state in
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
