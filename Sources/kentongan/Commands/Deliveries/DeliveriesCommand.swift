import Administration
import ArgumentParser
import Bulletins
import Storage

/// `deliveries`: the bulletins on their way to endpoints.
struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "Shows bulletins on their way to endpoints, and tries failed ones again.",
        subcommands: [List.self, Show.self, Retry.self, Summary.self])

    fileprivate static func listing(isJSON: Bool) -> Listing<DeliveryRow> {
        Listing(
            isJSON: isJSON, header: ["ID", "BULLETIN", "REV", "CHANNEL", "STATE", "TRIES", "CODE", "ENDPOINT"],
            cells: {
                [
                    "\($0.number)", $0.bulletin.description, "\($0.revision)", $0.channel, $0.state.rawValue,
                    "\($0.attempts)", $0.code ?? "-", $0.address,
                ]
            }, json: \.json)
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists deliveries, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Option(help: "Only those of PUBLISHER/ID.") var bulletin: String?
        @Option(help: "Only those in this state.") var state: String?
        @Option(help: "Only those to this address.") var endpoint: String?

        func run() async throws {
            let filter = try DeliveryFilter(bulletin: bulletin, state: state, endpoint: endpoint)
            let deliveries = DeliveryOperations(.operator, store: try await CommandContext(options).store())
            var rows = DeliveriesCommand.listing(isJSON: listing.json)
            try await rows.print(listing) { try await deliveries.list(filter, $0) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a delivery with its attempts and the bounces of its mail.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints a JSON line.") var json = false

        func run() async throws {
            let deliveries = DeliveryOperations(.operator, store: try await CommandContext(options).store())
            let view = try await deliveries.show(id)
            if json { Output.jsonLine(view.json) } else { printText(view) }
        }

        private func printText(_ view: DeliveryView) {
            let row = view.row
            Output.line(
                "delivery \(row.number): \(row.bulletin) revision \(row.revision) to \(row.address) by \(row.channel)")
            Output.line("  \(row.state.rawValue)\(row.dueAt.map { ", due \($0.text)" } ?? "")")
            for line in view.attempts.map(\.line) + view.bounces.map(\.line) { Output.line("  \(line)") }
        }
    }

    struct Summary: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Counts deliveries by channel and state.")

        @OptionGroup var options: CommonOptions
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let deliveries = DeliveryOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<DeliveryCount>(
                isJSON: json, header: ["CHANNEL", "STATE", "COUNT"], cells: { [$0.channel, $0.state, "\($0.count)"] },
                json: \.json)
            rows.print(try await deliveries.summary())
        }
    }
}

extension DeliveriesCommand {
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has deliveries that failed tried again, with a fresh schedule.",
            discussion: """
                By number, or all that --bulletin, --endpoint, --since and --until name. With --state delivered a webhook \
                is sent again what it has lost, under the same webhook-id.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "Numbers of deliveries.") var ids: [Int64] = []
        @Option(help: "Only those of PUBLISHER/ID.") var bulletin: String?
        @Option(help: "Only those to this address.") var endpoint: String?
        @Option(help: "Only those that ended at this time (RFC 3339) or later.") var since: String?
        @Option(help: "Only those that ended before this time (RFC 3339).") var until: String?
        @Option(help: "failed, bounced or suppressed; delivered for webhooks.") var state: String?
        @Flag(help: "Prints JSON Lines.") var json = false

        func validate() throws {
            guard !ids.isEmpty || [bulletin, endpoint, since, until, state].contains(where: { $0 != nil }) else {
                throw ValidationError("name deliveries, or --bulletin, --endpoint, --since, --until or --state")
            }
        }

        func run() async throws {
            let store = try await CommandContext(options).store()
            var rows = DeliveriesCommand.listing(isJSON: json)
            try await DeliveryOperations(.operator, store: store).retry(try selection()) { rows.print($0) }
        }

        private func selection() throws -> RetrySelection {
            var typed = TypedRetry()
            (typed.numbers, typed.bulletin, typed.endpoint) = (ids, bulletin, endpoint)
            (typed.since, typed.until, typed.state) = (since, until, state)
            return try RetrySelection(typed)
        }
    }
}
