internal import NIOCore
internal import Synchronization

/// One post under way: what to send, until when, and who waits for the outcome. Whoever knows an
/// outcome first (the connection, a time limit, a cancellation) finishes it; the rest is ignored.
final class Exchange: Sendable {
    typealias Outcome = Result<HTTPPostResponse, HTTPPostError>

    let origin: Origin
    /// Head and body in one piece, so that one write sends both.
    let bytes: ByteBuffer
    let deadline: NIODeadline

    private struct State {
        var continuation: CheckedContinuation<Outcome, Never>?
        var connection: ConnectionHandle?
        var isFinished = false
        var wasRetried = false
    }
    private let state = Mutex(State())

    init(origin: Origin, bytes: ByteBuffer, deadline: NIODeadline) {
        self.origin = origin
        self.bytes = bytes
        self.deadline = deadline
    }

    /// Takes the caller's continuation. False when the task was cancelled before; then the
    /// continuation is resumed already.
    func begin(_ continuation: CheckedContinuation<Outcome, Never>) -> Bool {
        let begun = state.withLock { state in
            if !state.isFinished { state.continuation = continuation }
            return !state.isFinished
        }
        if !begun { continuation.resume(returning: .failure(.cancelled)) }
        return begun
    }

    /// Binds the exchange to the connection that is to carry it. False when it is over already.
    func assign(_ connection: ConnectionHandle) -> Bool {
        state.withLock { state in
            guard !state.isFinished else { return false }
            state.connection = connection
            return true
        }
    }

    /// Ends an exchange that waited for its connection until its time was up.
    func endIfLate() {
        guard NIODeadline.now() >= deadline else { return }
        finish(.failure(.timedOut(host: origin.host, stage: .waiting)))
    }

    /// True once: a request is sent anew only one time.
    func mayRetry() -> Bool {
        state.withLock { state in
            defer { state.wasRetried = true }
            return !state.wasRetried && !state.isFinished
        }
    }

    /// Ends the exchange. The first outcome counts.
    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state in
            state.isFinished = true
            state.connection = nil
            return state.continuation.take()
        }
        continuation?.resume(returning: outcome)
    }

    /// Ends the exchange for a cancelled caller, and the connection in the middle of it.
    func cancel() {
        let connection = state.withLock { $0.connection }
        finish(.failure(.cancelled))
        connection?.abandon(self)
    }

    /// Whether it no longer needs a connection, be it finished or out of time.
    func isOver(at now: NIODeadline) -> Bool {
        now >= deadline || state.withLock { $0.isFinished }
    }
}
