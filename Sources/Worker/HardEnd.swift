import Dispatch
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Wording

/// Ends the process if a stop takes too long, and logs the stages that had not ended.
///
/// Otherwise the supervisor would kill the process, and nobody would learn which stage hung. Nothing here runs in
/// Swift's pool of tasks: a blocking call may have taken all threads of that pool, and with them the ordinary stop.
///
/// An example with a grace time of 20 s, and so a limit of 25 s: SIGTERM arrives, and the stages stop in reverse order.
/// A disk does not answer, so the stage "receipts" waits in a write. After 25 s a thread of its own logs `not stopped
/// within 25 s, so ended hard; had not ended: receipts` and ends the process with code 1. If even the log hangs,
/// because nobody reads a full pipe, the process ends two seconds later without that line.
final class HardEnd: Sendable {
    private struct State {
        /// The running stages, in the order in which they started.
        var running: [String] = []
        var began: ContinuousClock.Instant?
    }

    private let limit: Duration
    private let logger: Logger
    private let state = Mutex(State())
    /// A queue whose thread Dispatch provides, and not Swift's pool of tasks.
    private let queue = DispatchQueue(label: "kentongan.stop")

    /// `limit` is the time that a stop may take as a whole.
    init(limit: Duration, logger: Logger) {
        self.limit = limit
        self.logger = logger
    }

    /// Listens to these signals until the process ends. The service group listens as well and acts on them.
    func watch(_ signals: [Int32]) {
        for number in signals {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The handler retains the source, so the process hears the signals until its end.
            source.setEventHandler { withExtendedLifetime(source) { self.begin() } }
            source.activate()
        }
    }

    /// Begins the stop, after a signal or the failure of a stage. Later calls have no effect.
    func begin() {
        let isFirst = state.withLock { state in
            guard state.began == nil else { return false }
            state.began = .now
            return true
        }
        guard isFirst else { return }
        logger.notice("stopping; ends within \(limit.spoken)")
        Thread.detachNewThread { [self] in
            Thread.sleep(forTimeInterval: limit / .seconds(1))
            end()
        }
    }

    /// The time at which the stop began; nil before that.
    var began: ContinuousClock.Instant? { state.withLock { $0.began } }

    /// Wraps a service so that this object knows when it runs.
    func watching(_ name: String, _ service: any Service) -> any Service {
        WatchedService(name: name, service: service, hardEnd: self)
    }

    fileprivate func enter(_ name: String) { state.withLock { $0.running.append(name) } }

    fileprivate func leave(_ name: String) {
        state.withLock { state in
            if let index = state.running.lastIndex(of: name) { state.running.remove(at: index) }
        }
    }

    /// The stages that have not ended, the one that started last first, since they end in reverse order.
    var unended: [String] { state.withLock { $0.running.reversed() } }

    private func end() -> Never {
        let stages = unended
        // The log itself may hang, when nobody reads a full pipe.
        Thread.detachNewThread { [logger, limit] in
            let what = stages.isEmpty ? "the process itself" : stages.joined(separator: ", ")
            logger.critical("not stopped within \(limit.spoken), so ended hard; had not ended: \(what)")
            _exit(1)
        }
        Thread.sleep(forTimeInterval: 2)
        _exit(1)
    }
}

/// A service that reports its start, its end and the stop.
private struct WatchedService: Service {
    let name: String
    let service: any Service
    let hardEnd: HardEnd

    func run() async throws {
        hardEnd.enter(name)
        defer { hardEnd.leave(name) }
        try await withGracefulShutdownHandler {
            try await service.run()
        } onGracefulShutdown: {
            hardEnd.begin()
        }
    }
}

/// Several services that begin to stop in the same instant.
///
/// A service group stops its services one after the other. Several channels with hanging receivers would then each take
/// their grace time in turn.
struct ServicesTogether: Service {
    let services: [any Service]

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }
}
