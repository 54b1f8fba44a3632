import Synchronization

/// Keeps what was rendered of bulletins, so that a bulletin to many endpoints is rendered once. Bounded in entries and in
/// bytes, as a stranger chooses how large a bulletin is; the oldest goes first.
///
/// Claims take runs of a bulletin's deliveries, and the cache holds the bulletins of several thousand of them. So it suits
/// the order in which it is asked: a cache that is smaller than one round of the bulletins would miss every time.
package final class RenderCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var values: [Key: (value: Value, size: Int)] = [:]
        /// Keys in the order in which they came, the oldest at `next`.
        var order: [Key] = []
        var next = 0
        var size = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let sizeLimit: Int
    private let size: @Sendable (Value) -> Int
    private let underWay = SharedWork<Key, Value>()

    /// Keeps at most `limit` values, and at most `sizeLimit` bytes as `size` counts them.
    package init(
        limit: Int = 4096, sizeLimit: Int = 16 << 20, size: @escaping @Sendable (Value) -> Int = { _ in 0 }
    ) {
        (self.limit, self.sizeLimit, self.size) = (limit, sizeLimit, size)
    }

    package func known(_ key: Key) -> Value? { state.withLock { $0.values[key]?.value } }

    package func value(_ key: Key, render: () -> Value) -> Value {
        if let known = known(key) { return known }
        // Outside the lock: two may render the same simultaneously, which costs time but harms nothing.
        let value = render()
        let size = size(value)
        state.withLock { state in
            guard state.values[key] == nil else { return }
            state.values[key] = (value, size)
            state.order.append(key)
            state.size += size
            while state.values.count > limit || state.size > sizeLimit, state.values.count > 1 { dropOldest(&state) }
        }
        return value
    }

    /// What is not known is rendered on the pool's threads, once however many ask for it meanwhile. Nil if the task was
    /// cancelled before that.
    package func value(
        _ key: Key, on pool: RenderPool, isUrgent: Bool, render: @escaping @Sendable () -> Value
    ) async -> Value? {
        if let known = known(key) { return known }
        return await underWay.value(key) { await pool.run(isUrgent: isUrgent) { self.value(key, render: render) } }
    }

    private func dropOldest(_ state: inout State) {
        let oldest = state.values.removeValue(forKey: state.order[state.next])
        state.size -= oldest?.size ?? 0
        state.next += 1
        guard state.next > 1024, state.next > state.order.count / 2 else { return }
        state.order.removeFirst(state.next)
        state.next = 0
    }
}
