internal import Synchronization

/// A result that one thread gives, once, and one task waits for.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, AMQPError>?
        var waiter: CheckedContinuation<Result<Value, AMQPError>, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// Only the first result counts.
    func fulfil(_ result: Result<Value, AMQPError>) {
        let waiter = state.withLock {
            state -> CheckedContinuation<Result<Value, AMQPError>, Never>? in
            guard state.result == nil else { return nil }
            state.result = result
            return state.waiter.take()
        }
        waiter?.resume(returning: result)
    }

    /// Waits until there is a result, or throws `.cancelled` as soon as the task is.
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

    /// Waits until there is a result, whether the task is cancelled or not.
    func result() async -> Result<Value, AMQPError> { await wait(heedsCancellation: false) }

    private func wait(heedsCancellation: Bool = true) async -> Result<Value, AMQPError> {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Result<Value, AMQPError>? in
                if let result = state.result { return result }
                if heedsCancellation && state.isCancelled { return .failure(.cancelled) }
                state.waiter = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
