import Synchronization

/// A cache of rendered content, so that a bulletin to many endpoints is rendered once.
///
/// It is bounded in entries and in bytes, since a stranger chooses the size of a bulletin. The oldest entry goes first.
/// Claims take runs of deliveries of the same bulletin, so each entry is asked for many times soon after it was made
/// and seldom afterwards.
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

    /// Returns the cached value of `key`, or nil.
    package func known(_ key: Key) -> Value? { state.withLock { $0.values[key]?.value } }

    /// Returns the cached value of `key`, or renders it on the calling thread.
    package func value(_ key: Key, render: () -> Value) -> Value {
        if let known = known(key) { return known }
        // Outside the lock: two callers may render the same value simultaneously, which costs time but harms nothing.
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

    /// Returns the cached value of `key`, or renders it on a thread of the pool: once, however many callers ask for it
    /// meanwhile. Nil if the task was cancelled before that.
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
