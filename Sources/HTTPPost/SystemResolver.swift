#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// The system's resolver (`getaddrinfo`, RFC 3493 section 6.1), on a few threads of its own, since
/// it blocks and cannot be interrupted. A caller waits no longer than the time limit; a thread
/// that hangs is left alone until it returns.
public final class SystemResolver: AddressResolving {
    /// Look-ups that may wait for a thread.
    private static let maximumPending = 256

    private let threads = NIOThreadPool(numberOfThreads: 4)
    private let pending = Atomic(0)
    private let timeout: TimeAmount
    private let group: any EventLoopGroup

    /// A resolver with its threads.
    public init(timeout: TimeAmount, eventLoopGroup: any EventLoopGroup) {
        self.timeout = timeout
        group = eventLoopGroup
        threads.start()
    }

    public func resolve(
        _ host: String, port: Int
    ) async throws(HTTPPostError) -> [SocketAddress] {
        guard pending.load(ordering: .relaxed) < Self.maximumPending else {
            throw .resolveFailed(host: host, reason: "too many look-ups hang")
        }
        pending.add(1, ordering: .relaxed)
        typealias Answer = Result<[SocketAddress], HTTPPostError>
        let promise = group.any().makePromise(of: Answer.self)
        // The later of the two completions is ignored by the promise.
        let timer = promise.futureResult.eventLoop.scheduleTask(in: timeout) {
            promise.succeed(.failure(.timedOut(host: host, stage: .resolving)))
        }
        threads.submit { item in
            self.pending.subtract(1, ordering: .relaxed)
            let isActive = item == .active
            promise.succeed(isActive ? Self.lookUp(host, port) : .failure(.closed))
        }
        let answer: Answer
        do {
            answer = try await promise.futureResult.get()
        } catch {
            answer = .failure(.resolveFailed(host: host, reason: "\(error)"))
        }
        timer.cancel()
        return try answer.get()
    }

    /// Lets look-ups that hang go on without waiting for them.
    public func shutdown() async {
        threads.shutdownGracefully { _ in }
    }

    private static func lookUp(_ host: String, _ port: Int) -> Result<
        [SocketAddress], HTTPPostError
    > {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_protocol = Int32(IPPROTO_TCP)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            return .failure(
                .resolveFailed(host: host, reason: String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = address(of: entry), !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else {
            return .failure(.resolveFailed(host: host, reason: "it has no address"))
        }
        return .success(addresses)
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        guard let pointer = UnsafeRawPointer(entry.ai_addr) else { return nil }
        // getaddrinfo gives each family its own structure (RFC 3493 section 3).
        return switch entry.ai_family {
        case AF_INET: SocketAddress(pointer.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: SocketAddress(pointer.loadUnaligned(as: sockaddr_in6.self))
        default: nil
        }
    }
}
