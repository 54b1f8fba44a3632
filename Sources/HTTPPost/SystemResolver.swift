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

/// The system's resolver (`getaddrinfo`, RFC 3493 section 6.1), on threads of its own, since it blocks and cannot be
/// interrupted. The time limit counts from when a thread asks; a thread that hangs is left alone until it returns.
public final class SystemResolver: AddressResolving {
    typealias Answer = Result<[SocketAddress], HTTPPostError>
    /// A name that has no address is told to have none within this time.
    private static let quick = TimeAmount.seconds(1)
    /// Asks the system.
    typealias LookUp = @Sendable (_ host: String, _ port: Int) -> Answer

    /// One question, and who waits for its answer.
    private final class Job: Sendable {
        let host: String
        let port: Int
        let promise: EventLoopPromise<Answer>
        /// A thread asks, or the caller has left.
        let isTaken = Atomic(false)

        init(_ host: String, _ port: Int, _ promise: EventLoopPromise<Answer>) {
            (self.host, self.port, self.promise) = (host, port, promise)
        }

        /// True once.
        func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
    }

    /// How long a look-up waits for a thread at most.
    private let patience: TimeAmount
    private let threads: NIOThreadPool
    private let queue: Mutex<LookUpQueue<Job>>
    private let timeout: TimeAmount
    private let group: any EventLoopGroup
    private let lookUp: LookUp

    /// A resolver with its threads.
    public convenience init(timeout: TimeAmount, eventLoopGroup: any EventLoopGroup) {
        self.init(timeout: timeout, threads: 24, eventLoopGroup: eventLoopGroup, lookUp: Self.lookUp)
    }

    init(timeout: TimeAmount, threads count: Int, eventLoopGroup: any EventLoopGroup, lookUp: @escaping LookUp) {
        self.timeout = timeout
        patience = timeout
        group = eventLoopGroup
        self.lookUp = lookUp
        threads = NIOThreadPool(numberOfThreads: count)
        queue = Mutex(LookUpQueue(threads: count))
        threads.start()
    }

    public func resolve(
        _ host: String, port: Int
    ) async throws(HTTPPostError) -> [SocketAddress] {
        let job = Job(host, port, group.any().makePromise(of: Answer.self))
        // A name that was slow has no claim on a thread; all others wait through no fault of theirs.
        let (admission, lane) = queue.withLock { ($0.add(job, for: host), $0.lane(of: host)) }
        let late: HTTPPostError =
            lane == .slow ? .timedOut(host: host, stage: .resolving) : .resolverBusy(host: host)
        switch admission {
        case .queued: giveUp(job, after: patience, late)
        case .full: job.promise.succeed(.failure(late))
        case .hangs: job.promise.succeed(.failure(.timedOut(host: host, stage: .resolving)))
        }
        pump()
        do {
            return try await job.promise.futureResult.get().get()
        } catch {
            throw error as? HTTPPostError ?? .resolveFailed(host: host, reason: "\(error)")
        }
    }

    /// Ends a look-up that no thread has taken in time.
    private func giveUp(_ job: Job, after time: TimeAmount, _ error: HTTPPostError) {
        let timer = job.promise.futureResult.eventLoop.scheduleTask(in: time) {
            guard job.take() else { return }
            _ = self.queue.withLock { $0.remove { $0 === job } }
            job.promise.succeed(.failure(error))
        }
        job.promise.futureResult.whenComplete { _ in timer.cancel() }
    }

    /// Gives free threads to those who wait.
    private func pump() {
        for job in queue.withLock({ $0.start() }) {
            threads.submit { self.ask(job, isActive: $0 == .active) }
        }
    }

    private func ask(_ job: Job, isActive: Bool) {
        let began = NIODeadline.now()
        var answer = Answer.failure(.closed)
        let isAsked = isActive && job.take()
        if isAsked {
            // The later of the two completions is ignored by the promise.
            let timer = group.any().scheduleTask(in: timeout) {
                job.promise.succeed(.failure(.timedOut(host: job.host, stage: .resolving)))
            }
            answer = lookUp(job.host, job.port)
            timer.cancel()
        }
        let outcome = outcome(of: answer, after: .now() - began)
        queue.withLock { $0.ended(job.host, isAsked ? outcome : nil) }
        job.promise.succeed(answer)
        if isActive { pump() }
    }

    private func outcome(of answer: Answer, after time: TimeAmount) -> LookUpQueue<Job>.Lane {
        if time >= timeout { return .slow }
        if case .success = answer { return .good }
        return time >= min(timeout, Self.quick) ? .slow : .unknown
    }

    /// Lets look-ups that hang go on without waiting for them.
    public func shutdown() async {
        for job in queue.withLock({ $0.remove { _ in true } }) { job.promise.succeed(.failure(.closed)) }
        threads.shutdownGracefully { _ in }
    }

    private static func lookUp(_ host: String, _ port: Int) -> Answer {
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
