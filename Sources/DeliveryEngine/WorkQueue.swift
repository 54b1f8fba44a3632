import Synchronization

/// What was claimed and waits for a sender: pushed by one, taken by many, without a hop for each.
final class WorkQueue<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [Element] = []
        var next = 0
        var takers: [CheckedContinuation<Element?, Never>] = []
        var isClosed = false
        var count: Int { waiting.count - next }

        mutating func take() -> Element? {
            guard next < waiting.count else { return nil }
            defer {
                next += 1
                if next == waiting.count {
                    waiting.removeAll(keepingCapacity: true)
                    next = 0
                }
            }
            return waiting[next]
        }
    }

    private let state = Mutex(State())

    var count: Int { state.withLock(\.count) }

    func push(_ elements: [Element]) {
        let served = state.withLock { state in
            state.waiting.append(contentsOf: elements)
            var served: [(CheckedContinuation<Element?, Never>, Element)] = []
            while let taker = state.takers.last, let element = state.take() {
                state.takers.removeLast()
                served.append((taker, element))
            }
            return served
        }
        for (taker, element) in served { taker.resume(returning: element) }
    }

    /// The next element, and how many are left; nil once the queue is closed.
    func next() async -> Element? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Element?? in
                if let element = state.take() { return element }
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
