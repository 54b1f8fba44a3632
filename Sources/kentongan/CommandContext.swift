import Administration
import ArgumentParser
import Bulletins
import Foundation
import HTTPPost
import Logging
import NIOPosix
import Observability
import Runtime
import Storage
import StorageSQLite
import Worker

/// The options of every command.
struct CommonOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The configuration file; without it none is read, and the environment and the defaults hold.")
    var config: String?

    /// Tells people which file is read.
    var sentence: String {
        config.map { "read from \($0), and from the environment" }
            ?? "no file, as --config names none; read from the environment, and the defaults hold"
    }
}

/// The settings of a command, and the things that it opens by them.
struct CommandContext {
    let settings: Settings
    let logger: Logger

    init(_ options: CommonOptions) async throws {
        settings = try await Settings(file: options.config, environment: ProcessInfo.processInfo.environment)
        logger = CommandContext.logger(settings.logLevel)
    }

    /// Logs go to stderr; results go to stdout.
    private static func logger(_ level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "kentongan")
        logger.logLevel = level
        return logger
    }

    /// Opens the store. It must exist, unless the command is the one that makes it. Its troubles go to the log. A worker
    /// passes its context, so that its readiness tells of them too, and its metrics of the transactions.
    func store(for worker: StageContext? = nil, mayBeNew: Bool = false) throws -> any Store {
        let (watch, logger) = (StoreWatch(), logger)
        watch.observe(worker?.readiness, logger)
        let metrics = worker.map { StoreMetrics($0.metrics) }
        return try SQLiteStore(
            path: settings.store.path, mayBeNew: mayBeNew, watch: watch,
            onHold: { hold in
                metrics?.held(hold.duration, after: hold.waited)
                Self.tell(hold, to: logger)
            })
    }

    private static func tell(_ hold: WriterHold, to logger: Logger) {
        guard hold.duration > .milliseconds(20) else { return }
        let (waited, cpu) = (hold.duration / .milliseconds(1), hold.cpu / .milliseconds(1))
        logger.log(
            level: hold.duration > .seconds(1) ? .notice : .debug,
            "other writers waited \(Int(waited)) ms (\(Int(cpu)) ms of CPU) for \(hold.name)")
    }

    /// Whether this machine has the store. Publishers' machines have none.
    var hasStore: Bool { FileManager.default.fileExists(atPath: settings.store.path) }

    func registries() throws -> Registries { try settings.data.load() }

    func subscriptionReader(_ registries: Registries) -> SubscriptionReader {
        SubscriptionReader(
            CodeReader(registries), webhooks: AddressGuard(allowed: settings.webhooks.allowedNetworks))
    }

    /// Challenges webhooks with the keys of this store.
    func challenge(_ store: any Store) -> SubscriptionOperations.Challenge {
        { webhook, now in
            try await settings.webhooks.challenge(
                webhook, of: store, on: MultiThreadedEventLoopGroup.singleton, logger: logger, now: now)
        }
    }
}
