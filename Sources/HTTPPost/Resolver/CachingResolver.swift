public import NIOCore
internal import Synchronization

/// Caches the answers of another resolver, and shares one lookup among simultaneous callers. An old answer is no
/// risk: the client judges an address when it connects, not when it looks the name up.
public final class CachingResolver: AddressResolving {
    typealias Answer = Result<[SocketAddress], HTTPPostError>

    private enum Entry: Sendable {
        case asking(Task<Answer, Never>)
        case known(Answer, until: NIODeadline)
    }

    private let base: any AddressResolving
    private let lifetime: TimeAmount
    private let failureLifetime: TimeAmount
    private let slowLifetime: TimeAmount
    private let staleLifetime: TimeAmount
    private let maximumNames: Int
    private let entries = Mutex<[String: Entry]>([:])
    /// The last addresses of each name, for the time when it cannot be looked up (RFC 8767).
    private let stale = Mutex<[String: (addresses: [SocketAddress], until: NIODeadline)]>([:])

    /// - Parameters:
    ///   - base: the resolver that answers.
    ///   - lifetime: how long addresses are cached.
    ///   - failureLifetime: how long a failure is cached.
    ///   - slowLifetime: how long a timeout is cached. Another lookup would block another thread.
    ///   - staleLifetime: how long old addresses may replace a failed lookup.
    ///   - maximumNames: how many names the cache holds.
    public init(
        _ base: any AddressResolving, lifetime: TimeAmount = .seconds(30),
        failureLifetime: TimeAmount = .seconds(5), slowLifetime: TimeAmount = .seconds(60),
        staleLifetime: TimeAmount = .hours(1), maximumNames: Int = 4096
    ) {
        self.base = base
        self.lifetime = lifetime
        self.failureLifetime = failureLifetime
        self.slowLifetime = slowLifetime
        self.staleLifetime = staleLifetime
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
        // The cached addresses carry the port of another call.
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
            let addresses = try await base.resolve(host, port: port)
            keep(addresses, of: host)
            answer = .success(addresses)
        } catch {
            answer = Self.isAboutHost(error) ? .failure(error) : staleAddresses(host) ?? .failure(error)
        }
        let now = NIODeadline.now()
        entries.withLock { $0[host] = lifetime(of: answer).map { .known(answer, until: now + $0) } }
        return answer
    }

    /// Whether the name itself has no address. Any other failure leaves its addresses unknown.
    private static func isAboutHost(_ error: HTTPPostError) -> Bool {
        if case .resolveFailed = error { true } else { false }
    }

    private func staleAddresses(_ host: String) -> Answer? {
        let now = NIODeadline.now()
        return stale.withLock { stale in stale[host].flatMap { now < $0.until ? .success($0.addresses) : nil } }
    }

    private func keep(_ addresses: [SocketAddress], of host: String) {
        let now = NIODeadline.now()
        stale.withLock { stale in
            if stale.count >= maximumNames { stale = stale.filter { now < $0.value.until } }
            if stale.count >= maximumNames, let victim = stale.keys.first { stale[victim] = nil }
            stale[host] = (addresses, now + staleLifetime)
        }
    }

    /// How long an answer is cached. Nil if the answer says nothing about the name.
    private func lifetime(of answer: Answer) -> TimeAmount? {
        switch answer {
        case .success: lifetime
        case .failure(.timedOut): slowLifetime
        case .failure(.resolverBusy), .failure(.closed), .failure(.cancelled): nil
        case .failure: failureLifetime
        }
    }

    /// Makes room in a full cache: drops expired entries, or else an arbitrary one.
    private func makeRoom(in entries: inout [String: Entry], _ now: NIODeadline) {
        guard entries.count >= maximumNames else { return }
        entries = entries.filter { _, entry in
            if case .known(_, let until) = entry { now < until } else { true }
        }
        if entries.count >= maximumNames, let victim = entries.keys.first { entries[victim] = nil }
    }
}

/// Looks up host names. The client trusts no answer: it judges every address before it uses one.
public protocol AddressResolving: Sendable {
    /// The addresses of a host in the order of preference, at least one.
    func resolve(_ host: String, port: Int) async throws(HTTPPostError) -> [SocketAddress]

    /// Shuts the resolver down. The client's `shutdown` calls it once.
    func shutdown() async
}

extension AddressResolving {
    /// Does nothing, for resolvers that hold no resources.
    public func shutdown() async {}
}
