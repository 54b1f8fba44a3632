import Storage
import Synchronization

/// The questions under way. None is asked twice simultaneously, and no host takes all the room.
final class QuestionsUnderWay: Sendable {
    private struct State {
        var numbers: Set<Int64> = []
        var hosts: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private static let most = 64
    private static let mostOfHost = 8

    /// Begins a question. Returns false if it is under way already, or if there is no room.
    func begin(_ verification: HubVerification) -> Bool {
        state.withLock { state in
            guard state.numbers.count < Self.most, state.hosts[verification.host] ?? 0 < Self.mostOfHost,
                state.numbers.insert(verification.number).inserted
            else { return false }
            state.hosts[verification.host, default: 0] += 1
            return true
        }
    }

    /// Ends a question, which makes room for another one.
    func end(_ verification: HubVerification) {
        state.withLock { state in
            state.numbers.remove(verification.number)
            let left = (state.hosts[verification.host] ?? 1) - 1
            state.hosts[verification.host] = left > 0 ? left : nil
        }
    }
}
