internal import Glibc
internal import Logging
internal import Synchronization
internal import Wording

/// A connection's thread, as the rest of the program sees it: a way to wake it, to end it, and to
/// wait for it. The connection itself is a local of the thread's body, so it needs no lock.
///
/// Each turn drains what has arrived, then sends. It never sends before it has drained: a dead
/// connection then shows as an error, where a send might hang.
final class BrokerThread: Sendable {
    let wakeup = Wakeup()
    private let watch = LinkWatch()
    private let ready = Promise<Void>()
    private let ended = Promise<Void>()
    private let stops = Atomic(false)

    /// Frames a turn, so that a flood of them does not keep acknowledgements waiting.
    private static let framesPerTurn = 2048
    /// Bytes of bodies a turn, after which the work says whether it is sated.
    private static let bytesPerTurn = 4 << 20
    private static let politeness: Duration = .seconds(2)

    /// Starts the thread and returns once its connection works.
    func start(
        _ name: String, _ settings: BrokerSettings, _ work: some BrokerWork, logger: Logger
    ) async throws(AMQPError) {
        guard PosixThread.start(name, { self.run(settings, work, logger) }) else {
            throw .connectionLost(reason: "the process may start no more threads")
        }
        do {
            try await ready.value()
        } catch {
            // The thread may hang in the resolver; it leaves when that returns.
            requestStop()
            throw error
        }
    }

    /// Ends the connection after what was posted so far, and waits until it is closed.
    func stop() async {
        requestStop()
        _ = await ended.result()
    }

    private func requestStop() {
        watch.endScope(within: Self.politeness * 2)
        stops.store(true, ordering: .releasing)
        wakeup.signal()
    }

    // MARK: - On the thread

    private func run(_ settings: BrokerSettings, _ work: some BrokerWork, _ logger: Logger) {
        var work = work
        var reason = AMQPError.cancelled
        do {
            try serve(settings, &work, logger)
        } catch {
            reason = error
        }
        watch.detach()
        work.end(reason)
        ready.fulfil(.failure(reason))
        ended.fulfil(.success(()))
        logger.debug("left the broker", metadata: ["reason": "\(reason)"])
    }

    private func serve(
        _ settings: BrokerSettings, _ work: inout some BrokerWork, _ logger: Logger
    ) throws(AMQPError) {
        let link = try BrokerLink.connect(settings)
        watch.attach(link.descriptor)
        try work.prepare(link)
        logger.debug("connected to the broker", metadata: ["address": "\(link.address)"])
        ready.fulfil(.success(()))
        do {
            try loop(link, &work)
        } catch {
            answerClose(error, link)
            throw error
        }
        if !work.isBlocked { link.closePolitely(within: Self.politeness) }
    }

    private func loop(_ link: borrowing BrokerLink, _ work: inout some BrokerWork) throws(AMQPError) {
        var pulse = Pulse(heartbeat: link.heartbeat)
        var hasMore = true  // Frames may have come with the last answer.
        while true {
            let isSated = work.isSated
            if isSated { sleepWithoutBroker() }
            let heard = sleep(until: hasMore || isSated ? .zero : pulse.tick, link)
            watch.arm(pulse.limit)
            defer { watch.disarm() }
            let isDrained = try drain(link, &work, atMost: isSated ? 1 : Self.framesPerTurn)
            try pulse.check(heard: heard)
            // Read before the turn: what was posted before the stop is part of it.
            let isLast = stops.load(ordering: .acquiring)
            hasMore = try work.turn(link) || !isDrained
            if isLast { return }
            if heard, !hasMore, work.rest > 0 { usleep(work.rest) }
        }
    }

    /// Sleeps until the program has something. Not for long: a broker whose messages nobody reads for 15 s closes
    /// the connection, and then counts one delivery more of each.
    private func sleepWithoutBroker() {
        var event = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&event, 1, 250) > 0 { wakeup.clear() }
    }

    /// Sleeps until the broker or the program has something, and returns whether the broker had.
    private func sleep(until limit: Duration, _ link: borrowing BrokerLink) -> Bool {
        var events = [
            pollfd(fd: link.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = Int32(limit / .milliseconds(1))
        guard poll(&events, 2, milliseconds) > 0 else { return false }  // EINTR is a short sleep.
        if events[1].revents != 0 { wakeup.clear() }
        return events[0].revents != 0
    }

    /// Returns whether nothing is left to read.
    private func drain(
        _ link: borrowing BrokerLink, _ work: inout some BrokerWork, atMost frames: Int
    ) throws(AMQPError) -> Bool {
        var size = 0
        for _ in 0..<frames where size < Self.bytesPerTurn {
            guard let frame = try link.nextFrame() else { return true }
            if case .body(let fragment) = frame { size += fragment.count }
            try work.handle(frame)
        }
        return false
    }

    private func answerClose(_ error: AMQPError, _ link: borrowing BrokerLink) {
        watch.arm(Self.politeness)
        switch error {
        case .channelClosed:
            link.answerClose(ofChannel: true)
            link.closePolitely(within: Self.politeness)
        case .consumerCancelled: link.closePolitely(within: Self.politeness)
        case .connectionLost: link.answerClose(ofChannel: false)
        default: break
        }
    }
}

/// Notices a broker that has fallen silent, by a clock that nobody sets. librabbitmq looks too, but
/// a quarter of a heartbeat late.
private struct Pulse {
    private let heartbeat: Duration?
    private var lastHeard = ContinuousClock.now

    init(heartbeat: Duration?) { self.heartbeat = heartbeat }

    /// How long to sleep at most, so that heartbeats leave in time.
    var tick: Duration { (heartbeat ?? .seconds(20)) / 4 }

    /// How long a turn may take: it sends no heartbeats and hears none.
    var limit: Duration { (heartbeat ?? .seconds(15)) * 1.75 }

    mutating func check(heard: Bool) throws(AMQPError) {
        let now = ContinuousClock.now
        if heard { lastHeard = now }
        guard let heartbeat, now - lastHeard >= heartbeat * 1.75 else { return }
        throw .connectionLost(reason: "the broker was silent for \((now - lastHeard).spoken)")
    }
}
