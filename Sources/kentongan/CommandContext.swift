import ArgumentParser
import Bulletins
import Foundation
import Logging
import Observability
import Runtime
import Storage
import StorageSQLite
import Worker

/// What every command takes: where the configuration is.
struct CommonOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The configuration file; without it none is read, and the environment and the defaults hold.")
    var config: String?

    /// Which file is read, for people.
    var sentence: String {
        config.map { "read from \($0), and from the environment" }
            ?? "no file, as --config names none; read from the environment, and the defaults hold"
    }
}

/// How listings are printed.
struct ListingOptions: ParsableArguments {
    @Flag(help: "Prints JSON Lines, with every column.") var json = false
    @Option(help: "How many at most.") var limit = 100
    @Flag(help: "Prints all.") var all = false

    var count: Int { all ? Int.max : limit }

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }
}

/// What commands work with: the settings, and what they open of it.
struct CommandContext {
    let settings: Settings
    let logger: Logger

    init(_ options: CommonOptions) async throws {
        settings = try await Settings(file: options.config, environment: ProcessInfo.processInfo.environment)
        logger = CommandContext.logger(settings.logLevel)
    }

    /// Logs go to stderr; what a command prints goes to stdout.
    private static func logger(_ level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "kentongan")
        logger.logLevel = level
        return logger
    }

    /// The store, which must exist, unless the command is the one that makes it. A worker passes its context: its readiness
    /// then tells of the store's troubles, as the log does, and its metrics of the transactions.
    func store(for worker: StageContext? = nil, mayBeNew: Bool = false) throws -> any Store {
        let (watch, logger) = (StoreWatch(), logger)
        watch.observe(worker?.readiness, logger)
        let metrics = worker.map { StoreMetrics($0.metrics) }
        return try SQLiteStore(
            path: settings.store.path, mayBeNew: mayBeNew, watch: watch,
            onHold: { hold in
                metrics?.held(hold.duration)
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

    func registries() throws -> Registries { try settings.data.load() }
}
