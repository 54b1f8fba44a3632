internal import Synchronization

/// One message on its way through the pool, and the caller that awaits its outcome. The first outcome wins.
final class SMTPTransfer: Sendable {
    typealias Outcome = Result<[SMTPRecipientOutcome], SMTPError>

    let message: SMTPMessage

    private struct State {
        var continuation: CheckedContinuation<Outcome, Never>?
        var connection: SMTPConnection?
        var isCancelled = false
        var wasRetried = false
    }
    private let state = Mutex(State())

    init(_ message: SMTPMessage) {
        self.message = message
    }

    /// Stores the caller's continuation. Returns false if the task was already cancelled; the continuation has then
    /// been resumed.
    func begin(_ continuation: CheckedContinuation<Outcome, Never>) -> Bool {
        let isWanted = state.withLock { state in
            if !state.isCancelled { state.continuation = continuation }
            return !state.isCancelled
        }
        if !isWanted { continuation.resume(returning: .failure(.cancelled)) }
        return isWanted
    }

    /// Binds the message to the connection that will carry it. Returns false if the caller has cancelled.
    func assign(_ connection: SMTPConnection) -> Bool {
        state.withLock { state in
            guard !state.isCancelled else { return false }
            state.connection = connection
            return true
        }
    }

    var wasRetried: Bool { state.withLock { $0.wasRetried } }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Marks the message as cancelled and returns the connection that carries it, if any.
    func cancel() -> SMTPConnection? {
        state.withLock { state in
            state.isCancelled = true
            return state.connection
        }
    }

    /// Grants one retry on a second connection, and none after that.
    func mayRetry() -> Bool {
        state.withLock { state in
            defer {
                state.wasRetried = true
                state.connection = nil
            }
            return !state.wasRetried && !state.isCancelled
        }
    }

    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state in
            state.connection = nil
            return state.continuation.take()
        }
        continuation?.resume(returning: outcome)
    }
}
