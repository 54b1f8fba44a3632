internal import Synchronization

/// A result that a thread delivers once and a single task awaits.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, AMQPError>?
        var waiter: CheckedContinuation<Result<Value, AMQPError>, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// Delivers the result. Later calls have no effect.
    func fulfil(_ result: Result<Value, AMQPError>) {
        let waiter = state.withLock {
            state -> CheckedContinuation<Result<Value, AMQPError>, Never>? in
            guard state.result == nil else { return nil }
            state.result = result
            return state.waiter.take()
        }
        waiter?.resume(returning: result)
    }

    /// Waits for the result. Throws `.cancelled` as soon as the task is cancelled.
    func value() async throws(AMQPError) -> Value {
        let result = await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            let waiter = state.withLock { state in
                state.isCancelled = true
                return state.waiter.take()
            }
            waiter?.resume(returning: .failure(.cancelled))
        }
        return try result.get()
    }

    /// Waits for the result, even if the task is cancelled.
    func result() async -> Result<Value, AMQPError> { await wait(isCancellable: false) }

    private func wait(isCancellable: Bool = true) async -> Result<Value, AMQPError> {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Result<Value, AMQPError>? in
                if let result = state.result { return result }
                if isCancellable && state.isCancelled { return .failure(.cancelled) }
                state.waiter = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
