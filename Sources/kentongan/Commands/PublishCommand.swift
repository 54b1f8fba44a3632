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
        abstract: "Publishes bulletins from files, JSON or JSON Lines, with the broker's confirms.")

    @OptionGroup var options: CommonOptions
    @Argument(help: "Files, or - for standard input.") var files: [String]
    @Flag(help: "Waits for the receipts and prints them.") var wait = false
    @Flag(help: "Only validates, and says how many endpoints it would reach.") var dryRun = false
    @Flag(help: "Prints JSON Lines.") var json = false

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("a file is needed, or - for standard input") }
    }

    func run() async throws {
        let context = try await CommandContext(options)
        let bulletins = try files.flatMap { try PublishedFile.bulletins(in: $0) }
        if dryRun {
            try await DryRun(store: try context.store(), registries: try context.registries(), json: json).run(
                bulletins)
        } else {
            try await publish(bulletins, context)
        }
    }

    private func publish(_ bulletins: [PublishedFile.Entry], _ context: CommandContext) async throws {
        let broker = try context.settings.requireBroker()
        let receipts = wait ? try await ReceiptWaiter(broker: broker, logger: context.logger, json: json) : nil
        let messages = bulletins.map { $0.message(user: broker.username, replyTo: receipts?.queue) }
        var unconfirmed = 0
        for start in stride(from: 0, to: messages.count, by: 500) {
            let batch = Array(messages[start..<min(start + 500, messages.count)])
            let outcomes = try await withPublisher(broker, logger: context.logger) { try await $0.publish(batch) }
            for (message, outcome) in zip(batch, outcomes) where outcome != .confirmed {
                unconfirmed += 1
                FileHandle.standardError.write(Data("\(message.routingKey): \(Self.explain(outcome))\n".utf8))
            }
        }
        FileHandle.standardError.write(
            Data("\(messages.count - unconfirmed) of \(messages.count) confirmed by the broker\n".utf8))
        if unconfirmed > 0 { throw ExitCode.failure }
        try await receipts?.run(until: Set(messages.compactMap(\.properties.correlationID)))
    }

    private static func explain(_ outcome: PublishOutcome) -> String {
        switch outcome {
        case .confirmed: "confirmed"
        case .returned(let code, let reason):
            "no queue takes it (\(code) \(reason)); declare them with: kentongan topology apply"
        case .refused: "the broker refused it; its queue may be full"
        }
    }
}
