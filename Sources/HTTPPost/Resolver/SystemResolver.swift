public import NIOCore
internal import NIOPosix
internal import Synchronization

/// The system's resolver on threads of its own, because a lookup blocks and cannot be interrupted. The time limit
/// starts when a thread begins the lookup. A thread that hangs is left alone until the lookup returns.
public final class SystemResolver: AddressResolving {
    typealias Answer = Result<[SocketAddress], HTTPPostError>
    /// A lookup that takes longer than this without an answer marks its name as slow.
    private static let slowThreshold = TimeAmount.seconds(1)
    /// The function that asks the system. Tests replace it.
    typealias Lookup = @Sendable (_ host: String, _ port: Int) -> Answer

    /// One lookup, with the promise of its answer.
    private final class Job: Sendable {
        let host: String
        let port: Int
        let promise: EventLoopPromise<Answer>
        /// Whether a thread has begun the lookup, or the caller has left.
        let isTaken = Atomic(false)

        init(_ host: String, _ port: Int, _ promise: EventLoopPromise<Answer>) {
            (self.host, self.port, self.promise) = (host, port, promise)
        }

        /// Takes the lookup. Returns true exactly once.
        func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
    }

    /// How long a lookup waits for a thread.
    private let queueTimeout: TimeAmount
    private let threads: NIOThreadPool
    private let queue: Mutex<LookupQueue<Job>>
    private let timeout: TimeAmount
    private let group: any EventLoopGroup
    private let lookup: Lookup

    /// Creates a resolver with 24 threads.
    public convenience init(timeout: TimeAmount, eventLoopGroup: any EventLoopGroup) {
        self.init(timeout: timeout, threads: 24, eventLoopGroup: eventLoopGroup, lookup: SystemLookup.addresses)
    }

    init(timeout: TimeAmount, threads count: Int, eventLoopGroup: any EventLoopGroup, lookup: @escaping Lookup) {
        self.timeout = timeout
        queueTimeout = timeout
        group = eventLoopGroup
        self.lookup = lookup
        threads = NIOThreadPool(numberOfThreads: count)
        queue = Mutex(LookupQueue(threads: count))
        threads.start()
    }

    public func resolve(
        _ host: String, port: Int
    ) async throws(HTTPPostError) -> [SocketAddress] {
        let job = Job(host, port, group.any().makePromise(of: Answer.self))
        // A name that was slow before has no claim on a thread, so its wait counts as a timeout. For all other names
        // the resolver is at fault.
        let (admission, lane) = queue.withLock { ($0.add(job, for: host), $0.lane(of: host)) }
        let queueError: HTTPPostError =
            lane == .slow ? .timedOut(host: host, stage: .resolving) : .resolverBusy(host: host)
        switch admission {
        case .queued: giveUp(job, after: queueTimeout, queueError)
        case .full: job.promise.succeed(.failure(queueError))
        case .hangs: job.promise.succeed(.failure(.timedOut(host: host, stage: .resolving)))
        }
        pump()
        do {
            return try await job.promise.futureResult.get().get()
        } catch {
            throw error as? HTTPPostError ?? .resolveFailed(host: host, reason: "\(error)")
        }
    }

    /// Fails a lookup that no thread has begun in time.
    private func giveUp(_ job: Job, after time: TimeAmount, _ error: HTTPPostError) {
        let timer = job.promise.futureResult.eventLoop.scheduleTask(in: time) {
            guard job.take() else { return }
            _ = self.queue.withLock { $0.remove { $0 === job } }
            job.promise.succeed(.failure(error))
        }
        job.promise.futureResult.whenComplete { _ in timer.cancel() }
    }

    /// Starts waiting lookups on free threads.
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
            // The promise ignores the later of the two completions.
            let timer = group.any().scheduleTask(in: timeout) {
                job.promise.succeed(.failure(.timedOut(host: job.host, stage: .resolving)))
            }
            answer = lookup(job.host, job.port)
            timer.cancel()
        }
        let outcome = outcome(of: answer, after: .now() - began)
        queue.withLock { $0.ended(job.host, isAsked ? outcome : nil) }
        job.promise.succeed(answer)
        if isActive { pump() }
    }

    private func outcome(of answer: Answer, after time: TimeAmount) -> LookupQueue<Job>.Lane {
        if time >= timeout { return .slow }
        if case .success = answer { return .good }
        return time >= min(timeout, Self.slowThreshold) ? .slow : .unknown
    }

    /// Fails the waiting lookups, and leaves those that hang to themselves.
    public func shutdown() async {
        for job in queue.withLock({ $0.remove { _ in true } }) { job.promise.succeed(.failure(.closed)) }
        threads.shutdownGracefully { _ in }
    }
}
