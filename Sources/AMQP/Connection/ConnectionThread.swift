internal import Glibc
internal import Logging
internal import Synchronization

/// The dedicated thread of one connection, as the rest of the program sees it: something to wake, to stop and to await.
///
/// The thread runs a loop. Each turn drains the socket, then sends. It never sends first: on a dead connection the
/// drain fails immediately, where a send could hang. The connection and its handler are local variables of the loop, so
/// neither needs a lock; a mailbox carries messages and requests between the loop and the program's tasks.
final class ConnectionThread: Sendable {
    let wakeup = Wakeup()
    private let watchdog = ConnectionWatchdog()
    private let ready = Promise<Void>()
    private let ended = Promise<Void>()
    private let isStopping = Atomic(false)

    /// The most frames per turn, so that a flood of them does not delay acknowledgements.
    private static let framesPerTurn = 2048
    /// The most body bytes per turn, after which the loop checks the memory limit again.
    private static let bytesPerTurn = 4 << 20
    private static let closeTimeout: Duration = .seconds(2)

    /// Starts the thread, and returns once its connection is open and set up.
    func start(
        _ name: String, _ settings: BrokerSettings, _ handler: some ConnectionHandler, logger: Logger
    ) async throws(AMQPError) {
        guard PosixThread.start(name, { self.run(settings, handler, logger) }) else {
            throw .connectionLost(reason: "the process cannot start another thread")
        }
        do {
            try await ready.value()
        } catch {
            // The thread may be blocked in the resolver; it ends when that returns.
            requestStop()
            throw error
        }
    }

    /// Sends what has been posted so far, closes the connection, and waits until it is closed.
    func stop() async {
        requestStop()
        _ = await ended.result()
    }

    private func requestStop() {
        watchdog.limitScope(to: Self.closeTimeout * 2)
        isStopping.store(true, ordering: .releasing)
        wakeup.signal()
    }

    // MARK: - On the thread

    private func run(_ settings: BrokerSettings, _ handler: some ConnectionHandler, _ logger: Logger) {
        var handler = handler
        var reason = AMQPError.cancelled
        do {
            try serve(settings, &handler, logger)
        } catch {
            reason = error
        }
        watchdog.detach()
        handler.end(reason)
        ready.fulfil(.failure(reason))
        ended.fulfil(.success(()))
        logger.debug("disconnected from the broker", metadata: ["reason": "\(reason)"])
    }

    private func serve(
        _ settings: BrokerSettings, _ handler: inout some ConnectionHandler, _ logger: Logger
    ) throws(AMQPError) {
        let connection = try BrokerConnection.connect(settings)
        watchdog.attach(connection.descriptor)
        try handler.setUp(connection)
        logger.debug("connected to the broker", metadata: ["address": "\(connection.address)"])
        ready.fulfil(.success(()))
        do {
            try loop(connection, &handler)
        } catch {
            answerClose(error, connection)
            throw error
        }
        if !handler.isBlocked { connection.closeGracefully(within: Self.closeTimeout) }
    }

    private func loop(
        _ connection: borrowing BrokerConnection, _ handler: inout some ConnectionHandler
    ) throws(AMQPError) {
        var heartbeats = HeartbeatMonitor(heartbeat: connection.heartbeat)
        var hasMore = true  // Frames may have arrived together with the last reply of the set-up.
        while true {
            let isOverLimit = handler.isOverMemoryLimit
            if isOverLimit { waitForProgram() }
            let heard = wait(atMost: hasMore || isOverLimit ? .zero : heartbeats.maximumSleep, connection)
            watchdog.arm(heartbeats.maximumTurn)
            defer { watchdog.disarm() }
            let isDrained = try drain(connection, &handler, atMost: isOverLimit ? 1 : Self.framesPerTurn)
            try heartbeats.check(heard: heard)
            // Loaded before the flush, which then includes everything that was posted before the stop.
            let isLast = isStopping.load(ordering: .acquiring)
            hasMore = try handler.flush(connection) || !isDrained
            if isLast { return }
            if heard, !hasMore, handler.batchingDelay > 0 { usleep(handler.batchingDelay) }
        }
    }

    /// Waits until the program posts something, for 250 ms at most. If the client stopped reading for 15 s, the broker
    /// would close the connection and add one to the delivery count of each unacknowledged message.
    private func waitForProgram() {
        var event = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&event, 1, 250) > 0 { wakeup.clear() }
    }

    /// Waits until the broker or the program has something, and returns whether the broker has.
    private func wait(atMost limit: Duration, _ connection: borrowing BrokerConnection) -> Bool {
        var events = [
            pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = Int32(limit / .milliseconds(1))
        guard poll(&events, 2, milliseconds) > 0 else { return false }  // EINTR only makes the wait shorter.
        if events[1].revents != 0 { wakeup.clear() }
        return events[0].revents != 0
    }

    /// Handles frames until the socket is empty or a limit of the turn is reached. Returns whether it is empty.
    private func drain(
        _ connection: borrowing BrokerConnection, _ handler: inout some ConnectionHandler, atMost frames: Int
    ) throws(AMQPError) -> Bool {
        var size = 0
        for _ in 0..<frames where size < Self.bytesPerTurn {
            guard let frame = try connection.nextFrame() else { return true }
            if case .body(let fragment) = frame { size += fragment.count }
            try handler.handle(frame)
        }
        return false
    }

    private func answerClose(_ error: AMQPError, _ connection: borrowing BrokerConnection) {
        watchdog.arm(Self.closeTimeout)
        switch error {
        case .channelClosed:
            connection.answerClose(ofChannel: true)
            connection.closeGracefully(within: Self.closeTimeout)
        case .consumerCancelled: connection.closeGracefully(within: Self.closeTimeout)
        case .connectionLost: connection.answerClose(ofChannel: false)
        default: break
        }
    }
}
