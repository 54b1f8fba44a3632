internal import Synchronization

/// One message under way, and who waits for its outcome. The first outcome counts.
final class Exchange: Sendable {
    typealias Outcome = Result<[SMTPRecipientOutcome], SMTPError>

    let message: SMTPMessage

    private struct State {
        var continuation: CheckedContinuation<Outcome, Never>?
        var connection: ConnectionHandle?
        var isCancelled = false
        var wasRetried = false
    }
    private let state = Mutex(State())

    init(_ message: SMTPMessage) {
        self.message = message
    }

    /// Takes the caller's continuation. False when the task was cancelled before; then it is resumed already.
    func begin(_ continuation: CheckedContinuation<Outcome, Never>) -> Bool {
        let isWanted = state.withLock { state in
            if !state.isCancelled { state.continuation = continuation }
            return !state.isCancelled
        }
        if !isWanted { continuation.resume(returning: .failure(.cancelled)) }
        return isWanted
    }

    /// Binds the message to the connection that is to carry it. False when nobody wants it any more.
    func assign(_ connection: ConnectionHandle) -> Bool {
        state.withLock { state in
            guard !state.isCancelled else { return false }
            state.connection = connection
            return true
        }
    }

    var wasRetried: Bool { state.withLock { $0.wasRetried } }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Notes that the caller is gone; the connection that carries the message, if any.
    func cancel() -> ConnectionHandle? {
        state.withLock { state in
            state.isCancelled = true
            return state.connection
        }
    }

    /// True once: a message goes to a second connection only one time.
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
