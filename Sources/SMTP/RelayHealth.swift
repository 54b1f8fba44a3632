internal import NIOCore

/// How long a relay that did not serve is left alone: longer each time, until it serves again. A machine with the time
/// passed in.
struct RelayHealth {
    private var pause = TimeAmount.zero
    private var until = NIODeadline.uptimeNanoseconds(0)
    /// Why it rests.
    private(set) var reason = ""

    static let shortest = TimeAmount.seconds(5)
    static let longest = TimeAmount.seconds(60)

    /// Nil if it may be asked.
    func rest(at now: NIODeadline) -> TimeAmount? { now < until ? until - now : nil }

    /// Failures of messages that were sent together count as one: whether this one begins a rest.
    @discardableResult
    mutating func failed(_ reason: String, at now: NIODeadline) -> Bool {
        guard rest(at: now) == nil else { return false }
        pause = pause == .zero ? Self.shortest : min(pause + pause, Self.longest)
        until = now + pause
        self.reason = reason
        return true
    }

    mutating func served() {
        guard pause != .zero else { return }
        self = RelayHealth()
    }
}
