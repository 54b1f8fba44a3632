import Synchronization

/// What was claimed and waits for a sender: pushed by one, taken by many, without a hop for each.
final class WorkQueue<Element: Sendable>: Sendable {
    /// An element, and how many are left behind it. Each number below that of a push is seen by one taker,
    /// so that exactly one of them notices when the queue gets low.
    struct Taken: Sendable {
        let element: Element
        let left: Int
    }

    private struct State {
        var waiting: [Element] = []
        var next = 0
        var takers: [CheckedContinuation<Taken?, Never>] = []
        var isClosed = false
        var count: Int { waiting.count - next }

        mutating func take() -> Taken? {
            guard next < waiting.count else { return nil }
            let element = waiting[next]
            next += 1
            if next == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                next = 0
            }
            return Taken(element: element, left: count)
        }
    }

    private let state = Mutex(State())

    var count: Int { state.withLock(\.count) }

    func push(_ elements: [Element]) {
        let served = state.withLock { state in
            state.waiting.append(contentsOf: elements)
            var served: [(CheckedContinuation<Taken?, Never>, Taken)] = []
            while let taker = state.takers.last, let taken = state.take() {
                state.takers.removeLast()
                served.append((taker, taken))
            }
            return served
        }
        for (taker, taken) in served { taker.resume(returning: taken) }
    }

    /// The next element; nil once the queue is closed.
    func next() async -> Taken? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Taken?? in
                if let taken = state.take() { return taken }
                if state.isClosed { return .some(nil) }
                state.takers.append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Ends the queue; returns what nobody has taken.
    func close() -> [Element] {
        let (takers, left) = state.withLock { state in
            state.isClosed = true
            defer { (state.waiting, state.next, state.takers) = ([], 0, []) }
            return (state.takers, Array(state.waiting[state.next...]))
        }
        for taker in takers { taker.resume(returning: nil) }
        return left
    }
}
