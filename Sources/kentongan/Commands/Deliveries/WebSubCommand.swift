import Administration
import ArgumentParser
import Bulletins
import Storage

/// `websub`: the subscriptions of the hub.
struct WebSubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "websub", abstract: "Shows who has feeds pushed by the hub.",
        subcommands: [List.self, Show.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the hub's subscriptions, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let hub = HubOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<HubSubscriptionRow>(
                isJSON: listing.json,
                header: ["ID", "STATE", "UNTIL", "PUSHED", "FAILING", "CODE", "TOPIC", "CALLBACK"],
                cells: Self.cells, json: \.json)
            try await rows.print(listing, read: hub.list)
        }

        private static func cells(_ row: HubSubscriptionRow) -> [String] {
            [
                "\(row.number)", row.state, (row.endedAt ?? row.expiresAt).text, row.pushedAt?.text ?? "-",
                row.failingSince?.text ?? "-", row.code ?? "-", row.topic, row.callback,
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a subscription with its pushes.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints a JSON line.") var json = false

        func run() async throws {
            let view = try await HubOperations(.operator, store: try await CommandContext(options).store()).show(id)
            if json { Output.jsonLine(view.json) } else { printText(view) }
        }

        private func printText(_ view: HubSubscriptionView) {
            let row = view.row
            let end = row.endedAt.map { "ended \($0.text): \(row.why ?? "")" } ?? "until \(row.expiresAt.text)"
            Output.line("subscription \(row.number): \(row.topic) to \(row.callback)\(row.isSigned ? ", signed" : "")")
            Output.line("  \(row.state), \(end)\(row.dueAt.map { ", push due \($0.text)" } ?? "")")
            for attempt in view.attempts { Output.line("  \(attempt.line)") }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a subscription; its callback is told that it was denied.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            try await HubOperations(.operator, store: try await CommandContext(options).store()).remove(id)
            Output.line("subscription \(id) has ended")
        }
    }
}
