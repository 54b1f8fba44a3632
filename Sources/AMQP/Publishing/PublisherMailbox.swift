internal import Synchronization

/// The requests from tasks to a publisher's thread. The outcomes go back through the promise of each batch.
final class PublisherMailbox: Sendable {
    struct Batch: Sendable {
        let id: UInt64
        let messages: [OutgoingMessage]
        let promise: Promise<[PublishOutcome]>
    }

    struct Commands: Sendable {
        var batches: [Batch] = []
        var cancelled: [UInt64] = []
    }

    private struct State {
        var commands = Commands()
        var lastBatch: UInt64 = 0
        /// The thread was woken, and has not taken the commands yet.
        var isSignalled = false
        /// The reason why nothing can be published any more; nil while the connection is open.
        var end: AMQPError?
    }

    private let wakeup: Wakeup
    private let state = Mutex(State())

    init(wakeup: Wakeup) { self.wakeup = wakeup }

    func publish(_ messages: [OutgoingMessage]) async throws(AMQPError) -> [PublishOutcome] {
        let promise = Promise<[PublishOutcome]>()
        let id = try post { state in
            state.lastBatch += 1
            state.commands.batches.append(
                Batch(id: state.lastBatch, messages: messages, promise: promise))
            return state.lastBatch
        }
        do {
            return try await promise.value()
        } catch .cancelled {
            // Posting fails if the connection has ended meanwhile, and the batch has ended with it.
            _ = try? post { $0.commands.cancelled.append(id) }
            throw .cancelled
        }
    }

    private func post<T: Sendable>(_ change: (inout State) -> T) throws(AMQPError) -> T {
        let (result, wakes) = try state.withLock { state throws(AMQPError) in
            if let end = state.end { throw end }
            defer { state.isSignalled = true }
            return (change(&state), !state.isSignalled)
        }
        if wakes { wakeup.signal() }
        return result
    }

    // MARK: - For the thread

    func takeCommands() -> Commands {
        state.withLock { state in
            state.isSignalled = false
            defer { state.commands = Commands() }
            return state.commands
        }
    }

    /// Makes every later request fail, and returns the commands that were posted before.
    func end(_ reason: AMQPError) -> Commands {
        state.withLock { $0.end = reason }
        return takeCommands()
    }
}
