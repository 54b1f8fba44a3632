import AMQP
import Administration
import ArgumentParser
import Bulletins
import Worker

/// `publish`: puts bulletins on the queue, with confirms, or judges them as intake would.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes bulletins from files, JSON or JSON Lines, with the broker's confirms.",
        discussion: "A JSON object with a specversion is sent as a CloudEvent, any other as a bulletin.")

    @OptionGroup var options: CommonOptions
    @Argument(help: "Files, or - for standard input.") var files: [String]
    @Flag(help: "Waits for the receipts and prints them.") var wait = false
    @Option(help: "With --wait, the number of seconds that may pass without a receipt.") var timeout = 30
    @Flag(help: "Only judges them as intake would, and counts the endpoints that they would reach.")
    var dryRun = false
    @Option(help: "With --dry-run, the AMQP user that would send them; that of amqp.url if none is given.")
    var user: String?
    @Flag(help: "Prints JSON Lines.") var json = false

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("a file is needed, or - for standard input") }
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 86400 seconds") }
        guard user == nil || dryRun else { throw ValidationError("--user goes with --dry-run") }
        guard !(wait && dryRun) else { throw ValidationError("--wait and --dry-run exclude each other") }
    }

    func run() async throws {
        let context = try await CommandContext(options)
        let bulletins = try files.flatMap { try PublishedBulletin.all(in: try InputFile.bytes($0), file: $0) }
        if dryRun {
            try await DryRunPrinter(context, user: user, json: json).run(bulletins)
        } else {
            try await publish(bulletins, context)
        }
    }

    private func publish(_ bulletins: [PublishedBulletin], _ context: CommandContext) async throws {
        let broker = try context.settings.broker.required()
        try await refuseOtherUsers(bulletins, broker, context)
        let receipts =
            wait
            ? try await ReceiptWaiter(
                broker: broker, patience: .seconds(timeout), logger: context.logger, json: json) : nil
        let messages = bulletins.map { $0.message(user: broker.username, replyTo: receipts?.queue) }
        let confirmed = try await send(messages, broker, context)
        Output.complain("\(confirmed) of \(messages.count) confirmed by the broker")
        if confirmed < messages.count { throw ExitCode.failure }
        let names = zip(messages, bulletins).compactMap { message, bulletin in
            message.properties.correlationID.map { ($0, bulletin.name) }
        }
        try await receipts?.run(until: Dictionary(names, uniquingKeysWith: { first, _ in first }))
    }

    private static let batch = 500

    /// Publishes batch by batch, complains of each message that the broker did not confirm, and counts those it did.
    private func send(_ messages: [OutgoingMessage], _ broker: BrokerSettings, _ context: CommandContext) async throws
        -> Int
    {
        var confirmed = 0
        for start in stride(from: 0, to: messages.count, by: Self.batch) {
            let batch = Array(messages[start..<min(start + Self.batch, messages.count)])
            let outcomes = try await withPublisher(broker, logger: context.logger) { try await $0.publish(batch) }
            confirmed += outcomes.count { $0 == .confirmed }
            for (message, outcome) in zip(batch, outcomes) where outcome != .confirmed {
                Output.complain("\(message.routingKey): \(Self.explain(outcome))")
            }
        }
        return confirmed
    }

    /// Refuses a publisher that the store knows under another AMQP user. A machine without the store leaves that to intake.
    private func refuseOtherUsers(
        _ bulletins: [PublishedBulletin], _ broker: BrokerSettings, _ context: CommandContext
    ) async throws {
        guard context.settings.broker.requiresUser, context.hasStore, let store = try? context.store() else { return }
        try await BulletinOperations(.operator, store: store).requireUser(broker.username, of: bulletins)
    }

    private static func explain(_ outcome: PublishOutcome) -> String {
        switch outcome {
        case .confirmed: "confirmed"
        case .returned(let code, let reason):
            "no queue takes it (\(code) \(reason)); declare them with: kentongan topology apply"
        case .nacked: "the broker refused it; its queue may be full"
        }
    }
}
