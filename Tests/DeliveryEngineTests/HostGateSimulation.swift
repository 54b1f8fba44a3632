@testable import DeliveryEngine

/// A simulation of the gate against hosts with given answer times, in simulated time. It claims, sends and returns
/// items as the engine does, without a store.
struct HostGateSimulation {
    struct Item: Sendable, Equatable {
        let number: Int
        let place: Place
        let answersAfter: Duration
        var bulletin: Int64 = 0
    }

    /// The simulated store: the items that are due, and those that become due at a later tick.
    private var due: [Item] = []
    private var later: [Int: [Item]] = [:]
    private var tick = 0
    private var queue: [Item] = []
    private var ending: [Int: [Item]] = [:]
    private var running = 0
    private let gate: HostGate<Item>
    private let senders: Int
    private let ahead: Int
    let start = ContinuousClock.now
    private(set) var now: ContinuousClock.Instant
    /// The time at which each item was answered, by its number.
    private(set) var ends: [Int: Duration] = [:]
    /// The number of claims that only went back to the store.
    private(set) var returns = 0

    init(limits: HostLimits = HostLimits(), senders: Int = 64) {
        self.senders = senders
        ahead = senders * 8
        now = start
        gate = HostGate(limits: limits, senders: senders, mostParked: ahead)
    }

    mutating func add(_ items: [Item]) { due += items }

    /// Adds items before all others, as the fair order does with a small bulletin.
    mutating func addFirst(_ items: [Item]) { due = items + due }

    /// Runs for `limit`, or until all of `numbers` were answered.
    mutating func run(_ limit: Duration, until numbers: Range<Int>? = nil) {
        let last = tick + limit.ticks
        while tick < last, !isOver(numbers) {
            for item in ending.removeValue(forKey: tick) ?? [] { finish(item) }
            due += later.removeValue(forKey: tick) ?? []
            claim()
            while running < senders, !queue.isEmpty { goOn(queue.removeFirst()) }
            tick += 1
            now += .milliseconds(Duration.tick)
        }
    }

    private func isOver(_ numbers: Range<Int>?) -> Bool {
        numbers.map { numbers in tick % 10 == 0 && numbers.allSatisfy { ends[$0] != nil } } ?? false
    }

    private mutating func finish(_ item: Item) {
        running -= 1
        ends[item.number] = start.duration(to: now)
        gate.ended(at: item.place, isReachable: true, took: item.answersAfter, now: now).items.forEach { goOn($0) }
    }

    private mutating func claim() {
        guard queue.count <= ahead / 2, !gate.isFull else { return }
        let room = min(due.count, max(ahead / 4, ahead - queue.count - gate.excess))
        queue += due.prefix(room)
        due.removeFirst(room)
    }

    private mutating func goOn(_ item: Item) {
        switch gate.admit(item, to: item.place, of: item.bulletin, now: now) {
        case .parked: break
        case .go(let pause):
            running += 1
            ending[tick + (pause + item.answersAfter).ticks, default: []].append(item)
        case .back(let pause):
            returns += 1
            later[tick + pause.ticks, default: []].append(item)
            gate.passed(at: item.place.host, now: now).items.forEach { goOn($0) }
        }
    }
}

extension Duration {
    /// The length of a tick, in milliseconds.
    fileprivate static let tick = 5
    /// The duration in ticks, at least one.
    fileprivate var ticks: Int { max(1, Int(self / .milliseconds(Self.tick))) }
}
