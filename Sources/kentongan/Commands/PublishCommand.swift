import AMQP
import ArgumentParser
import Bulletins
import Foundation
import Intake
import Storage
import Worker

/// `publish`: puts bulletins on the queue, with confirms; or says what would become of them.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes bulletins from files, JSON or JSON Lines, with the broker's confirms.",
        discussion: "A JSON object with a specversion is sent as a CloudEvent, any other as a bulletin.")

    @OptionGroup var options: CommonOptions
    @Argument(help: "Files, or - for standard input.") var files: [String]
    @Flag(help: "Waits for the receipts and prints them.") var wait = false
    @Option(help: "With --wait, how many seconds may pass without a receipt.") var timeout = 30
    @Flag(help: "Only says what intake would make of them, and how many endpoints they would reach.")
    var dryRun = false
    @Option(help: "With --dry-run, the AMQP user that would send them; that of amqp.url, if it is not given.")
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
        let bulletins = try files.flatMap { try PublishedFile.bulletins(in: $0) }
        if dryRun {
            try await DryRun(context, user: user, json: json).run(bulletins)
        } else {
            try await publish(bulletins, context)
        }
    }

    private func publish(_ bulletins: [PublishedFile.Entry], _ context: CommandContext) async throws {
        let broker = try context.settings.broker.required()
        try await refuseOtherUsers(bulletins, broker, context)
        let receipts =
            wait
            ? try await ReceiptWaiter(
                broker: broker, patience: .seconds(timeout), logger: context.logger, json: json) : nil
        let messages = bulletins.map { $0.message(user: broker.username, replyTo: receipts?.queue) }
        var unconfirmed = 0
        for start in stride(from: 0, to: messages.count, by: 500) {
            let batch = Array(messages[start..<min(start + 500, messages.count)])
            let outcomes = try await withPublisher(broker, logger: context.logger) { try await $0.publish(batch) }
            for (message, outcome) in zip(batch, outcomes) where outcome != .confirmed {
                unconfirmed += 1
                Output.complain("\(message.routingKey): \(Self.explain(outcome))")
            }
        }
        Output.complain("\(messages.count - unconfirmed) of \(messages.count) confirmed by the broker")
        if unconfirmed > 0 { throw ExitCode.failure }
        let names = zip(messages, bulletins).compactMap { message, bulletin in
            message.properties.correlationID.map { ($0, bulletin.name) }
        }
        try await receipts?.run(until: Dictionary(names, uniquingKeysWith: { first, _ in first }))
    }

    /// A publisher that the store knows under another AMQP user is refused before anything is sent: the broker would
    /// confirm the message, and intake would refuse it. A machine without the store leaves that to intake.
    private func refuseOtherUsers(
        _ bulletins: [PublishedFile.Entry], _ broker: BrokerSettings, _ context: CommandContext
    ) async throws {
        guard context.settings.broker.requiresUser, FileManager.default.fileExists(atPath: context.settings.store.path),
            let store = try? context.store()
        else { return }
        let names = Set(bulletins.compactMap { $0.bulletin?["publisher"]?.stringValue })
        let others = try await store.publishers(named: names).values.filter { $0.amqpUser != broker.username }
        guard let other = others.min(by: { $0.slug < $1.slug }) else { return }
        throw RefusedInput(
            "nothing is sent: \(other.slug) is registered for the AMQP user \(other.amqpUser), and amqp.url has the user \(broker.username), so intake would refuse it as publisher-mismatch; publish with the address of \(other.amqpUser) in KENTONGAN_AMQP_URL"
        )
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
