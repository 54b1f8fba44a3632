import Synchronization

/// The queue between the claimer and the senders: filled by one task, emptied by many.
///
/// An element passes to a waiting sender directly, without a hop through another task. Urgent elements are taken first,
/// and some senders take only those.
final class WorkQueue<Element: Sendable>: Sendable {
    /// An element, and the number of elements left behind it. Each number below that of a push is seen by exactly one
    /// sender, so exactly one of them notices that the queue runs low.
    struct Taken: Sendable {
        let element: Element
        let left: Int
    }

    private typealias Taker = CheckedContinuation<Taken?, Never>

    /// A first-in, first-out queue that removes its elements in bulk.
    private struct Lane {
        var waiting: [Element] = []
        var next = 0
        var count: Int { waiting.count - next }

        mutating func take() -> Element? {
            guard next < waiting.count else { return nil }
            let element = waiting[next]
            next += 1
            if next == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                next = 0
            }
            return element
        }
    }

    private struct State {
        var urgent = Lane()
        var others = Lane()
        var takers: [Taker] = []
        /// Senders that take only urgent elements.
        var urgentTakers: [Taker] = []
        var isClosed = false
        var count: Int { urgent.count + others.count }

        mutating func take(urgentOnly: Bool) -> Taken? {
            guard let element = urgent.take() ?? (urgentOnly ? nil : others.take()) else { return nil }
            return Taken(element: element, left: count)
        }

        /// Matches a waiting sender with an element for it.
        mutating func match() -> (Taker, Taken)? {
            if let taker = takers.last, let taken = take(urgentOnly: false) {
                takers.removeLast()
                return (taker, taken)
            }
            if let taker = urgentTakers.last, let taken = take(urgentOnly: true) {
                urgentTakers.removeLast()
                return (taker, taken)
            }
            return nil
        }
    }

    private let state = Mutex(State())

    var count: Int { state.withLock(\.count) }

    func push(_ elements: [Element], isUrgent: Bool = false) {
        let served = state.withLock { state in
            if isUrgent {
                state.urgent.waiting.append(contentsOf: elements)
            } else {
                state.others.waiting.append(contentsOf: elements)
            }
            var served: [(Taker, Taken)] = []
            while let match = state.match() { served.append(match) }
            return served
        }
        for (taker, taken) in served { taker.resume(returning: taken) }
    }

    /// Returns the next element, and waits for one if need be; nil once the queue is closed.
    func next(urgentOnly: Bool = false) async -> Taken? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Taken?? in
                if let taken = state.take(urgentOnly: urgentOnly) { return taken }
                if state.isClosed { return .some(nil) }
                if urgentOnly { state.urgentTakers.append(continuation) } else { state.takers.append(continuation) }
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Closes the queue and returns the elements that nobody has taken.
    func close() -> [Element] {
        let (takers, left) = state.withLock { state in
            let takers = state.takers + state.urgentTakers
            let left = [state.urgent, state.others].flatMap { Array($0.waiting[$0.next...]) }
            state = State()
            state.isClosed = true
            return (takers, left)
        }
        for taker in takers { taker.resume(returning: nil) }
        return left
    }
}
