public import NIOCore
internal import Synchronization

/// Remembers what another resolver answers for a short while, and asks it once for all who want
/// the same name at the same time. Safe however old an answer is: addresses are judged when they
/// are used, not when they are looked up.
public final class CachingResolver: AddressResolving {
    typealias Answer = Result<[SocketAddress], HTTPPostError>

    private enum Entry: Sendable {
        case asking(Task<Answer, Never>)
        case known(Answer, until: NIODeadline)
    }

    private let base: any AddressResolving
    private let lifetime: TimeAmount
    private let failureLifetime: TimeAmount
    private let maximumNames: Int
    private let entries = Mutex<[String: Entry]>([:])

    /// - Parameters:
    ///   - base: the resolver that is asked.
    ///   - lifetime: how long addresses are remembered.
    ///   - failureLifetime: how long a failure is.
    ///   - maximumNames: how many names are remembered.
    public init(
        _ base: any AddressResolving, lifetime: TimeAmount = .seconds(30),
        failureLifetime: TimeAmount = .seconds(5), maximumNames: Int = 4096
    ) {
        self.base = base
        self.lifetime = lifetime
        self.failureLifetime = failureLifetime
        self.maximumNames = max(1, maximumNames)
    }

    public func resolve(
        _ host: String, port: Int
    ) async throws(HTTPPostError) -> [SocketAddress] {
        let now = NIODeadline.now()
        let entry = entries.withLock { entries -> Entry in
            switch entries[host] {
            case .asking(let task): return .asking(task)
            case .known(let answer, let until) where now < until:
                return .known(answer, until: until)
            default:
                makeRoom(in: &entries, now)
                let entry = Entry.asking(Task { await self.ask(host, port) })
                entries[host] = entry
                return entry
            }
        }
        let answer =
            switch entry {
            case .asking(let task): await task.value
            case .known(let answer, _): answer
            }
        // The port is the caller's; only the name was looked up.
        return try answer.get().map { address in
            var address = address
            address.port = port
            return address
        }
    }

    public func shutdown() async {
        await base.shutdown()
    }

    private func ask(_ host: String, _ port: Int) async -> Answer {
        let answer: Answer
        do throws(HTTPPostError) {
            answer = .success(try await base.resolve(host, port: port))
        } catch {
            answer = .failure(error)
        }
        let isGood = if case .success = answer { true } else { false }
        let until = NIODeadline.now() + (isGood ? lifetime : failureLifetime)
        entries.withLock { $0[host] = .known(answer, until: until) }
        return answer
    }

    /// Drops what is too old, or else something, when the cache is full.
    private func makeRoom(in entries: inout [String: Entry], _ now: NIODeadline) {
        guard entries.count >= maximumNames else { return }
        entries = entries.filter { _, entry in
            if case .known(_, let until) = entry { now < until } else { true }
        }
        if entries.count >= maximumNames, let victim = entries.keys.first { entries[victim] = nil }
    }
}
