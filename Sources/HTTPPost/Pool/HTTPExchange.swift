internal import NIOCore
internal import Synchronization

/// One post under way: its bytes, its time limit, and the caller that awaits the outcome. The connection, a time
/// limit or a cancellation may finish it. The first outcome wins.
final class HTTPExchange: Sendable {
    typealias Outcome = Result<HTTPPostResponse, HTTPPostError>

    let origin: Origin
    /// Head and body in one buffer, so that one write sends both.
    let bytes: ByteBuffer
    let deadline: NIODeadline

    private struct State {
        var continuation: CheckedContinuation<Outcome, Never>?
        var connection: HTTPConnectionHandle?
        var isFinished = false
        var wasRetried = false
    }
    private let state = Mutex(State())

    init(origin: Origin, bytes: ByteBuffer, deadline: NIODeadline) {
        self.origin = origin
        self.bytes = bytes
        self.deadline = deadline
    }

    /// Stores the caller's continuation. Returns false if the task was already cancelled; the continuation has then
    /// been resumed.
    func begin(_ continuation: CheckedContinuation<Outcome, Never>) -> Bool {
        let begun = state.withLock { state in
            if !state.isFinished { state.continuation = continuation }
            return !state.isFinished
        }
        if !begun { continuation.resume(returning: .failure(.cancelled)) }
        return begun
    }

    /// Binds the exchange to the connection that will carry it. Returns false if the exchange has finished.
    func assign(_ connection: HTTPConnectionHandle) -> Bool {
        state.withLock { state in
            guard !state.isFinished else { return false }
            state.connection = connection
            return true
        }
    }

    /// Finishes an exchange that has waited for a connection until its time limit.
    func endIfLate() {
        guard NIODeadline.now() >= deadline else { return }
        finish(.failure(.timedOut(host: origin.host, stage: .waiting)))
    }

    /// Grants one retry on a new connection, and none after that.
    func mayRetry() -> Bool {
        state.withLock { state in
            defer { state.wasRetried = true }
            return !state.wasRetried && !state.isFinished
        }
    }

    /// Finishes the exchange.
    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state in
            state.isFinished = true
            state.connection = nil
            return state.continuation.take()
        }
        continuation?.resume(returning: outcome)
    }

    /// Finishes the exchange for a cancelled caller, and closes the connection that carries it.
    func cancel() {
        let connection = state.withLock { $0.connection }
        finish(.failure(.cancelled))
        connection?.abandon(self)
    }

    /// Whether the exchange needs no connection any more, because it has finished or run out of time.
    func isOver(at now: NIODeadline) -> Bool {
        now >= deadline || state.withLock { $0.isFinished }
    }
}
