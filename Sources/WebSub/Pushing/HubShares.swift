import Synchronization

/// The rules by which callbacks share the hub's senders and its bandwidth.
///
/// Anybody may subscribe, and a callback may take as long over an answer as the time limit allows. A callback that
/// answered quickly last time may therefore use any sender. Slow and unknown callbacks compete for a part of them. A
/// slow one may start while such callbacks hold fewer than a quarter of the senders, an unknown one while they hold
/// fewer than half, and the first unknown one of an owner while they hold fewer than three quarters. No owner's slow
/// and unknown callbacks hold more than an eighth of the senders. Each owner also has a budget of bytes, which bounds
/// what many subscriptions can make the hub send.
///
/// An example with 64 senders: an attacker subscribes 1000 callbacks that never answer. Eight of them are under way at
/// a time, and each of the others is put off by a second. Once they are known as slow, they cannot start while 16
/// senders are held. Quick callbacks use the other senders as before, and the first push to a new subscriber starts
/// while fewer than 48 are held. If each push has 200 KB, an owner gets about 80 pushes from the burst of 16 MiB, and
/// then five per second.
struct HubShares {
    /// The speed of a callback, by its last answer.
    enum Pace { case quick, unknown, slow }

    /// A push under way, which holds its share until it ends.
    struct Turn: Sendable, Equatable {
        let callback: Int64
        let owner: String
        fileprivate let isQuick: Bool
    }

    /// The bytes that an owner of callbacks may be sent in one go.
    static var burst: Int { 16 << 20 }
    /// The bytes per second by which an owner's budget grows again.
    static var bytesPerSecond: Int { 1 << 20 }
    /// The longest time of a quick answer.
    static var quick: Duration { .seconds(1) }
    private static var mostKnown: Int { 20_000 }

    /// The bytes that an owner may still be sent, and the time at which they were counted.
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

    /// `senders` is the number of pushes that may run simultaneously.
    init(senders: Int) { self.senders = senders }

    /// The speed of the callback's last answer, as far as it is known.
    func pace(_ callback: Int64) -> Pace { isQuick[callback].map { $0 ? .quick : .slow } ?? .unknown }

    /// Begins a push; nil if its share of the senders is taken.
    mutating func begin(_ callback: Int64, of owner: String) -> Turn? {
        let pace = pace(callback)
        let turn = Turn(callback: callback, owner: owner, isQuick: pace == .quick)
        guard pace != .quick else { return turn }
        let own = runningOfOwner[owner] ?? 0
        // An owner that holds no sender yet finds room beyond the half.
        let room = pace == .slow ? senders / 4 : own == 0 ? senders / 4 * 3 : senders / 2
        guard running < max(1, room), own < max(1, senders / 8) else { return nil }
        running += 1
        runningOfOwner[owner, default: 0] += 1
        return turn
    }

    /// Notes the end of a push. `answered` is the time that the callback took, or nil if it was not called.
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

    /// Takes bytes from the owner's budget. If the budget is spent, it takes none and returns the time until some is
    /// there again.
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

    /// Forgets the owners whose budget is full again.
    private mutating func forgetFull(_ now: ContinuousClock.Instant) {
        let whole = Duration.seconds(Self.burst / Self.bytesPerSecond)
        budgets = budgets.filter { $0.value.bytes < 0 || $0.value.at.duration(to: now) < whole }
    }
}
