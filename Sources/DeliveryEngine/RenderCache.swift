import Synchronization

/// What was rendered of bulletins, so that a bulletin to many endpoints is rendered once. Bounded: the
/// oldest goes first.
package final class RenderCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var values: [Key: Value] = [:]
        /// A ring once it is full: the oldest stands at `next`.
        var order: [Key] = []
        var next = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    package init(limit: Int = 256) { self.limit = limit }

    package func known(_ key: Key) -> Value? { state.withLock { $0.values[key] } }

    package func value(_ key: Key, render: () -> Value) -> Value {
        if let known = known(key) { return known }
        // Outside the lock: two may render the same at once, which costs time but harms nothing.
        let value = render()
        state.withLock { state in
            guard state.values.updateValue(value, forKey: key) == nil else { return }
            guard state.order.count == limit else { return state.order.append(key) }
            state.values[state.order[state.next]] = nil
            state.order[state.next] = key
            state.next = (state.next + 1) % limit
        }
        return value
    }
}
