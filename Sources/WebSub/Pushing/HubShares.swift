import Synchronization

/// Who may be pushed to now: the rules by which callbacks share the hub's senders and what it sends.
///
/// Anybody may subscribe, and a callback may take as long over an answer as the time limit allows. So a callback that
/// answered quickly last time may have any sender. Those that did not, and those of which nothing is known yet, share half
/// of the senders, one owner of callbacks an eighth; another quarter is for new callbacks of owners that have none of these
/// senders. And each owner has a budget of bytes: many subscriptions make the hub send no more than that.
struct HubShares {
    enum Pace { case quick, unknown, slow }

    /// A push under way.
    struct Turn: Sendable, Equatable {
        let callback: Int64
        let owner: String
        fileprivate let isQuick: Bool
    }

    /// Bytes that an owner of callbacks may be sent in one go, and a second.
    static var burst: Int { 16 << 20 }
    static var bytesPerSecond: Int { 1 << 20 }
    /// An answer that takes longer is slow.
    static var quick: Duration { .seconds(1) }
    private static var mostKnown: Int { 20_000 }

    private struct Budget {
        var bytes: Int
        var at: ContinuousClock.Instant
    }

    private let senders: Int
    private var isQuick: [Int64: Bool] = [:]
    private var order: [Int64] = []
    private var running = 0
    private var runningOfOwner: [String: Int] = [:]
    private var budgets: [String: Budget] = [:]

    /// `senders` is how many pushes there are simultaneously.
    init(senders: Int) { self.senders = senders }

    func pace(_ callback: Int64) -> Pace { isQuick[callback].map { $0 ? .quick : .slow } ?? .unknown }

    /// Lets a push begin; nil if its share is taken.
    mutating func begin(_ callback: Int64, of owner: String) -> Turn? {
        let pace = pace(callback)
        let turn = Turn(callback: callback, owner: owner, isQuick: pace == .quick)
        guard pace != .quick else { return turn }
        let own = runningOfOwner[owner] ?? 0
        // Who has none yet also finds room beyond the half.
        let room = pace == .slow ? senders / 4 : own == 0 ? senders / 4 * 3 : senders / 2
        guard running < max(1, room), own < max(1, senders / 8) else { return nil }
        running += 1
        runningOfOwner[owner, default: 0] += 1
        return turn
    }

    /// A push ended; `answered` is how long the callback took, nil if it was not asked.
    mutating func end(_ turn: Turn, answered: Duration?) {
        if let answered { note(turn.callback, isQuick: answered < Self.quick) }
        guard !turn.isQuick else { return }
        running -= 1
        let left = (runningOfOwner[turn.owner] ?? 1) - 1
        runningOfOwner[turn.owner] = left > 0 ? left : nil
    }

    private mutating func note(_ callback: Int64, isQuick: Bool) {
        guard self.isQuick.updateValue(isQuick, forKey: callback) == nil else { return }
        order.append(callback)
        if order.count > Self.mostKnown { self.isQuick[order.removeFirst()] = nil }
    }

    /// Takes bytes from the owner's budget. If it is spent, how long it takes until something is there again.
    mutating func spend(_ bytes: Int, of owner: String, now: ContinuousClock.Instant) -> Duration? {
        var budget = budgets[owner] ?? Budget(bytes: Self.burst, at: now)
        let earned = budget.at.duration(to: now) / .seconds(1) * Double(Self.bytesPerSecond)
        budget = Budget(bytes: min(Self.burst, budget.bytes + Int(earned)), at: now)
        guard budget.bytes > 0 else {
            budgets[owner] = budget
            return .seconds(1) + .seconds(1) * (Double(-budget.bytes) / Double(Self.bytesPerSecond))
        }
        budget.bytes -= bytes
        budgets[owner] = budget
        if budgets.count > Self.mostKnown { forgetFull(now) }
        return nil
    }

    /// Keeps nothing of owners that have their whole budget.
    private mutating func forgetFull(_ now: ContinuousClock.Instant) {
        let whole = Duration.seconds(Self.burst / Self.bytesPerSecond)
        budgets = budgets.filter { $0.value.bytes < 0 || $0.value.at.duration(to: now) < whole }
    }
}
