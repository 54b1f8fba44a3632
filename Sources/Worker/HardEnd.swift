import Dispatch
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Wording

/// Ends the process when a stop takes longer than it may, and says which stages had not ended.
///
/// The supervisor would otherwise kill the process, and nobody would learn what hung. Nothing here runs in the pool of
/// Swift's tasks: a call that blocks may have taken all of that pool's threads, and with them the ordinary stop.
final class HardEnd: Sendable {
    private struct State {
        /// The stages that run, in the order in which they started.
        var running: [String] = []
        var began: ContinuousClock.Instant?
    }

    private let limit: Duration
    private let logger: Logger
    private let state = Mutex(State())
    /// Dispatch gives this queue a thread that is not one of the pool's.
    private let queue = DispatchQueue(label: "kentongan.stop")

    /// `limit` is how long a stop may take in all.
    init(limit: Duration, logger: Logger) {
        self.limit = limit
        self.logger = logger
    }

    /// Hears these signals beside the service group, which acts on them, until the process ends.
    func watch(_ signals: [Int32]) {
        for number in signals {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The handler keeps the source alive: the process hears the signals to its end.
            source.setEventHandler { withExtendedLifetime(source) { self.begin() } }
            source.activate()
        }
    }

    /// The stop begins, by a signal or by a stage that failed. Later calls change nothing.
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

    /// When the stop began; nil before that.
    var began: ContinuousClock.Instant? { state.withLock { $0.began } }

    /// The same service, under the eyes of this.
    func watching(_ name: String, _ service: any Service) -> any Service {
        WatchedService(name: name, service: service, hardEnd: self)
    }

    fileprivate func enter(_ name: String) { state.withLock { $0.running.append(name) } }

    fileprivate func leave(_ name: String) {
        state.withLock { state in
            if let index = state.running.lastIndex(of: name) { state.running.remove(at: index) }
        }
    }

    /// The stages that have not ended, the last that started first, since they end in reverse order.
    var unended: [String] { state.withLock { $0.running.reversed() } }

    private func end() -> Never {
        let stages = unended
        // The log may be what hangs, when nobody reads a pipe that is full.
        Thread.detachNewThread { [logger, limit] in
            let what = stages.isEmpty ? "the process itself" : stages.joined(separator: ", ")
            logger.critical("not stopped within \(limit.spoken), so ended hard; had not ended: \(what)")
            _exit(1)
        }
        Thread.sleep(forTimeInterval: 2)
        _exit(1)
    }
}

/// A service that says when it runs.
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

/// Several services that begin to stop in the same instant, where a service group stops one after the other: of several
/// channels whose receivers hang, each would take its grace time in turn.
struct ServicesTogether: Service {
    let services: [any Service]

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }
}
