import Administration
import ArgumentParser
import Bulletins
import Intake
import Storage
import Worker

/// `rejected`: the messages that intake refused, with the reasons.
struct RejectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected", abstract: "Shows the messages that were refused, and why.",
        subcommands: [List.self, Show.self, Requeue.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists rejected messages, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let rejected = RejectedOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<RejectedMessage>(
                isJSON: listing.json, header: ["ID", "REASON", "PUBLISHER", "BULLETIN", "WHY"],
                cells: { ["\($0.number)", $0.reason, $0.publisher ?? "?", $0.bulletinID ?? "?", $0.firstError] },
                json: \.json)
            try await rows.print(listing, read: rejected.list)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a rejected message with all its errors.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints JSON.") var json = false

        func run() async throws {
            let rejected = RejectedOperations(.operator, store: try await CommandContext(options).store())
            let message = try await rejected.show(id)
            if json { Output.jsonLine(message.jsonWithBody) } else { printText(message) }
        }

        private func printText(_ message: RejectedMessage) {
            let time = message.receivedAt.text
            Output.line("\(message.number): \(message.reason), \(message.size) bytes from \(message.queue) at \(time)")
            for error in message.errorValues {
                func text(_ member: String) -> String { error[member]?.stringValue ?? "" }
                Output.line("  \(text("path"))  \(text("code")): \(text("message"))")
            }
            Output.lines(String(decoding: message.body, as: UTF8.self))
        }
    }

    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Judges a rejected message again, and takes it if it is good now.",
            discussion: "For a message that was refused before its publisher, region or field was registered.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            let context = try await CommandContext(options)
            let rejected = RejectedOperations(.operator, store: try context.store())
            let judge = MessageJudge(
                registries: try context.registries(), requiresUser: context.settings.broker.requiresUser)
            Output.line("\(id) is taken: \(try await rejected.requeue(id, judge: judge).sentence)")
        }
    }
}
